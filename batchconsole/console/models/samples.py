"""Sample input records for a model, as a line of a .jsonl file and formatted for reading."""

import json
from dataclasses import dataclass
from typing import Any

from batchconsole.records.catalogue import Model
from batchconsole.records.families import family_for

INVOCATION_TYPES = ("InvokeModel", "Converse")


@dataclass(frozen=True)
class Sample:
    """One record for one invocation type; ``family`` is the title of its format."""

    invocation_type: str
    family: str
    record: dict[str, Any]

    @property
    def line(self) -> str:
        return json.dumps(self.record, ensure_ascii=False, separators=(",", ":"))

    @property
    def pretty(self) -> str:
        return json.dumps(self.record, indent=2, ensure_ascii=False)


def samples(model: Model) -> list[Sample]:
    """Return a sample for each invocation type of *model* with a known format; Converse only if it outputs text."""
    kinds = INVOCATION_TYPES if "TEXT" in model.output_modalities else INVOCATION_TYPES[:1]
    families = [(kind, family_for(model.model_id, kind)) for kind in kinds]
    return [
        Sample(kind, family.title, {"recordId": "record-0001", "modelInput": family.sample()})
        for kind, family in families
        if family is not None
    ]
