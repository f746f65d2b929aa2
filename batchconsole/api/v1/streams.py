"""Downloads, streamed while they are read, in the formats that the pages offer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query

from batchconsole.api.call_limit import headers_of
from batchconsole.records import exports
from batchconsole.records.joining import JoinedRow
from batchconsole.records.schema_columns import Column


@dataclass(frozen=True)
class Download:
    """A format of joined records: its media type, and what writes it."""

    media_type: str
    write: Callable[[Iterable[JoinedRow], Sequence[Column] | None], Iterator[bytes]]


DOWNLOADS = {
    "jsonl": Download("application/jsonl", exports.jsonl),
    "csv": Download("text/csv", exports.as_csv),
    "parquet": Download("application/vnd.apache.parquet", exports.as_parquet),
}
Format = Annotated[str, Query(pattern=f"^({'|'.join(DOWNLOADS)})$", description="`jsonl`, `csv` or `parquet`.")]


def described(*kinds: str) -> dict[str, Any]:
    """Return the description of a response in the formats *kinds*, for an operation's ``openapi_extra``."""
    content = {DOWNLOADS[kind].media_type: {"schema": {"type": "string"}} for kind in kinds}
    return {"responses": {200: {"content": content}}}


def stream(request: HttpRequest, pieces: Iterator[bytes], kind: str) -> StreamingHttpResponse:
    """Return a response that streams *pieces*. The first one is read before it starts, so errors get a status."""
    first = next(pieces, b"")
    media_type = DOWNLOADS[kind].media_type
    return StreamingHttpResponse(chain([first], pieces), content_type=media_type, headers=headers_of(request))
