"""What the results and errors tabs of a job show: a page of records read from S3, and the errors by message."""

from dataclasses import dataclass, field
from typing import Any

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.pagination import Page, page_number
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, ResultIndex
from batchconsole.jobs.results import ResultPage, Row, find_records, read_page, read_record, read_unanswered
from batchconsole.records.pretty import lay_out
from batchconsole.records.results import Totals

PAGE_SIZE = 10
FILES_SHOWN = 100
MOST_FOUND = 50
SHOWS = {"": "All", "errors": "With errors", "unanswered": "Unanswered"}


@dataclass
class ResultsTab:
    """A page of a job's records, of some of them (``only``), or those that were looked for; or why there is none."""

    page: Page
    totals: Totals
    unanswered: int = 0
    only: str = ""
    find: str = ""
    since: int = 0  # where to begin to look
    next: int | None = None  # where to look on, when not all was looked through
    error: AwsError | UserError | None = None
    files: list[Any] = field(default_factory=list)
    has_resends: bool = False

    @property
    def counts(self) -> dict[str, int]:
        return {"": self.totals.records, "errors": self.totals.failed, "unanswered": self.unanswered}

    @property
    def shows(self) -> list[tuple[str, str, int]]:
        """The choices of records, each with its title and count; unanswered ones are offered when there are any."""
        counts = self.counts
        return [
            (name, title, counts[name])
            for name, title in SHOWS.items()
            if name != "unanswered" or counts[name] or self.only == name
        ]


def read_results(request: ConsoleRequest, job: BatchJob) -> dict[str, Any]:
    """The context of the results tab; S3 failing is part of what it shows."""
    tab = ResultsTab(
        page=Page([], 1, PAGE_SIZE, 0, False),
        totals=read_totals(job),
        unanswered=count_unanswered(job),
        only=only if (only := request.GET.get("only", "")) in SHOWS else "",
        find=request.GET.get("find", "").strip(),
        since=read_number(request.GET.get("since", "")),
        files=list(job.result_files.all()[:FILES_SHOWN]),
        has_resends=BatchJob.objects.resends_of([job]).exists(),
    )
    try:
        tab.page = as_page(find_page(job, tab, page_number(request.GET.get("page", ""))))
    except (AwsError, UserError) as error:
        tab.error = error
    return {"results": tab}


def find_page(job: BatchJob, tab: ResultsTab, number: int) -> ResultPage:
    if tab.find:
        found = find_records(job, tab.find, since=tab.since, at_most=MOST_FOUND)
        tab.next = found.next
        return ResultPage(1, max(len(found.rows), 1), len(found.rows), found.rows)
    number = min(number, max(1, -(-tab.counts[tab.only] // PAGE_SIZE)))
    if tab.only == "unanswered":
        return read_unanswered(job, number, size=PAGE_SIZE)
    return read_page(job, number, size=PAGE_SIZE, only_errors=tab.only == "errors")


def as_page(found: ResultPage) -> Page:
    return Page(rows=found.rows, number=found.number, size=found.size, count=found.count, has_more=False)


def read_totals(job: BatchJob) -> Totals:
    """The sums of the job's output; all zero before it has been read."""
    stored = ResultIndex.objects.filter(job=job).only("totals_json").first()
    return stored.totals if stored else Totals()


def count_unanswered(job: BatchJob) -> int:
    """How many records of the input have no output; 0 before the output has been read."""
    stored = ResultIndex.objects.filter(job=job).only("inputs_packed").first()
    return len(stored.inputs.errors) if stored else 0


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
    laid = lay_out(row.record.raw)
    return RawRecord(row, laid.text, laid.is_cut)
