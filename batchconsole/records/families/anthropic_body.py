"""Anthropic's Messages request body as Structs, as Bedrock's InvokeModel takes it.

The body and its messages are closed, what is nested deeper is open, as the service has them.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from batchconsole.records.families.fields import Blob, Count, Fraction, Text, Tokens


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: str
    data: Blob


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    data: str
    media_type: str = "text/plain"


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    content: Any


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    citations: Any = None
    cache_control: Any = None


class OtherSource(msgspec.Struct, tag_field="type", tag="file"):
    """A file uploaded before; there is none to look at here."""

    file_id: str


class ImageBlock(msgspec.Struct, tag_field="type", tag="image"):
    source: Base64Source | OtherSource
    cache_control: Any = None


class DocumentBlock(msgspec.Struct, tag_field="type", tag="document"):
    source: Base64Source | TextSource | ContentSource | OtherSource
    title: str | None = None
    context: str | None = None
    citations: Any = None


class ToolUseBlock(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: Text
    name: Text
    input: dict[str, Any]


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class RedactedThinkingBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class SearchResultBlock(msgspec.Struct, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[TextBlock]
    citations: Any = None


class ToolReference(msgspec.Struct, tag_field="type", tag="tool_reference"):
    """A tool that a search for tools found."""

    tool_name: str


class ToolResultBlock(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: Text
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReference] | None = None
    is_error: bool | None = None


class ServerToolUseBlock(msgspec.Struct, tag_field="type", tag="server_tool_use"):
    """Written by the service or its tools, and sent back to it as it was."""


class ToolSearchToolResultBlock(msgspec.Struct, tag_field="type", tag="tool_search_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class WebSearchToolResultBlock(msgspec.Struct, tag_field="type", tag="web_search_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class WebFetchToolResultBlock(msgspec.Struct, tag_field="type", tag="web_fetch_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class CodeExecutionToolResultBlock(msgspec.Struct, tag_field="type", tag="code_execution_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class BashCodeExecutionToolResultBlock(msgspec.Struct, tag_field="type", tag="bash_code_execution_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class EditorToolResultBlock(msgspec.Struct, tag_field="type", tag="text_editor_code_execution_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class McpToolUseBlock(msgspec.Struct, tag_field="type", tag="mcp_tool_use"):
    """Written by the service or its tools, and sent back to it as it was."""


class McpToolResultBlock(msgspec.Struct, tag_field="type", tag="mcp_tool_result"):
    """Written by the service or its tools, and sent back to it as it was."""


class ContainerUploadBlock(msgspec.Struct, tag_field="type", tag="container_upload"):
    """Written by the service or its tools, and sent back to it as it was."""


class CompactionBlock(msgspec.Struct, tag_field="type", tag="compaction"):
    """Written by the service or its tools, and sent back to it as it was."""


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | SearchResultBlock
    | ServerToolUseBlock
    | ToolSearchToolResultBlock
    | WebSearchToolResultBlock
    | WebFetchToolResultBlock
    | CodeExecutionToolResultBlock
    | BashCodeExecutionToolResultBlock
    | EditorToolResultBlock
    | McpToolUseBlock
    | McpToolResultBlock
    | ContainerUploadBlock
    | CompactionBlock
)


class PlainText(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: Text


class Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Tool(msgspec.Struct):
    name: Text
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None


class PlainMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: Annotated[str, Meta(min_length=1)] | Annotated[list[PlainText], Meta(min_length=1)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The members of a body beside its messages: the Messages API's without ``model`` and ``stream``."""

    anthropic_version: Literal["bedrock-2023-05-31"]
    max_tokens: Tokens
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    top_k: Count | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    anthropic_beta: list[str] | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None


class AnthropicBody(Settings, kw_only=True):
    messages: list[Message]
    system: str | list[TextBlock] | None = None


class PlainAnthropicBody(Settings, kw_only=True):
    """The part of an :class:`AnthropicBody` that most records keep to: only text."""

    messages: Annotated[list[PlainMessage], Meta(min_length=1)]
    system: str | list[PlainText] | None = None
