"""Every type of Parquet is a text, or a refusal that names row and column; little is decoded at once."""

import io
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from batchconsole.records.parquet_rows import Extent, parquet_extent, read_parquet
from batchconsole.records.rows import MOST_CELL_CHARACTERS, TableError


def written(values: Any, kind: Any = None, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"a": pyarrow.array(values, kind)}), file, **options)
    file.seek(0)
    return file


def texts(values: Any, kind: Any = None) -> list[str]:
    return [row["a"] for row in read_parquet(written(values, kind))]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pyarrow.binary(), "café".encode(), "café"),
        (pyarrow.large_binary(), b"x", "x"),
        (pyarrow.large_string(), "x", "x"),
        (pyarrow.string_view(), "x", "x"),
        (pyarrow.binary(2), b"ab", "ab"),
        (pyarrow.binary(2), b"\xff\xfe", "//4="),
        (pyarrow.bool_(), True, "true"),
        (pyarrow.uint64(), 2**64 - 1, "18446744073709551615"),
        (pyarrow.float32(), 0.1, "0.1"),
        (pyarrow.float64(), 1.5, "1.5"),
        (pyarrow.float64(), float("nan"), ""),
        (pyarrow.float64(), float("-inf"), "-Infinity"),
        (pyarrow.decimal128(20, 2), Decimal("1E+3"), "1000.00"),
        (pyarrow.decimal256(60, 0), Decimal(10**50), "1" + "0" * 50),
        (pyarrow.date32(), -1, "1969-12-31"),
        (pyarrow.date64(), 86_400_000, "1970-01-02"),
        (pyarrow.timestamp("s"), 1, "1970-01-01 00:00:01"),
        (pyarrow.timestamp("us"), 1_500_000, "1970-01-01 00:00:01.500000"),
        (pyarrow.timestamp("ns"), 1_620_168_242_776_767_001, "2021-05-04 22:44:02.776767001"),
        (pyarrow.timestamp("ms", "UTC"), 0, "1970-01-01 00:00:00+00:00"),
        (pyarrow.timestamp("ms", "Europe/Berlin"), 0, "1970-01-01 01:00:00+01:00"),
        (pyarrow.time32("ms"), 61_500, "00:01:01.500000"),
        (pyarrow.time64("ns"), 1, "00:00:00.000000001"),
        (pyarrow.duration("us"), -90_061_500_000, "-P1DT1H1M1.5S"),
        (pyarrow.duration("s"), 0, "PT0S"),
        (pyarrow.list_(pyarrow.float64()), [1.5, float("nan")], "[1.5,null]"),
        (pyarrow.list_(pyarrow.binary()), [b"a"], '["a"]'),
        (pyarrow.struct({"k": pyarrow.timestamp("ns")}), {"k": 1}, '{"k":"1970-01-01 00:00:00.000000001"}'),
        (pyarrow.map_(pyarrow.string(), pyarrow.int32()), [("k", 1)], '{"k":1}'),
        (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), "x", "x"),
        (pyarrow.null(), None, ""),
    ],
)
def test_a_value_of_any_type_is_a_text(kind: Any, value: Any, text: str) -> None:
    assert texts([value, None], kind) == [text, ""]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (pyarrow.binary(), b"\xff", "Row 2: The value of a is bytes that are no text"),
        (pyarrow.timestamp("ms"), 10**15, "Row 2: The value of a is a time outside of the years"),
        (pyarrow.date32(), 10**8, "Row 2: The value of a is a date outside of the years"),
        (pyarrow.string(), "x" * (MOST_CELL_CHARACTERS + 1), "Row 2: The value of a is longer than"),
        (pyarrow.list_(pyarrow.string()), ["x" * 2**20] * 20, "Row 2: The value of a is longer than"),
    ],
)
def test_a_value_without_a_text_is_refused_by_row_and_column(kind: Any, value: Any, words: str) -> None:
    with pytest.raises(TableError, match=words):
        texts([None, value], kind)


def test_how_much_a_file_holds_is_read_at_its_end() -> None:
    file = written(["x" * 1000] * 5, compression="zstd")
    extent = parquet_extent(file)
    assert extent.rows == 5
    assert extent == Extent(5, extent.bytes)
    assert extent.bytes > 1000


def test_too_many_rows_are_refused_before_any_is_read() -> None:
    with pytest.raises(TableError, match="2,000,000 rows; at most 1,000,000"):
        next(read_parquet(written(pyarrow.nulls(2_000_000))))


BOMB = """
import io, resource, sys, pyarrow
from pyarrow import parquet
from batchconsole.records.parquet_rows import read_parquet
file = io.BytesIO()
value = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 256, "int32"), pyarrow.array(["x" * 4_000_000]))
parquet.write_table(pyarrow.table({"a": value, "b": value}), file, compression="zstd", store_schema=False)
assert len(file.getvalue()) < 2000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sum(len(row["a"]) for row in read_parquet(file)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1 if sys.platform != "darwin" else 1024))
"""


def test_a_value_that_stands_in_every_row_is_decoded_once() -> None:
    found = subprocess.run([sys.executable, "-c", BOMB], capture_output=True, check=True, text=True)
    size, kibibytes = map(int, found.stdout.split())
    assert size == 256 * 4_000_000
    assert kibibytes < 100 * 1024
