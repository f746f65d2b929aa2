"""Records sent one by one: read as Bedrock reads them, and written as it writes them."""

import json

import pytest

from batchconsole.records import files
from batchconsole.records.on_demand import Record, Tally, answered_line, failed_line, read_records
from batchconsole.records.results import read_manifest

GOOD = b'{"recordId":"a","modelInput":{"messages":[]}}'


def read(data: bytes) -> list[Record]:
    return list(read_records([files.from_bytes("in.jsonl", data)]))


@pytest.mark.parametrize("data", [GOOD, b"\xef\xbb\xbf" + GOOD, GOOD + b"\r\n\r\n", b"\n \n" + GOOD + b"\n"])
def test_marks_line_ends_and_blank_lines_are_no_records(data: bytes) -> None:
    [record] = read(data)
    assert (record.place, record.record_id, record.body, record.problem) == (0, b'"a"', b'{"messages":[]}', "")


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"{}", b'{"modelInput": 3}', b'{"modelInput": "\xff"}'])
def test_a_line_that_is_no_record_says_so(line: bytes) -> None:
    bad, good = read(line + b"\n" + GOOD)
    assert bad.problem
    assert json.loads(failed_line(bad, 400, bad.problem))["error"]["errorCode"] == 400
    assert (good.place, good.problem) == (1, "")


@pytest.mark.parametrize(
    ("given", "kept"), [(b"", "REC00000001"), (b'"recordId":null,', "REC00000001"), (b'"recordId":7,', 7)]
)
def test_a_record_without_an_id_gets_one(given: bytes, kept: object) -> None:
    [record] = read(b"{" + given + b'"modelInput":{}}')
    assert json.loads(answered_line(record, b"{}"))["recordId"] == kept


def test_a_body_stays_as_written() -> None:
    body = '{"n": 1.10, "n": 2e400, "text": "a\u2028b\u0085c"}'.encode()
    [record] = read(b'{"modelInput": ' + body + b"}")
    assert body in answered_line(record, b"{}")


def test_a_lone_surrogate_is_sent() -> None:
    [record] = read(rb'{"recordId": "a", "modelInput": {"text": "\ud83d"}}')
    assert (record.record_id, record.body, record.problem) == (b'"a"', rb'{"text": "\ud83d"}', "")
    assert rb"\ud83d" in answered_line(record, b"{}")


def test_an_answer_over_several_lines_becomes_one() -> None:
    [record] = read(GOOD)
    assert answered_line(record, b'{\n "a": "b\\n"\n}').count(b"\n") == 1


def test_records_count_over_all_files_up_to_a_limit() -> None:
    both = [files.from_bytes(name, GOOD + b"\n" + GOOD) for name in ("a.jsonl", "b.jsonl")]
    assert [(each.place, each.file) for each in read_records(both, limit=3)] == [
        (0, "a.jsonl"),
        (1, "a.jsonl"),
        (2, "b.jsonl"),
    ]


def test_the_manifest_is_read_as_aws_own() -> None:
    [record] = read(GOOD)
    tally = Tally()
    tally.add(answered_line(record, b'{"usage": {"inputTokens": 5, "outputTokens": 2}}'))
    tally.add(failed_line(record, 400, "refused"))
    found = read_manifest(tally.manifest(3))
    assert (found.total_record_count, found.success_record_count, found.error_record_count) == (3, 1, 1)
    assert (found.input_token_count, found.output_token_count) == (5, 2)
