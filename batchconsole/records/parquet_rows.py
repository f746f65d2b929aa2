"""Read rows from Parquet: every type becomes text, or an error names the row and column.

The amount decoded at a time is limited. Strings and bytes are read as dictionaries, so that a value that occurs in a
million rows is decoded only once.
"""

import io
import math
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import IO, Any

import msgspec

from batchconsole.records.rows import (
    MOST_CELL_CHARACTERS,
    MOST_ROW_CHARACTERS,
    MOST_ROWS,
    Row,
    TableError,
    as_text,
    column_names,
    too_many_rows,
)

BATCH_ROWS = 256  # a page of the file is decoded at once anyway; more rows only take more memory
BATCH_BYTES = 32 * 2**20  # decoded at a time, according to the file's metadata
MOST_GROUP_BYTES = 4 * 2**30  # per row group, decompressed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
Convert = Callable[[Any], Any]
# Exceptions that pyarrow passes on from Arrow, Python and time zones. Errors of the storage behind a file are others.
_LIBRARY = (
    OSError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RuntimeError,
    MemoryError,
)


class Extent(msgspec.Struct, frozen=True):
    """The number of rows and of decompressed bytes in a file, according to its metadata."""

    rows: int
    bytes: int


def parquet_extent(file: IO[bytes] | io.RawIOBase) -> Extent:
    """Return the extent of *file*, reading only its end. Raises :class:`TableError`."""
    metadata = _opened(file).metadata
    groups = (metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return Extent(metadata.num_rows, sum(groups))


def read_parquet(file: IO[bytes] | io.RawIOBase) -> Iterator[Row]:
    """Yield the rows of a Parquet file. Raises :class:`TableError`, with the row number if it fails on a row."""
    source = _opened(file)
    names = column_names(source.schema_arrow.names)
    if source.metadata.num_rows > MOST_ROWS:
        raise too_many_rows(source.metadata.num_rows)
    converts = [converter(field.type) for field in source.schema_arrow]
    row = 0
    batches = _batches(source)
    while (batch := _next(batches, row)) is not None:
        columns = batch.columns
        for place in range(batch.num_rows):
            row += 1
            yield _row(names, converts, columns, place, row)


def _opened(file: IO[bytes] | io.RawIOBase) -> Any:
    # pyarrow takes 60 MB, so only processes that read Parquet import it.
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - on use only

    options: dict[str, Any] = {"pre_buffer": False, "buffer_size": 2**20}
    try:
        metadata = parquet.read_metadata(file)
        leaves = [metadata.schema.column(number) for number in range(len(metadata.schema))]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        return parquet.ParquetFile(file, metadata=metadata, read_dictionary=texts, **options)
    except (ArrowException, *_LIBRARY) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> TableError:
    if isinstance(error, TableError):
        return error
    return TableError(f"It is not a Parquet file that can be read ({_short(error)}).")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _batches(source: Any) -> Iterator[Any]:
    """Yield batches from all row groups, each of at most ``BATCH_ROWS`` rows and about ``BATCH_BYTES`` bytes."""
    for number in range(source.metadata.num_row_groups):
        group = source.metadata.row_group(number)
        size = sum(group.column(place).total_uncompressed_size for place in range(group.num_columns))
        if size > MOST_GROUP_BYTES:
            raise TableError(
                f"A part of the file is {size:,} bytes once decompressed; at most {MOST_GROUP_BYTES:,} are read.",
                hint="Write the file with smaller row groups.",
            )
        rows = max(1, min(BATCH_ROWS, group.num_rows * BATCH_BYTES // max(size, 1)))
        yield from source.iter_batches(batch_size=rows, row_groups=[number], use_threads=False)


def _next(batches: Iterator[Any], row: int) -> Any:
    from pyarrow import ArrowException  # noqa: PLC0415 - on use only

    try:
        return next(batches, None)
    except (ArrowException, *_LIBRARY) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(f"The file cannot be read on from here ({_short(error)}).", row=row + 1) from error


def _row(names: list[str], converts: list[Convert], columns: list[Any], place: int, row: int) -> Row:
    from pyarrow import ArrowException  # noqa: PLC0415 - on use only

    texts: Row = {}
    size = 0
    for name, convert, column in zip(names, converts, columns, strict=True):
        try:
            texts[name] = as_text(convert(column[place]))
        except (ArrowException, *_LIBRARY, Unwritable) as error:
            said = str(error) if isinstance(error, Unwritable) else f"cannot be read ({_short(error)})"
            hint = "Change the column to text in the program that writes the file."
            raise TableError(f"The value of {name} {said}.", row=row, hint=hint) from error
        size += len(texts[name])
    if size > MOST_ROW_CHARACTERS:
        raise TableError(f"It is longer than {MOST_ROW_CHARACTERS:,} characters.", row=row)
    return texts


class Unwritable(Exception):
    """A value that cannot become text. ``str(error)`` continues a sentence that starts with the column's name."""


def converter(kind: Any) -> Convert:
    """Return a function that converts a scalar of the Arrow type *kind* to a value that JSON can hold.

    The function returns ``None`` for a null or NaN. It raises :class:`Unwritable` and any exception of pyarrow.
    """
    from pyarrow import types  # noqa: PLC0415 - on use only

    if types.is_dictionary(kind):
        return _within(converter(kind.value_type), lambda scalar: scalar.value)
    if isinstance(kind, _extension_type()):
        return _within(converter(kind.storage_type), lambda scalar: scalar.value)
    for is_kind, make in _makers():
        if is_kind(kind):
            return _unless_null(make(kind))
    return _unless_null(lambda scalar: scalar.as_py())


def _extension_type() -> Any:
    from pyarrow import BaseExtensionType  # noqa: PLC0415 - on use only

    return BaseExtensionType


def _unless_null(convert: Convert) -> Convert:
    return lambda scalar: convert(scalar) if scalar.is_valid else None


def _within(convert: Convert, inner: Convert) -> Convert:
    return lambda scalar: convert(inner(scalar)) if scalar.is_valid else None


def _makers() -> list[tuple[Callable[[Any], bool], Callable[[Any], Convert]]]:
    from pyarrow import types  # noqa: PLC0415 - on use only

    def is_text(kind: Any) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))

    def is_bytes(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))

    return [
        (is_text, lambda kind: _text),
        (is_bytes, lambda kind: _text),
        (types.is_fixed_size_binary, lambda kind: _fixed_bytes),
        (types.is_float32, lambda kind: _single),
        (types.is_floating, lambda kind: _double),
        (types.is_decimal, lambda kind: lambda scalar: _plain_decimal(scalar.as_py())),
        (types.is_date, lambda kind: _day(86_400_000 if types.is_date64(kind) else 1)),
        (types.is_timestamp, lambda kind: _moment(UNITS[kind.unit], _zone(kind.tz))),
        (types.is_time, lambda kind: _time_of_day(UNITS[kind.unit])),
        (types.is_duration, lambda kind: _duration(UNITS[kind.unit])),
        (types.is_map, _map),
        (types.is_struct, _struct),
        (types.is_nested, _list),
    ]


def _text(scalar: Any) -> str:
    buffer = scalar.as_buffer()
    if buffer.size > MOST_CELL_CHARACTERS:
        raise Unwritable(f"is longer than {MOST_CELL_CHARACTERS:,} bytes")
    try:
        return bytes(buffer).decode()
    except UnicodeDecodeError as error:
        raise Unwritable("is bytes that are no text") from error


def _fixed_bytes(scalar: Any) -> str:
    """Return the bytes as text if they are UTF-8, else as Base64. Such columns hold keys and digests."""
    data: bytes = scalar.as_py()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return b64encode(data).decode()


def _double(scalar: Any) -> float | str | None:
    return _number(float(scalar.as_py()))


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _single(scalar: Any) -> float | str | None:
    """Return the shortest number with the same single-precision value: 0.1, not 0.10000000149011612."""
    value = float(scalar.as_py())
    if not math.isfinite(value):
        return _number(value)
    stored = struct.pack("f", value)
    texts = (f"{value:.{digits}g}" for digits in range(6, 10))
    return float(next((text for text in texts if struct.pack("f", float(text)) == stored), repr(value)))


def _plain_decimal(value: Decimal) -> str:
    return format(value, "f")


def _day(parts: int) -> Convert:
    def convert(scalar: Any) -> str:
        try:
            return (date(1970, 1, 1) + timedelta(days=scalar.value // parts)).isoformat()
        except OverflowError as error:
            raise Unwritable("is a date outside of the years 1 to 9999") from error

    return convert


def _zone(name: str | None) -> tzinfo | None:
    from pyarrow.lib import string_to_tzinfo  # noqa: PLC0415 - on use only

    try:
        return None if name is None else string_to_tzinfo(name)
    except Exception:
        return UTC


def _moment(parts: int, zone: tzinfo | None) -> Convert:
    """Convert timestamps to ISO 8601 with a space; fractions of a second have 0, 6 or 9 digits."""

    def convert(scalar: Any) -> str:
        seconds, fraction = divmod(scalar.value, parts)
        try:
            moment = EPOCH + timedelta(seconds=seconds)
            moment = moment.astimezone(zone) if zone else moment.replace(tzinfo=None)
        except (OverflowError, ValueError) as error:
            raise Unwritable("is a time outside of the years 1 to 9999") from error
        whole, offset = moment.replace(tzinfo=None).isoformat(" "), moment.isoformat()[19:]
        return whole + _fraction(fraction, parts) + offset

    return convert


def _fraction(value: int, parts: int) -> str:
    """Return the fraction of a second: empty, with six digits as in Python, or with nine."""
    nanoseconds = value * (UNITS["ns"] // parts)
    if not nanoseconds:
        return ""
    return f".{nanoseconds // 1000:06}" if nanoseconds % 1000 == 0 else f".{nanoseconds:09}"


def _time_of_day(parts: int) -> Convert:
    def convert(scalar: Any) -> str:
        seconds, fraction = divmod(scalar.value, parts)
        if not 0 <= seconds < 86_400:
            raise Unwritable("is no time of a day")
        clock = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
        return clock.isoformat() + _fraction(fraction, parts)

    return convert


def _duration(parts: int) -> Convert:
    """Convert durations to ISO 8601, such as ``P1DT2H3M4.5S``."""

    def convert(scalar: Any) -> str:
        seconds, fraction = divmod(abs(scalar.value), parts)
        digits = _fraction(fraction, parts).rstrip("0")
        sizes = ((seconds // 86_400, "D"), (seconds // 3600 % 24, "H"), (seconds // 60 % 60, "M"))
        days, hours, minutes = (f"{size}{letter}" if size else "" for size, letter in sizes)
        rest = f"{seconds % 60}{digits}S" if seconds % 60 or digits else ""
        clock = f"{hours}{minutes}{rest}"
        sign = "-" if scalar.value < 0 else ""
        return f"{sign}P{days}{f'T{clock}' if clock else ''}" if days or clock else "PT0S"

    return convert


class _Budget:
    """Limits the characters of a nested value while it is built, because a short list may repeat one long text."""

    def __init__(self) -> None:
        self.left = MOST_CELL_CHARACTERS

    def spend(self, value: Any) -> Any:
        self.left -= len(value) if isinstance(value, str) else 1
        if self.left < 0:
            raise Unwritable(f"is longer than {MOST_CELL_CHARACTERS:,} characters")
        return value


def _list(kind: Any) -> Convert:
    inner = converter(kind.value_type)

    def convert(scalar: Any) -> list[Any]:
        budget = _Budget()
        return [budget.spend(inner(item)) for item in scalar.values]

    return convert


def _struct(kind: Any) -> Convert:
    inner = [(field.name, number, converter(field.type)) for number, field in enumerate(kind)]

    def convert(scalar: Any) -> dict[str, Any]:
        budget = _Budget()
        return {name: budget.spend(inside(scalar[number])) for name, number, inside in inner}

    return convert


def _map(kind: Any) -> Convert:
    key, item = converter(kind.key_type), converter(kind.item_type)

    def convert(scalar: Any) -> dict[str, Any]:
        budget = _Budget()
        pairs = ((as_text(key(pair[0])), item(pair[1])) for pair in scalar.values)
        return {budget.spend(name): budget.spend(value) for name, value in pairs}

    return convert
