"""Joined rows as downloads."""

import csv
import io
from typing import Any

import msgspec
from pyarrow import parquet

from batchconsole.records import exports
from batchconsole.records.families import FAMILIES
from batchconsole.records.joining import JoinedRow, Run, join
from batchconsole.records.output_lines import read_line
from batchconsole.records.parsed_schemas import parse_schema
from batchconsole.records.retry import Outcome
from tests.records.jobs import FAILED, MISSING, OK, Truth, input_file, output_file

RECORD: dict[str, Any] = {"modelInput": {"inputText": 'a "b", c\nd'}}
TRUTH: Truth = [(RECORD | {"recordId": outcome}, outcome) for outcome in (OK, FAILED, MISSING)]


def rows() -> list[JoinedRow]:
    return list(join([Run([input_file(TRUTH)], [output_file(TRUTH)], FAMILIES["titan_embeddings"])]))


def test_jsonl_has_cells_and_bodies() -> None:
    lines = b"".join(exports.jsonl(rows())).splitlines()
    found = {row["record_id"]: row for row in map(msgspec.json.decode, lines)}
    assert found[OK]["model_input"] == RECORD["modelInput"]
    assert found[OK]["model_output"]["inputTextTokenCount"] == found[OK]["input_tokens"] == 3
    assert (found[FAILED]["error_code"], found[FAILED]["error_message"]) == ("400", "Refused")
    assert (found[MISSING]["outcome"], found[MISSING]["model_output"]) == ("unanswered", None)


def test_csv_survives_quotes_and_newlines() -> None:
    text = b"".join(exports.as_csv(rows())).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(found[0]) == exports.COLUMNS
    assert {row["question"] for row in found} == {RECORD["modelInput"]["inputText"]}


def test_a_line_that_is_not_json_has_no_bodies() -> None:
    unreadable = JoinedRow(rows()[0].outcome, msgspec.structs.replace(rows()[0].record, raw=b"nonsense"), 0)
    [line] = exports.jsonl([unreadable])
    assert msgspec.json.decode(line)["model_input"] is None


def test_parquet_has_the_same_cells() -> None:
    table = parquet.read_table(io.BytesIO(b"".join(exports.as_parquet(rows()))))
    assert tuple(table.column_names) == exports.COLUMNS
    assert [tuple(row.values()) for row in table.to_pylist()] == [exports.values(row) for row in rows()]


def test_parquet_comes_in_groups() -> None:
    chunks = list(exports.as_parquet(rows(), group_rows=2))
    assert parquet.ParquetFile(io.BytesIO(b"".join(chunks))).num_row_groups == 2
    assert all(chunks)


def test_parquet_of_nothing_is_a_table_without_rows() -> None:
    assert parquet.read_table(io.BytesIO(b"".join(exports.as_parquet([])))).num_rows == 0


ASKED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "Run": {"type": "string"},
        "age": {"type": "integer"},
        "dear": {"type": "number"},
        "good": {"type": "boolean"},
        "tags": {"type": "array"},
    },
    "required": ["age"],
}
ANSWERS = [
    '{"name": "=1+1", "Run": "far", "age": 5, "dear": 1, "good": true, "tags": [1]}',
    '{"age": "five", "good": null}',
    "no JSON",
]


def judged_rows() -> list[JoinedRow]:
    asked = {"output_config": {"format": {"type": "json_schema", "schema": ASKED}}}
    lines = (
        {"recordId": "a", "modelInput": asked, "modelOutput": {"content": [{"type": "text", "text": answer}]}}
        for answer in ANSWERS
    )
    return [JoinedRow(Outcome.ANSWERED, read_line(msgspec.json.encode(line), None), 0) for line in lines]


def test_the_fields_of_the_schema_are_typed_columns_of_parquet() -> None:
    fields = parse_schema(ASKED).columns
    found = parquet.read_table(io.BytesIO(b"".join(exports.as_parquet(judged_rows(), fields)))).to_pylist()
    names = ("matches_schema", "name", "answer_Run", "age", "dear", "good", "tags")
    assert tuple(found[0][name] for name in names) == (True, "=1+1", "far", 5, 1.0, True, "[1]")
    assert tuple(found[1][name] for name in names) == (False, None, None, None, None, None, None)
    assert [row["schema_problem"] is None for row in found] == [True, False, False]
    assert found[1]["schema_problem"].startswith("$.age: ")


def test_the_fields_of_the_schema_are_columns_of_csv() -> None:
    fields = parse_schema(ASKED).columns
    text = b"".join(exports.as_csv(judged_rows(), fields)).decode()
    first, second, _ = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["name"], first["age"], first["good"], first["matches_schema"]) == ("'=1+1", "5", "true", "true")
    assert (second["age"], second["matches_schema"]) == ("", "false")


def test_the_fields_of_the_schema_are_members_of_jsonl() -> None:
    line = next(exports.jsonl(judged_rows()[:1], parse_schema(ASKED).columns))
    found = msgspec.json.decode(line)
    assert (found["age"], found["good"], found["matches_schema"]) == (5, True, True)
