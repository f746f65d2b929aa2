"""Rules for Nova's own settings, whether in its own body or in a Converse request.

``reasoningConfig`` is a field of Nova's body or an additional field of Converse.

=================== ============================================================ ====================================
field               rule                                                         source
=================== ============================================================ ====================================
reasoningConfig     only for Nova 2                                              Nova 2 guide, Reasoning capabilities
type                enabled or disabled                                          Nova 2 guide, Extended thinking
maxReasoningEffort  low, medium or high                                          the same
... high            no maxTokens, temperature, topP                              the same; inspect_ai issue 3767
=================== ============================================================ ====================================
"""

from collections.abc import Iterator
from typing import Any

from batchconsole.records.catalogue import Refused
from batchconsole.records.families.converse_body import ToolConfig
from batchconsole.records.families.faults import Fault, rule, shown
from batchconsole.records.families.schema import Context

EFFORTS = ("low", "medium", "high")


def reasoning_faults(given: Any, context: Context, *, path: str, chosen: dict[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the ``reasoningConfig`` *given* at *path*; *chosen* maps the other settings to values."""
    if given is None:
        return
    if context.refuses(Refused.REASONING_CONFIG):
        yield from context.refusal_faults(Refused.REASONING_CONFIG, path)
        return
    if not isinstance(given, dict) or given.get("type") not in ("enabled", "disabled"):
        kind = given.get("type") if isinstance(given, dict) else given
        yield rule("reasoning-type", f"{path}.type", found=shown(kind), expected="enabled or disabled")
        return
    effort = given.get("maxReasoningEffort")
    if effort is not None and effort not in EFFORTS:
        yield rule("reasoning-effort", f"{path}.maxReasoningEffort", found=shown(effort), expected=", ".join(EFFORTS))
    if given["type"] == "enabled" and effort == "high":
        yield from _high_effort_faults(chosen)


def _high_effort_faults(chosen: dict[str, Any]) -> Iterator[Fault]:
    for name, value in chosen.items():
        if value is not None:
            yield rule(
                "beside-high-effort",
                f"$.inferenceConfig.{name}",
                found=f"{name} beside a high reasoning effort",
                expected=f"no {name}",
                refusal=f"{name} cannot be set when maxReasoningEffort is high.",
            )


def nova_tool_faults(config: ToolConfig | None, context: Context) -> Iterator[Fault]:
    """Yield a fault for top-level ``definitions`` in a tool's schema, for the first generation of Nova models.

    Refusal seen in the field: https://github.com/zed-industries/zed/issues/31815.
    """
    model_id = context.model.model_id if context.model else ""
    if not model_id.startswith("amazon.nova-") or model_id.startswith("amazon.nova-2"):
        return
    for number, tool in enumerate(config.tools if config else ()):
        schema = tool.tool_spec.input_schema.json if tool.tool_spec else None
        if isinstance(schema, dict) and "definitions" in schema:
            where = f"toolConfig.tools[{number}].toolSpec.inputSchema.json"
            yield rule(
                "tool-schema-definitions",
                f"$.{where}.definitions",
                found="definitions",
                expected="a schema without definitions: what they define where it is used",
                refusal=f"Malformed input request: #/{where.replace('[', '/').replace(']', '').replace('.', '/')}: "
                "extraneous key [definitions] is not permitted, please reformat your input and try again.",
            )
