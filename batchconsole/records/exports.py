"""Downloads of joined rows as JSON Lines, CSV or Parquet, written while the rows are read.

If requests have output schemas, their top-level fields become typed columns.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from batchconsole.records.answer_schemas import Judge, read_answer_fields
from batchconsole.records.csv_writing import csv_chunks
from batchconsole.records.joining import JoinedRow
from batchconsole.records.results import fit_of
from batchconsole.records.schema_columns import Cell, Column, cell

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
JUDGED = (Column("matches_schema", "boolean"), Column("schema_problem", "string"))

NULL = msgspec.Raw(b"null")


class _Bodies(msgspec.Struct):
    model_input: msgspec.Raw = msgspec.field(default=NULL, name="modelInput")
    model_output: msgspec.Raw = msgspec.field(default=NULL, name="modelOutput")


_decode = msgspec.json.Decoder(_Bodies).decode


def values(row: JoinedRow) -> tuple[Any, ...]:
    """Return the cells of *row*, in the order of :data:`COLUMNS`; ``None`` for unknown values."""
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


class Sheet:
    """The columns of a download, and the cells of its rows.

    *fields* are the top-level fields of the output schemas, ``None`` if no request has one. A field whose name,
    ignoring case, is already in use gets the prefix ``answer_``.
    """

    def __init__(self, fields: Sequence[Column] | None = None) -> None:
        self.fields = fields
        self.judge = Judge()
        self.columns = [Column(name, "integer" if name in NUMBERS else "string") for name in COLUMNS]
        if fields is not None:
            self.columns += JUDGED
            self.columns += _named_apart(fields, {column.name for column in self.columns})

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]

    def cells(self, row: JoinedRow) -> tuple[Any, ...]:
        """Return the cells of *row*, in the order of the columns; ``None`` for unknown values."""
        return values(row) if self.fields is None else (*values(row), *self._judged(row), *self._fields(row))

    def _judged(self, row: JoinedRow) -> tuple[bool | None, str | None]:
        fit = fit_of(row.record, self.judge)
        if fit is None:
            return None, None
        return fit.matches, None if fit.matches else f"{fit.path}: {fit.problem}"

    def _fields(self, row: JoinedRow) -> list[Cell]:
        found = read_answer_fields(row.record.answer, row.record.calls)
        return [cell(found.get(field.name), field.kind) for field in self.fields or ()]


ANSWERED = ("answer", "outcome", "stop_reason", "error_message")


class AnsweredTable:
    """A table with answers: the table's own columns unchanged, followed by those of the answers."""

    def __init__(self, names: Sequence[str], fields: Sequence[Column] | None = None) -> None:
        self.names = names
        self.sheet = Sheet(fields)
        taken = {name.lower() for name in names}
        places = [place for place, column in enumerate(self.sheet.columns) if column.name in ANSWERED]
        self.places = [*places, *range(len(COLUMNS), len(self.sheet.columns))]
        added = _named_apart([self.sheet.columns[place] for place in self.places], taken)
        self.columns = [*(Column(name, "string") for name in names), *added]

    def cells(self, pair: tuple[dict[str, str], JoinedRow | None]) -> tuple[Any, ...]:
        """Return the cells of a table row and its answer."""
        values, row = pair
        answered = self.sheet.cells(row) if row else (None,) * len(self.sheet.columns)
        return (*(values.get(name) for name in self.names), *(answered[place] for place in self.places))

    def as_csv(
        self, pairs: Iterable[tuple[dict[str, str], JoinedRow | None]], *, for_excel: bool = False
    ) -> Iterator[bytes]:
        rows = (map(csv_cell, self.cells(pair)) for pair in pairs)
        return csv_chunks([column.name for column in self.columns], rows, for_excel=for_excel)

    def as_parquet(self, pairs: Iterable[tuple[dict[str, str], JoinedRow | None]]) -> Iterator[bytes]:
        return parquet_chunks(self.columns, _in_groups(map(self.cells, pairs), GROUP_ROWS))


def _in_groups(rows: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    rest = iter(rows)
    while group := list(islice(rest, size)):
        yield group


def _named_apart(fields: Iterable[Column], taken: set[str]) -> Iterator[Column]:
    for field in fields:
        name = field.name
        while name.lower() in taken:
            name = f"answer_{name}"
        taken.add(name.lower())
        yield Column(name, field.kind)


def jsonl(rows: Iterable[JoinedRow], fields: Sequence[Column] | None = None) -> Iterator[bytes]:
    """Yield one JSON object per row: its cells, and ``modelInput`` and ``modelOutput`` exactly as in the files."""
    encode, sheet = msgspec.json.Encoder().encode, Sheet(fields)
    header = sheet.header
    held = bytearray()
    for row in rows:
        cells: dict[str, Any] = dict(zip(header, sheet.cells(row), strict=True))
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


def as_csv(
    rows: Iterable[JoinedRow], fields: Sequence[Column] | None = None, *, for_excel: bool = False
) -> Iterator[bytes]:
    """Yield a header and one line per row; unknown values are empty cells. See :func:`csv_writing.csv_chunks`."""
    sheet = Sheet(fields)
    return csv_chunks(sheet.header, (map(csv_cell, sheet.cells(row)) for row in rows), for_excel=for_excel)


def csv_cell(value: Any) -> Any:
    """Return *value* for CSV: booleans as in JSON, not as in Python."""
    return str(value).lower() if isinstance(value, bool) else value


class _Sink(io.RawIOBase):
    """A buffer for a writer's bytes until they are taken."""

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


def as_parquet(
    rows: Iterable[JoinedRow], fields: Sequence[Column] | None = None, *, group_rows: int = GROUP_ROWS
) -> Iterator[bytes]:
    """Yield a Parquet file with the typed columns of :class:`Sheet`.

    A row group is written once it has *group_rows* rows or :data:`GROUP_BYTES` of raw lines.
    """
    sheet = Sheet(fields)
    groups = (list(map(sheet.cells, group)) for group in _groups(rows, group_rows))
    return parquet_chunks(sheet.columns, groups)


def parquet_chunks(columns: Sequence[Column], groups: Iterable[list[tuple[Any, ...]]]) -> Iterator[bytes]:
    """Yield a Zstandard-compressed Parquet file with *columns*, and a row group for each list of rows in *groups*."""
    # The library takes 60 MB, so import it only if needed.
    import pyarrow  # noqa: PLC0415 - on use only
    from pyarrow import parquet  # noqa: PLC0415 - on use only

    kinds = {"integer": pyarrow.int64(), "number": pyarrow.float64(), "boolean": pyarrow.bool_()}
    schema = pyarrow.schema([(column.name, kinds.get(column.kind, pyarrow.string())) for column in columns])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in groups:
            arrays = [
                pyarrow.array(cells, kind) for cells, kind in zip(zip(*group, strict=True), schema.types, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            yield sink.take()
    yield sink.take()


def _groups(rows: Iterable[JoinedRow], group_rows: int) -> Iterator[list[JoinedRow]]:
    group: list[JoinedRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row.record.raw)
        if len(group) >= group_rows or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
