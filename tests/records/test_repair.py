"""Lines that are nearly JSON are read."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import repair

DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ud83dx"', "\ufffdx"),
        (rb'"\ude00"', "\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (rb'"\ud83d\n\u00e9"', "\ufffd\n\u00e9"),
        (b'"a\x00b\x01c\td"', "a\x00b\x01c\td"),
        (b'"caf\xe9"', "caf\ufffd"),
        (rb'"a\x41\u12"', "a\ufffdx41\ufffdu12"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"1" * 5000, "1" * 5000),
        (b"1e999", math.inf),
    ],
)
def test_an_odd_byte_costs_a_character(line: bytes, value: Any) -> None:
    assert repair.decode(line) == value


def test_not_a_number_is_one() -> None:
    assert math.isnan(repair.decode(b"[NaN]")[0])


@pytest.mark.parametrize("line", [b"", b"{", b'{"a": 1', b"nonsense", b"[1] [2]"])
def test_what_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        repair.decode(line)


def test_a_member_nested_too_deeply_is_left_out() -> None:
    line = b'{"recordId": "a", "modelInput": {"x": ' + DEEP + b'}, "modelOutput": {"generation": "\\"}:,"}}'
    assert repair.decode_object(line) == {"recordId": "a", "modelOutput": {"generation": '"}:,'}}


def test_a_line_that_is_cut_off_keeps_its_id() -> None:
    assert repair.record_id(b'{"recordId": "r-1", "modelInput": {"a": ') == "r-1"
    assert repair.record_id(b'{"modelInput": {"recordId": "inner"}, ') == ""


@given(st.binary(max_size=60) | st.text('{}[]",:\\u d83"eE0', max_size=40).map(str.encode))
def test_any_bytes_are_a_value_or_refused(line: bytes) -> None:
    try:
        repair.decode(line)
    except ValueError:
        repair.record_id(line)
