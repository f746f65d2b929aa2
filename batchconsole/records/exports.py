"""Joined rows as files to download: JSON Lines, CSV and Parquet, made while the rows are read."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from batchconsole.records.csv_writing import csv_chunks
from batchconsole.records.joining import Row

FLUSH_BYTES = 2**16
GROUP_ROWS = 10_000
GROUP_BYTES = 16 * 2**20
COLUMNS = (
    "record_id",
    "outcome",
    "question",
    "answer",
    "reasoning",
    "stop_reason",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "error_code",
    "error_message",
    "run",
)
NUMBERS = frozenset({"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "run"})

NULL = msgspec.Raw(b"null")


class _Bodies(msgspec.Struct):
    model_input: msgspec.Raw = msgspec.field(default=NULL, name="modelInput")
    model_output: msgspec.Raw = msgspec.field(default=NULL, name="modelOutput")


_decode = msgspec.json.Decoder(_Bodies).decode


def values(row: Row) -> tuple[Any, ...]:
    """The cells of *row*, in the order of :data:`COLUMNS`; what is not known is ``None``."""
    record = row.record
    return (
        record.record_id,
        row.outcome.value,
        record.question,
        record.answer,
        record.reasoning or None,
        record.stop_reason,
        record.input_tokens,
        record.output_tokens,
        record.cache_read_tokens,
        record.cache_write_tokens,
        None if record.error_code is None else str(record.error_code),
        record.error_message,
        row.run,
    )


def jsonl(rows: Iterable[Row]) -> Iterator[bytes]:
    """One JSON object a row: the cells, and ``modelInput`` and ``modelOutput`` as they stand in the files."""
    encode = msgspec.json.Encoder().encode
    held = bytearray()
    for row in rows:
        cells: dict[str, Any] = dict(zip(COLUMNS, values(row), strict=True))
        bodies = _bodies(row.record.raw)
        held += encode(cells | {"model_input": bodies.model_input, "model_output": bodies.model_output}) + b"\n"
        if len(held) >= FLUSH_BYTES:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _bodies(line: bytes) -> _Bodies:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Bodies()


def as_csv(rows: Iterable[Row], *, for_excel: bool = False) -> Iterator[bytes]:
    """A header and one line a row; what is not known is an empty cell. See :func:`csv_writing.csv_chunks`."""
    return csv_chunks(COLUMNS, map(values, rows), for_excel=for_excel)


class _Sink(io.RawIOBase):
    """Where a writer's bytes go until somebody takes them."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self.written)
        self.written.clear()
        return data


def as_parquet(rows: Iterable[Row], *, group_rows: int = GROUP_ROWS) -> Iterator[bytes]:
    """A Parquet file with the columns of :data:`COLUMNS`, compressed with Zstandard.

    Rows are held back until there are *group_rows* of them or :data:`GROUP_BYTES` of raw lines, a row group each.
    """
    # 60 MB of library, which only those who want Parquet should pay for.
    import pyarrow  # noqa: PLC0415 - on use only
    from pyarrow import parquet  # noqa: PLC0415 - on use only

    schema = pyarrow.schema([(name, pyarrow.int64() if name in NUMBERS else pyarrow.string()) for name in COLUMNS])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in _groups(rows, group_rows):
            cells = zip(*map(values, group), strict=True)
            writer.write_table(
                pyarrow.Table.from_arrays(
                    [pyarrow.array(column, kind) for column, kind in zip(cells, schema.types, strict=True)],
                    schema=schema,
                )
            )
            yield sink.take()
    yield sink.take()


def _groups(rows: Iterable[Row], group_rows: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.record.raw)
        if len(group) >= group_rows or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
