"""A test client that holds each answer of the JSON API against its description."""

import re
from functools import cache
from typing import Any

import jsonschema_rs
from django.test import Client

from batchconsole.api.v1.docs import openapi_document


class DescribedClient(Client):
    """Django's client; an answer that the OpenAPI document does not describe fails the test."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        if operation := operation_of(request["PATH_INFO"], request["REQUEST_METHOD"]):
            require_described(operation, answer)
        return answer


def operation_of(path: str, method: str) -> str:
    """Return the path of the operation at an address in the document; empty for one that is not there."""
    found = (each for each, pattern in _patterns().items() if pattern.fullmatch(path))
    return next((each for each in found if method.lower() in openapi_document()["paths"][each]), "")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in openapi_document()["paths"]}


def require_described(path: str, answer: Any) -> None:
    method = answer.request["REQUEST_METHOD"].lower()
    responses = openapi_document()["paths"][path][method]["responses"]
    told = {int(status): each for status, each in responses.items()}
    assert answer.status_code in told, f"{method} {path} does not describe {answer.status_code}."
    content = told[answer.status_code].get("content", {})
    kind = answer.get("Content-Type", "").partition(";")[0]
    assert kind in content or not content, f"{method} {path} does not describe {kind}."
    if content and kind.endswith("json"):
        _validator(path, method, answer.status_code, kind).validate(answer.json())


@cache
def _validator(path: str, method: str, status: int, kind: str) -> Any:
    document = openapi_document()
    responses = document["paths"][path][method]["responses"]
    content = next(each for code, each in responses.items() if int(code) == status)["content"]
    schema = {"components": document["components"], **content[kind]["schema"]}
    return jsonschema_rs.validator_for(schema, validate_formats=True)
