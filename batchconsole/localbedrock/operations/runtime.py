"""The two calls of the runtime API: Converse and InvokeModel."""

import threading
import time
from typing import Any

import msgspec

from batchconsole.localbedrock import catalogue
from batchconsole.localbedrock.errors import (
    InternalServerException,
    ModelErrorException,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    ValidationException,
)
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.media import Media
from batchconsole.localbedrock.modelservers.base import ModelAway, ModelFailed, RecordRefused
from batchconsole.localbedrock.service import Service
from batchconsole.records.catalogue import Model
from batchconsole.records.families import family_for
from batchconsole.records.families.base import Completion, Refusal

MALFORMED = "Malformed input request, please reformat your input and try again."


def converse(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    model = _model(params["modelId"], caller)
    body = {name: value for name, value in params.items() if name != "modelId"}
    response, _ = _answer(service, body, model, "Converse")
    return response


def invoke_model(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """The provider's response in ``body``, and in the headers what AWS tells about every call: tokens and time (ms)."""
    model = _model(params["modelId"], caller)
    started = time.monotonic()
    response, completion = _answer(service, _body(params.get("body", b"")), model, "InvokeModel")
    return {
        "body": msgspec.json.encode(response),
        "contentType": "application/json",
        "headers": {
            "x-amzn-bedrock-input-token-count": str(completion.input_tokens),
            "x-amzn-bedrock-output-token-count": str(completion.output_tokens),
            "x-amzn-bedrock-invocation-latency": str(int((time.monotonic() - started) * 1000)),
        },
    }


def _model(model_id: str, caller: Caller) -> Model:
    resolved = catalogue.resolve(model_id, caller)
    if resolved is None:
        raise ValidationException("The provided model identifier is invalid.")
    model = resolved.model
    if not model.on_demand and resolved.arn == catalogue.model_arn(model, caller.region):
        raise ValidationException(
            f"Invocation of model ID {model_id} with on-demand throughput isn’t supported. "  # noqa: RUF001 - AWS's own
            "Retry your request with the ID or ARN of an inference profile that contains this model."
        )
    return model


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValidationException(MALFORMED) from error
    if not isinstance(body, dict):
        raise ValidationException(MALFORMED)
    return body


def _answer(service: Service, body: dict[str, Any], model: Model, kind: str) -> tuple[dict[str, Any], Completion]:
    family = family_for(model.model_id, kind)
    if family is None:
        raise ValidationException("The provided model identifier is invalid.")
    try:
        request = family.read_request(body, model_id=model.model_id, batch=False)
        Media().put_in(request)
        completion = service.model.complete(request, threading.Event())
        return family.write_response(body, completion, model_id=model.model_id), completion
    except Refusal as error:
        raise ValidationException(str(error)) from error
    except RecordRefused as error:
        raise _refusal(error) from error
    except ModelFailed as error:
        raise ModelErrorException(str(error)) from error
    except ModelAway as error:
        raise ServiceUnavailableException(f"The model is not available: {error}") from error


def _refusal(error: RecordRefused) -> ServiceError:
    """The API's error for a record error of the same code."""
    kinds = {
        424: ModelErrorException,
        429: ThrottlingException,
        500: InternalServerException,
        503: ServiceUnavailableException,
    }
    return kinds.get(error.code, ValidationException)(str(error))
