"""Rules for messages made of content blocks, which Converse and Nova share."""

import re
from collections.abc import Iterator
from typing import Any

from batchconsole.records.catalogue import Refused
from batchconsole.records.families.converse_body import (
    ContentBlock,
    Document,
    Message,
    SystemBlock,
    ToolConfig,
    ToolResultBlock,
)
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.media_rules import document_size_faults, image_faults, pdf_faults
from batchconsole.records.families.paths import dotted
from batchconsole.records.families.schema import (
    Context,
    role_faults,
    trailing_space,
    unsigned_thinking,
)
from batchconsole.records.families.schema_rules import schema_faults
from batchconsole.records.families.tool_rules import (
    CONVERSE,
    Turn,
    combined_schema_faults,
    pairing_faults,
    repeated_names,
    tool_block_faults,
)

MAX_IMAGES = 20  # per message; Converse API reference
MAX_DOCUMENTS = 5
DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9\s()\[\]-]+")
TWO_SPACES = re.compile(r"\s\s")
NO_TOOLS = "The toolConfig field must be defined when using toolUse and toolResult content blocks."


def conversation_faults(messages: list[Message], context: Context) -> Iterator[Fault]:
    """Yield the faults of the messages that their types do not cover, in order."""
    if not messages:
        yield rule(
            "no-messages",
            "$.messages",
            found="no messages",
            expected="at least one message",
            refusal="A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message.",
        )
        return
    yield from role_faults([message.role for message in messages if message.role != "system"] or ["system"])
    for number, message in enumerate(messages):
        yield from _message_faults(message, f"$.messages[{number}]", context)
    yield from _name_faults(messages)
    yield from _number_faults(messages)
    yield from _ending_faults(messages, context)


def system_faults(system: list[SystemBlock] | None) -> Iterator[Fault]:
    """Yield a fault for each text of the system prompt that is only white space."""
    for number, block in enumerate(system or ()):
        if block.text is not None and not block.text.strip():
            yield _blank(f"$.system[{number}]")


def tool_faults(messages: list[Message], config: ToolConfig | None, *, is_claude: bool = False) -> Iterator[Fault]:
    """Yield the faults of tools: repeated names, bad schemas, blocks without tools, unmatched calls and results."""
    tools = [tool.tool_spec for tool in (config.tools if config else ()) if tool.tool_spec is not None]
    yield from repeated_names([tool.name for tool in tools], path="$.toolConfig.tools", wording=CONVERSE)
    for number, tool in enumerate(tools):
        path = f"$.toolConfig.tools[{number}].toolSpec.inputSchema.json"
        yield from _input_schema_faults(tool.input_schema.json, path)
        if is_claude:
            yield from combined_schema_faults(tool.input_schema.json, path, tool=f"tools.{number}.custom")
        if tool.strict:
            yield from schema_faults(tool.input_schema.json, path)
    turns = [_turn(message, f"$.messages[{number}]") for number, message in enumerate(messages)]
    yield from tool_block_faults(turns, has_tools=config is not None, tools="toolConfig", refusal=NO_TOOLS)
    yield from pairing_faults(turns, CONVERSE)


def _input_schema_faults(schema: Any, path: str) -> Iterator[Fault]:
    """Yield a fault if a tool's schema does not describe an object.

    Refusal seen in the field: https://github.com/code-yeongyu/senpi/issues/1947.
    """
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind != "object":
        yield rule(
            "tool-schema",
            f"{path}.type",
            found=f"{kind or 'nothing'}"[:80],
            expected="object",
            refusal=f"The value at {dotted(path)}.type must be one of the following: object.",
        )


def _turn(message: Message, path: str) -> Turn:
    blocks = [(block, f"{path}.content[{index}]") for index, block in enumerate(message.content)]
    uses = tuple((block.tool_use.tool_use_id, where) for block, where in blocks if block.tool_use is not None)
    results = tuple((block.tool_result.tool_use_id, where) for block, where in blocks if block.tool_result is not None)
    return Turn(message.role, path, uses, results)


def _members(block: ContentBlock) -> list[str]:
    """Return the JSON names of the members that are set."""
    names = zip(ContentBlock.__struct_fields__, ContentBlock.__struct_encode_fields__, strict=True)
    return [written for name, written in names if getattr(block, name) is not None]


def _message_faults(message: Message, path: str, context: Context) -> Iterator[Fault]:
    if not message.content:
        yield rule(
            "no-content",
            f"{path}.content",
            found="no content",
            expected="at least one content block",
            refusal=f"The content field in the Message object at {dotted(path)} is empty. Add a ContentBlock "
            "object to the content field and try again.",
        )
    for index, block in enumerate(message.content):
        yield from _block_faults(message, block, f"{path}.content[{index}]", context)
    yield from _document_faults(message, path)


def _block_faults(message: Message, block: ContentBlock, path: str, context: Context) -> Iterator[Fault]:
    members = _members(block)
    if len(members) != 1:
        yield rule(
            "one-member",
            path,
            found=", ".join(members) or "none set",
            expected="exactly one of text, image, …",
            refusal=f"The content block at {dotted(path)} must set exactly one member, and sets {len(members)}.",
        )
    elif members == ["text"]:
        if not (block.text or "").strip():
            yield _blank(path)
    else:
        yield from _media_faults(message, members[0], block, path)
        yield from _content_faults(block, path, context)
        yield from _said_faults(block, path, context)
        for index, inner in enumerate(block.tool_result.content if block.tool_result else ()):
            yield from _content_faults(inner, f"{path}.toolResult.content[{index}]", context)
            if inner.text is not None and not inner.text.strip():
                yield _blank(f"{path}.toolResult.content[{index}]")


def _said_faults(block: ContentBlock, path: str, context: Context) -> Iterator[Fault]:
    """Yield faults for reasoning echoed back without its text or signature, and for blank guarded text.

    Refusals seen in the field: https://github.com/danny-avila/LibreChat/pull/13888 (reasoning without text),
    https://github.com/maximhq/bifrost/pull/6942 (Claude requires signatures; others refuse blank ones) and
    https://github.com/aws-samples/bedrock-chat/issues/637 (blank guarded text).
    """
    guarded = block.guard_content.text if block.guard_content else None
    if guarded is not None and not guarded.text.strip():
        yield _blank(f"{path}.guardContent.text")
    thought = block.reasoning_content.get("reasoningText") if isinstance(block.reasoning_content, dict) else None
    if not isinstance(thought, dict):
        return
    where = f"{path}.reasoningContent.reasoningText"
    if not isinstance(thought.get("text"), str):
        yield rule(
            "reasoning-text",
            f"{where}.text",
            found="no text",
            expected="the text that the thought came with, which may be empty",
            refusal=f"Value at '{dotted(where)}.text' failed to satisfy constraint: Member must not be null",
        )
    if context.family == "anthropic" and not thought.get("signature"):
        yield unsigned_thinking(f"{where}.signature", dotted(path))


def _blank(path: str) -> Fault:
    return rule(
        "blank-text",
        f"{path}.text",
        found="blank text",
        expected="some text",
        refusal=f"The text field in the ContentBlock object at {dotted(path)} is blank. Add text to the text field, "
        "and try again.",
    )


def _content_faults(block: ContentBlock | ToolResultBlock, path: str, context: Context) -> Iterator[Fault]:
    """Yield faults for media that the model does not take, and for bytes that do not match their declared format."""
    for name in ("image", "video", "audio"):
        if getattr(block, name, None) is not None:
            yield from context.modality_faults(name.upper(), f"{path}.{name}")
    if block.image is not None and block.image.source.bytes_ is not None:
        yield from image_faults(
            block.image.source.bytes_,
            declared=f"image/{block.image.format}",
            path=f"{path}.image.source.bytes",
            dotted=f"{dotted(path)}.image",
            severity="error" if context.family == "anthropic" else "warning",
        )
    document = block.document
    if document is not None and document.source.bytes_ is not None:
        where = f"{path}.document.source.bytes"
        yield from document_size_faults(document.source.bytes_, path=where)  # a warning: from the API reference only
        if document.format == "pdf":
            yield from pdf_faults(document.source.bytes_, path=where, dotted=f"{dotted(path)}.document")


def documents(messages: list[Message]) -> list[Document]:
    """Return every document in the messages, including those in tool results."""
    return [document for _, document in _documents(messages)]


def _documents(messages: list[Message]) -> Iterator[tuple[str, Document]]:
    """Yield every document with its path."""
    for number, message in enumerate(messages):
        for index, block in enumerate(message.content):
            path = f"$.messages[{number}].content[{index}]"
            if block.document is not None:
                yield f"{path}.document", block.document
            for inner_index, inner in enumerate(block.tool_result.content if block.tool_result else ()):
                if inner.document is not None:
                    yield f"{path}.toolResult.content[{inner_index}].document", inner.document


def _name_faults(messages: list[Message]) -> Iterator[Fault]:
    """Yield faults for document names that Converse refuses. Source: Converse API, DocumentBlock and error messages."""
    seen: set[str] = set()
    for path, document in _documents(messages):
        if not DOCUMENT_NAME.fullmatch(document.name) or TWO_SPACES.search(document.name):
            # The API reference does not list the underscore, but the service has accepted it.
            plain = document.name.replace("_", "")
            is_taken = DOCUMENT_NAME.fullmatch(plain or "a") and not TWO_SPACES.search(document.name)
            yield rule(
                "document-name",
                f"{path}.name",
                found=document.name,
                expected="letters, digits, single white space, hyphens, parentheses and square brackets",
                refusal="The document file name can only contain alphanumeric characters, whitespace characters, "
                "hyphens, parentheses, and square brackets. The name can't contain more than one consecutive "
                "whitespace character. Edit the file name and try your request again.",
                severity="warning" if is_taken else "error",
            )
        if document.name in seen:
            yield rule(
                "repeated-document-name",
                f"{path}.name",
                found=f"{document.name} a second time",
                expected="a name of its own for each document",
                refusal="Messages contain duplicate document names. Each document must have a unique name.",
            )
        seen.add(document.name)


def _media_faults(message: Message, member: str, block: ContentBlock, path: str) -> Iterator[Fault]:
    wrong_role = (member == "toolUse" and message.role != "assistant") or (
        member in {"image", "document", "video", "audio", "toolResult"} and message.role != "user"
    )
    if wrong_role:
        yield rule(
            "block-role",
            path,
            found=f"{member} in a message of the {message.role}",
            expected="toolUse from the assistant, the others from the user",
        )
    for name in ("image", "video", "audio", "document"):
        holder = getattr(block, name)
        if holder is not None and not _has_one_source(holder.source):
            yield rule(
                "one-source",
                f"{path}.{name}.source",
                found="none or several of them",
                expected="exactly one of bytes, s3Location (for documents also text, content)",
            )


def _has_one_source(source: Any) -> bool:
    return sum(getattr(source, name) is not None for name in source.__struct_fields__) == 1


def _document_faults(message: Message, path: str) -> Iterator[Fault]:
    documents = sum(block.document is not None for block in message.content)
    if documents and not any(block.text for block in message.content):
        yield rule(
            "document-without-text",
            f"{path}.content",
            found="a document and no text",
            expected="a text block beside the document",
            refusal="If you include a ContentBlock with a document field in the array, you must also include a "
            "ContentBlock with a text field.",
        )


def _number_faults(messages: list[Message]) -> Iterator[Fault]:
    """Yield faults for too many documents and too many images.

    The limit on documents was reported from the field. The limit on images, from the API reference, gives only a
    warning, because newer models accept more.
    """
    count = sum(block.document is not None for message in messages for block in message.content)
    if count > MAX_DOCUMENTS:
        yield rule(
            "too-many-documents",
            "$.messages",
            found=f"{count} documents",
            expected=f"at most {MAX_DOCUMENTS}",
            refusal=f"You can't include more than {MAX_DOCUMENTS} documents in a request.",
        )
    for number, message in enumerate(messages):
        images = sum(block.image is not None for block in message.content)
        if images > MAX_IMAGES:
            yield rule(
                "too-many-images",
                f"$.messages[{number}].content",
                found=f"{images} images",
                expected=f"at most {MAX_IMAGES}, as the API reference says",
                severity="warning",
            )


def _ending_faults(messages: list[Message], context: Context) -> Iterator[Fault]:
    path = f"$.messages[{len(messages) - 1}]"
    if messages[-1].role != "assistant":
        return
    if context.refuses(Refused.PREFILL):
        yield from context.refusal_faults(Refused.PREFILL, f"{path}.role")
        return
    text = messages[-1].content[-1].text if messages[-1].content else None
    if context.family == "anthropic" and text and text.strip() and text != text.rstrip():
        yield trailing_space(f"{path}.content[{len(messages[-1].content) - 1}].text")
