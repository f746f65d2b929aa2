"""A sample input record for a model, as a line of a .jsonl file and as people read it."""

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
    """A sample for each way to invoke *model* whose format is known. Converse is for conversations only."""
    kinds = INVOCATION_TYPES if "TEXT" in model.output_modalities else INVOCATION_TYPES[:1]
    families = [(kind, family_for(model.model_id, kind)) for kind in kinds]
    return [
        Sample(kind, family.title, {"recordId": "record-0001", "modelInput": family.sample()})
        for kind, family in families
        if family is not None
    ]
