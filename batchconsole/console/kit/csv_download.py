"""CSV downloads, streamed row by row so that their size is unlimited."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from batchconsole.records.csv_writing import csv_chunks

CONTENT_TYPE = "text/csv; charset=utf-8"


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """Return *rows* below *header* as a download of the file *name*."""
    response = StreamingHttpResponse(csv_chunks(header, rows), content_type=CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
