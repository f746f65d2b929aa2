"""Joined rows as downloads."""

import csv
import io
from typing import Any

import msgspec
from pyarrow import parquet

from batchconsole.records import exports
from batchconsole.records.families import FAMILIES
from batchconsole.records.joining import Row, Run, join
from tests.records.jobs import FAILED, MISSING, OK, Truth, input_file, output_file

RECORD: dict[str, Any] = {"modelInput": {"inputText": 'a "b", c\nd'}}
TRUTH: Truth = [(RECORD | {"recordId": outcome}, outcome) for outcome in (OK, FAILED, MISSING)]


def rows() -> list[Row]:
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
    unreadable = Row(rows()[0].outcome, msgspec.structs.replace(rows()[0].record, raw=b"nonsense"), 0)
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
