"""Lines of OpenAI's and Anthropic's batches, read strictly, and the Bedrock record that each becomes.

OpenAI's line is ``{"custom_id", "method", "url", "body"}``; source: OpenAI's API reference, batch request input.
Anthropic's request is ``{"custom_id", "params"}``; source: Anthropic's API reference, create a Message Batch.
"""

import re
from typing import Any

import msgspec

from batchconsole.records import catalogue, repair
from batchconsole.records.body_parts import Untranslatable
from batchconsole.records.foreign import ForeignLine
from batchconsole.records.foreign_members import Unreadable
from batchconsole.records.making import Made, convert_body

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
MESSAGES = "/v1/messages"
KINDS = {CHAT: "openai_chat", EMBEDDINGS: "embedding", MESSAGES: "anthropic"}
ENDPOINTS = (CHAT, EMBEDDINGS)  # OpenAI's
MESSAGE_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# How vectors are written in the answer; a record has no place for it. Source: API reference, create embeddings.
ENCODINGS = ("float", "base64")
# The formats for the records of a model's family, the first that has a place for everything in the line.
CHAT_SHAPES = {
    "openai_chat": ("openai_chat",),
    "anthropic": ("anthropic", "converse"),
    "nova": ("nova", "converse"),
}
EMBEDDING_SHAPES = {name: (name,) for name in ("titan_embeddings", "titan_multimodal_embeddings")}


class BadLine(ValueError):
    """A line that is no request, or that the model cannot take. ``code`` and ``param`` are OpenAI's."""

    def __init__(self, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A valid line: ``model`` is the name in its body, ``body`` the rest of the body."""

    custom_id: str
    model: str
    endpoint: str
    body: dict[str, Any]

    @property
    def is_base64(self) -> bool:
        """Whether it asks for vectors in base64."""
        return self.endpoint == EMBEDDINGS and self.body.get("encoding_format") == "base64"


def read_line(data: bytes, endpoint: str) -> Line:
    """Return the request in *data*, a line of a batch for *endpoint*. Raises :class:`BadLine`."""
    line = _object(data)
    if endpoint == MESSAGES:
        return _message_line(line)
    for name in ("custom_id", "method", "url", "body"):
        if name not in line:
            raise BadLine(f"The line has no {name}.", code="missing_required_parameter", param=name)
    custom_id, method, url, body = (line[name] for name in ("custom_id", "method", "url", "body"))
    if not isinstance(custom_id, str) or not custom_id.strip():
        raise BadLine("The custom_id must be a text.", code="invalid_custom_id", param="custom_id")
    if method != "POST":
        raise BadLine(f"The method is {_shown(method)}. It must be POST.", code="invalid_method", param="method")
    if url != endpoint:
        raise BadLine(f"The url is {_shown(url)}. The batch's endpoint is {endpoint}.", code="invalid_url", param="url")
    if not isinstance(body, dict):
        raise BadLine("The body is not a JSON object.", code="invalid_request", param="body")
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise BadLine("The body has no model.", code="missing_required_parameter", param="body.model")
    return Line(custom_id=custom_id, model=model, endpoint=endpoint, body=body)


def _message_line(line: dict[str, Any]) -> Line:
    for name in ("custom_id", "params"):
        if name not in line:
            raise BadLine("Field required", code="invalid_request_error", param=name)
    if unknown := sorted(line.keys() - {"custom_id", "params"}):
        raise BadLine("Extra inputs are not permitted", code="invalid_request_error", param=unknown[0][:80])
    custom_id, params = line["custom_id"], line["params"]
    if not isinstance(custom_id, str) or not MESSAGE_ID.fullmatch(custom_id):
        message = f"String should match pattern '^{MESSAGE_ID.pattern}$'"
        raise BadLine(message, code="invalid_request_error", param="custom_id")
    if not isinstance(params, dict):
        raise BadLine("Input should be an object", code="invalid_request_error", param="params")
    model = params.get("model")
    if not isinstance(model, str) or not model.strip():
        raise BadLine("Field required", code="invalid_request_error", param="params.model")
    return Line(custom_id=custom_id, model=model, endpoint=MESSAGES, body=params)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
        data.decode()
    except repair.BROKEN as error:
        raise BadLine(f"The line is not valid JSON: {error}.", code="invalid_json_line") from error
    if not isinstance(found, dict):
        raise BadLine("The line is not a JSON object.", code="invalid_json_line")
    return found


def _shown(value: Any) -> str:
    return repr(value)[:80]


def shapes_for(model_id: str, endpoint: str) -> tuple[str, ...]:
    """Return the formats for records of *model_id* that can hold requests to *endpoint*, best first."""
    family = catalogue.guess_family(model_id) or ""
    if endpoint == EMBEDDINGS:
        return EMBEDDING_SHAPES.get(family, ())
    if endpoint == MESSAGES:  # whose answers are told as the model writes them
        return ("anthropic",) if family == "anthropic" else ()
    return () if family in EMBEDDING_SHAPES else CHAT_SHAPES.get(family, ("converse",))


def is_bedrock_model(name: str) -> bool:
    """Whether *name* is a model or profile of Bedrock: an ARN, an id of the catalogue, or a newer id of its kind."""
    return name.startswith("arn:") or bool(catalogue.find_model(name) or catalogue.guess_family(name))


def make_record(line: Line, model_id: str) -> tuple[str, Made]:
    """Return the format and the record for *line*, to be answered by *model_id*. Raises :class:`BadLine`."""
    shapes = shapes_for(model_id, line.endpoint)
    if not shapes:
        message = f"The model {model_id} takes no requests to {line.endpoint}."
        raise BadLine(message, code="unsupported_model", param="body.model")
    given = {name: value for name, value in line.body.items() if name != "model"}
    if line.endpoint == EMBEDDINGS and given.get("encoding_format") in ENCODINGS:
        del given["encoding_format"]
    title, where = ("Anthropic batch", "params") if line.endpoint == MESSAGES else ("OpenAI batch", "body")
    foreign = ForeignLine(title, line.custom_id, KINDS[line.endpoint], given, where)
    refusals: list[Unreadable | Untranslatable] = []
    for shape in shapes:
        try:
            return shape, Made(line.custom_id, convert_body(foreign, shape))
        except (Unreadable, Untranslatable) as error:
            refusals.append(error)
    raise BadLine(f"{refusals[0]} {refusals[0].hint}".strip(), code="invalid_request", param=where) from refusals[0]
