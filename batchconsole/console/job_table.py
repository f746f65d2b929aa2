"""One page of the job list as the query string asks for it, with the links around it. The URL is the only state."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.columns import COLUMNS, Heading
from batchconsole.console.filters import STATUS_GROUPS, JobFilter, query_string, statuses
from batchconsole.console.pagination import Page, bounded, page_number, paginate
from batchconsole.console.preferences import Preferences, page_size
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.querysets import BatchJobQuerySet

SHOWN = (
    "job_name",
    "status",
    "message",
    "model_id",
    "model_invocation_type",
    "created_at",
    "modified_at",
    "total_record_count",
    "processed_record_count",
    "error_record_count",
    "created_by__username",
    "connection__name",
)


@dataclass(frozen=True)
class Segment:
    """One choice of the status filter with the number of jobs it would show."""

    name: str
    title: str
    count: str
    url: str
    is_current: bool


class JobTable:
    """What the list shows: rows, columns, counts by status, and where each link leads."""

    def __init__(self, connection: Connection, query: QueryDict, preferences: Preferences) -> None:
        self.connection = connection
        self.jobs: BatchJobQuerySet = BatchJob.objects.filter(connection=connection)
        self.filter = JobFilter(query, self.jobs)
        self.size = page_size(query.get("page_size", ""))
        self.page: Page = paginate(
            self.filter.qs.select_related("created_by", "connection").only(*SHOWN),
            number=page_number(query.get("page", "")),
            size=self.size or preferences.page_size,
        )

    @property
    def url(self) -> str:
        """This page's own address, without what was invalid."""
        return self.link(page=self.page.number)

    def link(self, *, page: int = 1, **changes: Any) -> str:
        """The address of this list with *changes*; a value of ``None`` leaves its name out."""
        values = {**self.values, **changes, "page": page if page > 1 else None}
        return self.connection.get_absolute_url() + query_string({k: v for k, v in values.items() if v})

    @cached_property
    def values(self) -> dict[str, Any]:
        """What the query string asks for, as it asks for it, without the page."""
        values = {**self.filter.values, "page_size": self.size}
        return values | {"sort": ",".join(values.get("sort", []))}

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """What the text filter keeps when it is sent: all but its own text."""
        for name, value in self.values.items():
            for each in value if isinstance(value, list) else [value]:
                if each and name != "q":
                    yield name, str(each)

    @property
    def headings(self) -> Iterator[Heading]:
        """The columns with how each is sorted now; a click on a sorted one turns its order round."""
        first = self.filter.values.get("sort", ["-created"])[0]
        for column in COLUMNS:
            order = {column.sort: "ascending", f"-{column.sort}": "descending"}.get(first, "") if column.sort else ""
            turned = f"-{column.sort}" if order == "ascending" else column.sort
            yield Heading(column, order, self.link(sort=turned) if column.sort else "")

    @cached_property
    def segments(self) -> list[Segment]:
        """The status groups with the number of jobs that match the rest of the filter."""
        others = JobFilter({**self.filter.values, "status": []}, self.jobs).qs
        chosen = self.filter.values.get("status", [])
        found = [Segment("all", "All", bounded(others), self.link(status=None), not chosen)]
        for name, (title, members) in STATUS_GROUPS.items():
            count = bounded(others.filter(status__in=members))
            found.append(Segment(name, title, count, self.link(status=[name]), statuses(chosen) == members))
        return found

    @property
    def has_open(self) -> bool:
        """Whether a job of this page can still change by itself."""
        return any(not job.is_ended for job in self.page.rows)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all, rather than nothing that matches."""
        return not self.page.count and not self.filter.is_filtering

    @cached_property
    def version(self) -> str:
        """Changes when anything that the page shows has changed, or it is another page."""
        seen = [
            self.url,
            [(job.pk, job.modified_at) for job in self.page.rows],
            self.page.count_text,
            [segment.count for segment in self.segments],
            self.connection.sync_error,
        ]
        return hashlib.blake2b(repr(seen).encode(), digest_size=12).hexdigest()
