"""Rules based on the catalogue's facts about models, one rule for each kind of fact, shared by all families.

A family reports which feature a body uses and at which path. The facts and their sources are data of the catalogue.
"""

from collections.abc import Iterator

import msgspec

from batchconsole.records.catalogue import Model, Refused
from batchconsole.records.families.faults import Fault, Severity, rule

EFFORTS = ("low", "medium", "high", "xhigh", "max")  # Anthropic's Messages API, output_config.effort


class _Rule(msgspec.Struct, frozen=True):
    code: str
    found: str
    expected: str
    refusal: str = ""
    severity: Severity = "error"


def _deprecated(name: str) -> _Rule:
    return _Rule(
        f"{name}-refused", name, f"no {name}: this model refuses it", f"`{name}` is deprecated for this model."
    )


RULES = {
    Refused.TEMPERATURE: _deprecated("temperature"),
    Refused.TOP_P: _deprecated("top_p"),
    Refused.TOP_K: _deprecated("top_k"),
    Refused.TEMPERATURE_AND_TOP_P: _Rule(
        "temperature-and-top-p",
        "temperature and top_p together",
        "one of the two: this model refuses both together",
        "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. "
        "Please use only one.",
    ),
    Refused.PREFILL: _Rule(
        "prefill-refused",
        "assistant",
        "user",
        "This model does not support assistant message prefill. The conversation must end with a user message.",
    ),
    Refused.THINKING: _Rule("thinking-refused", "thinking", "no thinking: this model has none"),
    Refused.THINKING_ENABLED: _Rule(
        "thinking-budget-refused",
        "thinking of type enabled",
        'thinking of type adaptive, or none: this model takes no budget of tokens, but an "effort"',
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
        '"output_config.effort" to control thinking behavior.',
    ),
    Refused.THINKING_ADAPTIVE: _Rule(
        "adaptive-thinking-refused",
        "thinking of type adaptive",
        "thinking of type enabled with budget_tokens, or none",
        "adaptive thinking is not supported on this model",
    ),
    Refused.REASONING_CONFIG: _Rule(
        "reasoning-refused",
        "reasoningConfig",
        "no reasoningConfig: it is Nova 2's",
        "Malformed input request: #: extraneous key [reasoningConfig] is not permitted, please reformat your input "
        "and try again.",
    ),
    Refused.OUTPUT_SCHEMA: _Rule(
        "output-schema-not-listed",
        "an output schema",
        "a model that AWS lists for structured outputs",
        severity="warning",
    ),
}


def refusal_faults(model: Model | None, word: Refused, path: str) -> Iterator[Fault]:
    """Yield a fault for *path* if *model* refuses *word*. An unknown model (``None``) refuses nothing."""
    if model is not None and word in model.refuses:
        told = RULES[word]
        yield rule(
            told.code,
            path,
            found=told.found,
            expected=told.expected,
            refusal=told.refusal,
            severity=told.severity,
        )


def modality_faults(model: Model | None, modality: str, path: str) -> Iterator[Fault]:
    """Yield a fault if *model* is known not to take *modality* (``IMAGE``, ``VIDEO``, ``AUDIO``)."""
    if model is not None and modality not in model.input_modalities:
        name = modality.lower()
        yield rule(
            "modality-refused",
            path,
            found=name,
            expected=f"no {name}: this model takes {' and '.join(model.input_modalities).lower()}",
            refusal=f"This model doesn't support the {name} content block that you provided. Remove the {name} "
            "and try again.",
        )


def effort_faults(model: Model | None, effort: str, path: str) -> Iterator[Fault]:
    """Yield a fault if *model* does not take *effort*. Families report values outside ``EFFORTS`` themselves."""
    levels = model.effort if model else None
    if levels is None or effort in levels or effort not in EFFORTS:
        return
    if levels:
        said = f"This model does not support effort level '{effort}'. Supported levels: {', '.join(sorted(levels))}."
        yield rule("effort-refused", path, found=effort, expected=f"one of {', '.join(levels)}", refusal=said)
    else:
        said = "This model does not support the effort parameter."
        yield rule("effort-refused", path, found=effort, expected="no effort: this model takes none", refusal=said)
