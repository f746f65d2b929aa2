"""A CSV file handed on row by row, so that its size is nobody's limit."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from batchconsole.records.csv_writing import csv_chunks

CONTENT_TYPE = "text/csv; charset=utf-8"


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """*rows* under *header* as the file *name*."""
    response = StreamingHttpResponse(csv_chunks(header, rows), content_type=CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
