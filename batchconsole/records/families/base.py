"""The words every model family is translated into and out of. Pure data: no I/O, no model's own shape.

A family (Converse, Anthropic, Nova, ...) knows two shapes: the request body found in a record's ``modelInput`` and the
response body found in its ``modelOutput``. Everything else in the project speaks only of the classes below.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "content_filtered"]


class Refusal(ValueError):
    """The model would refuse this request body; ``str(error)`` is what Bedrock writes into the record's error."""

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class Request(msgspec.Struct, kw_only=True):
    """A request body in neutral words.

    ``messages`` are OpenAI chat messages (``{"role": ..., "content": str | list}``), the system prompt first when there
    is one. ``max_tokens`` counts output tokens. ``embed`` is the text of an embeddings request, which has no messages.
    ``response_format`` is OpenAI's (``{"type": "json_schema", "json_schema": {...}}``), whichever member of
    the body asked for it; a tool of ``tools`` whose function says ``strict`` has its arguments bound to its schema.
    ``extra`` holds parameters that are passed to the model server as they are.
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
    """What a model server answered, in neutral words. Token counts are the server's own.

    ``logprobs`` is OpenAI's object; ``others`` are the answers beside the first when several were asked for.
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
    """A tool that an answer calls. ``arguments`` is what it passes, as the body has it: parsed, or JSON in a string."""

    name: str
    arguments: Any


class Answer(msgspec.Struct, kw_only=True):
    """What a person wants to see of a response body. A count the body does not carry is ``None``, never 0.

    ``text`` holds tool calls as JSON, ``calls`` has them apart; ``reasoning`` is what the model thought before it.
    Tokens read from a prompt cache or written into one are not among the ``input_tokens``.
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

    ``name`` is the identifier used in code and URLs (``anthropic``), ``title`` what a person reads (``Anthropic
    Messages``).
    """

    name: str
    title: str

    def read_request(self, body: dict[str, Any], *, model_id: str = "", batch: bool = True) -> Request:
        """Translate a request body; raises :class:`Refusal` with Bedrock's wording when the model would refuse it.

        With *model_id* the rules of that model are checked too; *batch* is false for a call of the runtime API. An
        image that lies in S3 becomes an ``image_url`` part whose URL is its ``s3://`` URI.
        """

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        """Make the provider's response body from *completion*; *body* is the request it answers."""

    def read_response(self, body: dict[str, Any]) -> Answer:
        """Pick text, stop reason and token counts out of a response body."""

    def prompt_text(self, body: dict[str, Any]) -> str:
        """The request's last user text for display; an empty string when there is none."""

    def sample(self) -> dict[str, Any]:
        """A small valid request body, for the models page and for tests."""
