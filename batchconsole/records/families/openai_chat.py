"""The family of OpenAI chat completions, which Bedrock uses for gpt-oss, Qwen, DeepSeek, Gemma and others.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
messages                        at least one, each with content or tool calls    OpenAI, chat completions
temperature, top_p              0 to 2, 0 to 1                                   the same
stream                          not in batch jobs                                Bedrock guide, batch inference
modelId                         not in the body, as the job names the model      refused in the field
response_format                 a schema in Bedrock's subset                     Bedrock guide, structured output
image parts                     only for models that take images                 the catalogue
system, stop_sequences, ...     a warning: other families' fields are ignored    the same as the first
=============================== ================================================ ====================================
"""

import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta

from batchconsole.records.catalogue import bare_id
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.chat_messages import (
    ChatMessage,
    Tool,
    chat_faults,
    chat_messages,
    chat_size,
    function_tools,
    image_faults,
    tool_faults,
)
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
# Settings of other families, and what to use for them in chat completions.
FOREIGN = {
    "anthropic_version": "none: it is Claude's",
    "system": "a message whose role is system",
    "stop_sequences": "stop",
    "max_gen_len": "max_tokens",
    "inference_config": "max_tokens, temperature and top_p beside messages",
}


class ChatBody(msgspec.Struct, kw_only=True):
    """A body that accepts unknown fields, because model servers take many more parameters.

    ``modelId`` and ``stream`` are listed so that rules can refuse them. The fields after ``modelId`` belong to other
    families and are listed so that rules can warn about them.
    """

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
    anthropic_version: Any = UNSET
    system: Any = UNSET
    stop_sequences: Any = UNSET
    max_gen_len: Any = UNSET
    inference_config: Any = msgspec.field(default=UNSET, name="inferenceConfig")


def format_faults(given: Any) -> Iterator[Fault]:
    """Yield the faults of an output schema that Bedrock refuses. Source: Bedrock user guide, structured outputs."""
    named = given.get("json_schema") if isinstance(given, dict) and given.get("type") == "json_schema" else None
    if isinstance(named, dict) and "schema" in named:
        yield from schema_faults(named["schema"], "$.response_format.json_schema.schema")


def strict_tool_faults(tools: list[Tool] | None) -> Iterator[Fault]:
    """Yield the faults in the schemas of strict tools. Source: Bedrock user guide, structured outputs."""
    for number, tool in enumerate(tools or ()):
        if tool.function and tool.function.strict and tool.function.parameters is not None:
            yield from schema_faults(tool.function.parameters, f"$.tools[{number}].function.parameters")


def _choice(number: int, completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": completion.text, "refusal": None}
    if completion.tool_calls:
        message["tool_calls"] = completion.tool_calls
    logprobs = {} if completion.logprobs is None else {"logprobs": completion.logprobs}
    finish_reason = FINISH_REASONS[completion.stop_reason]
    return {"index": number, "message": message, "finish_reason": finish_reason} | logprobs


def _foreign_faults(body: ChatBody) -> Iterator[Fault]:
    """Yield a warning for each setting of another family, which chat completions name differently or lack."""
    for name, instead in FOREIGN.items():
        if getattr(body, name) is not UNSET:
            written = "inferenceConfig" if name == "inference_config" else name
            yield rule("foreign-setting", f"$.{written}", found=written, expected=instead, severity="warning")


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
        yield from _foreign_faults(body)
        yield from tool_faults(body.tools)
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
            tools=function_tools(body.tools),
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
