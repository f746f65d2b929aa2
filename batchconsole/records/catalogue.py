"""The shipped catalogue of models: which support batch jobs, which body they expect, and what they refuse.

The data is in ``catalogue.json`` in this folder. AWS's Create call has the last word: ListFoundationModels does not say
which models support batch jobs, so this list can be older than the service.
"""

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from batchconsole.records.geographies import GEOGRAPHIES

_PROFILE_PREFIX = re.compile(rf"(?:{'|'.join(GEOGRAPHIES)})\.(?=[a-z0-9]+\.)")
_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:(?:foundation-model|inference-profile|custom-model)/([^/]+)")
_CONTEXT_SUFFIX = re.compile(r":\d+k$")


class Refused(StrEnum):
    """What a model may refuse in a body that other models of its family accept."""

    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    TOP_K = "top_k"
    TEMPERATURE_AND_TOP_P = "temperature+top_p"
    PREFILL = "prefill"  # a conversation that ends with the assistant
    THINKING = "thinking"  # of either kind
    THINKING_ENABLED = "thinking.enabled"  # with a token budget
    THINKING_ADAPTIVE = "thinking.adaptive"
    REASONING_CONFIG = "reasoningConfig"  # of Nova 2
    OUTPUT_SCHEMA = "output_schema"  # structured outputs


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The source of a fact: a URL, the date it was read (ISO 8601), and what it says."""

    url: str
    as_of: str
    tells: str


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One foundation model.

    ``batch`` says whether it is known to support batch jobs; ``on_demand`` whether jobs may use the bare id instead of
    one of ``inference_profiles`` (full profile ids, ``us.anthropic...``). ``max_output_tokens`` is ``None`` if unknown.
    ``refuses`` lists what the model refuses. ``effort`` lists the effort levels that it accepts; empty means none, and
    ``None`` unknown. ``sources`` gives the source of each fact by key: each refused feature, ``effort``, and ``model``
    for the rest.
    """

    model_id: str
    name: str
    provider: str
    family: str
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    batch: bool
    on_demand: bool
    inference_profiles: tuple[str, ...]
    max_output_tokens: int | None
    regions: tuple[str, ...]
    refuses: tuple[Refused, ...] = ()
    effort: tuple[str, ...] | None = None
    sources: tuple[tuple[str, Source], ...] = ()


class _Data(msgspec.Struct):
    as_of: str
    family_by_prefix: dict[str, str]
    sources: dict[str, Source]
    models: list[dict[str, Any]]


@cache
def _data() -> _Data:
    return msgspec.json.decode(Path(__file__).with_name("catalogue.json").read_bytes(), type=_Data)


def _model(row: dict[str, Any]) -> Model:
    profiles = [f"{geography}.{row['model_id']}" for geography in row.pop("geographies")]
    effort, refuses = row.pop("effort", None), row.pop("refuses")
    names = {"model": row.pop("source")} | refuses | ({"effort": effort["source"]} if effort else {})
    facts = {
        "inference_profiles": profiles,
        "refuses": list(refuses),
        "effort": effort["levels"] if effort else None,
        "sources": [(fact, _data().sources[name]) for fact, name in names.items()],
    }
    return msgspec.convert(row | facts, Model)


@cache
def models() -> tuple[Model, ...]:
    """Return every model of the catalogue, in display order."""
    return tuple(_model(dict(row)) for row in _data().models)


@cache
def _by_id() -> dict[str, Model]:
    return {model.model_id: model for model in models()}


def bare_id(model_id: str) -> str:
    """Return *model_id* without ARN, profile prefix (``us.``) and context suffix (``:300k``), if it has any.

    It accepts whatever ``modelId`` of CreateModelInvocationJob accepts. For a custom model's ARN it returns the base
    model; an application inference profile's ARN does not contain the model and is returned whole.
    """
    arn = _ARN.match(model_id)
    name = arn[1] if arn else model_id
    return _CONTEXT_SUFFIX.sub("", _PROFILE_PREFIX.sub("", name, count=1))


def is_global(model_id: str) -> bool:
    """Whether *model_id* is the ``global.`` inference profile of a model, as an id or an ARN."""
    return model_id.rpartition("/")[2].startswith("global.")


def find_model(model_id: str) -> Model | None:
    """Return the model of a bare id, a foundation-model ARN, or an inference-profile id or ARN; ``None`` if unknown."""
    return _by_id().get(bare_id(model_id))


def guess_family(model_id: str) -> str | None:
    """Return the family name of *model_id*, by the provider's prefix if the id is not in the catalogue, or ``None``."""
    model = find_model(model_id)
    if model:
        return model.family
    name = bare_id(model_id)
    found = next((family for prefix, family in _data().family_by_prefix.items() if name.startswith(prefix)), None)
    return found or None  # an empty name means that the prefix does not determine the family
