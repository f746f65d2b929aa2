"""The request body of Anthropic's Messages API with Bedrock's InvokeModel, as Structs.

As in the service, the body and its messages reject unknown fields, and anything nested deeper accepts them. Blocks,
sources and members are those of Anthropic's SDK (``MessageCreateParams`` and its beta, release 2.14 of 2026), so that
nothing documented is reported as a mistake.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from batchconsole.records.families.fields import Blob, Count, Fraction, Text, Tokens


class CacheControl(msgspec.Struct):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Citations(msgspec.Struct):
    enabled: bool | None = None


class Base64Source(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: str
    data: Blob


class TextSource(msgspec.Struct, tag_field="type", tag="text"):
    data: str
    media_type: str = "text/plain"


class ContentSource(msgspec.Struct, tag_field="type", tag="content"):
    content: Any


class UrlSource(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class FileSource(msgspec.Struct, tag_field="type", tag="file"):
    file_id: str


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    citations: Any = None
    cache_control: CacheControl | None = None


class ImageBlock(msgspec.Struct, tag_field="type", tag="image"):
    source: Base64Source | UrlSource | FileSource
    cache_control: CacheControl | None = None


class DocumentBlock(msgspec.Struct, tag_field="type", tag="document"):
    source: Base64Source | TextSource | ContentSource | UrlSource | FileSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class SearchResultBlock(msgspec.Struct, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[TextBlock]
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class ToolReferenceBlock(msgspec.Struct, tag_field="type", tag="tool_reference"):
    tool_name: str


class BrowserStateBlock(msgspec.Struct, tag_field="type", tag="browser_state"):
    tabs: Any = None


class ToolUseBlock(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: Text
    name: Text
    input: dict[str, Any]
    cache_control: CacheControl | None = None


ToolResultItem = TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReferenceBlock | BrowserStateBlock


class ToolResultBlock(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: Text
    content: str | list[ToolResultItem] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class RedactedThinkingBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class ServerToolUseBlock(msgspec.Struct, tag_field="type", tag="server_tool_use"):
    """A call to a server tool. It and the result blocks below are echoed back unchanged, so nothing checks them."""

    id: str
    name: str


class WebSearchResultBlock(msgspec.Struct, tag_field="type", tag="web_search_tool_result"):
    tool_use_id: str


class WebFetchResultBlock(msgspec.Struct, tag_field="type", tag="web_fetch_tool_result"):
    tool_use_id: str


class CodeExecutionResultBlock(msgspec.Struct, tag_field="type", tag="code_execution_tool_result"):
    tool_use_id: str


class BashResultBlock(msgspec.Struct, tag_field="type", tag="bash_code_execution_tool_result"):
    tool_use_id: str


class TextEditorResultBlock(msgspec.Struct, tag_field="type", tag="text_editor_code_execution_tool_result"):
    tool_use_id: str


class ToolSearchResultBlock(msgspec.Struct, tag_field="type", tag="tool_search_tool_result"):
    tool_use_id: str


class AdvisorResultBlock(msgspec.Struct, tag_field="type", tag="advisor_tool_result"):
    tool_use_id: str


class McpToolUseBlock(msgspec.Struct, tag_field="type", tag="mcp_tool_use"):
    id: str
    name: str


class McpToolResultBlock(msgspec.Struct, tag_field="type", tag="mcp_tool_result"):
    tool_use_id: str


class McpToolListingBlock(msgspec.Struct, tag_field="type", tag="mcp_tool_listing"):
    pass


class ContainerUploadBlock(msgspec.Struct, tag_field="type", tag="container_upload"):
    file_id: str


class CompactionBlock(msgspec.Struct, tag_field="type", tag="compaction"):
    pass


class ToolAdditionBlock(msgspec.Struct, tag_field="type", tag="tool_addition"):
    pass


class ToolRemovalBlock(msgspec.Struct, tag_field="type", tag="tool_removal"):
    pass


class FallbackBlock(msgspec.Struct, tag_field="type", tag="fallback"):
    pass


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ServerToolUseBlock
    | WebSearchResultBlock
    | WebFetchResultBlock
    | CodeExecutionResultBlock
    | BashResultBlock
    | TextEditorResultBlock
    | ToolSearchResultBlock
    | AdvisorResultBlock
    | McpToolUseBlock
    | McpToolResultBlock
    | McpToolListingBlock
    | ContainerUploadBlock
    | CompactionBlock
    | ToolAdditionBlock
    | ToolRemovalBlock
    | FallbackBlock
)


class PlainText(msgspec.Struct, tag_field="type", tag="text", forbid_unknown_fields=True, gc=False):
    text: Text


class Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Tool(msgspec.Struct):
    """A custom tool of the caller (``type`` is unset or ``custom``), or an Anthropic tool, which has its own type."""

    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None

    @property
    def is_custom(self) -> bool:
        return self.type in (None, "custom")


class ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class PlainMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: Annotated[str, Meta(min_length=1)] | Annotated[list[PlainText], Meta(min_length=1)]


class AnthropicSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The members that the full and the plain body share."""

    anthropic_version: Literal["bedrock-2023-05-31"]
    max_tokens: Tokens
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    top_k: Count | None = None
    stop_sequences: list[str] | None = None
    metadata: dict[str, Any] | None = None
    anthropic_beta: list[str] | None = None


class AnthropicBody(AnthropicSettings, kw_only=True):
    """All members of the Messages API except ``model`` and ``stream``.

    The members in ``ELSEWHERE`` are not documented for Bedrock.
    """

    messages: list[Message]
    system: str | list[TextBlock] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None
    context_management: dict[str, Any] | None = None
    cache_control: CacheControl | None = None
    compaction: Any = None
    container: Any = None
    mcp_servers: Any = None
    service_tier: Any = None
    inference_geo: Any = None
    speed: Any = None


ELSEWHERE = ("container", "mcp_servers", "service_tier", "inference_geo", "speed")


class PlainAnthropicBody(AnthropicSettings, kw_only=True):
    """The subset of :class:`AnthropicBody` that most records use: only text."""

    messages: Annotated[list[PlainMessage], Meta(min_length=1)]
    system: str | list[PlainText] | None = None
