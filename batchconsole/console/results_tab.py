"""What the results and errors tabs of a job show: a page of records read from S3, and the errors by message."""

import json
from dataclasses import dataclass, field
from typing import Any

from batchconsole.aws.errors import AwsError
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.pagination import Page, page_number
from batchconsole.jobs.models import BatchJob, ResultIndex
from batchconsole.jobs.results import ResultPage, Row, find_records, read_page, read_record
from batchconsole.records.results import Totals

PAGE_SIZE = 10
FILES_SHOWN = 100
MAX_RAW = 200_000  # characters of a line that the page shows; the file has it all


@dataclass
class ResultsTab:
    """A page of a job's records, or of those with an error, or those of one id; or why there is none."""

    page: Page
    totals: Totals
    only_errors: bool = False
    record_id: str = ""
    error: AwsError | None = None
    files: list[Any] = field(default_factory=list)


def read_results(request: ConsoleRequest, job: BatchJob) -> dict[str, Any]:
    """The context of the results tab; S3 failing is part of what it shows."""
    tab = ResultsTab(
        page=Page([], 1, PAGE_SIZE, 0, False),
        totals=read_totals(job),
        only_errors=request.GET.get("only") == "errors",
        record_id=request.GET.get("record", "").strip(),
        files=list(job.result_files.all()[:FILES_SHOWN]),
    )
    try:
        tab.page = as_page(find_page(job, tab, page_number(request.GET.get("page", ""))))
    except AwsError as error:
        tab.error = error
    return {"results": tab}


def find_page(job: BatchJob, tab: ResultsTab, number: int) -> ResultPage:
    if tab.record_id:
        rows = find_records(job, tab.record_id)
        return ResultPage(1, max(len(rows), 1), len(rows), rows)
    count = tab.totals.failed if tab.only_errors else tab.totals.records
    number = min(number, max(1, -(-count // PAGE_SIZE)))
    return read_page(job, number, size=PAGE_SIZE, only_errors=tab.only_errors)


def as_page(found: ResultPage) -> Page:
    return Page(rows=found.rows, number=found.number, size=found.size, count=found.count, has_more=False)


def read_totals(job: BatchJob) -> Totals:
    """The sums of the job's output; all zero before it has been read."""
    stored = ResultIndex.objects.filter(job=job).only("totals_json").first()
    return stored.totals if stored else Totals()


def read_errors(request: ConsoleRequest, job: BatchJob) -> dict[str, Any]:
    return {"totals": read_totals(job)}


@dataclass(frozen=True)
class RawRecord:
    """One output line for reading: its JSON laid out, cut where it is too long for a page."""

    row: Row
    text: str
    is_cut: bool


def read_raw(job: BatchJob, position: int) -> RawRecord | None:
    """The record at *position*, ``None`` when there is none; raises :class:`AwsError`."""
    row = read_record(job, position)
    if row is None:
        return None
    text = laid_out(row.record.raw)
    return RawRecord(row, text[:MAX_RAW], len(text) > MAX_RAW)


def laid_out(line: bytes) -> str:
    """*line* as JSON over several lines; as it is when it is no JSON."""
    try:
        return json.dumps(json.loads(line), indent=2, ensure_ascii=False)
    except ValueError:
        return line.decode(errors="replace")
