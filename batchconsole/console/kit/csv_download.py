"""A CSV file handed on row by row, so that its size is nobody's limit."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

# Spreadsheets take a text that begins so for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")
ROWS_A_CHUNK = 500


class _Line:
    """What :func:`csv.writer` writes to: it hands the line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def csv_response(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """*rows* under *header* as the file *name*."""
    response = StreamingHttpResponse(_chunks(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _chunks(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    chunk: list[str] = [writer.writerow(header)]
    for row in rows:
        chunk.append(writer.writerow([safe(value) for value in row]))
        if len(chunk) >= ROWS_A_CHUNK:
            yield "".join(chunk)
            chunk.clear()
    yield "".join(chunk)


def safe(value: Any) -> Any:
    """*value*, a text made harmless for spreadsheets; ``None`` is an empty cell."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
