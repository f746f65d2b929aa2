"""Answers of several jobs to one input: what counts as the same, and which records come first."""

import json
from typing import Any

import pytest

from batchconsole.records.comparing import NONE, Compared, Kind, Side, compare, normalised
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.matching import index_lines

CONVERSE = family_for("any", "Converse")


def file_of(*lines: dict[str, Any], name: str = "a.jsonl") -> InputFile:
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return InputFile(name, len(data), lambda *, start=0: iter([data[start:]]))


def asked(record_id: str) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": [{"text": f"What is {record_id}?"}]}]}
    return {"recordId": record_id, "modelInput": body} if record_id else {"modelInput": body}


def answered(record_id: str, text: str | None) -> dict[str, Any]:
    """An output line; without a text, one of a failed record."""
    if text is None:
        return asked(record_id) | {"error": {"errorCode": 400, "errorMessage": "No."}}
    message = {"role": "assistant", "content": [{"text": text}]}
    return asked(record_id) | {"modelOutput": {"output": {"message": message}, "stopReason": "end_turn"}}


def side(number: int, *answers: tuple[str, str | None]) -> Side:
    outputs = [file_of(*(answered(*each) for each in answers), name=f"{number}.out")]
    return Side(number, outputs, index_lines(outputs), CONVERSE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Positive", " positive.\n"),
        ("a  b\nc", "A b c"),
        ('{"a": 1, "b": [2.0]}', '{"b":[2],\n "a":1}'),
        ('```json\n{"a": 1}\n```', '{"a":1}'),
        ("\ufb01ne", "fine"),
    ],
)
def test_answers_that_say_the_same_count_as_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": "X"}', '{"a": "x"}'),
        ("[1, 2]", "[2, 1]"),
        ("{positive", "{negative"),
        ("yes", "no"),
        ('{"a": true}', '{"a": 1}'),
        ("[" * 5000, "[" * 5001),
    ],
)
def test_answers_that_say_something_else_differ(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_records_with_different_answers_come_first_then_those_without_one() -> None:
    inputs = [file_of(*(asked(each) for each in "abcd"))]
    one = side(1, ("a", "yes"), ("b", "yes"), ("c", "yes"), ("d", "no"))
    other = side(2, ("d", "yes"), ("c", None), ("a", "Yes."))
    found = compare(inputs, [one, other])
    assert [Kind(each) for each in found.kinds] == [Kind.SAME, Kind.INCOMPLETE, Kind.INCOMPLETE, Kind.DIFFERENT]
    assert found.ranked() == [3, 1, 2, 0]
    assert list(found.places[1]) == [2, NONE, 1, 0]
    assert [(each.answers, each.mean) for each in found.lengths] == [(4, 3), (2, 4)]
    assert found.find("c") == [2]


def test_records_without_ids_are_joined_by_their_bodies() -> None:
    inputs = [file_of(asked("a") | {"recordId": None}, asked("b") | {"recordId": None})]
    sides = []
    for number, made_up in enumerate(("X", "Y"), 1):
        lines = [answered(each, each) | {"recordId": f"{made_up}{each}"} for each in ("b", "a")]
        outputs = [file_of(*lines, name="o")]
        sides.append(Side(number, outputs, index_lines(outputs), CONVERSE))
    found = compare(inputs, sides)
    assert list(found.kinds) == [Kind.SAME] * 2
    assert not found.has_own_ids
    assert list(found.keys()) == [0, 1]


def test_without_the_input_the_fullest_output_names_the_records() -> None:
    found = compare(None, [side(1, ("a", "yes")), side(2, ("b", "yes"), ("a", "no"))])
    assert [Kind(each) for each in found.kinds] == [Kind.INCOMPLETE, Kind.DIFFERENT]
    assert not found.is_by_input


def test_outputs_of_no_record_are_counted() -> None:
    found = compare([file_of(asked("a"))], [side(1, ("a", "yes"), ("z", "yes")), side(2, ("a", "yes"))])
    assert found.strangers == 1


def test_it_is_stored_and_restored() -> None:
    found = compare([file_of(asked("a"))], [side(1, ("a", "yes")), side(4, ("a", "no"))])
    again = Compared.unpack(found.pack())
    assert (again.kinds, again.numbers, again.places, again.lengths) == (
        found.kinds,
        found.numbers,
        found.places,
        found.lengths,
    )
    assert again.keys() == found.base.ids
