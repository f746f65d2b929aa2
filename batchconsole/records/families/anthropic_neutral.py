"""Translate a request to Claude into OpenAI's chat format, and an OpenAI tool call back into Claude's."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.families.anthropic_body import (
    Base64Source,
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    SearchResultBlock,
    TextBlock,
    TextSource,
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)
from batchconsole.records.families.converse import tool_arguments
from batchconsole.records.families.schema import (
    content_of,
    image_part,
    text_part,
)


def neutral_system(system: str | list[TextBlock] | None) -> list[dict[str, Any]]:
    text = system if isinstance(system, str) else "\n".join(block.text for block in system or ())
    return [{"role": "system", "content": text}] if text else []


def neutral_messages(message: Message) -> Iterator[dict[str, Any]]:
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
    elif isinstance(block, ImageBlock) and isinstance(block.source, Base64Source):
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


def neutral_tool(tool: Tool) -> dict[str, Any]:
    parameters = tool.input_schema or {"type": "object"}
    function = {"name": tool.name or "", "description": tool.description or "", "parameters": parameters}
    return {"type": "function", "function": function | ({"strict": True} if tool.strict else {})}


def neutral_tool_choice(choice: ToolChoice | None) -> Any:
    if choice is None:
        return None
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name or ""}}
    return "required" if choice.type == "any" else choice.type


def tool_use_block(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": function["name"],
        "input": tool_arguments(function["arguments"]),
    }
