"""Input and output are paired, joined and resent so that nothing is lost and nothing made up."""

from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import files
from batchconsole.records.families import FAMILIES
from batchconsole.records.joining import JoinedRow, Run, join, join_in_order
from batchconsole.records.matching import ALONE, pair
from batchconsole.records.results import scan
from batchconsole.records.retry import Outcome, chosen, outcomes, resend
from tests.records.jobs import FAILED, MISSING, OK, Truth, input_file, jobs, line, output_file, seeds

FAMILY = FAMILIES["titan_embeddings"]


def run_of(truth: Truth, seed: int = 0) -> Run:
    return Run([input_file(truth)], [output_file(truth, seed)], FAMILY)


def resent(truth: Truth, seed: int = 0, **options: Any) -> list[bytes]:
    run = run_of(truth, seed)
    scanned = scan(run.outputs, FAMILY).index
    wanted = chosen(pair(run.inputs, run.outputs, output_index=scanned), **options)
    return [each.line for each in resend(run.inputs, wanted)]


def of(truth: Truth, *wanted: str) -> list[bytes]:
    return [line(record) for record, outcome in truth if outcome in wanted]


def sketch(rows: list[JoinedRow]) -> Counter[tuple[str, str]]:
    return Counter((msgspec.json.decode(row.record.raw)["modelInput"]["inputText"], row.outcome.value) for row in rows)


@given(truth=jobs, seed=seeds)
def test_every_output_answers_one_input_with_its_id_and_body(truth: Truth, seed: int) -> None:
    run = run_of(truth, seed)
    pairing = pair(run.inputs, run.outputs)
    outputs = [msgspec.json.decode(text) for text in b"".join(run.outputs[0].open(start=0)).splitlines()]
    paired = [(truth[ours][0], outputs[theirs]) for ours, theirs in enumerate(pairing.answers) if theirs != ALONE]
    assert len(paired) == len(outputs) == len({id(output) for _, output in paired})
    assert all(record["modelInput"] == output["modelInput"] for record, output in paired)
    assert all(record.get("recordId", output["recordId"]) == output["recordId"] for record, output in paired)


@given(truth=jobs, seed=seeds)
def test_resend_plus_original_covers_the_input_exactly(truth: Truth, seed: int) -> None:
    assert Counter(resent(truth, seed)) == Counter(of(truth, FAILED, MISSING))
    assert Counter(resent(truth, seed, unanswered=False)) == Counter(of(truth, FAILED))
    assert Counter(resent(truth, seed, failed=False)) == Counter(of(truth, MISSING))


@given(truth=jobs, seed=seeds)
def test_a_padded_resend_is_part_of_the_input(truth: Truth, seed: int) -> None:
    lines = resent(truth, seed, at_least=5)
    assert Counter(lines) <= Counter(of(truth, OK, FAILED, MISSING))
    assert len(lines) >= min(5, len(truth))


@given(truth=jobs, seed=seeds)
def test_the_join_loses_and_invents_nothing(truth: Truth, seed: int) -> None:
    rows = list(join([run_of(truth, seed)]))
    assert sketch(rows) == Counter((record["modelInput"]["inputText"], outcome) for record, outcome in truth)


@given(truth=jobs, seed=seeds, data=st.data())
def test_a_resend_worked_in_leaves_one_row_a_record(truth: Truth, seed: int, data: st.DataObject) -> None:
    lines = resent(truth, seed, at_least=data.draw(st.integers(0, 9)))
    again: Truth = [(msgspec.json.decode(text), data.draw(st.sampled_from([OK, FAILED, MISSING]))) for text in lines]
    rows = list(join([run_of(truth, seed), run_of(again, seed + 1)]))
    assert Counter(text for text, _ in sketch(rows).elements()) == Counter(
        record["modelInput"]["inputText"] for record, _ in truth
    )
    answered = sum(row.outcome is Outcome.ANSWERED for row in rows)
    assert answered >= sum(outcome == OK for _, outcome in truth)
    assert answered <= sum(outcome == OK for _, outcome in truth + again)


def test_a_good_answer_stays_whatever_comes_later() -> None:
    record: dict[str, Any] = {"recordId": "a", "modelInput": {"inputText": "x"}}
    rows = list(join([run_of([(record, FAILED)]), run_of([(record, OK)]), run_of([(record, FAILED)])]))
    assert [(row.outcome, row.run) for row in rows] == [(Outcome.ANSWERED, 1)]
    padded = list(join([run_of([(record, OK)]), run_of([(record, OK)])]))
    assert [row.run for row in padded] == [0]


def test_the_cheapest_answered_records_fill_a_resend_up() -> None:
    texts = ["a long question that takes more bytes", "short", "failed"]
    records = [{"recordId": str(number), "modelInput": {"inputText": text}} for number, text in enumerate(texts)]
    lines = resent([(records[0], OK), (records[1], OK), (records[2], FAILED)], at_least=2)
    assert [msgspec.json.decode(text)["recordId"] for text in lines] == ["1", "2"]


def test_what_only_a_resend_has_is_a_row_too() -> None:
    first: dict[str, Any] = {"recordId": "a", "modelInput": {"inputText": "x"}}
    more: dict[str, Any] = {"recordId": "b", "modelInput": {"inputText": "y"}}
    rows = list(join([run_of([(first, OK)]), run_of([(more, OK), (more | {"recordId": "c"}, MISSING)])]))
    assert sorted((row.record.record_id, row.outcome.value) for row in rows) == [("a", OK), ("b", OK), ("c", MISSING)]


def test_outputs_whose_bodies_were_altered_still_pair_by_id() -> None:
    truth: Truth = [({"recordId": "a", "modelInput": {"inputText": text}}, OK) for text in ("x", "y")]
    altered = files.from_bytes("o", b"".join(output_file(truth).open(start=0)).replace(b"inputText", b"text"))
    pairing = pair([input_file(truth)], [altered])
    assert sorted(pairing.answers) == [0, 1]
    assert set(pairing.questions()) == {0, 1}


def test_lines_that_are_not_records_are_unanswered() -> None:
    source = files.from_bytes("in.jsonl", b"nonsense\n\n[1]\n" + line({"recordId": "a", "modelInput": {}}))
    pairing = pair([source], [])
    assert outcomes(pairing) == [Outcome.UNANSWERED] * 3
    assert [each.line for each in resend([source], chosen(pairing))][:2] == [b"nonsense\n", b"[1]\n"]


@given(truth=jobs, seed=seeds)
def test_rows_in_order_of_the_input_are_the_same_rows(truth: Truth, seed: int) -> None:
    found = list(join_in_order([run_of(truth, seed)]))
    asked = [msgspec.json.decode(row.record.raw)["modelInput"]["inputText"] for row in found]
    assert asked == [record["modelInput"]["inputText"] for record, _ in truth]
    assert sketch(found) == sketch(list(join([run_of(truth, seed)])))
