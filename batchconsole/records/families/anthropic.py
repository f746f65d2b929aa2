"""Anthropic's Messages request and response as Bedrock's InvokeModel takes them (``bedrock-2023-05-31``)."""

import base64
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from batchconsole.records.catalogue import bare_id
from batchconsole.records.families.anthropic_body import (
    AnthropicBody,
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    PlainAnthropicBody,
    PlainText,
    SearchResultBlock,
    TextBlock,
    TextSource,
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.converse import tool_arguments
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.refusals import pydantic_wording
from batchconsole.records.families.schema import (
    Context,
    QuickLook,
    SchemaFamily,
    Size,
    content_of,
    image_part,
    refused_sampling,
    role_faults,
    sampling_faults,
    text_part,
    token_limit,
)


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
        for number, message in enumerate(body.messages):
            yield from _message_faults(message, f"$.messages[{number}]")
        yield from _prefill_faults(body, context)
        yield from _limit_faults(body, context)
        yield from sampling_faults(
            context, temperature=("$.temperature", body.temperature), top_p=("$.top_p", body.top_p)
        )

    def quick_look(self, context: Context) -> QuickLook:
        limit, prefill = token_limit(context), not context.refuses("prefill")
        no_temperature, no_top_p, not_both = refused_sampling(context)

        def look(body: PlainAnthropicBody) -> tuple[int, int | None] | None:
            if body.max_tokens > limit or (no_temperature and body.temperature is not None):
                return None
            if body.top_p is not None and (no_top_p or (not_both and body.temperature is not None)):
                return None
            characters, last = _plain_length(body.system or ""), "assistant"
            for message in body.messages:
                if message.role == last:
                    return None
                last = message.role
                characters += _plain_length(message.content)
            return (characters, body.max_tokens) if prefill or last == "user" else None

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
            messages=_system(body.system) + [neutral for message in body.messages for neutral in _neutral(message)],
            max_tokens=body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=list(body.stop_sequences or ()),
            tools=[_openai_tool(tool) for tool in body.tools or ()],
            tool_choice=_openai_choice(body.tool_choice),
        )

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"type": "text", "text": completion.text}] if completion.text else []
        content += [_tool_use(call) for call in completion.tool_calls]
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


def _plain_length(content: str | list[PlainText]) -> int:
    return len(content) if isinstance(content, str) else sum([len(block.text) for block in content])


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(block.text) for block in content or () if isinstance(block, TextBlock))


def _message_faults(message: Message, path: str) -> Iterator[Fault]:
    dotted = path.removeprefix("$.").replace("[", ".").replace("]", "")
    if not message.content:
        yield rule(
            "no-content",
            f"{path}.content",
            found="no content",
            expected="some content",
            refusal=f"{dotted}: all messages must have non-empty content",
        )
    if isinstance(message.content, str):
        return
    for index, block in enumerate(message.content):
        where = f"{path}.content[{index}]"
        if isinstance(block, TextBlock) and not block.text:
            yield rule(
                "blank-text",
                f"{where}.text",
                found="blank text",
                expected="some text",
                refusal="messages: text content blocks must be non-empty",
            )
        wrong = ToolUseBlock if message.role == "user" else ToolResultBlock
        if isinstance(block, wrong):
            yield rule(
                "block-role",
                where,
                found=f"{block.__struct_config__.tag} in a message of the {message.role}",
                expected="tool_use from the assistant, tool_result from the user",
            )


def _prefill_faults(body: AnthropicBody, context: Context) -> Iterator[Fault]:
    if body.messages[-1].role == "assistant" and context.refuses("prefill"):
        yield rule(
            "prefill-refused",
            f"$.messages[{len(body.messages) - 1}].role",
            found="assistant",
            expected="user",
            refusal="This model does not support assistant message prefill. The conversation must end with a "
            "user message.",
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


def _system(system: str | list[TextBlock] | None) -> list[dict[str, Any]]:
    text = system if isinstance(system, str) else "\n".join(block.text for block in system or ())
    return [{"role": "system", "content": text}] if text else []


def _neutral(message: Message) -> Iterator[dict[str, Any]]:
    if isinstance(message.content, str):
        yield {"role": message.role, "content": message.content}
        return
    for block in message.content:
        if isinstance(block, ToolResultBlock):
            yield {"role": "tool", "tool_call_id": block.tool_use_id, "content": _tool_result_text(block)}
    parts = [part for block in message.content for part in _parts(block)]
    calls = [_openai_call(block) for block in message.content if isinstance(block, ToolUseBlock)]
    if parts or calls:
        neutral: dict[str, Any] = {"role": message.role, "content": content_of(parts)}
        yield neutral | ({"tool_calls": calls} if calls else {})


def _parts(block: Block) -> Iterator[dict[str, Any]]:
    if isinstance(block, TextBlock):
        yield text_part(block.text)
    elif isinstance(block, ImageBlock):
        data = base64.b64encode(block.source.data).decode()
        yield image_part(f"data:{block.source.media_type};base64,{data}")
    elif isinstance(block, DocumentBlock):
        text = block.source.data if isinstance(block.source, TextSource) else "[document]"
        yield text_part(f"{block.title}\n\n{text}" if block.title else text)
    elif isinstance(block, SearchResultBlock):
        yield text_part("\n".join([block.title, *(item.text for item in block.content)]))


def _tool_result_text(block: ToolResultBlock) -> str:
    if isinstance(block.content, str):
        return block.content
    return "\n".join(item.text for item in block.content or () if isinstance(item, TextBlock))


def _openai_call(block: ToolUseBlock) -> dict[str, Any]:
    function = {"name": block.name, "arguments": msgspec.json.encode(block.input).decode()}
    return {"id": block.id, "type": "function", "function": function}


def _openai_tool(tool: Tool) -> dict[str, Any]:
    parameters = tool.input_schema or {"type": "object"}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description or "", "parameters": parameters},
    }


def _openai_choice(choice: ToolChoice | None) -> Any:
    if choice is None:
        return None
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name or ""}}
    return "required" if choice.type == "any" else choice.type


def _tool_use(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": function["name"],
        "input": tool_arguments(function["arguments"]),
    }
