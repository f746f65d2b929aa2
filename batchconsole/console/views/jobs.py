"""The job list: a table whose filter, order and page are the query string, and which keeps itself up to date."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from batchconsole.console.columns import COLUMNS, Heading
from batchconsole.console.filters import STATUS_GROUPS, JobFilter, query_string, statuses
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.pagination import LOOK_AHEAD, Page, page_number, paginate
from batchconsole.console.preferences import page_size
from batchconsole.jobs.models import BatchJob

LISTED = (
    "job_name", "status", "message", "error_code", "model_id", "model_invocation_type", "created_at", "end_time",
    "modified_at", "total_record_count", "processed_record_count", "error_record_count", "created_by__username",
)


@dataclass(frozen=True)
class Segment:
    """One choice of the status filter with the number of jobs it would show."""

    name: str
    title: str
    count: str
    url: str
    is_current: bool


def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    table = JobTable(request)
    if request.htmx and request.headers.get("X-Version") == table.version:
        return HttpResponse(status=204)
    template = "console/_job_list.html" if request.htmx else "console/job_list.html"
    response = render(request, template, {"table": table, "now": timezone.now()})
    patch_vary_headers(response, ["HX-Request"])
    return response


class JobTable:
    """One page of a connection's jobs as the query string asks for it, and the links around it."""

    def __init__(self, request: ConsoleRequest) -> None:
        self.connection = request.connection
        self.jobs = BatchJob.objects.filter(connection=request.connection)
        self.filter = JobFilter(request.GET, self.jobs)
        size = page_size(request.GET.get("page_size", ""))
        self.size_in_url = {"page_size": size} if size else {}
        rows = self.filter.qs.select_related("created_by").only(*LISTED, "connection__name")
        self.page: Page = paginate(
            rows.select_related("created_by", "connection"),
            number=page_number(request.GET.get("page", "")),
            size=size or request.preferences.page_size,
        )
        self.segments = list(self.make_segments())
        self.has_open = any(not job.is_ended for job in self.page.rows)
        self.version = self.make_version()
        self.is_empty = not self.page.count and not self.filter.is_filtering

    @property
    def url(self) -> str:
        """This page's own address, without what was invalid."""
        return self.link(page=self.page.number)

    def link(self, *, page: int = 1, **changes: Any) -> str:
        """The address of this list with *changes*; a value of ``None`` leaves its name out."""
        values = {**self.filter.values, **self.size_in_url, **changes}
        if "sort" in values and values["sort"]:
            values["sort"] = ",".join(values["sort"])
        values = {name: value for name, value in values.items() if value}
        return self.connection.get_absolute_url() + query_string(values | ({"page": page} if page > 1 else {}))

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """What the text filter keeps when it is sent: all but its own text and the page."""
        values = {**self.filter.values, **self.size_in_url, "sort": ",".join(self.filter.values.get("sort", []))}
        for name, value in values.items():
            if name != "q" and value:
                yield from ((name, str(each)) for each in (value if isinstance(value, list) else [value]))

    @property
    def headings(self) -> Iterator[Heading]:
        """The columns with how each is sorted now; a click on a sorted one turns its order round."""
        first = (self.filter.values.get("sort") or ["-created"])[0]
        for column in COLUMNS:
            order = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(first, "") if column.sort else ""
            turned = [f"-{column.sort}" if order == "ascending" else column.sort]
            yield Heading(column, order, self.link(sort=turned) if column.sort else "")

    def make_segments(self) -> Iterator[Segment]:
        """The status groups with counts; they do not count beyond a bound, so they cost the same in any table."""
        everything = JobFilter({"q": self.filter.values.get("q", "")}, self.jobs).qs.order_by()
        chosen = self.filter.values.get("status", [])
        yield Segment("all", "All", count_text(everything), self.link(status=None), not chosen)
        for name, (title, members) in STATUS_GROUPS.items():
            count = count_text(everything.filter(status__in=members))
            yield Segment(name, title, count, self.link(status=[name]), statuses(chosen) == members)

    def make_version(self) -> str:
        """Changes when anything that the page shows has changed."""
        seen = [
            [(job.pk, job.modified_at) for job in self.page.rows],
            self.page.count_text,
            [segment.count for segment in self.segments],
            self.connection.sync_error,
        ]
        return hashlib.blake2b(repr(seen).encode(), digest_size=12).hexdigest()


def count_text(rows: "QuerySet[BatchJob]") -> str:
    """How many, up to a bound: ``37``, ``1,000+``."""
    count = rows[: LOOK_AHEAD + 1].count()
    return f"{LOOK_AHEAD:,}+" if count > LOOK_AHEAD else f"{count:,}"
