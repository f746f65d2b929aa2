"""Any bytes are laid out for a page, and only as much as it can show."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.pretty import lay_out
from tests.records.strategies import json_values


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"a":1,"b":[],"c":{ },"d":[1,{"e":null}]}',
         '{\n  "a": 1,\n  "b": [],\n  "c": {},\n  "d": [\n    1,\n    {\n      "e": null\n    }\n  ]\n}'),
        (rb'["caf\u00e9 \ud83d\ude00 \ud83d \u0000 \u0022 \n \\u00e9"]',
         '[\n  "caf\u00e9 \U0001f600 \\ud83d \\u0000 \\u0022 \\n \\\\u00e9"\n]'),
        (b'["a\x00b"]', '[\n  "a\ufffdb"\n]'),
        (b'["\xff"]', '[\n  "\ufffd"\n]'),
        (b"[" + b"9" * 5000 + b"]", "[\n  " + "9" * 5000 + "\n]"),
        (b"just\0text", "just\ufffdtext"),
        (b"{", "{\n  "),
        (b"", ""),
    ],
)  # fmt: skip
def test_json_has_a_member_on_each_line(data: bytes, text: str) -> None:
    assert lay_out(data).text == text


def test_a_hundred_thousand_levels_are_a_bounded_text() -> None:
    laid = lay_out(b"[" * 100_000 + b"]" * 100_000, most=50_000)
    assert laid.is_cut
    assert len(laid.text) == 50_000


def test_a_long_text_is_cut() -> None:
    assert lay_out(b'["' + b"x" * 10_000 + b'"]', most=100).is_cut
    assert lay_out(b"x" * 10_000, most=100).text == "x" * 100


@given(json_values.filter(lambda value: isinstance(value, list | dict)))
def test_the_layout_is_that_of_python(value: object) -> None:
    expected = json.dumps(value, indent=2)
    assert json.loads(lay_out(expected.encode()).text or "0") == json.loads(expected) or "NaN" in expected


@given(st.binary(max_size=80) | st.text('{}[]",:\\u d83', max_size=60).map(str.encode))
def test_any_bytes_are_laid_out(data: bytes) -> None:
    lay_out(data).text.encode()
