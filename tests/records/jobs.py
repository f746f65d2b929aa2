"""Made-up jobs: an input, and the output a Bedrock would write for it, with the truth about every record beside it."""

import random
from typing import Any

import msgspec
from hypothesis import strategies as st

from batchconsole.records import files
from batchconsole.records.files import InputFile

OK, FAILED, MISSING = "answered", "failed", "unanswered"
Truth = list[tuple[dict[str, Any], str]]


def line(record: dict[str, Any]) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def answer(record: dict[str, Any], outcome: str, number: int) -> dict[str, Any]:
    """The output line of *record*; Bedrock makes up an id where there is none."""
    output = {"modelInput": record["modelInput"], "recordId": record.get("recordId", f"MADEUP{number}")}
    if outcome == FAILED:
        return output | {"error": {"errorCode": 400, "errorMessage": "Refused"}}
    return output | {"modelOutput": {"embedding": [0.5], "inputTextTokenCount": 3}}


def input_file(truth: Truth, name: str = "in.jsonl") -> InputFile:
    return files.from_bytes(name, b"".join(line(record) for record, _ in truth))


def output_file(truth: Truth, seed: int = 0, name: str = "in.jsonl.out") -> InputFile:
    """The output in an order of its own; records that are missing have no line."""
    lines = [
        line(answer(record, outcome, number)) for number, (record, outcome) in enumerate(truth) if outcome != MISSING
    ]
    random.Random(seed).shuffle(lines)
    return files.from_bytes(name, b"".join(lines))


def _record(record_id: str | None, text: str) -> dict[str, Any]:
    body = {"modelInput": {"inputText": text}}
    return body if record_id is None else {"recordId": record_id} | body


records = st.builds(_record, st.sampled_from(["a", "b", "c", "d", "e", None]), st.sampled_from(["x", "y"]))
jobs: st.SearchStrategy[Truth] = st.lists(st.tuples(records, st.sampled_from([OK, FAILED, MISSING])), max_size=9)
seeds = st.integers(0, 9)
