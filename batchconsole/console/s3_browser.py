"""Buckets, folders and objects as one page of a table: for the S3 pages, the chooser, and the form without script.

Where one is stands in a query string (``uri``, ``find``, ``page``, ``token``), so every view of S3 has a URL.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target

PAGE_SIZE = 100
# S3 gives a token for the next page only, so the way back is the tokens already used; so many keep the URL short.
KEPT_TOKENS = 8
BUCKET, FOLDER, OBJECT = "bucket", "folder", "object"


@dataclass(frozen=True)
class Place:
    """Where in S3, and which page of it. ``find`` is the start of the names wanted, or a part of a bucket's name."""

    bucket: str = ""
    folder: str = ""
    find: str = ""
    page: int = 1
    tokens: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """The place a query string names. A URI that does not end in a slash is its folder, looking for the rest."""
        bucket, _, path = query.get("uri", "").strip().removeprefix("s3://").partition("/")
        folder, slash, name = path.rpartition("/")
        page = query.get("page", "")
        return cls(
            bucket=bucket,
            folder=folder + slash,
            find=query.get("find", "").strip() or name,
            page=max(1, int(page)) if page.isdecimal() and len(page) < 6 else 1,
            tokens=tuple(query.getlist("token")),
        )

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.folder}" if self.bucket else ""

    @property
    def query(self) -> str:
        """The place as a query string, without a question mark."""
        pairs = [("uri", self.uri), ("find", self.find), ("page", str(self.page) if self.page > 1 else "")]
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
    """One page of a place. ``total`` is ``None`` where S3 does not say how many there are."""

    place: Place
    rows: list[Row] = field(default_factory=list)
    total: int | None = None
    next: Place | None = None
    error: AwsError | None = None

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
        if place.bucket and len(place.tokens) < 2:
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


def read_page(target: Target, place: Place) -> Page:
    """The page at *place*; AWS's error instead of rows when there was one."""
    try:
        return _objects(target, place) if place.bucket else _buckets(target, place)
    except AwsError as error:
        return Page(place, error=error)


def _buckets(target: Target, place: Place) -> Page:
    rows = [
        Row(BUCKET, bucket.name, f"s3://{bucket.name}/", created_at=bucket.created_at, region=bucket.region)
        for bucket in s3.list_buckets(target)
        if place.find.lower() in bucket.name
    ]
    start = (place.page - 1) * PAGE_SIZE
    following = replace(place, page=place.page + 1) if len(rows) > start + PAGE_SIZE else None
    return Page(place, rows[start : start + PAGE_SIZE], total=len(rows), next=following)


def _objects(target: Target, place: Place) -> Page:
    listing = s3.list_objects(
        target,
        place.bucket,
        place.folder + place.find,
        continuation_token=place.tokens[-1] if place.tokens else "",
        max_keys=PAGE_SIZE,
    )
    home = f"s3://{place.bucket}/"
    cut = len(place.folder)
    rows = [Row(FOLDER, folder[cut:], home + folder) for folder in listing.folders]
    rows += [
        Row(OBJECT, item.key[cut:], home + item.key, size=item.size, last_modified=item.last_modified)
        for item in listing.objects
        if item.key != place.folder  # the empty object by which some programs make a folder
    ]
    following = None
    if listing.next_token:
        tokens = (*place.tokens, listing.next_token)[-KEPT_TOKENS:]
        following = replace(place, page=place.page + 1, tokens=tokens)
    is_all = place.page == 1 and following is None
    return Page(place, rows, total=len(rows) if is_all else None, next=following)
