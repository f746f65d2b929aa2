"""The Converse family: one request and response for any model (API model of bedrock-runtime, Converse)."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.conversation import (
    conversation_faults,
    conversation_media,
    conversation_size,
    neutral_messages,
    neutral_tools,
    plain_characters,
)
from batchconsole.records.families.converse_body import ConverseBody, InferenceConfig, PlainConverseBody
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.schema import (
    Context,
    QuickLook,
    SchemaFamily,
    Size,
    max_tokens_faults,
    refused_sampling,
    sampling_faults,
    token_limit,
)


def response_body(completion: Completion) -> dict[str, Any]:
    """The members that the Converse and the Nova response have in common."""
    content: list[dict[str, Any]] = [{"text": completion.text}] if completion.text or not completion.tool_calls else []
    content += [{"toolUse": _tool_use(call)} for call in completion.tool_calls]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": completion.stop_reason,
        "usage": {
            "inputTokens": completion.input_tokens,
            "outputTokens": completion.output_tokens,
            "totalTokens": completion.input_tokens + completion.output_tokens,
        },
    }


def _tool_use(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {"toolUseId": call["id"], "name": function["name"], "input": tool_arguments(function["arguments"])}


def tool_arguments(arguments: str) -> Any:
    """The arguments of an OpenAI tool call; a model's broken JSON is kept as ``{"arguments": text}``."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"arguments": arguments}


class Converse(SchemaFamily[ConverseBody]):
    name: ClassVar[str] = "converse"
    title: ClassVar[str] = "Converse"
    body: ClassVar[type[msgspec.Struct]] = ConverseBody
    plain: ClassVar[type[msgspec.Struct] | None] = PlainConverseBody

    def faults(self, body: ConverseBody, context: Context) -> Iterator[Fault]:
        yield from conversation_faults(body.messages, context)
        if body.inference_config is not None:
            yield from _config_faults(body.inference_config, context)
        yield from _tool_faults(body, context)

    def quick_look(self, context: Context) -> QuickLook:
        limit, prefill = token_limit(context), not context.refuses("prefill")
        no_temperature, no_top_p, not_both = refused_sampling(context)

        def look(body: PlainConverseBody) -> tuple[int, int | None] | None:
            characters = plain_characters(body.messages, body.system)
            if characters is None or not (prefill or body.messages[-1].role == "user"):
                return None
            config = body.inference_config
            if config is None:
                return characters, None
            tokens = config.max_tokens
            if tokens is not None and tokens > limit:
                return None
            if config.top_p is not None and (no_top_p or (not_both and config.temperature is not None)):
                return None
            return None if no_temperature and config.temperature is not None else (characters, tokens)

        return look

    def size(self, body: ConverseBody) -> Size:
        size = conversation_size(body.messages, body.system)
        size.max_tokens = body.inference_config.max_tokens if body.inference_config else None
        return size

    def media(self, body: ConverseBody) -> Iterator[tuple[str, str]]:
        return conversation_media(body.messages)

    def request(self, body: ConverseBody) -> Request:
        config = body.inference_config
        extra = dict(body.additional_model_request_fields or {})
        return Request(
            messages=neutral_messages(body.messages, body.system),
            max_tokens=config.max_tokens if config else None,
            temperature=config.temperature if config else None,
            top_p=config.top_p if config else None,
            top_k=_top_k(extra),
            stop=list((config.stop_sequences if config else None) or ()),
            extra=extra,
            **neutral_tools(body.tool_config),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        return response_body(completion) | {"metrics": {"latencyMs": completion.latency_ms}}

    def sample(self) -> dict[str, Any]:
        return {
            "messages": [{"role": "user", "content": [{"text": "Name the capital of France in one word."}]}],
            "system": [{"text": "You answer briefly."}],
            "inferenceConfig": {"maxTokens": 64, "temperature": 0.2},
        }


def _top_k(extra: dict[str, Any]) -> int | None:
    """Takes ``top_k`` (Claude) or ``topK`` out of the additional fields, where Converse puts it."""
    value = extra.pop("top_k", extra.pop("topK", None))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _config_faults(config: InferenceConfig, context: Context) -> Iterator[Fault]:
    path = "$.inferenceConfig"
    yield from max_tokens_faults(context, f"{path}.maxTokens", config.max_tokens)
    yield from sampling_faults(
        context, temperature=(f"{path}.temperature", config.temperature), top_p=(f"{path}.topP", config.top_p)
    )


def _tool_faults(body: ConverseBody, context: Context) -> Iterator[Fault]:
    if body.tool_config is not None and context.batch:
        yield rule(
            "tools-in-batch",
            "$.toolConfig",
            found="toolConfig",
            expected="no tools: batch jobs take them only with InvokeModel",
            refusal="Tool use is not supported for Converse batch inference requests.",
        )
