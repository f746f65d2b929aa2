"""OpenAI's chat completions request and response, which Bedrock takes for gpt-oss, Qwen, DeepSeek, Gemma and others.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
messages                        at least one, each with content or tool calls    OpenAI, chat completions
temperature, top_p              0 to 2, 0 to 1                                   the same
stream                          not in batch jobs                                Bedrock guide, batch inference
modelId                         not in the body: the job names the model         refused in the field
response_format                 a schema of Bedrock's subset                     Bedrock guide, structured output
image parts                     models with images only                          the catalogue
=============================== ================================================ ====================================
"""

import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta

from batchconsole.records.catalogue import bare_id
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Count, Fraction, Tokens
from batchconsole.records.families.response_formats import chat_format
from batchconsole.records.families.schema import Context, SchemaFamily, Size, max_tokens_faults
from batchconsole.records.families.schema_rules import schema_faults
from batchconsole.records.families.server_parameters import server_parameters

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
}


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class FilePart(msgspec.Struct, tag_field="type", tag="file"):
    file: dict[str, Any]


class AudioPart(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: dict[str, Any]


class VideoPart(msgspec.Struct, tag_field="type", tag="video_url"):
    """As vLLM takes it."""

    video_url: dict[str, Any]


class AudioUrlPart(msgspec.Struct, tag_field="type", tag="audio_url"):
    """As vLLM takes it."""

    audio_url: dict[str, Any]


Part = VideoPart | AudioUrlPart | TextPart | ImagePart | RefusalPart | FilePart | AudioPart


class FunctionCall(msgspec.Struct):
    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    type: Literal["function"]
    function: Function


class ChatBody(msgspec.Struct, kw_only=True):
    """Open: model servers take many more parameters. ``modelId`` and ``stream`` are read to be refused."""

    messages: list[ChatMessage]
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Fraction | None = None
    top_k: Count | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    response_format: Any = None
    stream: bool | None = None
    model_id: Any = msgspec.field(default=UNSET, name="modelId")


def chat_faults(messages: list[ChatMessage]) -> Iterator[Fault]:
    """Rules of the messages alone, shared with Mistral's chat models."""
    if not messages:
        yield rule("no-messages", "$.messages", found="no messages", expected="at least one message")
    for number, message in enumerate(messages):
        path = f"$.messages[{number}]"
        if message.content in (None, []) and not message.tool_calls:  # an empty string is taken
            yield rule("no-content", f"{path}.content", found="no content", expected="some content")
        if message.role == "tool" and not message.tool_call_id:
            yield rule("tool-call-id", path, found="no tool_call_id", expected="the id of the call it answers")


def chat_size(messages: list[ChatMessage]) -> Size:
    """Characters of text and pieces of media."""
    size = Size()
    for message in messages:
        if isinstance(message.content, str):
            size.characters += len(message.content)
        else:
            for part in message.content or ():
                size.characters += len(part.text) if isinstance(part, TextPart) else 0
                size.media += isinstance(part, ImagePart | FilePart | AudioPart)
    return size


def chat_messages(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    """The messages as plain dicts; ``developer`` is the system role that every model server knows."""
    return [_plain(message) for message in messages]


def _plain(message: ChatMessage) -> dict[str, Any]:
    plain: dict[str, Any] = {key: value for key, value in msgspec.to_builtins(message).items() if value is not None}
    plain["role"] = "system" if message.role == "developer" else message.role
    return plain | {"content": plain.get("content", "")}


def image_faults(messages: list[ChatMessage], context: Context) -> Iterator[Fault]:
    """Images for a model that takes none, shared with Mistral's chat models."""
    for number, message in enumerate(messages):
        for index, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if isinstance(part, ImagePart):
                yield from context.modality_faults("IMAGE", f"$.messages[{number}].content[{index}]")


def format_faults(given: Any) -> Iterator[Fault]:
    """A schema outside of what Bedrock takes. Source: Bedrock user guide, structured outputs."""
    named = given.get("json_schema") if isinstance(given, dict) and given.get("type") == "json_schema" else None
    if isinstance(named, dict) and "schema" in named:
        yield from schema_faults(named["schema"], "$.response_format.json_schema.schema")


def strict_tool_faults(tools: list[Tool] | None) -> Iterator[Fault]:
    """The schemas of strict tools. Source: Bedrock user guide, structured outputs."""
    for number, tool in enumerate(tools or ()):
        if tool.function.strict and tool.function.parameters is not None:
            yield from schema_faults(tool.function.parameters, f"$.tools[{number}].function.parameters")


def _choice(number: int, completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": completion.text, "refusal": None}
    if completion.tool_calls:
        message["tool_calls"] = completion.tool_calls
    logprobs = {} if completion.logprobs is None else {"logprobs": completion.logprobs}
    finish_reason = FINISH_REASONS[completion.stop_reason]
    return {"index": number, "message": message, "finish_reason": finish_reason} | logprobs


class OpenAIChat(SchemaFamily[ChatBody]):
    name: ClassVar[str] = "openai_chat"
    title: ClassVar[str] = "OpenAI chat completions"
    body: ClassVar[type[msgspec.Struct]] = ChatBody

    def faults(self, body: ChatBody, context: Context) -> Iterator[Fault]:
        if body.model_id is not UNSET:
            yield rule(
                "unknown-field",
                "$",
                found="the field modelId",
                expected="only known fields: the job names the model",
                refusal="modelId: Extra inputs are not permitted",
            )
        if body.stream and context.batch:
            yield rule(
                "stream",
                "$.stream",
                found="true",
                expected="no streaming in a batch job",
                refusal="stream: streaming is not supported in batch inference",
            )
        yield from chat_faults(body.messages)
        yield from image_faults(body.messages, context)
        yield from format_faults(body.response_format)
        yield from strict_tool_faults(body.tools)
        name = "max_tokens" if body.max_completion_tokens is None else "max_completion_tokens"
        yield from max_tokens_faults(context, f"$.{name}", getattr(body, name))

    def size(self, body: ChatBody) -> Size:
        size = chat_size(body.messages)
        size.max_tokens = body.max_completion_tokens or body.max_tokens
        return size

    def request(self, body: ChatBody) -> Request:
        stop = [body.stop] if isinstance(body.stop, str) else list(body.stop or ())
        return Request(
            messages=chat_messages(body.messages),
            max_tokens=body.max_completion_tokens or body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=stop,
            tools=msgspec.to_builtins(body.tools or []),
            tool_choice=body.tool_choice,
            response_format=chat_format(body.response_format),
        )

    def read_request(self, body: dict[str, Any], *, model_id: str = "", batch: bool = True) -> Request:
        request = super().read_request(body, model_id=model_id, batch=batch)
        request.extra = server_parameters(body)
        return request

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        answers = enumerate([completion, *completion.others])
        return {
            "id": f"chatcmpl-{completion.id or uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": bare_id(model_id),
            "choices": [_choice(number, answer) for number, answer in answers],
            "usage": {
                "prompt_tokens": completion.input_tokens,
                "completion_tokens": completion.output_tokens,
                "total_tokens": completion.input_tokens + completion.output_tokens,
            },
        }

    def sample(self) -> dict[str, Any]:
        return {
            "messages": [
                {"role": "system", "content": "You answer briefly."},
                {"role": "user", "content": "Name the capital of France in one word."},
            ],
            "max_completion_tokens": 64,
            "temperature": 0.2,
        }
