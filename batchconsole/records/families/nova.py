"""The Amazon Nova family with InvokeModel (schema messages-v1). Its messages have Converse's shape.

=============================== ================================================ ====================================
field                           rule                                             source
=============================== ================================================ ====================================
messages, system                as in Converse, see ``conversation_rules``       Nova guide, complete request schema
maxTokens                       the model's limit                                the same
temperature, topP               0 to 1                                           the same
topK                            warning above 128; 250 was accepted              the same; AWS's own sample
max_new_tokens, top_p, top_k    older spellings, not with the newer ones         Nova guide
reasoningConfig                 see ``nova_rules``                               Nova 2 guide, Extended thinking
... in inferenceConfig          the same                                         Nova 2 guide, Using the Invoke API
a tool's inputSchema            no top-level ``definitions`` (Nova 1)            refused in the field: zed issue 31815
=============================== ================================================ ====================================
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.conversation import (
    conversation_media,
    conversation_size,
    neutral_messages,
    neutral_tools,
    plain_characters,
)
from batchconsole.records.families.conversation_rules import conversation_faults, system_faults, tool_faults
from batchconsole.records.families.converse import response_body
from batchconsole.records.families.converse_body import (
    Message,
    PlainBlock,
    PlainMessages,
    Shape,
    SystemBlock,
    ToolConfig,
)
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.fields import Count, Fraction, Text, Tokens
from batchconsole.records.families.nova_rules import nova_tool_faults, reasoning_faults
from batchconsole.records.families.schema import Context, QuickLook, SchemaFamily, Size, max_tokens_faults, token_limit

TOP_K = 128  # the guide's limit; the model has accepted higher values
ALIASES = (("max_tokens", "max_new_tokens"), ("top_p", "top_p_snake"), ("top_k", "top_k_snake"))


class NovaConfig(Shape):
    """The inference settings, with camelCase names and the older snake_case ones."""

    max_tokens: Tokens | None = None
    max_new_tokens: Tokens | None = msgspec.field(default=None, name="max_new_tokens")
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    top_p_snake: Fraction | None = msgspec.field(default=None, name="top_p")
    top_k: Count | None = None
    top_k_snake: Count | None = msgspec.field(default=None, name="top_k")
    stop_sequences: list[Text] | None = None
    reasoning_config: dict[str, Any] | None = None  # Nova 2; also allowed next to inferenceConfig


class NovaBody(Shape):
    messages: list[Message]
    system: list[SystemBlock] | None = None
    inference_config: NovaConfig | None = None
    tool_config: ToolConfig | None = None
    reasoning_config: dict[str, Any] | None = None  # Nova 2
    additional_model_request_fields: dict[str, Any] | None = None
    schema_version: Literal["messages-v1"] | None = None


class PlainNovaBody(Shape):
    """The subset of :class:`NovaBody` that most records use: only text and no tools."""

    messages: PlainMessages
    system: list[PlainBlock] | None = None
    inference_config: NovaConfig | None = None
    schema_version: Literal["messages-v1"] | None = None


def _either(config: NovaConfig | None, name: str, alias: str) -> Any:
    value = getattr(config, name, None)
    return value if value is not None else getattr(config, alias, None)


def _doubles(config: NovaConfig | None) -> Iterator[str]:
    for name, alias in ALIASES:
        if getattr(config, name, None) is not None and getattr(config, alias, None) is not None:
            yield name


def _top_k_faults(config: NovaConfig | None) -> Iterator[Fault]:
    """Yield a warning if top-k is above the guide's limit. AWS's own sample sends 250 and succeeds."""
    value = _either(config, *ALIASES[2])
    if value is not None and value > TOP_K:
        yield rule(
            "top-k-above-guide",
            "$.inferenceConfig.topK",
            found=f"{value}",
            expected=f"at most {TOP_K}, as the guide says",
            severity="warning",
        )


def _chosen(config: NovaConfig | None) -> dict[str, Any]:
    """Return the settings that are not allowed with a high reasoning effort."""
    return {
        "maxTokens": _either(config, *ALIASES[0]),
        "temperature": config.temperature if config else None,
        "topP": _either(config, *ALIASES[1]),
    }


class Nova(SchemaFamily[NovaBody]):
    name: ClassVar[str] = "nova"
    title: ClassVar[str] = "Amazon Nova"
    body: ClassVar[type[msgspec.Struct]] = NovaBody
    plain: ClassVar[type[msgspec.Struct] | None] = PlainNovaBody

    def faults(self, body: NovaBody, context: Context) -> Iterator[Fault]:
        yield from conversation_faults(body.messages, context)
        config = body.inference_config
        for name in _doubles(config):
            yield rule("given-twice", "$.inferenceConfig", found=f"{name} in both spellings", expected="one of them")
        limit = _either(config, *ALIASES[0])
        path = "maxTokens" if config is not None and config.max_tokens is not None else "max_new_tokens"
        yield from max_tokens_faults(context, f"$.inferenceConfig.{path}", limit)
        yield from system_faults(body.system)
        yield from tool_faults(body.messages, body.tool_config)
        yield from nova_tool_faults(body.tool_config, context)
        yield from _top_k_faults(config)
        chosen = _chosen(config)
        yield from reasoning_faults(body.reasoning_config, context, path="$.reasoningConfig", chosen=chosen)
        inner = config.reasoning_config if config else None
        yield from reasoning_faults(inner, context, path="$.inferenceConfig.reasoningConfig", chosen=chosen)

    def quick_look(self, context: Context) -> QuickLook:
        limit = token_limit(context)

        def look(body: PlainNovaBody) -> tuple[int, int | None] | None:
            characters = plain_characters(body.messages, body.system)
            config = body.inference_config
            if characters is None or config is None:
                return None if characters is None else (characters, None)
            tokens: int | None = config.max_tokens if config.max_new_tokens is None else config.max_new_tokens
            if (config.top_k or config.top_k_snake or 0) > TOP_K or config.reasoning_config is not None:
                return None
            twice = next(_doubles(config), None)
            return None if twice or (tokens is not None and tokens > limit) else (characters, tokens)

        return look

    def size(self, body: NovaBody) -> Size:
        size = conversation_size(body.messages, body.system)
        size.max_tokens = _either(body.inference_config, *ALIASES[0])
        return size

    def media(self, body: NovaBody) -> Iterator[tuple[str, str]]:
        return conversation_media(body.messages)

    def request(self, body: NovaBody) -> Request:
        config = body.inference_config
        return Request(
            messages=neutral_messages(body.messages, body.system),
            max_tokens=_either(config, *ALIASES[0]),
            temperature=config.temperature if config else None,
            top_p=_either(config, *ALIASES[1]),
            top_k=_either(config, *ALIASES[2]),
            stop=list((config.stop_sequences if config else None) or ()),
            **neutral_tools(body.tool_config),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        response = response_body(completion)
        response["usage"] |= {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}
        return response

    def sample(self) -> dict[str, Any]:
        return {
            "schemaVersion": "messages-v1",
            "system": [{"text": "You answer briefly."}],
            "messages": [{"role": "user", "content": [{"text": "Name the capital of France in one word."}]}],
            "inferenceConfig": {"maxTokens": 64, "temperature": 0.2},
        }
