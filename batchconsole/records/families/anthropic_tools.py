"""Rules for the tools of a request to Claude: names, schemas, ``tool_choice``, calls and results."""

import re
from collections.abc import Iterator

from batchconsole.records.families.anthropic_body import (
    AnthropicBody,
    Message,
    Tool,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)
from batchconsole.records.families.faults import Fault, rule
from batchconsole.records.families.paths import dotted
from batchconsole.records.families.schema_rules import schema_faults
from batchconsole.records.families.tool_rules import (
    CLAUDE,
    Turn,
    combined_schema_faults,
    pairing_faults,
    repeated_names,
    tool_block_faults,
)

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
OPENAI_TYPE = "function"  # refusal seen in the field: https://github.com/dirac-run/dirac/issues/57
NO_TOOLS = "Requests which include `tool_use` or `tool_result` blocks must define `tools`."


def tool_faults(body: AnthropicBody) -> Iterator[Fault]:
    tools = body.tools or []
    for number, tool in enumerate(tools):
        yield from _one_tool_faults(tool, f"$.tools[{number}]")
    yield from repeated_names([tool.name for tool in tools if tool.name], path="$.tools", wording=CLAUDE)
    yield from _choice_faults(body.tool_choice, tools)
    turns = [_turn(message, f"$.messages[{number}]") for number, message in enumerate(body.messages)]
    yield from tool_block_faults(turns, has_tools=bool(tools), tools="tools", refusal=NO_TOOLS)
    yield from pairing_faults(turns, CLAUDE)
    for turn in turns:
        for use_id, path in (*turn.uses, *turn.results):
            if not TOOL_ID.fullmatch(use_id):
                yield rule(
                    "tool-use-id",
                    path,
                    found=use_id[:80],
                    expected="letters, digits, underscores and hyphens",
                    refusal=f"{dotted(path)}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
                )


def _one_tool_faults(tool: Tool, path: str) -> Iterator[Fault]:
    if tool.type == OPENAI_TYPE:
        yield rule(
            "tool-type",
            f"{path}.type",
            found=OPENAI_TYPE,
            expected="custom, or none: name, description and input_schema stand in the tool itself",
            refusal=f"{dotted(path)}: Input tag '{OPENAI_TYPE}' found using 'type' does not match any of the expected "
            "tags: 'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'",
        )
    if tool.type not in (None, "custom"):
        return  # an Anthropic tool has a predefined name and schema
    if not TOOL_NAME.fullmatch(tool.name or ""):
        yield rule(
            "tool-name",
            f"{path}.name",
            found=(tool.name or "nothing")[:80],
            expected="1 to 128 letters, digits, underscores and hyphens",
            refusal=f"{dotted(path)}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'",
        )
    yield from _input_schema_faults(tool, path)


def _input_schema_faults(tool: Tool, path: str) -> Iterator[Fault]:
    if tool.input_schema is None:
        yield rule(
            "tool-schema",
            f"{path}.input_schema",
            found="nothing",
            expected="a JSON Schema of the tool's input",
            refusal=f"{dotted(path)}.custom.input_schema: Field required",
        )
    elif tool.input_schema.get("type") != "object":
        said = "Input should be 'object'" if "type" in tool.input_schema else "Field required"
        yield rule(
            "tool-schema",
            f"{path}.input_schema.type",
            found=f"{tool.input_schema.get('type', 'nothing')}"[:80],
            expected="object",
            refusal=f"{dotted(path)}.custom.input_schema.type: {said}",
        )
    else:
        yield from combined_schema_faults(tool.input_schema, f"{path}.input_schema", tool=f"{dotted(path)}.custom")
        if tool.strict:
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
