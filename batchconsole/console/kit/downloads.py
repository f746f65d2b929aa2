"""Downloads of joined records, streamed while they are read, so that their size is unlimited."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from batchconsole.records import exports
from batchconsole.records.joining import JoinedRow
from batchconsole.records.schema_columns import Column

Write = Callable[[Iterable[JoinedRow], Sequence[Column] | None], Iterator[bytes]]
FORMATS: dict[str, tuple[Write, str]] = {
    "jsonl": (exports.jsonl, "application/x-ndjson"),
    "csv": (exports.as_csv, "text/csv; charset=utf-8"),
    "parquet": (exports.as_parquet, "application/vnd.apache.parquet"),
}


def as_file(stream: Iterator[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    """Return *stream* as a download of the file *name*."""
    response = StreamingHttpResponse(stream, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def begun(stream: Iterator[bytes]) -> Iterator[bytes]:
    """Return *stream* with its first chunk already produced, so that errors are raised before the response starts."""
    first = next(stream, b"")
    return chain([first], stream)
