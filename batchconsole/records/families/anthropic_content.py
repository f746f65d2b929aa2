"""Rules for the messages of a request to Claude: text, images, documents, their order, and the prefill."""

from collections.abc import Iterator
from typing import Any

from batchconsole.records.catalogue import Refused
from batchconsole.records.families.anthropic_body import (
    AnthropicBody,
    Base64Source,
    DocumentBlock,
    ImageBlock,
    Message,
    RedactedThinkingBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.media_rules import IMAGE_TYPES, image_faults, pdf_faults
from batchconsole.records.families.paths import dotted
from batchconsole.records.families.schema import (
    Context,
    trailing_space,
    unsigned_thinking,
)

PDF = "application/pdf"
PLAIN_TEXT = "text/plain"


def system_faults(system: str | list[TextBlock] | None) -> Iterator[Fault]:
    if isinstance(system, str):
        if system.isspace():
            yield blank_text("$.system", where="system")
        return
    for number, block in enumerate(system or ()):
        if not block.text.strip():
            yield blank_text(f"$.system[{number}].text", where="system")


def blank_text(path: str, *, where: str = "messages") -> Fault:
    """Return the fault for a text at *path* that is empty or only white space."""
    return rule(
        "blank-text",
        path,
        found="blank text",
        expected="some text",
        refusal=f"{where}: text content blocks must contain non-whitespace text",
    )


def message_faults(message: Message, path: str, context: Context, *, is_last: bool) -> Iterator[Fault]:
    if not message.content and not (is_last and message.role == "assistant"):
        yield rule(
            "no-content",
            f"{path}.content",
            found="no content",
            expected="some content",
            refusal=f"{dotted(path)}: all messages must have non-empty content except for the optional final "
            "assistant message",
        )
    if isinstance(message.content, str):
        if message.content.isspace():
            yield blank_text(f"{path}.content")
        return
    for index, block in enumerate(message.content):
        where = f"{path}.content[{index}]"
        yield from _block_faults(block, where, context)
        wrong = ToolUseBlock if message.role == "user" else ToolResultBlock
        if isinstance(block, wrong):
            yield rule(
                "block-role",
                where,
                found=f"{block.__struct_config__.tag} in a message of the {message.role}",
                expected="tool_use from the assistant, tool_result from the user",
            )
    yield from _order_faults(message, path)


def _order_faults(message: Message, path: str) -> Iterator[Fault]:
    """Yield a fault for a tool result after other content. Source: Anthropic, Handle tool calls (status 400)."""
    is_behind = False
    for index, block in enumerate(message.content if message.role == "user" else ()):
        if isinstance(block, ToolResultBlock) and is_behind:
            yield rule(
                "tool-result-order",
                f"{path}.content[{index}]",
                found="a tool_result behind other content",
                expected="tool results before any other content of the message",
            )
            return
        is_behind = is_behind or not isinstance(block, ToolResultBlock)


def _block_faults(block: Any, path: str, context: Context) -> Iterator[Fault]:
    """Yield the faults of one content block and of the blocks nested in it."""
    if isinstance(block, TextBlock) and not block.text.strip():
        yield blank_text(f"{path}.text")
    elif isinstance(block, ImageBlock):
        yield from context.modality_faults("IMAGE", path)
        yield from _image_faults(block.source, f"{path}.source")
    elif isinstance(block, DocumentBlock):
        yield from _document_faults(block.source, f"{path}.source")
    elif isinstance(block, SearchResultBlock):
        for index, part in enumerate(block.content):
            yield from _block_faults(part, f"{path}.content[{index}]", context)
    elif isinstance(block, ThinkingBlock) and not block.signature:
        yield unsigned_thinking(f"{path}.signature", dotted(path))
    elif isinstance(block, ToolResultBlock):
        if isinstance(block.content, str) and block.content.isspace():
            yield blank_text(f"{path}.content")
        for index, inner in enumerate(block.content if isinstance(block.content, list) else ()):
            yield from _block_faults(inner, f"{path}.content[{index}]", context)


def _image_faults(source: Any, path: str) -> Iterator[Fault]:
    if not isinstance(source, Base64Source):
        yield from _elsewhere_source_faults(source, path)
        return
    if source.media_type not in IMAGE_TYPES:
        yield _unknown_media_type(source, path, IMAGE_TYPES)
    else:
        yield from image_faults(
            source.data,
            declared=source.media_type,
            path=f"{path}.data",
            dotted=f"{dotted(path)}.base64.data",
            severity="error",
        )


def _document_faults(source: Any, path: str) -> Iterator[Fault]:
    if isinstance(source, Base64Source):
        if source.media_type != PDF:
            yield _unknown_media_type(source, path, (PDF,))
        else:
            yield from pdf_faults(source.data, path=f"{path}.data", dotted=f"{dotted(path)}.base64.data")
    elif isinstance(source, TextSource) and source.media_type != PLAIN_TEXT:
        yield _unknown_media_type(source, path, (PLAIN_TEXT,))
    elif isinstance(source, TextSource) and not source.data.strip():
        yield blank_text(f"{path}.data")
    else:
        yield from _elsewhere_source_faults(source, path)


def _elsewhere_source_faults(source: Any, path: str) -> Iterator[Fault]:
    """Yield a fault for a URL to fetch. Source: Anthropic, Vision (Bedrock takes only base64)."""
    if isinstance(source, UrlSource):
        yield rule(
            "source-type",
            path,
            found="a source of type url",
            expected="the bytes themselves, in base64: nothing is fetched for Claude",
        )


def _unknown_media_type(source: Base64Source | TextSource, path: str, known: tuple[str, ...]) -> Fault:
    choices = " or ".join(f"'{name}'" for name in known)
    return rule(
        "media-type",
        f"{path}.media_type",
        found=source.media_type[:80],
        expected=" or ".join(known),
        refusal=f"{dotted(path)}.{source.__struct_config__.tag}.media_type: Input should be {choices}",
    )


def prefill_faults(body: AnthropicBody, context: Context) -> Iterator[Fault]:
    """Yield the faults of a conversation that ends with an assistant message."""
    last, path = body.messages[-1], f"$.messages[{len(body.messages) - 1}]"
    if last.role != "assistant":
        return
    if context.refuses(Refused.PREFILL):
        yield from context.refusal_faults(Refused.PREFILL, f"{path}.role")
        return
    blocks = [] if isinstance(last.content, str) else last.content
    text = last.content if isinstance(last.content, str) else blocks[-1] if blocks else ""
    end = text.text if isinstance(text, TextBlock) else text
    if isinstance(end, str) and end.strip() and end != end.rstrip():
        yield trailing_space(f"{path}.content")
    thinks = isinstance(body.thinking, dict) and body.thinking.get("type") == "enabled"
    if thinks and not (blocks and isinstance(blocks[0], ThinkingBlock | RedactedThinkingBlock)):
        yield rule(
            "prefill-beside-thinking",
            f"{path}.content",
            found="an answer begun without thinking",
            expected="a thinking block first, or a conversation that ends with the user",
            refusal=f"{dotted(path)}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block.",
        )
