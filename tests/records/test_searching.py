"""Texts are found wherever a person reads them, and nowhere else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import files
from batchconsole.records.families import FAMILIES
from batchconsole.records.index import Place
from batchconsole.records.searching import find_text

FAMILY = FAMILIES["titan_text"]


def line(question: str, answer: str | None) -> bytes:
    outcome: dict[str, Any] = {"modelOutput": {"results": [{"outputText": answer}]}}
    if answer is None:
        outcome = {"error": {"errorCode": 400, "errorMessage": "Refused"}}
    return msgspec.json.encode({"recordId": "R1", "modelInput": {"inputText": question}} | outcome)


LINES = [line("Where is Graz?", "In Austria"), line('Wie heißt "das"?', "Ünder"), line("x", None)]
OUTPUT = files.from_bytes("a.out", b"\n".join(LINES))


@pytest.mark.parametrize(
    ("text", "positions"),
    [("graz", [0]), ("AUSTRIA", [0]), ('"das"', [1]), ("ü", [1]), ("refused", [2]), ("r1", [0, 1, 2]), ("inputT", [])],
)
def test_a_text_is_found(text: str, positions: list[int]) -> None:
    assert [place.position for place, _ in find_text([OUTPUT], text, FAMILY)] == positions


def test_a_found_record_tells_where_it_lies() -> None:
    [(place, record)] = find_text([OUTPUT], "refused", FAMILY)
    assert b"".join(OUTPUT.open(start=0))[place.start : place.end] == record.raw == LINES[2]


def test_it_begins_at_a_record_and_is_asked_to_go_on_after_each_chunk() -> None:
    second = files.from_bytes("b.out", b"\n".join(LINES))
    place = Place(4, "b.out", len(LINES[0]) + 1, len(LINES[0]) + len(LINES[1]) + 2)
    found = find_text([OUTPUT, second], "r1", FAMILY, since=place)
    assert [place.position for place, _ in found] == [4, 5]
    found = find_text([OUTPUT, second], "r1", FAMILY, go_on=lambda position: position < 2)
    assert [place.position for place, _ in found] == [0, 1]


words = st.text(alphabet='aB k\u212aß"\\\né', max_size=3)


@given(pairs=st.lists(st.tuples(words, words), max_size=4), text=words)
def test_the_shortcut_for_plain_words_misses_nothing(pairs: list[tuple[str, str]], text: str) -> None:
    lines = [line(question, answer).replace(b"B", b"\\u0042") for question, answer in pairs]
    found = [place.position for place, _ in find_text([files.from_bytes("a", b"\n".join(lines))], text, FAMILY)]
    surely = [number for number, pair in enumerate(pairs) if any(text in part for part in (*pair, "R1"))]
    perhaps = [
        number for number, pair in enumerate(pairs) if any(text.casefold() in part.casefold() for part in (*pair, "R1"))
    ]
    assert set(surely) <= set(found) <= set(perhaps)
