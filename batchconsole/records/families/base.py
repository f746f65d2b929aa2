"""The neutral classes into and out of which every family translates. Pure data: no I/O and no model-specific shapes.

A family (Converse, Anthropic, Nova, ...) knows two shapes: the request body in a record's ``modelInput`` and the
response body in its ``modelOutput``. The rest of the project uses only the classes below.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "content_filtered"]


class Refusal(ValueError):
    """The model would refuse this request body. ``str(error)`` is the message of Bedrock's error record."""

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class Request(msgspec.Struct, kw_only=True):
    """A request body in neutral form.

    ``messages`` are OpenAI chat messages (``{"role": ..., "content": str | list}``); the system prompt, if any, comes
    first. ``max_tokens`` limits the output tokens. ``embed`` is the text of an embeddings request, which has no
    messages. ``response_format`` has OpenAI's shape (``{"type": "json_schema", "json_schema": {...}}``), whatever
    member of the body it comes from. If the function of a tool is ``strict``, its arguments must follow its schema.
    ``extra`` holds parameters that are passed to the model server unchanged.
    """

    messages: list[dict[str, Any]] = msgspec.field(default_factory=list)
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = msgspec.field(default_factory=list)
    tools: list[dict[str, Any]] = msgspec.field(default_factory=list)
    tool_choice: Any = None
    response_format: dict[str, Any] | None = None
    embed: str | None = None
    dimensions: int | None = None
    normalize: bool = True
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class Completion(msgspec.Struct, kw_only=True):
    """The response of a model server in neutral form. The token counts are the server's own.

    ``logprobs`` is OpenAI's object. If several answers were requested, ``others`` holds all but the first.
    """

    text: str = ""
    stop_reason: StopReason = "end_turn"
    stop_sequence: str | None = None
    tool_calls: list[dict[str, Any]] = msgspec.field(default_factory=list)
    embedding: list[float] | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    id: str = ""
    logprobs: Any = None
    others: list["Completion"] = msgspec.field(default_factory=list)


class Call(msgspec.Struct, frozen=True):
    """A tool call in an answer. ``arguments`` is as in the body: parsed JSON, or a string of JSON."""

    name: str
    arguments: Any


class Answer(msgspec.Struct, kw_only=True):
    """The parts of a response body to show to people. A count that the body lacks is ``None``, never 0.

    ``text`` includes the arguments of tool calls as JSON; ``calls`` lists the calls separately. ``reasoning`` is the
    model's reasoning. ``input_tokens`` excludes tokens read from or written to a prompt cache, except for OpenAI, whose
    input count includes cached tokens.
    """

    text: str = ""
    reasoning: str = ""
    stop_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    calls: Sequence[Call] = ()


class Family(Protocol):
    """One shape of request and response.

    ``name`` is the identifier in code and URLs (``anthropic``); ``title`` is for people (``Anthropic Messages``).
    """

    name: str
    title: str

    def read_request(self, body: dict[str, Any], *, model_id: str = "", batch: bool = True) -> Request:
        """Translate a request body, or raise :class:`Refusal` with Bedrock's wording if the model would refuse it.

        With *model_id*, the rules of that model are checked too. *batch* is false for a runtime API call. An image
        stored in S3 becomes an ``image_url`` part whose URL is its ``s3://`` URI.
        """

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        """Return the provider's response body for *completion*, which answers the request *body*."""

    def read_response(self, body: dict[str, Any]) -> Answer:
        """Return the text, reasoning, calls, stop reason and token counts of a response body."""

    def prompt_text(self, body: dict[str, Any]) -> str:
        """Return the last user text of the request for display, or an empty string if there is none."""

    def sample(self) -> dict[str, Any]:
        """Return a small valid request body for the models page and for tests."""
