"""Anthropic's Messages request and response as Bedrock's InvokeModel takes them (``bedrock-2023-05-31``)."""

import base64
import re
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from batchconsole.records.catalogue import Refused, bare_id
from batchconsole.records.families.anthropic_body import (
    ELSEWHERE,
    AnthropicBody,
    Base64Source,
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    PlainAnthropicBody,
    PlainText,
    RedactedThinkingBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from batchconsole.records.families.base import Completion, Request
from batchconsole.records.families.claude_rules import Asked, claude_faults
from batchconsole.records.families.converse import tool_arguments
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.media_rules import IMAGE_TYPES, image_faults, pdf_faults
from batchconsole.records.families.refusals import pydantic_wording
from batchconsole.records.families.response_formats import claude_format
from batchconsole.records.families.schema import (
    Context,
    QuickLook,
    SchemaFamily,
    Size,
    content_of,
    image_part,
    role_faults,
    sampling_check,
    text_part,
    token_limit,
    trailing_space,
)
from batchconsole.records.families.schema_rules import schema_faults
from batchconsole.records.families.tool_rules import (
    Turn,
    pairing_faults,
    repeated_names,
    tool_block_faults,
)

PDF, PLAIN_TEXT = "application/pdf", "text/plain"
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
MAX_CACHE_CONTROLS = 4
NO_TOOLS = "Requests which include `tool_use` or `tool_result` blocks must define `tools`."


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
        yield from _system_faults(body.system)
        for number, message in enumerate(body.messages):
            is_last = number == len(body.messages) - 1
            yield from _message_faults(message, f"$.messages[{number}]", context, is_last=is_last)
        yield from _prefill_faults(body, context)
        yield from _limit_faults(body, context)
        yield from _tool_faults(body)
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
            messages=_system(body.system) + [neutral for message in body.messages for neutral in _neutral(message)],
            max_tokens=body.max_tokens,
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=list(body.stop_sequences or ()),
            tools=[_openai_tool(tool) for tool in body.tools or ()],
            tool_choice=_openai_choice(body.tool_choice),
            response_format=claude_format(body.output_config, body.output_format),
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


def _is_blank(content: str | list[PlainText] | None) -> bool:
    """Whether a text holds nothing but white space."""
    if isinstance(content, str):
        return content.isspace()
    return any(block.text.isspace() for block in content or ())


def _plain_length(content: str | list[PlainText]) -> int:
    return len(content) if isinstance(content, str) else sum([len(block.text) for block in content])


def _length(content: Any) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(block.text) for block in content or () if isinstance(block, TextBlock))


def _system_faults(system: str | list[TextBlock] | None) -> Iterator[Fault]:
    if isinstance(system, str):
        if system.isspace():
            yield blank_text("$.system", where="system")
        return
    for number, block in enumerate(system or ()):
        if not block.text.strip():
            yield blank_text(f"$.system[{number}].text", where="system")


def blank_text(path: str, *, where: str = "messages") -> Fault:
    """A text of nothing but white space at *path*."""
    return rule(
        "blank-text",
        path,
        found="blank text",
        expected="some text",
        refusal=f"{where}: text content blocks must contain non-whitespace text",
    )


def _message_faults(message: Message, path: str, context: Context, *, is_last: bool) -> Iterator[Fault]:
    if not message.content and not (is_last and message.role == "assistant"):
        yield rule(
            "no-content",
            f"{path}.content",
            found="no content",
            expected="some content",
            refusal=f"{_dotted(path)}: all messages must have non-empty content except for the optional final "
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
    """A tool's result behind other content. Source: Anthropic, Handle tool calls: a 400."""
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
    """What is wrong with one content block, and with those inside a tool's result."""
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
    elif isinstance(block, ToolResultBlock):
        if isinstance(block.content, str) and block.content.isspace():
            yield blank_text(f"{path}.content")
        for index, inner in enumerate(block.content if isinstance(block.content, list) else ()):
            yield from _block_faults(inner, f"{path}.content[{index}]", context)


def _image_faults(source: Any, path: str) -> Iterator[Fault]:
    if not isinstance(source, Base64Source):
        yield from _elsewhere_source_faults(source, path)
        return
    dotted = f"{_dotted(path)}.base64"
    if source.media_type not in IMAGE_TYPES:
        yield _unknown_media_type(source, path, IMAGE_TYPES)
    else:
        yield from image_faults(
            source.data, declared=source.media_type, path=f"{path}.data", dotted=f"{dotted}.data", severity="error"
        )


def _document_faults(source: Any, path: str) -> Iterator[Fault]:
    if isinstance(source, Base64Source):
        if source.media_type != PDF:
            yield _unknown_media_type(source, path, (PDF,))
        else:
            yield from pdf_faults(source.data, path=f"{path}.data", dotted=f"{_dotted(path)}.base64.data")
    elif isinstance(source, TextSource) and source.media_type != PLAIN_TEXT:
        yield _unknown_media_type(source, path, (PLAIN_TEXT,))
    elif isinstance(source, TextSource) and not source.data.strip():
        yield blank_text(f"{path}.data")
    else:
        yield from _elsewhere_source_faults(source, path)


def _elsewhere_source_faults(source: Any, path: str) -> Iterator[Fault]:
    """Something to be fetched. Source: Anthropic, Vision: on Bedrock only base64."""
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
        refusal=f"{_dotted(path)}.{source.__struct_config__.tag}.media_type: Input should be {choices}",
    )


def _tool_faults(body: AnthropicBody) -> Iterator[Fault]:
    tools = body.tools or []
    for number, tool in enumerate(tools):
        yield from _one_tool_faults(tool, f"$.tools[{number}]")
    yield from repeated_names([tool.name for tool in tools if tool.name], path="$.tools")
    yield from _choice_faults(body.tool_choice, tools)
    turns = [_turn(message, f"$.messages[{number}]") for number, message in enumerate(body.messages)]
    yield from tool_block_faults(turns, has_tools=bool(tools), tools="tools", refusal=NO_TOOLS)
    yield from pairing_faults(turns)
    for turn in turns:
        for use_id, path in (*turn.uses, *turn.results):
            if not TOOL_ID.fullmatch(use_id):
                yield rule(
                    "tool-use-id",
                    path,
                    found=use_id[:80],
                    expected="letters, digits, underscores and hyphens",
                    refusal=f"{_dotted(path)}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
                )


def _one_tool_faults(tool: Tool, path: str) -> Iterator[Fault]:
    if tool.type not in (None, "custom"):
        return  # a tool of Anthropic's own, which brings its name and schema
    if not TOOL_NAME.fullmatch(tool.name or ""):
        yield rule(
            "tool-name",
            f"{path}.name",
            found=(tool.name or "nothing")[:80],
            expected="1 to 128 letters, digits, underscores and hyphens",
            refusal=f"{_dotted(path)}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'",
        )
    if tool.input_schema is None:
        yield rule(
            "tool-schema",
            f"{path}.input_schema",
            found="nothing",
            expected="a JSON Schema of the tool's input",
            refusal=f"{_dotted(path)}.custom.input_schema: Field required",
        )
    elif tool.input_schema.get("type") != "object":
        said = "Input should be 'object'" if "type" in tool.input_schema else "Field required"
        yield rule(
            "tool-schema",
            f"{path}.input_schema.type",
            found=f"{tool.input_schema.get('type', 'nothing')}"[:80],
            expected="object",
            refusal=f"{_dotted(path)}.custom.input_schema.type: {said}",
        )
    elif tool.strict:
        yield from schema_faults(tool.input_schema, f"{path}.input_schema", closed=True)


def _choice_faults(choice: ToolChoice | None, tools: list[Tool]) -> Iterator[Fault]:
    if choice is None:
        return
    if not tools:
        yield rule(
            "tool-choice-without-tools",
            "$.tool_choice",
            found="tool_choice and no tools",
            expected="tools to choose from",
            refusal="tool_choice may only be specified while providing tools.",
        )
    elif choice.type == "tool" and choice.name not in {tool.name for tool in tools}:
        yield rule(
            "tool-choice-unknown",
            "$.tool_choice.name",
            found=f"{choice.name}"[:80],
            expected="the name of one of the tools",
            refusal=f"tool_choice.name: Tool '{choice.name}' not found in provided tools",
        )


def _turn(message: Message, path: str) -> Turn:
    blocks = [] if isinstance(message.content, str) else list(enumerate(message.content))
    uses = [(block.id, f"{path}.content[{index}]") for index, block in blocks if isinstance(block, ToolUseBlock)]
    results = [
        (block.tool_use_id, f"{path}.content[{index}]") for index, block in blocks if isinstance(block, ToolResultBlock)
    ]
    return Turn(message.role, path, tuple(uses), tuple(results))


def _asked(body: AnthropicBody) -> Asked:
    """The settings that rules stand between."""
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
    """Whether a document or a search result of the message is to be cited, those of tools included."""
    blocks = [] if isinstance(message.content, str) else list(message.content)
    inner = [item for block in blocks if isinstance(block, ToolResultBlock) for item in _inner(block)]
    cited = [block.citations for block in [*blocks, *inner] if isinstance(block, DocumentBlock | SearchResultBlock)]
    return any(citations is not None and citations.enabled is True for citations in cited)


def _cache_faults(body: AnthropicBody) -> Iterator[Fault]:
    """More cache breakpoints than a request may hold. Source: Anthropic, Prompt caching; refused in the field."""
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


def _dotted(path: str) -> str:
    """A JSON path as the model writes it: ``messages.0.content.1``."""
    return path.removeprefix("$.").replace("[", ".").replace("]", "")


def _prefill_faults(body: AnthropicBody, context: Context) -> Iterator[Fault]:
    """What a conversation that ends with the assistant may not do."""
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
            refusal=f"{_dotted(path)}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. "
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block.",
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


def _openai_tool(tool: Tool) -> dict[str, Any]:
    parameters = tool.input_schema or {"type": "object"}
    function = {"name": tool.name or "", "description": tool.description or "", "parameters": parameters}
    return {"type": "function", "function": function | ({"strict": True} if tool.strict else {})}


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
