"""The calls of the runtime API: Converse, InvokeModel and CountTokens."""

import base64
import binascii
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from batchconsole.localbedrock import catalogue
from batchconsole.localbedrock.absent import check_guardrail, check_guardrail_headers
from batchconsole.localbedrock.converse_members import check_paths, said_back
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
from batchconsole.records.families import AnyFamily, family_for
from batchconsole.records.families.base import Completion, Refusal, Request

# Member of InvokeModel's request -> response header that repeats it.
SAID_BACK = {
    "performanceConfigLatency": "x-amzn-bedrock-performanceconfig-latency",
    "serviceTier": "x-amzn-bedrock-service-tier",
}
MALFORMED = "Malformed input request, please reformat your input and try again."


def converse(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    model = _model(params["modelId"], caller)
    _check_converses(model)
    body = {name: value for name, value in params.items() if name != "modelId"}
    response, completion = _answer(service, body, model, "Converse")
    return response | said_back(body, completion, model_id=model.model_id)


def invoke_model(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Return the provider's response in ``body``, and token counts and latency in milliseconds in the headers."""
    model = _model(params["modelId"], caller)
    started, body = time.monotonic(), _body(params.get("body", b""))
    check_guardrail_headers(params, body)
    response, completion = _answer(service, body, model, "InvokeModel")
    headers = {
        "x-amzn-bedrock-input-token-count": str(completion.input_tokens),
        "x-amzn-bedrock-output-token-count": str(completion.output_tokens),
        "x-amzn-bedrock-invocation-latency": str(int((time.monotonic() - started) * 1000)),
    }
    said = {header: params[name] for name, header in SAID_BACK.items() if name in params}
    return {"body": msgspec.json.encode(response), "contentType": "application/json", "headers": headers | said}


def count_tokens(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Return the input tokens of the request in ``input``, counted by the model server with a one-token answer."""
    model = _model(params["modelId"], caller)
    if "converse" in params["input"]:
        _check_converses(model)
        kind, body = "Converse", params["input"]["converse"]
    else:
        kind, body = "InvokeModel", _body(_bytes(params["input"]["invokeModel"]["body"]))
    with _errors():
        request = _read(body, model, kind)
        counted = msgspec.structs.replace(request, max_tokens=1, stop=[], response_format=None, extra={})
        return {"inputTokens": service.model.complete(counted, threading.Event()).input_tokens}


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationException(MALFORMED) from error


def _model(model_id: str, caller: Caller) -> Model:
    resolved = catalogue.resolve(model_id, caller)
    if resolved is None:
        raise ValidationException("The provided model identifier is invalid.")
    if said := catalogue.profile_needed(model_id, resolved, caller):
        raise ValidationException(said)
    return resolved.model


def _check_converses(model: Model) -> None:
    """Raise :class:`ValidationException` for a model that generates no text, such as an embedding model."""
    if "TEXT" not in model.output_modalities:
        raise ValidationException(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        )


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValidationException(MALFORMED) from error
    if not isinstance(body, dict):
        raise ValidationException(MALFORMED)
    return body


def _answer(service: Service, body: dict[str, Any], model: Model, kind: str) -> tuple[dict[str, Any], Completion]:
    with _errors():
        request = _read(body, model, kind)
        completion = service.model.complete(request, threading.Event())
        return _family(model, kind).write_response(body, completion, model_id=model.model_id), completion


def _read(body: dict[str, Any], model: Model, kind: str) -> Request:
    request = _family(model, kind).read_request(body, model_id=model.model_id, batch=False)
    if kind == "Converse":
        check_guardrail(body)
        check_paths(body)
    Media().put_in(request)
    return request


def _family(model: Model, kind: str) -> AnyFamily:
    family = family_for(model.model_id, kind)
    if family is None:
        raise ValidationException("The provided model identifier is invalid.")
    return family


@contextmanager
def _errors() -> Iterator[None]:
    """Convert errors of the body readers and the model to the API's errors."""
    try:
        yield
    except Refusal as error:
        raise ValidationException(str(error)) from error
    except RecordRefused as error:
        raise _refusal(error) from error
    except ModelFailed as error:
        raise ModelErrorException(str(error)) from error
    except ModelAway as error:
        raise ServiceUnavailableException(f"The model is not available: {error}") from error


def _refusal(error: RecordRefused) -> ServiceError:
    """Return the API's error for the code of a refused record; unknown codes become validation errors."""
    kinds = {
        424: ModelErrorException,
        429: ThrottlingException,
        500: InternalServerException,
        503: ServiceUnavailableException,
    }
    return kinds.get(error.code, ValidationException)(str(error))
