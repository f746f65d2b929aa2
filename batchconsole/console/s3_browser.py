"""Buckets, folders and objects as one page of a table: for the S3 pages, the chooser, and the form without script.

Where one is stands in a query string (``uri``, ``find``, ``sort``, ``page``, ``token``), so every view of S3 has a URL.
What S3 lists in one call is all known: it can be sorted, searched within names, and counted. A larger folder comes page
by page in S3's own order, and is searched by the start of names, which is all that S3 can do.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3 import Listing
from batchconsole.aws.s3_addresses import s3_uri
from batchconsole.aws.session import Target

PAGE_SIZE = 100
# As many as S3 lists in one call.
WHOLE = 1000
# S3 gives a token for the next page only, so the way back is the tokens already used; so many keep the URL short.
KEPT_TOKENS = 8
BUCKET, FOLDER, OBJECT = "bucket", "folder", "object"


@dataclass(frozen=True)
class Column:
    """A column of the table; ``name`` is the row's attribute, and the word in the query string."""

    name: str
    title: str
    is_zoned: bool = False
    is_numeric: bool = False


BUCKET_COLUMNS = (
    Column("name", "Name"),
    Column("region", "Region"),
    Column("created_at", "Creation date", is_zoned=True),
)
OBJECT_COLUMNS = (
    Column("name", "Key"),
    Column("last_modified", "Last modified", is_zoned=True),
    Column("size", "Size", is_numeric=True),
)


@dataclass(frozen=True)
class Heading:
    """A column's head: ``query`` leads to the place sorted by it, empty where it cannot be."""

    column: Column
    query: str = ""
    sorted: str = ""

    @property
    def icon(self) -> str:
        return {"ascending": "caret-up-filled", "descending": "caret-down-filled"}.get(self.sorted, "caret-down")


@dataclass(frozen=True)
class Place:
    """Where in S3, and which page of it in which order (``size``, or from the largest down ``-size``)."""

    bucket: str = ""
    folder: str = ""
    find: str = ""
    sort: str = ""
    page: int = 1
    tokens: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """The place a query string names. A URI that does not end in a slash is its folder, looking for the rest."""
        bucket, _, path = s3_uri(query.get("uri", "")).removeprefix(s3.SCHEME).partition("/")
        folder, slash, name = path.rpartition("/")
        page = query.get("page", "")
        sort = query.get("sort", "")
        columns = OBJECT_COLUMNS if bucket else BUCKET_COLUMNS
        return cls(
            bucket=bucket,
            folder=folder + slash,
            find=query.get("find", "").strip() or name,
            sort=sort if sort.removeprefix("-") in {column.name for column in columns} else "",
            page=max(1, int(page)) if page.isdecimal() and len(page) < 6 else 1,
            tokens=tuple(query.getlist("token")),
        )

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.folder}" if self.bucket else ""

    @property
    def query(self) -> str:
        """The place as a query string, without a question mark."""
        page = str(self.page) if self.page > 1 else ""
        pairs = [("uri", self.uri), ("find", self.find), ("sort", self.sort), ("page", page)]
        return urlencode([pair for pair in pairs if pair[1]] + [("token", token) for token in self.tokens])

    def inside(self, bucket: str, folder: str = "") -> "Place":
        return Place(bucket=bucket, folder=folder)


@dataclass(frozen=True)
class Row:
    """One line of the table; ``name`` is what is shown, ``uri`` what would be chosen."""

    kind: str
    name: str
    uri: str
    created_at: datetime | None = None
    region: str = ""
    size: int | None = None
    last_modified: datetime | None = None

    @property
    def query(self) -> str:
        """The query string of the page behind the row."""
        return urlencode({"uri": self.uri})


@dataclass(frozen=True)
class Crumb:
    """One step of the way to a place; ``query`` leads there."""

    title: str
    query: str


@dataclass(frozen=True)
class Page:
    """One page of a place. ``total`` is ``None`` where there are more than S3 lists in one call.

    ``by_prefix`` says that only the start of names was searched.
    """

    place: Place
    rows: list[Row] = field(default_factory=list)
    total: int | None = None
    next: Place | None = None
    by_prefix: bool = False
    error: AwsError | None = None

    @property
    def find_label(self) -> str:
        if not self.place.bucket:
            return "Find bucket"
        return "Find object by prefix" if self.by_prefix else "Find object"

    @property
    def headings(self) -> list[Heading]:
        """The heads of the columns, links as long as all rows are known."""
        columns = OBJECT_COLUMNS if self.place.bucket else BUCKET_COLUMNS
        return [self._heading(column) for column in columns]

    def _heading(self, column: Column) -> Heading:
        if self.total is None:
            return Heading(column)
        # Unsorted is how S3 lists: by name.
        way = {column.name: "ascending", f"-{column.name}": "descending"}.get(self.place.sort or "name", "")
        sort = f"-{column.name}" if way == "ascending" else column.name
        return Heading(column, replace(self.place, sort=sort, page=1).query, way)

    @property
    def title(self) -> str:
        return "Objects" if self.place.bucket else "Buckets"

    @property
    def name(self) -> str:
        """What the place is called: its last folder, its bucket, or all buckets."""
        return self.crumbs[-1].title

    @property
    def unfiltered(self) -> str:
        """The query string of the same place without its filter."""
        return self.place.inside(self.place.bucket, self.place.folder).query

    @property
    def previous(self) -> Place | None:
        """The page before, as far as it is known; the first page when it is not."""
        place = self.place
        if place.page == 1:
            return None
        if len(place.tokens) == 1:
            return replace(place, page=1, tokens=())
        return replace(place, page=place.page - 1, tokens=place.tokens[:-1])

    @property
    def crumbs(self) -> list[Crumb]:
        """From the list of buckets to here."""
        place, steps = self.place, [Crumb("S3 buckets", "")]
        if place.bucket:
            steps.append(Crumb(place.bucket, place.inside(place.bucket).query))
        folders = place.folder.split("/")[:-1]
        for depth, name in enumerate(folders, 1):
            steps.append(Crumb(name or "(no name)", place.inside(place.bucket, "/".join(folders[:depth]) + "/").query))
        return steps


def read_page(target: Target, place: Place, *, whole: int = WHOLE) -> Page:
    """The page at *place*; AWS's error instead of rows when there was one. *whole* is how many are read at once."""
    try:
        return _objects(target, place, whole) if place.bucket else _buckets(target, place)
    except AwsError as error:
        return Page(place, error=error)


def _buckets(target: Target, place: Place) -> Page:
    rows = [
        Row(BUCKET, bucket.name, f"s3://{bucket.name}/", created_at=bucket.created_at, region=bucket.region)
        for bucket in s3.list_buckets(target)
        if place.find.lower() in bucket.name
    ]
    return _known(place, rows)


def _known(place: Place, rows: list[Row], *, by_prefix: bool = False) -> Page:
    """The page of a place whose *rows* are all here: in the order asked for, folders always first."""
    if place.sort:
        name = place.sort.removeprefix("-")
        rows = sorted(rows, key=lambda row: _sort_key(row, name), reverse=place.sort.startswith("-"))
    rows = sorted(rows, key=lambda row: row.kind == OBJECT)
    place = replace(place, page=min(place.page, max(1, -(-len(rows) // PAGE_SIZE))))
    start = (place.page - 1) * PAGE_SIZE
    following = replace(place, page=place.page + 1) if len(rows) > start + PAGE_SIZE else None
    return Page(place, rows[start : start + PAGE_SIZE], total=len(rows), next=following, by_prefix=by_prefix)


def _sort_key(row: Row, name: str) -> tuple[Any, ...]:
    value = getattr(row, name)
    return (value is not None, value, row.name)


def _objects(target: Target, place: Place, whole: int) -> Page:
    """All rows where one call lists them, the folder's own or those whose names start as wanted; else S3's pages."""
    for prefix in dict.fromkeys([place.folder, place.folder + place.find]) if not place.tokens else ():
        listing = s3.list_objects(target, place.bucket, prefix, max_keys=whole)
        if not listing.next_token:
            rows = [row for row in _rows(place, listing) if place.find.lower() in row.name.lower()]
            return _known(place, rows, by_prefix=prefix != place.folder)
    return _part(target, place)


def _part(target: Target, place: Place) -> Page:
    place = place if place.tokens else replace(place, page=1)
    listing = s3.list_objects(
        target,
        place.bucket,
        place.folder + place.find,
        continuation_token=place.tokens[-1] if place.tokens else "",
        max_keys=PAGE_SIZE,
    )
    following = None
    if listing.next_token:
        tokens = (*place.tokens, listing.next_token)[-KEPT_TOKENS:]
        following = replace(place, page=place.page + 1, tokens=tokens)
    return Page(place, _rows(place, listing), next=following, by_prefix=True)


def _rows(place: Place, listing: Listing) -> list[Row]:
    home, cut = f"s3://{place.bucket}/", len(place.folder)
    folders = [Row(FOLDER, folder[cut:], home + folder) for folder in listing.folders]
    return folders + [
        Row(OBJECT, item.key[cut:], home + item.key, size=item.size, last_modified=item.last_modified)
        for item in listing.objects
        if item.key != place.folder  # the empty object by which some programs make a folder
    ]
