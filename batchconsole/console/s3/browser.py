"""Buckets, folders and objects as pages of a table, for the S3 pages, the chooser, and the form without script.

A folder that one S3 call lists completely can be sorted, searched by any part of a name, and counted. A larger folder
comes in S3's order; only a search or another sort order reads on, up to a limit. Beyond the limit it can be searched
only by the start of names, because S3 supports only that.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.cache import caches
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.columns import Column, Heading
from batchconsole.console.s3.inputs import Hindrance, hindrance
from batchconsole.console.s3.places import BUCKET_COLUMNS, OBJECT_COLUMNS, Crumb, Place
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3.storage import Listing, Storage
from batchconsole.records.limits import Limits

PAGE_SIZE = 100
# The most that S3 lists in one call.
WHOLE = 1000
# The most objects read to search by parts of names or to sort: ten calls, one to two seconds on AWS.
MOST = 10_000
# S3 has tokens only for the next page, so the way back needs the tokens already used. The limit keeps URLs short.
KEPT_TOKENS = 8
BUCKET, FOLDER, OBJECT = "bucket", "folder", "object"


@dataclass(frozen=True)
class PlaceRow:
    """One row of the table; ``name`` is shown, ``uri`` is the value if the row is chosen."""

    kind: str
    name: str
    uri: str
    created_at: datetime | None = None
    region: str = ""
    size: int | None = None
    last_modified: datetime | None = None
    hindrance: Hindrance | None = None

    @property
    def is_choosable(self) -> bool:
        """Whether the row can be chosen: no known problem rules it out as job input."""
        return not (self.hindrance and self.hindrance.is_final)

    @property
    def query(self) -> str:
        """The query string of the page that the row links to."""
        return urlencode({"uri": self.uri})


@dataclass(frozen=True)
class PlacePage:
    """One page of a place. If ``total`` is None, the place has more rows than the ``read`` ones.

    ``by_prefix`` means that only the start of names can be searched; without a total it can't be sorted either.
    """

    place: Place
    rows: list[PlaceRow] = field(default_factory=list)
    total: int | None = None
    read: int = 0
    next: Place | None = None
    previous: Place | None = None
    by_prefix: bool = False
    read_at: datetime = field(default_factory=timezone.now)
    error: AwsError | UserError | None = None

    @property
    def counter(self) -> str:
        return f"{self.read:,}+" if self.total is None else f"{self.total:,}"

    @property
    def find_label(self) -> str:
        if not self.place.bucket:
            return "Find bucket"
        return "Find object by prefix" if self.by_prefix else "Find object"

    @property
    def headings(self) -> list[Heading]:
        """The column headings, with links if the rows can be sorted."""
        columns = OBJECT_COLUMNS if self.place.bucket else BUCKET_COLUMNS
        return [self._heading(column) for column in columns]

    def _heading(self, column: Column) -> Heading:
        if self.total is None and self.by_prefix:
            return Heading(column, "", "")
        # Without a sort order, rows come in S3's order: by name.
        way = {column.name: "ascending", f"-{column.name}": "descending"}.get(self.place.sort or "name", "")
        sort = f"-{column.name}" if way == "ascending" else column.name
        sort = "" if sort == "name" else sort
        return Heading(column, way, replace(self.place, sort=sort, page=1, tokens=()).query)

    @property
    def title(self) -> str:
        return "Objects" if self.place.bucket else "Buckets"

    @property
    def name(self) -> str:
        """The name of the place: its last folder, its bucket, or the list of buckets."""
        return self.crumbs[-1].title

    @property
    def unfiltered(self) -> str:
        """The query string of the same place without its filter."""
        return self.place.inside(self.place.bucket, self.place.folder).query

    @property
    def crumbs(self) -> list[Crumb]:
        """The breadcrumbs from the list of buckets to this place."""
        place, steps = self.place, [Crumb("S3 buckets", "")]
        if place.bucket:
            steps.append(Crumb(place.bucket, place.inside(place.bucket).query))
        folders = place.folder.split("/")[:-1]
        for depth, name in enumerate(folders, 1):
            steps.append(Crumb(name or "(no name)", place.inside(place.bucket, "/".join(folders[:depth]) + "/").query))
        return steps


def read_page(
    storage: Storage,
    place: Place,
    *,
    limits: Limits | None = None,
    is_fresh: bool = False,
    whole: int = WHOLE,
    most: int = MOST,
) -> PlacePage:
    """Read the page at *place*; if that fails, the page has an error instead of rows.

    With *limits*, each object has the reason why it can't be job input. *whole* is the number of objects per call,
    *most* the limit for searching and sorting. Those large listings are cached for a minute, unless *is_fresh*.
    """
    try:
        reader = _Reader(storage, place, limits, whole, most, is_fresh)
        return reader.page() if place.bucket else _buckets(storage, place)
    except (AwsError, UserError) as error:
        return PlacePage(place, error=error)


def _buckets(storage: Storage, place: Place) -> PlacePage:
    rows = [
        PlaceRow(BUCKET, bucket.name, f"s3://{bucket.name}/", created_at=bucket.created_at, region=bucket.region)
        for bucket in storage.buckets()
        if place.find.lower() in bucket.name
    ]
    return _known(place, rows)


def _known(place: Place, rows: list[PlaceRow], *, by_prefix: bool = False) -> PlacePage:
    """Return a page of a place whose *rows* are all known: in the requested order, folders first."""
    if place.sort:
        name = place.sort.removeprefix("-")
        rows = sorted(rows, key=lambda row: _sort_key(row, name), reverse=place.sort.startswith("-"))
    rows = sorted(rows, key=lambda row: row.kind == OBJECT)
    place = replace(place, page=min(place.page, max(1, -(-len(rows) // PAGE_SIZE))), tokens=())
    start = (place.page - 1) * PAGE_SIZE
    return PlacePage(
        place,
        rows[start : start + PAGE_SIZE],
        total=len(rows),
        next=replace(place, page=place.page + 1) if len(rows) > start + PAGE_SIZE else None,
        previous=replace(place, page=place.page - 1) if place.page > 1 else None,
        by_prefix=by_prefix,
    )


def _sort_key(row: PlaceRow, name: str) -> tuple[Any, ...]:
    value = getattr(row, name)
    return (value is not None, value, row.name)


@dataclass
class _Reader:
    """Reads a page of a bucket in as few calls as possible."""

    storage: Storage
    place: Place
    limits: Limits | None
    whole: int
    most: int
    is_fresh: bool

    def page(self) -> PlacePage:
        if self.place.tokens:
            return self._part(self._list(self._prefix, self.place.tokens[-1]))
        is_search = bool(self.place.find or self.place.sort)
        known = self._remembered() if is_search else None
        if known:
            return self._searched(*known)
        first = self._list(self.place.folder)
        if first.next_token and is_search:
            return self._searched(*self._read_on(first))
        return self._part(first) if first.next_token else _known(self.place, self._found(first))

    @property
    def _key(self) -> str:
        """The cache key of a large folder, which is cached so that its second page is not read again."""
        connection = self.storage.connection
        whose = (connection.target, connection.prefixes("read"))
        named = repr((*whose, self.place.bucket, self.place.folder, self.whole, self.most))
        return hashlib.sha256(named.encode()).hexdigest()

    def _remembered(self) -> tuple[Listing, datetime] | None:
        return None if self.is_fresh else caches["s3"].get(self._key)

    @property
    def _prefix(self) -> str:
        return self.place.folder + self.place.find

    def _list(self, prefix: str, token: str = "") -> Listing:
        return self.storage.listing(self.place.bucket, prefix, continuation_token=token, max_keys=self.whole)

    def _read_on(self, first: Listing) -> tuple[Listing, datetime]:
        """Read the folder from *first* up to the limit. Return the listing, with a token if it is cut, and the time."""
        folders, objects, token, read = [*first.folders], [*first.objects], first.next_token, self.whole
        while token and read < self.most:
            listing = self._list(self.place.folder, token)
            folders, objects, token = folders + listing.folders, objects + listing.objects, listing.next_token
            read += self.whole
        found = Listing(folders=folders, objects=objects, next_token=token)
        known = (found, timezone.now())
        caches["s3"].set(self._key, known)
        return known

    def _searched(self, folder: Listing, read_at: datetime) -> PlacePage:
        """Return a page of a large folder, searched and sorted; by the start of names only if it exceeds the limit."""
        if not folder.next_token:
            return replace(_known(self.place, self._found(folder)), read_at=read_at)
        listing = self._list(self._prefix)
        if self.place.find and not listing.next_token:
            return _known(self.place, self._rows(listing), by_prefix=True)
        return self._part(listing, read=self.most)

    def _part(self, listing: Listing, *, read: int = 0) -> PlacePage:
        """Return one page of a single call's listing, for a folder that has more."""
        place, pages = replace(self.place, sort=""), max(1, self.whole // PAGE_SIZE)
        place = place if place.tokens else replace(place, page=min(place.page, pages))
        rows, start = self._rows(listing), (place.page - 1) % pages * PAGE_SIZE
        first = place.page - (place.page - 1) % pages  # the number of the first page of this call
        following = None
        if len(rows) > start + PAGE_SIZE:
            following = replace(place, page=place.page + 1)
        elif listing.next_token:
            tokens = (*place.tokens, listing.next_token)[-KEPT_TOKENS:]
            following = replace(place, page=first + pages, tokens=tokens)
        return PlacePage(
            place,
            rows[start : start + PAGE_SIZE],
            read=read or self.whole,
            next=following,
            previous=_page_before(place, pages),
            by_prefix=bool(read or place.find),
        )

    def _found(self, listing: Listing) -> list[PlaceRow]:
        """Return the rows whose names contain the search text."""
        wanted = self.place.find.lower()
        return [row for row in self._rows(listing) if wanted in row.name.lower()]

    def _rows(self, listing: Listing) -> list[PlaceRow]:
        home, cut = f"s3://{self.place.bucket}/", len(self.place.folder)
        folders = [PlaceRow(FOLDER, folder[cut:], home + folder) for folder in listing.folders]
        return folders + [
            PlaceRow(
                OBJECT,
                item.key[cut:],
                home + item.key,
                size=item.size,
                last_modified=item.last_modified,
                hindrance=hindrance(item, self.limits) if self.limits else None,
            )
            for item in listing.objects
            if item.key != self.place.folder  # the empty object that some programs create for a folder
        ]


def _page_before(place: Place, pages: int) -> Place | None:
    """Return the previous page if its token is known, else the first page. One call lists *pages* pages."""
    if place.page == 1:
        return None
    if (place.page - 1) % pages:
        return replace(place, page=place.page - 1)
    known = len(place.tokens) > 1 or place.page == pages + 1
    return replace(place, page=place.page - 1, tokens=place.tokens[:-1]) if known else replace(place, page=1, tokens=())
