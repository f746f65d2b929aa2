"""Messages made of content blocks, which Converse and Nova share: their size, media and translation."""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.families.converse_body import (
    ContentBlock,
    Document,
    MediaSource,
    Message,
    PlainBlock,
    PlainMessage,
    SystemBlock,
    Tool,
    ToolChoice,
    ToolConfig,
    ToolResult,
    ToolResultBlock,
)
from batchconsole.records.families.schema import (
    Size,
    content_of,
    image_part,
    text_part,
)

TEXT_FORMATS = frozenset({"csv", "html", "txt", "md"})


def conversation_size(messages: list[Message], system: list[SystemBlock] | None) -> Size:
    """Return the number of characters of text and of media blocks."""
    blocks = [block for message in messages for block in message.content]
    characters = sum(len(block.text) for block in blocks if block.text)
    characters += sum(len(block.text) for block in system or () if block.text)
    media = sum(1 for block in blocks if block.text is None and (block.image or block.document or block.video))
    return Size(characters=characters, media=media)


def plain_characters(messages: list[PlainMessage], system: list[PlainBlock] | None) -> int | None:
    """Return the number of characters in a text-only conversation, or ``None`` if it may break a rule."""
    characters, last = 0, "assistant"
    for message in messages:
        if message.role == last:
            return None
        last = message.role
        for block in message.content:
            if block.text.isspace():
                return None
            characters += len(block.text)
    for block in system or ():
        if block.text.isspace():
            return None
        characters += len(block.text)
    return characters


def conversation_media(messages: list[Message]) -> Iterator[tuple[str, str]]:
    """Yield the path and S3 URI of every image, document, video and audio block in S3, also in tool results."""
    for number, message in enumerate(messages):
        for index, block in enumerate(message.content):
            path = f"$.messages[{number}].content[{index}]"
            yield from _block_media(block, path)
            for place, item in enumerate(block.tool_result.content if block.tool_result else ()):
                yield from _block_media(item, f"{path}.toolResult.content[{place}]")


def neutral_messages(messages: list[Message], system: list[SystemBlock] | None) -> list[dict[str, Any]]:
    """Return the conversation as OpenAI chat messages, the system prompt first."""
    prompt = "\n".join(block.text for block in system or () if block.text)
    first: list[dict[str, Any]] = [{"role": "system", "content": prompt}] if prompt else []
    return first + [neutral for message in messages for neutral in _neutral(message)]


def _block_media(block: ContentBlock | ToolResultBlock, path: str) -> Iterator[tuple[str, str]]:
    for name in ("image", "document", "video", "audio"):
        holder = getattr(block, name, None)  # a tool result has no audio
        if holder is not None and holder.source.s3_location is not None:
            yield f"{path}.{name}.source.s3Location.uri", holder.source.s3_location.uri


def _neutral(message: Message) -> Iterator[dict[str, Any]]:
    for block in message.content:
        if block.tool_result is not None:
            yield {
                "role": "tool",
                "tool_call_id": block.tool_result.tool_use_id,
                "content": _tool_result_text(block.tool_result),
            }
    parts = [part for block in message.content for part in _parts(block)]
    calls = [_openai_call(block) for block in message.content if block.tool_use is not None]
    if parts or calls:
        neutral: dict[str, Any] = {"role": message.role, "content": content_of(parts)}
        yield neutral | ({"tool_calls": calls} if calls else {})


def _parts(block: ContentBlock) -> Iterator[dict[str, Any]]:
    if block.text is not None:
        yield text_part(block.text)
    elif block.image is not None:
        yield image_part(media_url(block.image.source, f"image/{block.image.format}"))
    elif block.document is not None:
        yield text_part(_document_text(block.document))
    elif block.guard_content is not None and block.guard_content.text is not None:
        yield text_part(block.guard_content.text.text)


def media_url(source: MediaSource, content_type: str) -> str:
    """Return a data URL of the bytes, or their S3 URI, which code with access to S3 replaces with the bytes."""
    if source.bytes_ is not None:
        return f"data:{content_type};base64,{base64.b64encode(source.bytes_).decode()}"
    return source.s3_location.uri if source.s3_location else ""


def _document_text(document: Document) -> str:
    source, text = document.source, f"[{document.format or 'text'} document]"
    if source.text is not None:
        text = source.text
    elif source.content:
        text = "\n".join(item.text or "" for item in source.content)
    elif source.bytes_ is not None and document.format in TEXT_FORMATS:
        text = source.bytes_.decode("utf-8", "replace")
    elif source.s3_location is not None:
        text = source.s3_location.uri
    return f"{document.name}\n\n{text}"


def _tool_result_text(result: ToolResult) -> str:
    texts = [
        block.text if block.text is not None else msgspec.json.encode(block.json).decode()
        for block in result.content
        if block.text is not None or block.json is not msgspec.UNSET
    ]
    return "\n".join(texts)


def _openai_call(block: ContentBlock) -> dict[str, Any]:
    assert block.tool_use is not None
    function = {"name": block.tool_use.name, "arguments": msgspec.json.encode(block.tool_use.input).decode()}
    return {"id": block.tool_use.tool_use_id, "type": "function", "function": function}


def neutral_tools(config: ToolConfig | None) -> dict[str, Any]:
    """Return ``tools`` and ``tool_choice`` for the neutral request."""
    if config is None:
        return {}
    tools = [_openai_tool(tool) for tool in config.tools if tool.tool_spec is not None]
    return {"tools": tools, "tool_choice": _openai_choice(config.tool_choice)}


def _openai_tool(tool: Tool) -> dict[str, Any]:
    assert tool.tool_spec is not None
    spec = tool.tool_spec
    function = {"name": spec.name, "description": spec.description or "", "parameters": spec.input_schema.json}
    return {"type": "function", "function": function | ({"strict": True} if spec.strict else {})}


def _openai_choice(choice: ToolChoice | None) -> Any:
    if choice is None:
        return None
    if choice.tool is not None:
        return {"type": "function", "function": {"name": choice.tool.name}}
    return "required" if choice.any is not None else "auto"
