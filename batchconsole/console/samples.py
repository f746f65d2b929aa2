"""A sample input record for a model, as a line of a .jsonl file and as people read it."""

import json
from dataclasses import dataclass
from typing import Any

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


def samples(model_id: str) -> list[Sample]:
    """A sample for each way to invoke *model_id* whose format is known."""
    families = [(kind, family_for(model_id, kind)) for kind in INVOCATION_TYPES]
    return [
        Sample(kind, family.title, {"recordId": "record-0001", "modelInput": family.sample()})
        for kind, family in families
        if family is not None
    ]
