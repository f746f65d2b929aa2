"""The marks of a comparison as CSV or JSON Lines: one line for each mark, with the answers that it is about."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from batchconsole.console.comparison.page import Side
from batchconsole.console.kit.csv_download import CONTENT_TYPE
from batchconsole.jobs.outputs.comparison_pages import MarkedRow
from batchconsole.records.csv_writing import csv_chunks
from batchconsole.records.output_lines import Record

HEADER = ("record", "record_id", "question", "better_model", "better_job", "marked_by", "marked_at")
TIE = "tie"


def as_csv(rows: Iterable[MarkedRow], sides: Sequence[Side]) -> Iterator[bytes]:
    """Yield a header and a line for each mark; the last columns hold each job's answer, or its error."""
    header = [*HEADER, *(f"answer of {side.row.job_name}" for side in sides)]
    return csv_chunks(header, ([*_cells(row), *(_text(each) for each in _answers(row, sides))] for row in rows))


def _cells(marked: MarkedRow) -> list[Any]:
    mark, row, better = marked.mark, marked.row, marked.mark.better
    return [
        row.position + 1,
        row.record_id or mark.record_id,
        row.question,
        better.model_id if better else TIE,
        better.job_name if better else TIE,
        mark.created_by.get_username() if mark.created_by else "",
        mark.marked_at.isoformat(timespec="seconds"),
    ]


def _answers(marked: MarkedRow, sides: Sequence[Side]) -> list[Record | None]:
    return [marked.row.answers.get(side.number) for side in sides]


def _text(record: Record | None) -> str | None:
    return None if record is None else record.error_message if record.is_error else record.answer


def as_jsonl(rows: Iterable[MarkedRow], sides: Sequence[Side]) -> Iterator[bytes]:
    """Yield an object for each mark: its fields as in CSV, and a list with each job's answer."""
    encode = msgspec.json.Encoder().encode
    for row in rows:
        answers = [
            {"job": side.row.job_name, "model_id": side.row.model_id, **_outcome(record)}
            for side, record in zip(sides, _answers(row, sides), strict=True)
        ]
        yield encode(dict(zip(HEADER, _cells(row), strict=True)) | {"answers": answers}) + b"\n"


def _outcome(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"answer": None, "error": None, "output_tokens": None}
    answer = None if record.is_error else record.answer
    return {"answer": answer, "error": record.error_message, "output_tokens": record.output_tokens}


FORMATS: dict[str, tuple[Callable[[Iterable[MarkedRow], Sequence[Side]], Iterator[bytes]], str]] = {
    "csv": (as_csv, CONTENT_TYPE),
    "jsonl": (as_jsonl, "application/x-ndjson"),
}
