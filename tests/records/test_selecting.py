"""Which records are shown and downloaded, and in which order."""

import json
from typing import Any

import pytest

from batchconsole.records import files, selecting
from batchconsole.records.joining import JoinedRow
from batchconsole.records.output_lines import read_line
from batchconsole.records.results import Scan, scan
from batchconsole.records.retry import Outcome
from batchconsole.records.selecting import Wanted

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
ASKED = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}


def line(name: str, answer: str | None, *, stop: str = "end_turn", tokens: int | None = 1) -> bytes:
    usage = {} if tokens is None else {"usage": {"input_tokens": 1, "output_tokens": tokens}}
    output = {"content": [{"type": "text", "text": answer}], "stop_reason": stop, **usage}
    outcome: dict[str, Any] = {"error": {"errorCode": 400}} if answer is None else {"modelOutput": output}
    return json.dumps({"recordId": name, "modelInput": ASKED, **outcome}).encode()


LINES = [
    line("a", '{"a": 1}', tokens=5),
    line("b", None),
    line("c", '{"a": ', stop="max_tokens", tokens=9),
    line("d", '{"a": "x"}', tokens=None),
    line("e", '{"a": 2}', tokens=7),
]


@pytest.fixture(scope="module")
def found() -> Scan:
    return scan([files.from_bytes("a.out", b"\n".join(LINES))], None)


CASES = [
    (Wanted(), [0, 1, 2, 3, 4]),
    (Wanted(only="errors"), [1]),
    (Wanted(only="matches"), [0, 4]),
    (Wanted(only="mismatches"), [2, 3]),
    (Wanted(stop="max_tokens"), [2]),
    (Wanted(only="matches", stop="max_tokens"), []),
    (Wanted(stop="never"), []),
]


@pytest.mark.parametrize(("wanted", "positions"), CASES)
def test_records_are_selected_by_the_index(found: Scan, wanted: Wanted, positions: list[int]) -> None:
    assert list(selecting.positions(found.index, found.totals, wanted)) == positions


@pytest.mark.parametrize(("wanted", "positions"), CASES)
def test_a_download_has_the_records_of_the_page(wanted: Wanted, positions: list[int]) -> None:
    rows = [
        JoinedRow(Outcome.FAILED if (record := read_line(each, None)).is_error else Outcome.ANSWERED, record, 0)
        for each in LINES
    ]
    names = [row.record.record_id for row in selecting.select(rows, wanted)]
    assert names == ["abcde"[position] for position in positions]
    assert [row.record.record_id for row in selecting.select(rows, Wanted(find="MAX_"))] == []
    assert [row.record.record_id for row in selecting.select(rows, Wanted(find='"X"'))] == ["d"]


@pytest.mark.parametrize(
    ("order", "positions"),
    [("", [0, 1, 2, 3, 4]), ("-tokens", [2, 4, 0, 1, 3]), ("tokens", [0, 4, 2, 1, 3]), ("input", [4, 3, 2, 1, 0])],
)
def test_records_come_in_the_order_asked_for(found: Scan, order: str, positions: list[int]) -> None:
    wanted = Wanted(order=order)
    assert list(selecting.positions(found.index, found.totals, wanted, [4, 3, 2, 1, 0])) == positions


def test_an_order_that_is_not_known_is_that_of_the_output(found: Scan) -> None:
    assert list(selecting.positions(found.index, found.totals, Wanted(order="input"))) == [0, 1, 2, 3, 4]
