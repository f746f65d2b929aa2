"""The Converse request body as Structs, member by member as in the API model of bedrock-runtime (2023-09-30).

A union in the API model is a Struct here whose members are all optional; rules in ``conversation_rules`` check that
exactly one is set. An explicit ``null`` counts as unset, as in the service.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from batchconsole.records.families.fields import AccountId, Blob, Fraction, Name, S3Uri, Text, Tokens, ToolUseId


class Shape(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """A shape of the API model: members are camelCase, and unknown ones are rejected."""


class S3Location(Shape):
    uri: S3Uri
    bucket_owner: AccountId | None = None


class MediaSource(Shape):
    """``ImageSource``, ``VideoSource`` and ``AudioSource``."""

    bytes_: Blob | None = msgspec.field(default=None, name="bytes")
    s3_location: S3Location | None = None


class TextItem(Shape):
    text: str | None = None


class DocumentSource(Shape):
    bytes_: Blob | None = msgspec.field(default=None, name="bytes")
    s3_location: S3Location | None = None
    text: str | None = None
    content: list[TextItem] | None = None


class Image(Shape):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: MediaSource
    error: Any = None


class Citations(Shape):
    enabled: bool


class Document(Shape):
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    source: DocumentSource
    format: Literal["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"] | None = None
    context: str | None = None
    citations: Citations | None = None


class Video(Shape):
    format: Literal["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"]
    source: MediaSource


class Audio(Shape):
    format: Literal[
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm"
    ]
    source: MediaSource
    error: Any = None


class ToolUse(Shape):
    tool_use_id: ToolUseId
    name: Name
    input: Any
    type: Literal["server_tool_use"] | None = None


class ToolResultBlock(Shape):
    json: Any = msgspec.UNSET
    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    video: Video | None = None
    search_result: Any = None


class ToolResult(Shape):
    tool_use_id: ToolUseId
    content: list[ToolResultBlock]
    status: Literal["success", "error"] | None = None
    type: str | None = None


class CachePoint(Shape):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class GuardText(Shape):
    text: str
    qualifiers: list[Literal["grounding_source", "query", "guard_content"]] | None = None


class GuardContent(Shape):
    text: GuardText | None = None
    image: Any = None


class ContentBlock(Shape):
    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    video: Video | None = None
    audio: Audio | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    guard_content: GuardContent | None = None
    cache_point: CachePoint | None = None
    reasoning_content: Any = None
    citations_content: Any = None
    search_result: Any = None
    tool_addition: Any = None
    tool_removal: Any = None


class Message(Shape):
    role: Literal["user", "assistant", "system"]
    content: list[ContentBlock]


class PlainBlock(Shape):
    """A content block that holds only text."""

    text: Text


class PlainMessage(Shape):
    role: Literal["user", "assistant"]
    content: Annotated[list[PlainBlock], Meta(min_length=1)]


PlainMessages = Annotated[list[PlainMessage], Meta(min_length=1)]


class SystemBlock(Shape):
    text: Text | None = None
    guard_content: GuardContent | None = None
    cache_point: CachePoint | None = None


class InferenceConfig(Shape):
    max_tokens: Tokens | None = None
    temperature: Fraction | None = None
    top_p: Fraction | None = None
    stop_sequences: Annotated[list[Text], Meta(max_length=2500)] | None = None


class ToolInputSchema(Shape):
    json: Any


class ToolSpec(Shape):
    name: Name
    input_schema: ToolInputSchema
    description: Text | None = None
    strict: bool | None = None


class SystemTool(Shape):
    name: Name


class Tool(Shape):
    tool_spec: ToolSpec | None = None
    system_tool: SystemTool | None = None
    cache_point: CachePoint | None = None


class ToolName(Shape):
    name: Name


class ToolChoice(Shape):
    auto: dict[str, Any] | None = None
    any: dict[str, Any] | None = None
    tool: ToolName | None = None


class ToolConfig(Shape):
    tools: Annotated[list[Tool], Meta(min_length=1)]
    tool_choice: ToolChoice | None = None


class GuardrailConfig(Shape):
    guardrail_identifier: Annotated[str, Meta(max_length=2048)] | None = None
    guardrail_version: Annotated[str, Meta(pattern=r"^(|[1-9][0-9]{0,7}|DRAFT)$")] | None = None
    trace: Literal["enabled", "disabled", "enabled_full"] | None = None


class PerformanceConfig(Shape):
    latency: Literal["standard", "optimized"] | None = None


class ServiceTier(Shape):
    type: Literal["priority", "default", "flex", "reserved"]


MetadataValue = Annotated[str, Meta(max_length=256)]
ResponsePath = Annotated[str, Meta(min_length=1, max_length=256)]


class ConverseSettings(Shape):
    """The members that the full and the plain body share."""

    inference_config: InferenceConfig | None = None
    guardrail_config: GuardrailConfig | None = None
    additional_model_request_fields: dict[str, Any] | None = None
    additional_model_response_field_paths: Annotated[list[ResponsePath], Meta(max_length=10)] | None = None
    prompt_variables: dict[str, TextItem] | None = None
    request_metadata: Annotated[dict[str, MetadataValue], Meta(min_length=1, max_length=16)] | None = None
    performance_config: PerformanceConfig | None = None
    service_tier: ServiceTier | None = None
    output_config: dict[str, Any] | None = None
    project_identifier: Annotated[str, Meta(max_length=2048)] | None = None


class ConverseBody(ConverseSettings, kw_only=True):
    messages: list[Message]
    system: list[SystemBlock] | None = None
    tool_config: ToolConfig | None = None


class PlainConverseBody(ConverseSettings, kw_only=True):
    """The subset of :class:`ConverseBody` that most records use: only text and no tools."""

    messages: PlainMessages
    system: list[PlainBlock] | None = None
