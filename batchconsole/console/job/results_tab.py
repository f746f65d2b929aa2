"""The results and errors tabs of a job: a page of records read from S3, and the errors grouped by message."""

from dataclasses import dataclass, field
from typing import Any

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.pagination import Page, page_number
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs.answered_tables import table_of
from batchconsole.jobs.models import BatchJob, MadeInput, ResultIndex
from batchconsole.jobs.outputs.result_pages import (
    ResultPage,
    ResultRow,
    find_records,
    read_page,
    read_record,
    read_unanswered,
)
from batchconsole.records.answer_schemas import Fit, Judge, read_answer_fields
from batchconsole.records.output_lines import Record
from batchconsole.records.pretty import lay_out
from batchconsole.records.question_parts import split_questions
from batchconsole.records.results import Totals, fit_of
from batchconsole.records.schema_columns import Cell, Column, cell
from batchconsole.records.selecting import FEWEST_TOKENS, INPUT, MOST_TOKENS, ORDERS, Wanted

SIZES = (10, 20, 50, 100)
FILES_SHOWN = 100
MOST_FOUND = 50
SHOWS = {
    "": "All",
    "errors": "With errors",
    "unanswered": "Unanswered",
    "matches": "Match the schema",
    "mismatches": "Do not match",
}
ORDER_TITLES = {
    "": "Output order",
    INPUT: "Input order",
    MOST_TOKENS: "Most output tokens first",
    FEWEST_TOKENS: "Fewest output tokens first",
}
VIEWS = {"cards": "Cards", "table": "Table"}


@dataclass(frozen=True)
class ShownRow:
    """A record as displayed: ``question`` is the part that differs between records, ``cells`` its answer fields."""

    position: int
    record: Record
    fit: Fit | None
    question: str
    cells: list[Cell]


@dataclass
class ResultsTab:
    """A page of a job's records, filtered by ``wanted`` or found by a search, or the error that prevented it."""

    page: Page
    totals: Totals
    wanted: Wanted
    unanswered: int = 0
    view: str = "cards"
    since: int = 0  # the record at which the search starts
    next: int | None = None  # where to continue the search; None when it is complete
    searched: int = 0  # the number of records to search
    error: AwsError | UserError | None = None
    files: list[Any] = field(default_factory=list)
    has_resends: bool = False
    table: MadeInput | None = None  # the table that the input was made from
    before: str = ""  # the text that all questions on this page start with; ``after`` is what they end with
    after: str = ""

    @property
    def only(self) -> str:
        return self.wanted.only

    @property
    def find(self) -> str:
        return self.wanted.find

    @property
    def columns(self) -> list[Column]:
        return self.totals.columns

    @property
    def counts(self) -> dict[str, int]:
        totals = self.totals
        return {
            "": totals.records,
            "errors": totals.failed,
            "unanswered": self.unanswered,
            "matches": totals.matched,
            "mismatches": totals.mismatched,
        }

    @property
    def shows(self) -> list[tuple[str, str, int]]:
        """The filter's choices, each with its title and record count.

        "All" and "With errors" are always offered, the schema choices for jobs with a schema, and any other choice only
        if it has records or is selected.
        """
        counts = self.counts
        offered = {"": True, "errors": True, "matches": self.totals.with_schema, "mismatches": self.totals.with_schema}
        return [
            (name, title, counts[name])
            for name, title in SHOWS.items()
            if offered.get(name) or counts[name] or self.only == name
        ]

    @property
    def unjudged(self) -> int:
        """The number of answers that could not be checked against their schema."""
        return self.totals.with_schema - self.totals.matched - self.totals.mismatched

    @property
    def is_table(self) -> bool:
        return self.view == "table"

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        return [(name, title, name == self.wanted.order) for name, title in ORDER_TITLES.items()]

    @property
    def stops(self) -> list[tuple[str, bool]]:
        """The stop reasons that occur, each with whether it is selected. Answers without one are not offered."""
        return [(reason, reason == self.wanted.stop) for reason in self.totals.stop_reasons if reason]

    @property
    def sizes(self) -> list[tuple[int, bool]]:
        return [(size, size == self.page.size) for size in SIZES]

    @property
    def views(self) -> list[tuple[str, str, bool]]:
        return [(name, title, name == self.view) for name, title in VIEWS.items()]

    @property
    def narrowing(self) -> dict[str, str]:
        """The query parameters that filter the records."""
        given = {"only": self.only, "stop": self.wanted.stop or "", "find": self.find}
        return {name: value for name, value in given.items() if value}

    @property
    def download_query(self) -> str:
        """The query string for downloading the filtered records; empty without a filter."""
        return query_string(self.narrowing)

    @property
    def next_token_order(self) -> str:
        """The order that a click on the token column's header selects."""
        return FEWEST_TOKENS if self.wanted.order == MOST_TOKENS else MOST_TOKENS

    @property
    def token_sort(self) -> str:
        return {MOST_TOKENS: "descending", FEWEST_TOKENS: "ascending"}.get(self.wanted.order, "none")


def read_wanted(query: Any) -> Wanted:
    """Read the record filter from the query string, ignoring unknown choices."""
    only, order = query.get("only", ""), query.get("order", "")
    return Wanted(
        only=only if only in SHOWS else "",
        stop=query.get("stop") or None,
        find=query.get("find", "").strip(),
        order=order if order in ORDERS else "",
    )


def read_results(request: ConsoleRequest, job: BatchJob) -> dict[str, Any]:
    """Return the context of the results tab. Errors of S3 are shown in the tab."""
    size, view = read_number(request.GET.get("size", "")), request.GET.get("view", "")
    tab = ResultsTab(
        page=Page([], 1, size if size in SIZES else SIZES[0], 0, False),
        totals=read_totals(job),
        wanted=read_wanted(request.GET),
        unanswered=count_unanswered(job),
        view=view if view in VIEWS else "cards",
        since=read_number(request.GET.get("since", "")),
        files=list(job.result_files.all()[:FILES_SHOWN]),
        has_resends=BatchJob.objects.resends_of([job]).exists(),
        table=table_of(job),
    )
    try:
        show_page(tab, find_page(job, tab, page_number(request.GET.get("page", ""))))
    except (AwsError, UserError) as error:
        tab.error = error
    return {"results": tab}


def find_page(job: BatchJob, tab: ResultsTab, number: int) -> ResultPage:
    if tab.find:
        found = find_records(job, tab.find, since=tab.since, at_most=MOST_FOUND, wanted=tab.wanted)
        tab.next, tab.searched = found.next, found.of
        return ResultPage(1, max(len(found.rows), 1), len(found.rows), found.rows)
    size = tab.page.size
    if tab.only == "unanswered":
        return read_unanswered(job, min(number, max(1, -(-tab.unanswered // size))), size=size)
    return read_page(job, number, size=size, wanted=tab.wanted)


def show_page(tab: ResultsTab, found: ResultPage) -> None:
    """Fill *tab* with the records *found*, each with the result of its schema check."""
    parts = split_questions([row.record.question for row in found.rows])
    judge = Judge()
    rows = [
        ShownRow(row.position, row.record, fit_of(row.record, judge), own, cells_of(row.record, tab.columns))
        for row, own in zip(found.rows, parts.own, strict=True)
    ]
    tab.before, tab.after = parts.before, parts.after
    tab.page = Page(rows=rows, number=found.number, size=found.size, count=found.count, has_more=False)


def cells_of(record: Record, columns: list[Column]) -> list[Cell]:
    fields = read_answer_fields(record.answer, record.calls) if columns else {}
    return [cell(fields.get(column.name), column.kind) for column in columns]


def read_totals(job: BatchJob) -> Totals:
    """Return the totals of the job's output; all zero before the output has been read."""
    stored = ResultIndex.objects.filter(job=job).only("totals_json").first()
    return stored.totals if stored else Totals()


def count_unanswered(job: BatchJob) -> int:
    """Return the number of input records without output; 0 before the output has been read."""
    stored = ResultIndex.objects.filter(job=job).only("inputs_packed").first()
    return len(stored.inputs.errors) if stored else 0


def read_errors(request: ConsoleRequest, job: BatchJob) -> dict[str, Any]:
    return {"totals": read_totals(job)}


@dataclass(frozen=True)
class RawRecord:
    """One output line for display: its JSON formatted, and truncated if it is too long for a page."""

    row: ResultRow
    text: str
    is_cut: bool
    fit: Fit | None


def read_raw(job: BatchJob, position: int) -> RawRecord | None:
    """Return the record at *position*, or None if there is none. Raises :class:`AwsError`."""
    row = read_record(job, position)
    if row is None:
        return None
    laid = lay_out(row.record.raw)
    return RawRecord(row, laid.text, laid.is_cut, fit_of(row.record, Judge()))
