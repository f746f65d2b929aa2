"""A place in S3: a bucket, a folder, a search text, a sort order and a page.

It is stored in the query string (``uri``, ``find``, ``sort``, ``page``, ``token``), so every view of S3 has a URL.
"""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.http import QueryDict

from batchconsole.aws.s3_addresses import SCHEME, s3_uri
from batchconsole.console.kit.columns import Column
from batchconsole.console.kit.numbers import read_number

BUCKET_COLUMNS = (
    Column(name="name", title="Name"),
    Column(name="region", title="Region"),
    Column(name="created_at", title="Creation date", is_zoned=True),
)
OBJECT_COLUMNS = (
    Column(name="name", title="Key"),
    Column(name="last_modified", title="Last modified", is_zoned=True),
    Column(name="size", title="Size", is_numeric=True),
)


@dataclass(frozen=True)
class Place:
    """A place in S3, with its page and sort order (``size``, or ``-size`` for descending)."""

    bucket: str = ""
    folder: str = ""
    find: str = ""
    sort: str = ""
    page: int = 1
    tokens: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Read the place from a query string. A URI without a final slash searches its folder for its last part."""
        bucket, _, path = s3_uri(query.get("uri", "")).removeprefix(SCHEME).partition("/")
        folder, slash, name = path.rpartition("/")
        page = query.get("page", "")
        sort = query.get("sort", "")
        columns = OBJECT_COLUMNS if bucket else BUCKET_COLUMNS
        return cls(
            bucket=bucket,
            folder=folder + slash,
            find=query.get("find", "").strip() or name,
            sort=sort if sort.removeprefix("-") in {column.name for column in columns} else "",
            page=max(1, read_number(page, 1)) if len(page) < 6 else 1,
            tokens=tuple(query.getlist("token")),
        )

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.folder}" if self.bucket else ""

    @property
    def query(self) -> str:
        """The place as a query string, without a leading question mark."""
        page = str(self.page) if self.page > 1 else ""
        pairs = [("uri", self.uri), ("find", self.find), ("sort", self.sort), ("page", page)]
        return urlencode([pair for pair in pairs if pair[1]] + [("token", token) for token in self.tokens])

    def inside(self, bucket: str, folder: str = "") -> "Place":
        return Place(bucket=bucket, folder=folder)


@dataclass(frozen=True)
class Crumb:
    """One breadcrumb; ``query`` is its query string."""

    title: str
    query: str
