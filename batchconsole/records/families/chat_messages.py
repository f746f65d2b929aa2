"""Messages and tools of OpenAI's chat completions, with the variants of Mistral, Qwen and vLLM.

The forms come from OpenAI's API reference (chat completions), Mistral's API reference (``image_url`` as a string,
``arguments`` as an object, calls without an id or type, chunks of thinking, references and documents), Qwen's model
cards (``image``, ``video``) and vLLM's multimodal inputs (``video_url``, ``audio_url``). Which of them a model takes
depends on its server, so a form that any of these sources documents is not reported as a mistake.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.schema import Context, Size


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    image_url: ImageUrl | str


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class FilePart(msgspec.Struct, tag_field="type", tag="file"):
    file: dict[str, Any] | None = None
    file_id: str | None = None


class AudioPart(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: dict[str, Any] | str


class VideoUrlPart(msgspec.Struct, tag_field="type", tag="video_url"):
    video_url: dict[str, Any] | str


class AudioUrlPart(msgspec.Struct, tag_field="type", tag="audio_url"):
    audio_url: dict[str, Any] | str


class DocumentPart(msgspec.Struct, tag_field="type", tag="document_url"):
    document_url: dict[str, Any] | str


class ThinkingPart(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: Any


class ReferencePart(msgspec.Struct, tag_field="type", tag="reference"):
    reference_ids: list[Any]


class PlainImagePart(msgspec.Struct, tag_field="type", tag="image"):
    image: Any


class VideoPart(msgspec.Struct, tag_field="type", tag="video"):
    video: Any


Part = (
    TextPart
    | ImagePart
    | RefusalPart
    | FilePart
    | AudioPart
    | VideoUrlPart
    | AudioUrlPart
    | DocumentPart
    | ThinkingPart
    | ReferencePart
    | PlainImagePart
    | VideoPart
)
IMAGES, MEDIA = ImagePart | PlainImagePart, ImagePart | PlainImagePart | FilePart | AudioPart | DocumentPart


class FunctionCall(msgspec.Struct):
    name: str
    arguments: str | dict[str, Any]


class ToolCall(msgspec.Struct):
    id: str | None = None
    function: FunctionCall | None = None
    type: str | None = "function"
    custom: dict[str, Any] | None = None


class ChatMessage(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None
    audio: dict[str, Any] | None = None
    reasoning_content: str | None = None


class Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    """A function, or a tool of another type, which has its own member."""

    type: str | None = "function"
    function: Function | None = None


def chat_faults(messages: list[ChatMessage]) -> Iterator[Fault]:
    """Yield the faults of the messages by themselves. Mistral's chat models share these rules."""
    if not messages:
        yield rule("no-messages", "$.messages", found="no messages", expected="at least one message")
    for number, message in enumerate(messages):
        path = f"$.messages[{number}]"
        if message.content in (None, []) and not _says_otherwise(message):  # an empty string is accepted
            yield rule("no-content", f"{path}.content", found="no content", expected="some content")
        if message.role == "tool" and not (message.tool_call_id or message.name):
            yield rule("tool-call-id", path, found="no tool_call_id", expected="the id of the call it answers")
        for place, call in enumerate(message.tool_calls or ()):
            if call.function is None and call.type in (None, "function"):
                where = f"{path}.tool_calls[{place}].function"
                yield rule("call-without-function", where, found="nothing", expected="the function that is called")


def _says_otherwise(message: ChatMessage) -> bool:
    """Whether a message without content has something in its place, such as tool calls or a refusal."""
    return bool(
        message.tool_calls
        or message.function_call
        or message.refusal
        or message.audio
        or (message.role == "assistant" and message.reasoning_content)
    )


def tool_faults(tools: list[Tool] | None) -> Iterator[Fault]:
    """Yield a fault for each tool that has neither a function nor another type."""
    for number, tool in enumerate(tools or ()):
        if tool.function is None and tool.type in (None, "function"):
            where = f"$.tools[{number}].function"
            yield rule("tool-without-function", where, found="nothing", expected="the function, with its name")


def chat_size(messages: list[ChatMessage]) -> Size:
    """Return the number of characters of text and of media parts."""
    size = Size()
    for message in messages:
        if isinstance(message.content, str):
            size.characters += len(message.content)
        else:
            for part in message.content or ():
                size.characters += len(part.text) if isinstance(part, TextPart) else 0
                size.media += isinstance(part, MEDIA)
    return size


def image_faults(messages: list[ChatMessage], context: Context) -> Iterator[Fault]:
    """Yield a fault for each image if the model takes none. Mistral's chat models share this rule."""
    for number, message in enumerate(messages):
        for index, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if isinstance(part, IMAGES):
                yield from context.modality_faults("IMAGE", f"$.messages[{number}].content[{index}]")


# Translation into the neutral form, which is OpenAI's.


def chat_messages(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    """Return the messages as plain dicts, with roles that every model server knows.

    ``developer`` becomes ``system`` and ``function`` becomes ``tool``.
    """
    return [_plain(number, message) for number, message in enumerate(messages)]


def _plain(number: int, message: ChatMessage) -> dict[str, Any]:
    plain: dict[str, Any] = {key: value for key, value in msgspec.to_builtins(message).items() if value is not None}
    plain["role"] = {"developer": "system", "function": "tool"}.get(message.role, message.role)
    content = plain.get("content", "")
    if calls := plain.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call, f"call_{number}_{place}") for place, call in enumerate(calls)]
    return plain | {"content": [_plain_part(part) for part in content] if isinstance(content, list) else content}


def _plain_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "image_url" and isinstance(part["image_url"], str):
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return part


def _plain_call(call: dict[str, Any], call_id: str) -> dict[str, Any]:
    named = {name: value for name, value in call.items() if value is not None}
    function = call["function"]
    if function and not isinstance(function["arguments"], str):
        named["function"] = function | {"arguments": msgspec.json.encode(function["arguments"]).decode()}
    return {"id": call_id, "type": "function"} | named


def function_tools(tools: list[Tool] | None) -> list[dict[str, Any]]:
    """Return the tools that are functions, as plain dicts."""
    return [
        {"type": "function", "function": msgspec.to_builtins(tool.function)} for tool in tools or () if tool.function
    ]
