"""The page about the JSON API, made from its OpenAPI document: each operation with what it takes and gives."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from batchconsole.api.refusals import TITLES
from batchconsole.api.v1.api import ERRORS, api

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"
# Values in the examples, by name and then by type.
EXAMPLES: dict[str, Any] = {
    "connection": "local",
    "job_name": "nightly",
    "model_id": "amazon.nova-micro-v1:0",
    "role_arn": "arn:aws:iam::123456789012:role/batch",
    "input_s3_uri": "s3://prompts/input/",
    "output_s3_uri": "s3://prompts/output/",
    "source_s3_uri": "s3://prompts/table.csv",
    "url": "https://example.com/hook",
}
OF_TYPE = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True)
class Field:
    """A parameter, or a member of a body."""

    name: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call. ``body`` and ``answer`` are names of schemas, empty if there is none; ``example`` runs in a shell."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Field]
    body: str
    body_fields: list[Field]
    answer: str
    example: str


@dataclass(frozen=True)
class Tag:
    """The operations about one noun."""

    name: str
    operations: list[Operation]


@cache
def openapi_document() -> Schema:
    """Return the document, which takes a tenth of a second to make and never changes."""
    return dict(api.get_openapi_schema())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    document = openapi_document()
    context = {
        "description": coded(document["info"]["description"]),
        "tags": tags_of(document, request.build_absolute_uri("/").rstrip("/")),
        "schemas": list(schemas_of(document)),
        "errors": [(status, TITLES[status]) for status in ERRORS],
    }
    return render(request, "console/programs/api.html", context)


def tags_of(document: Schema, origin: str) -> list[Tag]:
    """Return the operations of *document* by tag, in its order; *origin* begins the addresses of the examples."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_operation(document, origin, path, method, told))
    return [Tag(name, operations) for name, operations in found.items()]


def _operation(document: Schema, origin: str, path: str, method: str, told: Schema) -> Operation:
    body = _schema_name(told.get("requestBody", {}))
    given: Schema = next((each for status, each in told["responses"].items() if int(status) < 300), {})
    return Operation(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        description=coded(told.get("description", "")),
        parameters=[_parameter(each) for each in told.get("parameters", [])],
        body=body,
        body_fields=fields_of(document["components"]["schemas"][body]) if body else [],
        answer=_schema_name(given),
        example=_example(document, origin, path, method, told),
    )


def _schema_name(told: Schema) -> str:
    schemas = [each.get("schema", {}) for each in told.get("content", {}).values()]
    found = [each.get("$ref") or each.get("items", {}).get("$ref", "") for each in schemas]
    return found[0].removeprefix(REFERENCE) if found else ""


def coded(text: str) -> SafeString:
    """Return *text* with what stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )


def _parameter(told: Schema) -> Field:
    where = {"path": "in the address", "header": "a header"}.get(told["in"], "")
    kind = ", ".join(text for text in (kind_of(told["schema"]), where) if text)
    return Field(told["name"], kind, told.get("required", False), coded(told.get("description", "")))


def schemas_of(document: Schema) -> Iterator[tuple[str, str, list[Field]]]:
    """Yield the name, the description and the members of each schema of *document* that has members."""
    for name, schema in sorted(document["components"]["schemas"].items()):
        if schema.get("properties"):
            yield name, coded(schema.get("description", "")), fields_of(schema)


def fields_of(schema: Schema) -> list[Field]:
    """Return the members of an object."""
    required = schema.get("required", [])
    return [
        Field(name, kind_of(each), name in required, coded(each.get("description", "")))
        for name, each in schema.get("properties", {}).items()
    ]


def kind_of(schema: Schema) -> str:
    """Say in a few words which values *schema* takes."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(str(each) for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    bounds = [f"{sign} {schema[name]}" for name, sign in (("minimum", "≥"), ("maximum", "≤")) if name in schema]
    if "maxLength" in schema:
        bounds.append(f"at most {schema['maxLength']} characters")
    return ", ".join([str(schema.get("format") or schema.get("type", "any")), *bounds])


def _example(document: Schema, origin: str, path: str, method: str, told: Schema) -> str:
    """Return a curl command with a value for each parameter and member that is needed."""
    parameters = [each for each in told.get("parameters", []) if each.get("required")]
    for each in parameters:
        path = path.replace(f"{{{each['name']}}}", str(_value(each["name"], each["schema"])))
    query = {each["name"]: _value(each["name"], each["schema"]) for each in parameters if each["in"] == "query"}
    address = f"{origin}{path}" + (f"?{urlencode(query)}" if query else "")
    lines = [f'curl -H "Authorization: Bearer $KEY" {address}']
    if method != "get":
        lines[0] = lines[0].replace("curl ", f"curl -X {method.upper()} ")
    if body := _schema_name(told.get("requestBody", {})):
        members = _members(document["components"]["schemas"][body])
        lines += ["  -H 'Content-Type: application/json'", f"  -d '{json.dumps(members)}'"]
    return " \\\n".join(lines) + "\n"


def _members(schema: Schema) -> dict[str, Any]:
    return {name: _value(name, schema["properties"][name]) for name in schema.get("required", [])}


def _value(name: str, schema: Schema) -> Any:
    options = schema.get("enum") or [schema.get("default", OF_TYPE.get(schema.get("type", ""), "text"))]
    return EXAMPLES.get(name, options[0])
