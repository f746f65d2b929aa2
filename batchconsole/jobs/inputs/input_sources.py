"""The sources of made input: an uploaded file or an object in S3, inspected and read as a table."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3 import uploads
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records import making, tables
from batchconsole.records.files import read_path
from batchconsole.records.making import Made, Recipe
from batchconsole.records.tables import Extent, Kind, RangedFile, Row, TableError

Objects = Iterator[dict[str, Any]]
PREVIEW_ROWS = 3


@dataclass(frozen=True)
class Source:
    """A file to read: its name, its size in bytes, and its bytes from the start or in ranges.

    Reading a source in S3 raises AwsError, also if the object is no longer the version it was at first.
    """

    name: str
    size: int
    chunks: Callable[[], Iterable[bytes]]
    read_range: Callable[[int, int], bytes]
    etag: str = ""

    def counted(self, tell: Callable[[int], None]) -> "Source":
        """Return the same source, which calls *tell* with the number of bytes of each read."""

        def chunks() -> Iterator[bytes]:
            for chunk in self.chunks():
                tell(len(chunk))
                yield chunk

        def read_range(start: int, end: int) -> bytes:
            tell(end - start)
            return self.read_range(start, end)

        return Source(self.name, self.size, chunks, read_range, self.etag)


@dataclass(frozen=True)
class Look:
    """What the beginning of a source shows.

    ``foreign`` names another provider's batch format; its lines are converted and need no prompt. ``rows`` holds the
    first rows of a table, ``lines`` the first lines of such a batch. ``extent`` is the size that a Parquet file
    declares, ``start`` the number of the first of the rows or lines.
    """

    kind: Kind
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    foreign: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    extent: Extent | None = None
    start: int = 1

    def first_records(self, recipe: Recipe) -> list[Made]:
        """Return the first records that *recipe* makes. Raises :class:`making.RecipeError` and :class:`TableError`."""
        if self.foreign:
            return list(making.convert_records(self.lines, shape=recipe.shape, start=self.start))
        return list(making.make_records(self.rows, recipe, start=self.start))


def from_upload(token: str, name: str) -> Source:
    """Return the uploaded file of *token*. Raises :class:`UserError` if it no longer exists."""
    path = uploads.path_of(token)
    return Source(name, path.stat().st_size, partial(read_path, path), partial(_read_range, path))


def _read_range(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def from_s3(storage: Storage, uri: str, *, etag: str = "") -> Source:
    """Return the object at *uri*; reads only the version *etag*, if given. Raises :class:`UserError` and AwsError."""
    bucket, key = parse_s3_uri(uri)
    if not key or key.endswith("/"):
        raise UserError("Enter one file, not a folder.", "input_s3_uri")
    item = storage.head(bucket, key)
    version = etag or item.etag
    return Source(
        name=key.rpartition("/")[2],
        size=item.size,
        chunks=partial(storage.chunks, bucket, key, etag=version),
        read_range=lambda start, end: storage.read_range(bucket, key, start=start, end=end, etag=version),
        etag=version,
    )


def look(source: Source, *, separator: str = "", encoding: str = "") -> Look:
    """Return the kind, columns and first rows of *source*. Raises :class:`TableError`, UserError and AwsError.

    *separator* and *encoding* are for CSV, if the user has chosen them.
    """
    head = source.read_range(0, min(source.size, tables.HEAD_BYTES)) if source.size else b""
    kind = tables.kind_of(source.name, head)
    if kind == "jsonl":
        lines = _first(tables.read_objects(source.chunks()))
        if lines and making.is_batch_input(lines[0]):
            raise UserError(
                "The file holds batch records already.", hint="Create a job with it as it is: it needs no prompt."
            )
        if lines and making.foreign_title(lines[0]):
            return Look(kind, foreign=making.foreign_title(lines[0]), lines=lines)
    rows = _first(_rows(source, kind, separator, encoding))
    if not rows:
        raise TableError("The file has a header and no rows.", hint="Choose a file with a row for each record.")
    extent = tables.parquet_extent(_ranged(source)) if kind == "parquet" else None
    return Look(kind, columns=tuple(rows[0]), rows=rows, extent=extent)


def _first(items: Iterator[Any]) -> list[Any]:
    with closing(items):  # type: ignore[type-var] # every reader of tables is a generator
        return list(islice(items, PREVIEW_ROWS))


def _rows(source: Source, kind: Kind, separator: str, encoding: str) -> Iterator[Row]:
    ranged = partial(_ranged, source)
    return tables.read_rows(kind, chunks=source.chunks, ranged=ranged, separator=separator, encoding=encoding)


def read_table(source: Source, kind: Kind, *, separator: str = "", encoding: str = "") -> Iterator[Row]:
    """Yield every row of *source*. Raises :class:`TableError` and AwsError during iteration."""
    return _rows(source, kind, separator, encoding)


def _ranged(source: Source) -> RangedFile:
    return RangedFile(source.size, source.read_range)


def read_records(
    source: Source, kind: Kind, *, is_foreign: bool, recipe: Recipe, separator: str = "", encoding: str = ""
) -> Iterator[Made]:
    """Yield each record that *recipe* makes of *source*; raises :class:`TableError`, RecipeError and AwsError."""
    if is_foreign:
        return _records([], tables.read_objects(source.chunks()), is_foreign=True, recipe=recipe)
    return _records(_rows(source, kind, separator, encoding), iter(()), is_foreign=False, recipe=recipe)


def _records(rows: Iterable[Row], lines: Objects, *, is_foreign: bool, recipe: Recipe) -> Iterator[Made]:
    if is_foreign:
        return making.convert_records(lines, shape=recipe.shape)
    return making.make_records(rows, recipe)
