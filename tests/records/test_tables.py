"""Rows out of files of three kinds, and plain sentences about files that are none."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from batchconsole.records import rows
from batchconsole.records.tables import (
    RangedFile,
    TableError,
    kind_of,
    read_csv,
    read_jsonl,
    read_objects,
    read_parquet,
    read_rows,
)


def pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(read_csv(pieces(text.encode())))


def parquet_file(path: Path, columns: dict[str, Any], **options: Any) -> bytes:
    parquet.write_table(pyarrow.table(columns), path, **options)
    return path.read_bytes()


def ranged(data: bytes) -> RangedFile:
    return RangedFile(len(data), lambda start, end: data[start:end])


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.csv", b"question,answer\n", "csv"),
        ("a.txt", b"\xef\xbb\xbfquestion\n", "csv"),
        ("a.csv", b"{odd header},b\n", "csv"),
        ("a.jsonl", b' \n{"a": 1}\n', "jsonl"),
        ("export", b'{"a": 1}\n', "jsonl"),
        ("a.csv", b"PAR1....", "parquet"),
    ],
)
def test_the_first_bytes_tell_the_kind(name: str, head: bytes, kind: str) -> None:
    assert kind_of(name, head) == kind


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"PK\x03\x04", "Excel"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"BZh91AY&SY", "bzip2"),
        (b"%PDF-1.7\n%", "PDF"),
        (b"Obj\x01\x04\x14avro.schema", "Avro"),
        (b"ARROW1\0\0", "Arrow"),
        (b"ORC\n\x1b\n\x03\x12\x07", "ORC"),
        (b"FEA1\1", "Feather"),
        (b"7z\xbc\xaf\x27\x1c\1", "7z"),
        (b'[{"a": 1}]', "array"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(head: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words) as caught:
        kind_of("a.csv", head)
    assert caught.value.hint


@pytest.mark.parametrize("head", [b"ORC\nx\n", b"ORC,name\r\n1,2\n", b"PKG,name\n", b"Obj,name\n"])
def test_a_csv_that_begins_like_a_magic_number_is_read(head: bytes) -> None:
    assert kind_of("a.csv", head) == "csv"


def test_csv_rows_are_under_their_columns() -> None:
    assert csv_rows("id,question\n1,Why?\n2,How?\n") == [
        {"id": "1", "question": "Why?"},
        {"id": "2", "question": "How?"},
    ]


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_the_separator_is_the_header_s(separator: str) -> None:
    assert csv_rows(f"a{separator}b\n1,5{separator}2\n") == [{"a": "1,5", "b": "2"}]


def test_a_value_in_quotes_may_hold_anything() -> None:
    assert csv_rows('a,b\r\n"1,\n""x""\u2028",2\r\n') == [{"a": '1,\n"x"\u2028', "b": "2"}]


def test_a_byte_order_mark_and_blank_lines_are_nothing() -> None:
    assert list(read_csv(pieces(b"\xef\xbb\xbfa\n\n1\n\n"))) == [{"a": "1"}]


def test_a_column_without_a_name_gets_one() -> None:
    assert csv_rows("a,\n1,2\n") == [{"a": "1", "column 2": "2"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", "Row 2: It has 1 value,"),
        ("a,b\n1,2,3\n", "Row 1: It has 3 values"),
        ('a\n"never closed', "Row 1: It is not valid CSV"),
        ("a,a\n1,2\n", "Two columns are named a"),
    ],
)
def test_a_row_that_does_not_fit_is_named(text: str, words: str) -> None:
    with pytest.raises(TableError, match=words):
        csv_rows(text)


def test_bytes_that_are_not_utf8_are_named_by_line() -> None:
    lines = b"name\n" + b"Ada\n" * 20_000 + b"Jos\xe9\n"
    for size in (1000, 2**18):
        with pytest.raises(TableError, match="Line 20,002 is not UTF-8") as caught:
            list(read_csv(pieces(lines, size)))
        assert "choose its encoding" in caught.value.hint


def test_a_quotation_mark_that_is_never_closed_does_not_take_the_whole_file() -> None:
    endless = (b"x" * 2**20 for _ in iter(int, 1))
    with pytest.raises(TableError):
        list(read_csv([b'a\n"', *[next(endless) for _ in range(18)]]))


@given(
    st.lists(
        st.dictionaries(st.just("a"), st.text(st.characters(exclude_characters="\x00", codec="utf-8")), min_size=1),
        min_size=1,
    )
)
def test_what_csv_writes_is_read_back(rows: list[dict[str, str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, ["a", "b"], restval="x", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    assert csv_rows(buffer.getvalue()) == [{"a": row["a"], "b": "x"} for row in rows]


def test_json_lines_become_texts() -> None:
    line = b'{"a": "x", "b": 1.5, "c": null, "d": [1, "\xc3\xa9"], "e": true}\n\n'
    assert list(read_jsonl(pieces(line))) == [{"a": "x", "b": "1.5", "c": "", "d": '[1,"é"]', "e": "true"}]


@pytest.mark.parametrize("line", [b"[1]", b"{", b'"text"', b'{"a": "\xff"}'])
def test_a_line_that_is_no_object_is_named(line: bytes) -> None:
    with pytest.raises(TableError, match="Row 2: It is not a JSON object"):
        list(read_jsonl(pieces(b'{"a": 1}\n' + line + b"\n")))


@pytest.mark.parametrize("escape", ["\\x", "\\d", "\\u12G4"])
@pytest.mark.parametrize("read", [read_jsonl, read_objects])
def test_an_escape_that_json_does_not_have_is_refused_with_its_column(read: Any, escape: str) -> None:
    line = b'{"a": "\\n", "path": "C:%s", "c": [1]}\n' % escape.encode()
    with pytest.raises(TableError, match=r"Row 2: path holds \\.*, which is no escape of JSON"):
        list(read(pieces(b'{"a": 1}\n' + line)))


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_sentence(data: bytes) -> None:
    with suppress(TableError):
        kind = kind_of("a", data)
        list(read_rows(kind, chunks=lambda: pieces(data), ranged=lambda: ranged(data)))


def test_parquet_rows_become_texts(tmp_path: Path) -> None:
    data = parquet_file(
        tmp_path / "a", {"q": ["Why?", None], "n": [1, 2], "when": pyarrow.array([0, 1], "timestamp[s]")}
    )
    assert list(read_parquet(ranged(data)))[1] == {"q": "", "n": "2", "when": "1970-01-01 00:00:01"}


def test_parquet_is_read_in_parts(tmp_path: Path) -> None:
    data = parquet_file(tmp_path / "a", {"q": [f"{number} {'x' * 1000}" for number in range(5000)]}, row_group_size=500)
    asked: list[int] = []

    def read_range(start: int, end: int) -> bytes:
        asked.append(end - start)
        return data[start:end]

    rows = read_parquet(RangedFile(len(data), read_range))
    assert next(rows)["q"].startswith("0 ")
    assert sum(asked) < len(data) / 2


def test_a_broken_parquet_file_is_told(tmp_path: Path) -> None:
    data = parquet_file(tmp_path / "a", {"q": ["Why?"]})
    with pytest.raises(TableError, match="Parquet"):
        list(read_parquet(ranged(data[:-9])))


def test_cells_are_bounded() -> None:
    assert csv.field_size_limit() == rows.MOST_CELL_CHARACTERS
