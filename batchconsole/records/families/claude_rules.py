"""Rules for the combined settings of a request to Claude. They are the same in its own body and with Converse.

=================== ============================================================ ====================================
setting             rule                                                         source
=================== ============================================================ ====================================
thinking            a budget of at least 1,024 tokens, below ``max_tokens``      Anthropic, Extended thinking
                    (unless thinking is interleaved with tools)
thinking            temperature only 1, no ``top_k``, ``top_p`` at least 0.95,   the same
                    a prefill must start with thinking (checked in
                    ``anthropic_content``); with a budget no forced tool
sampling, thinking, refused by the models whose catalogue entry says so          the catalogue's sources
effort, format
stop sequences      contain more than white space                                Messages API error
output format       a schema in the supported subset; no citations               Anthropic, Structured outputs
``output_format``   the old name of ``output_config.format`` (a warning)         the same
tool_choice         needs tools, names one (checked in ``anthropic_tools``)      Messages API error
=================== ============================================================ ====================================
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.catalogue import Refused
from batchconsole.records.families.faults import Fault, rule, shown
from batchconsole.records.families.model_facts import EFFORTS, effort_faults
from batchconsole.records.families.schema import Context, sampling_faults
from batchconsole.records.families.schema_rules import schema_faults

LEAST_BUDGET = 1024
LEAST_TOP_P = 0.95  # with thinking
INTERLEAVED = "interleaved-thinking"
FORCING = frozenset({"any", "tool"})
THINKING_TYPES = ("enabled", "disabled", "adaptive", "between_tools")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that these rules read. ``at`` is the path of their object; ``paths`` has the exceptions."""

    at: str = "$"
    paths: dict[str, str] = {}
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Any = None
    stop_sequences: list[str] | None = None
    thinking: Any = None
    betas: list[str] | None = None
    output_config: Any = None
    output_format: Any = None
    tool_choice: str | None = None
    has_citations: bool = False

    def path(self, name: str) -> str:
        """Return the JSON path of the setting *name*."""
        return self.paths.get(name, f"{self.at}.{name}")


def claude_faults(asked: Asked, context: Context) -> Iterator[Fault]:
    """Yield every fault of the combined settings."""
    yield from _refused_faults(asked, context)
    yield from _stop_faults(asked)
    yield from _thinking_faults(asked)
    yield from _output_faults(asked, context)


def _refused_faults(asked: Asked, context: Context) -> Iterator[Fault]:
    """Yield a fault for each setting that the model refuses according to the catalogue."""
    yield from sampling_faults(
        context,
        temperature=(asked.path("temperature"), asked.temperature),
        top_p=(asked.path("top_p"), asked.top_p),
        top_k=(asked.path("top_k"), asked.top_k),
    )
    kind = asked.thinking.get("type") if isinstance(asked.thinking, dict) else None
    words = {"enabled": Refused.THINKING_ENABLED, "adaptive": Refused.THINKING_ADAPTIVE}
    for word in (Refused.THINKING, words[kind]) if kind in words else ():
        yield from context.refusal_faults(word, f"{asked.path('thinking')}.type")


def _stop_faults(asked: Asked) -> Iterator[Fault]:
    for number, text in enumerate(asked.stop_sequences or ()):
        if not text.strip():
            yield rule(
                "blank-stop-sequence",
                f"{asked.path('stop_sequences')}[{number}]",
                found="only white space",
                expected="some other character",
                refusal="stop_sequences: each stop sequence must contain non-whitespace",
            )


def _thinking_faults(asked: Asked) -> Iterator[Fault]:
    thinking = asked.thinking
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in THINKING_TYPES:
        yield rule(
            "unknown-thinking",
            f"{asked.path('thinking')}.type",
            found=f"{kind}",
            expected="enabled, disabled or adaptive",
            refusal=f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags: "
            "'adaptive', 'disabled', 'enabled'",
        )
    if kind == "enabled":
        yield from _budget_faults(asked, thinking.get("budget_tokens"))
    if kind in ("enabled", "adaptive"):
        yield from _beside_thinking_faults(asked)
    if kind == "enabled" and asked.tool_choice in FORCING:
        yield rule(
            "beside-thinking",
            asked.path("tool_choice"),
            found=f"a forced tool ({asked.tool_choice}) beside thinking",
            expected="auto or none",
            refusal="Thinking may not be enabled when tool_choice forces tool use.",
        )


def _budget_faults(asked: Asked, budget: Any) -> Iterator[Fault]:
    path = f"{asked.path('thinking')}.budget_tokens"
    if not isinstance(budget, int) or isinstance(budget, bool):
        said = "Field required" if budget is None else "Input should be a valid integer"
        yield rule(
            "thinking-budget",
            path,
            found="nothing" if budget is None else f"{budget}",
            expected=f"a whole number of at least {LEAST_BUDGET}",
            refusal=f"thinking.enabled.budget_tokens: {said}",
        )
        return
    if budget < LEAST_BUDGET:
        yield rule(
            "thinking-budget",
            path,
            found=f"{budget}",
            expected=f"at least {LEAST_BUDGET}",
            refusal=f"thinking.enabled.budget_tokens: Input should be greater than or equal to {LEAST_BUDGET}",
        )
    is_interleaved = any(isinstance(beta, str) and beta.startswith(INTERLEAVED) for beta in asked.betas or ())
    if asked.max_tokens is not None and budget >= asked.max_tokens and not is_interleaved:
        yield rule(
            "thinking-budget",
            path,
            found=f"{budget}",
            expected=f"less than max_tokens, which is {asked.max_tokens}",
            refusal="`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        )


def _beside_thinking_faults(asked: Asked) -> Iterator[Fault]:
    """Yield a fault for each sampling setting that is not allowed with thinking."""
    wrong = {
        "temperature": (asked.temperature not in (None, 1), "1, or none", "`temperature` may only be set to 1"),
        "top_k": (asked.top_k is not None, "none", "`top_k` must be unset"),
        "top_p": (
            asked.top_p is not None and asked.top_p < LEAST_TOP_P,
            f"at least {LEAST_TOP_P}, or none",
            "`top_p` must be greater than or equal to 0.95 or unset",
        ),
    }
    for name, (is_wrong, expected, words) in wrong.items():
        if is_wrong:
            yield rule(
                "beside-thinking",
                asked.path(name),
                found=f"{name} {getattr(asked, name)} beside thinking",
                expected=expected,
                refusal=f"{words} when thinking is enabled.",
            )


def _output_faults(asked: Asked, context: Context) -> Iterator[Fault]:
    if asked.output_format is not None:
        yield rule(
            "old-output-format",
            asked.path("output_format"),
            found="output_format",
            expected="output_config.format, its new name",
            severity="warning",
        )
        yield from _format_faults(asked, asked.output_format, asked.path("output_format"), context)
    config = asked.output_config
    if not isinstance(config, dict):
        return
    if config.get("format") is not None:
        yield from _format_faults(asked, config["format"], f"{asked.path('output_config')}.format", context)
    if config.get("effort") is not None:
        yield from _effort_faults(asked, config["effort"], context)


def _format_faults(asked: Asked, given: Any, path: str, context: Context) -> Iterator[Fault]:
    yield from context.refusal_faults(Refused.OUTPUT_SCHEMA, path)
    if not isinstance(given, dict) or given.get("type") != "json_schema":
        yield rule("output-format-type", f"{path}.type", found="another type", expected="json_schema")
        return
    if "schema" not in given:
        yield rule("output-format-schema", f"{path}.schema", found="nothing", expected="a JSON Schema")
        return
    yield from schema_faults(given["schema"], f"{path}.schema", closed=True)
    if asked.has_citations:
        yield rule(
            "output-format-with-citations",
            path,
            found="an output format beside citations",
            expected="one of the two",
            refusal="output_config.format: structured outputs are incompatible with citations.",
        )


def _effort_faults(asked: Asked, effort: Any, context: Context) -> Iterator[Fault]:
    path = f"{asked.path('output_config')}.effort"
    if effort in EFFORTS:
        yield from effort_faults(context.model, effort, path)
    else:
        yield rule(
            "effort-unknown",
            path,
            found=shown(effort),
            expected=f"one of {', '.join(EFFORTS)}",
            refusal="output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        )
