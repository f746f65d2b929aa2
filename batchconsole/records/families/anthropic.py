"""The Anthropic family: requests and responses of the Messages API with InvokeModel (``bedrock-2023-05-31``)."""

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from batchconsole.records.catalogue import bare_id
from batchconsole.records.families.anthropic_body import (
    ELSEWHERE,
    AnthropicBody,
    DocumentBlock,
    ImageBlock,
    Message,
    PlainAnthropicBody,
    PlainText,
    SearchResultBlock,
    TextBlock,
    ToolResultBlock,
)
from batchconsole.records.families.anthropic_content import message_faults, prefill_faults, system_faults
from batchconsole.records.families.anthropic_neutral import (
    neutral_messages,
    neutral_system,
    neutral_tool,
    neutral_tool_choice,
    tool_use_block,
)
from batchconsole.records.families.anthropic_tools import tool_faults
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.claude_rules import Asked, claude_faults
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.refusals import pydantic_wording
from batchconsole.records.families.response_formats import claude_format
from batchconsole.records.families.schema import (
    Context,
    QuickLook,
    SchemaFamily,
    Size,
    role_faults,
    sampling_check,
    token_limit,
)

MAX_CACHE_CONTROLS = 4


class Anthropic(SchemaFamily[AnthropicBody]):
    name: ClassVar[str] = "anthropic"
    title: ClassVar[str] = "Anthropic Messages"
    body: ClassVar[type[msgspec.Struct]] = AnthropicBody
    plain: ClassVar[type[msgspec.Struct] | None] = PlainAnthropicBody

    def word(self, fault: Fault) -> str:
        return pydantic_wording(fault)

    def faults(self, body: AnthropicBody, context: Context) -> Iterator[Fault]:
        if not body.messages:
            yield rule(
                "no-messages",
                "$.messages",
                found="no messages",
                expected="at least one message",
                refusal="messages: at least one message is required",
            )
            return
        yield from role_faults([message.role for message in body.messages], severity="warning")
        yield from system_faults(body.system)
        for number, message in enumerate(body.messages):
            is_last = number == len(body.messages) - 1
            yield from message_faults(message, f"$.messages[{number}]", context, is_last=is_last)
        yield from prefill_faults(body, context)
        yield from _limit_faults(body, context)
        yield from tool_faults(body)
        yield from claude_faults(_asked(body), context)
        yield from _cache_faults(body)
        yield from _elsewhere_faults(body)

    def quick_look(self, context: Context) -> QuickLook:
        limit, sampling = token_limit(context), sampling_check(context)

        def look(body: PlainAnthropicBody) -> tuple[int, int | None] | None:
            if body.max_tokens > limit or not sampling(body.temperature, body.top_p, body.top_k):
                return None
            if (body.stop_sequences and not all(map(str.strip, body.stop_sequences))) or _is_blank(body.system):
                return None
            characters, last = _plain_length(body.system or ""), "assistant"
            for message in body.messages:
                if message.role == last:
                    return None
                if _is_blank(message.content):
                    return None
                last = message.role
                characters += _plain_length(message.content)
            return (characters, body.max_tokens) if last == "user" else None

        return look

    def size(self, body: AnthropicBody) -> Size:
        size = Size(characters=_length(body.system), max_tokens=body.max_tokens)
        for message in body.messages:
            size.characters += _length(message.content)
            if not isinstance(message.content, str):
                size.media += sum(isinstance(block, ImageBlock | DocumentBlock) for block in message.content)
        return size

    def request(self, body: AnthropicBody) -> Request:
        return Request(
            messages=neutral_system(body.system)
            + [neutral for message in body.messages for neutral in neutral_messages(message)],
            max_tokens=body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=list(body.stop_sequences or ()),
            tools=[neutral_tool(tool) for tool in body.tools or ()],
            tool_choice=neutral_tool_choice(body.tool_choice),
            response_format=claude_format(body.output_config, body.output_format),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": completion.text}] if completion.text else []
        content += [tool_use_block(call) for call in completion.tool_calls]
        stop_reason = "refusal" if completion.stop_reason == "content_filtered" else completion.stop_reason
        return {
            "model": bare_id(model_id).removeprefix("anthropic.").partition("-v1:")[0],
            "id": f"msg_bdrk_{completion.id or uuid4().hex}",
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": completion.stop_sequence,
            "usage": {
                "input_tokens": completion.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": completion.output_tokens,
            },
        }

    def sample(self) -> dict[str, Any]:
        return {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 64,
            "system": "You answer briefly.",
            "messages": [{"role": "user", "content": "Name the capital of France in one word."}],
        }


def _is_blank(content: str | list[PlainText] | None) -> bool:
    """Whether a text, or any block of it, consists only of white space."""
    if isinstance(content, str):
        return content.isspace()
    return any(block.text.isspace() for block in content or ())


def _plain_length(content: str | list[PlainText]) -> int:
    return len(content) if isinstance(content, str) else sum([len(block.text) for block in content])


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(block.text) for block in content or () if isinstance(block, TextBlock))


def _asked(body: AnthropicBody) -> Asked:
    """Return the settings that :mod:`claude_rules` checks against each other."""
    return Asked(
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop_sequences=body.stop_sequences,
        thinking=body.thinking,
        betas=body.anthropic_beta,
        output_config=body.output_config,
        output_format=body.output_format,
        tool_choice=body.tool_choice.type if body.tool_choice else None,
        has_citations=any(map(_cites, body.messages)),
    )


def _cites(message: Message) -> bool:
    """Whether citations are enabled for any document or search result in the message, including in tool results."""
    blocks = [] if isinstance(message.content, str) else list(message.content)
    inner = [item for block in blocks if isinstance(block, ToolResultBlock) for item in _inner(block)]
    cited = [block.citations for block in [*blocks, *inner] if isinstance(block, DocumentBlock | SearchResultBlock)]
    return any(citations is not None and citations.enabled is True for citations in cited)


def _cache_faults(body: AnthropicBody) -> Iterator[Fault]:
    """Yield a fault for too many cache breakpoints. Source: Anthropic, Prompt caching; refusals seen in the field."""
    blocks = [block for message in body.messages if isinstance(message.content, list) for block in message.content]
    inner = [item for block in blocks if isinstance(block, ToolResultBlock) for item in _inner(block)]
    system = body.system if isinstance(body.system, list) else []
    held = [*blocks, *inner, *system, *(body.tools or ())]
    count = sum(getattr(block, "cache_control", None) is not None for block in held)
    if count > MAX_CACHE_CONTROLS:
        yield rule(
            "too-many-cache-controls",
            "$",
            found=f"{count} blocks with cache_control",
            expected=f"at most {MAX_CACHE_CONTROLS}",
            refusal=f"A maximum of {MAX_CACHE_CONTROLS} blocks with cache_control may be provided. Found {count}.",
        )


def _inner(block: ToolResultBlock) -> list[Any]:
    return block.content if isinstance(block.content, list) else []


def _elsewhere_faults(body: AnthropicBody) -> Iterator[Fault]:
    for name in ELSEWHERE:
        if getattr(body, name) is not None:
            yield rule(
                "not-documented-for-bedrock",
                f"$.{name}",
                found=name,
                expected="a field that Bedrock is documented to take: this one is of Anthropic's own API",
                severity="warning",
            )


def _limit_faults(body: AnthropicBody, context: Context) -> Iterator[Fault]:
    limit, model = context.max_output_tokens, context.model
    if limit is not None and model is not None and body.max_tokens > limit:
        name = model.model_id.removeprefix("anthropic.").partition("-v1:")[0]
        yield rule(
            "max-tokens-above-limit",
            "$.max_tokens",
            found=f"{body.max_tokens}",
            expected=f"at most {limit}",
            refusal=f"max_tokens: {body.max_tokens} > {limit}, which is the maximum allowed number of output "
            f"tokens for {name}",
        )
