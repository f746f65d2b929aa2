"""Output lines become records, whatever they are; one pass gives totals, errors by message and an index."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import files, output_lines, results
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Completion
from batchconsole.records.output_lines import Record, read_line
from batchconsole.records.results import Totals, read_manifest, scan
from tests.records.strategies import json_values, mutations

COMPLETION = Completion(text="Paris", embedding=[1.0], input_tokens=7, output_tokens=2)
NAMES = sorted(FAMILIES)


def good(name: str, record_id: str = "a") -> dict[str, Any]:
    family = FAMILIES[name]
    output = family.write_response(family.sample(), COMPLETION, model_id="x")
    return {"modelInput": family.sample(), "modelOutput": output, "recordId": record_id}


def bad(message: str, code: Any = 400, record_id: str = "b") -> dict[str, Any]:
    return {
        "modelInput": {"messages": []},
        "error": {"errorCode": code, "errorMessage": message},
        "recordId": record_id,
    }


def totals(*lines: Any, name: str = "nova") -> Totals:
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    return scan([files.from_bytes("a.out", data)], FAMILIES[name]).totals


@pytest.mark.parametrize("name", NAMES)
def test_a_good_line_is_read_with_and_without_its_family(name: str) -> None:
    line = msgspec.json.encode(good(name))
    record = read_line(line, FAMILIES[name])
    assert (record.record_id, record.is_error, record.raw) == ("a", False, line)
    assert record.answer in {"Paris", "[256 dimensions]"}
    assert record.question
    assert read_line(line, None).answer == record.answer


def test_a_failed_line_keeps_its_question() -> None:
    line = {
        "recordId": "a",
        "modelInput": {"messages": [{"role": "user", "content": "Why?"}], "max_tokens": "x"},
        "error": {"errorCode": 400, "errorMessage": "anthropic_version: Field required"},
    }
    record = read_line(msgspec.json.encode(line), FAMILIES["anthropic"])
    assert (record.question, record.error_code) == ("Why?", 400)
    assert record.error_message == "anthropic_version: Field required"


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b"{}", b'{"error": 1}', b'{"modelOutput": null}', b"\xff"])
def test_a_line_without_an_answer_is_an_error(line: bytes) -> None:
    assert read_line(line, FAMILIES["nova"]).is_error


@given(data=st.data(), name=st.sampled_from([*NAMES, None]))
def test_any_line_is_a_record(data: st.DataObject, name: str | None) -> None:
    value = data.draw(json_values | mutations(good("nova")) | mutations(bad("x")))
    line = data.draw(st.binary(max_size=30) | st.just(msgspec.json.encode(value)))
    assert isinstance(read_line(line, FAMILIES[name] if name else None), Record)


@given(data=st.data(), name=st.sampled_from([*NAMES, None]))
def test_the_pass_agrees_with_reading_line_by_line(data: st.DataObject, name: str | None) -> None:
    lines = data.draw(st.lists(mutations(good("nova")) | mutations(bad("x")) | json_values, max_size=4))
    family = FAMILIES[name] if name else None
    encoded = [msgspec.json.encode(line) for line in lines]
    found = scan([files.from_bytes("a.out", b"\n".join(encoded))], family).totals
    read = [read_line(line, family) for line in encoded]
    assert (found.records, found.failed) == (len(read), sum(record.is_error for record in read))
    assert found.input_tokens == sum(record.input_tokens or 0 for record in read if not record.is_error)


def test_totals_add_up() -> None:
    found = totals(good("nova"), good("nova"), bad("Refused"))
    assert (found.records, found.succeeded, found.failed) == (3, 2, 1)
    assert (found.input_tokens, found.output_tokens, found.without_tokens) == (14, 4, 0)
    assert found.stop_reasons == {"end_turn": 2}


def test_errors_are_grouped_by_message_numbers_aside() -> None:
    found = totals(bad("limit 5 of 10"), bad("limit 6 of 10", record_id="c"), bad("other"), bad("other", code=500))
    assert [(group.code, group.message, group.count) for group in found.errors] == [
        (400, "limit 5 of 10", 2),
        (400, "other", 1),
        (500, "other", 1),
    ]
    assert (found.errors[0].record_ids, found.errors[0].positions) == (["b", "c"], [0, 1])


def test_groups_and_examples_are_bounded() -> None:
    messages = [f"{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(300)]
    found = totals(*(bad(message) for message in messages for _ in range(7)))
    assert len(found.errors) == results.MAX_GROUPS + 1
    assert sum(group.count for group in found.errors) == 2100
    assert max(len(group.positions) for group in found.errors) == results.MAX_EXAMPLES


def test_responses_without_token_counts_are_counted() -> None:
    assert totals(good("mistral"), name="mistral").without_tokens == 1


def test_progress_is_told() -> None:
    told: list[int] = []
    scan(
        [files.from_bytes("a.out", msgspec.json.encode(good("nova")))],
        FAMILIES["nova"],
        progress=lambda totals: told.append(totals.records),
    )
    assert told == [1]


def test_a_manifest_ignores_members_it_does_not_know() -> None:
    manifest = read_manifest(b'{"totalRecordCount": 5, "inputTokenCount": 9, "cacheTokens": 1}\n')
    assert (manifest.total_record_count, manifest.input_token_count, manifest.error_record_count) == (5, 9, None)


def test_a_manifest_may_begin_with_a_mark_and_write_whole_numbers_as_decimals() -> None:
    manifest = read_manifest(b'\xef\xbb\xbf{"totalRecordCount": 5.0, "errorRecordCount": 2.5, "outputTokenCount": "x"}')
    assert (manifest.total_record_count, manifest.error_record_count, manifest.output_token_count) == (5, None, None)


def test_a_broken_manifest_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        read_manifest(b"[]")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ("boom", None, "boom"),
        ({"errorCode": "400", "errorMessage": "x"}, "400", "x"),
        ({"code": "Throttling", "message": "slow down"}, "Throttling", "slow down"),
        ({"errorCode": 503}, 503, "Error 503, without a message."),
        ({"__type": "ValidationException", "Message": "bad"}, "ValidationException", "bad"),
        (
            {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}},
            "invalid_request_error",
            "bad",
        ),
        ({"errorCode": 400, "errorMessage": {"path": "$.x"}}, 400, '{"path":"$.x"}'),
        ({"errorCode": 400, "errorMessage": ["a", "b"]}, 400, '["a","b"]'),
        ({"errorCode": 400, "why": "because"}, 400, '{"errorCode":400,"why":"because"}'),
        ([{"errorCode": 400, "errorMessage": "x"}], 400, "x"),
        ([1, 2], None, "[1,2]"),
        (7, None, "7"),
        (None, None, output_lines.NO_OUTPUT),
    ],
)
def test_an_error_of_any_shape_is_shown_with_what_it_holds(error: Any, code: Any, message: str) -> None:
    record = read_line(msgspec.json.encode({"recordId": "a", "modelInput": {}, "error": error}), None)
    assert (record.record_id, record.error_code, record.error_message) == ("a", code, message)


HALF_A_PAIR = (
    rb'{"recordId":"r1","modelInput":{},"modelOutput":{"content":[{"type":"text","text":"cut \ud83d"}],'
    rb'"stop_reason":"max_tokens","usage":{"input_tokens":3,"output_tokens":4}}}'
)


def test_half_a_surrogate_pair_costs_a_character() -> None:
    record = read_line(HALF_A_PAIR, FAMILIES["anthropic"])
    assert (record.record_id, record.answer, record.is_error) == ("r1", "cut \ufffd", False)
    found = scan([files.from_bytes("a.out", HALF_A_PAIR)], FAMILIES["anthropic"])
    assert (found.totals.succeeded, found.totals.input_tokens, found.totals.output_tokens) == (1, 3, 4)
    assert len(found.index.find("r1")) == 1


def test_an_input_nested_too_deeply_does_not_hide_the_answer() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    record = read_line(b'{"recordId":"a","modelInput":{"x":' + deep + b'},"modelOutput":{"generation":"Hi"}}', None)
    assert (record.record_id, record.answer, record.is_error) == ("a", "Hi", False)


def test_a_line_that_is_cut_off_keeps_its_id() -> None:
    record = read_line(b'{"recordId": "r-1", "modelInput": {"a": ', None)
    assert (record.record_id, record.error_message) == ("r-1", output_lines.UNREADABLE)


def test_an_empty_error_beside_an_answer_is_none() -> None:
    line = good("nova") | {"error": {}}
    assert not read_line(msgspec.json.encode(line), FAMILIES["nova"]).is_error
    assert totals(line).failed == 0


def test_cached_tokens_are_summed() -> None:
    line = good("anthropic")
    line["modelOutput"]["usage"] = {"input_tokens": 1, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6}
    found = totals(line, line, name="anthropic")
    assert (found.input_tokens, found.cache_read_tokens, found.cache_write_tokens) == (2, 10, 12)


@pytest.mark.parametrize(
    ("response", "answer", "error"),
    [
        ({"status_code": 200, "body": {"choices": [{"message": {"content": "Hi"}}]}}, "Hi", None),
        ({"status_code": 400, "body": {"error": {"code": "x", "message": "bad"}}}, "", ("x", "bad")),
        ({"status_code": 400, "body": {"object": "error", "code": 400, "message": "bad"}}, "", (400, "bad")),  # vLLM's
        ({"status_code": 503, "body": {}}, "", (503, "Error 503, without a message.")),
    ],
)
def test_a_line_of_an_openai_batch_is_read(response: Any, answer: str, error: Any) -> None:
    record = read_line(msgspec.json.encode({"custom_id": "c", "response": response, "error": None}), None)
    assert (record.record_id, record.answer) == ("c", answer)
    assert (record.error_code, record.error_message) == (error or (None, None))
