"""One page of the job list and the links around it. The query string is the only state."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from batchconsole.console.frame.preferences import Preferences, page_size
from batchconsole.console.job_list import sorting
from batchconsole.console.job_list.columns import JobColumn
from batchconsole.console.job_list.look import NARROWEST, WIDEST, look_of
from batchconsole.console.job_list.saved_views import views_of
from batchconsole.console.job_list.suggestions import Suggestion, suggestions
from batchconsole.console.kit import meanwhile
from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.columns import Heading
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import LOOK_AHEAD, Page, bounded_text, page_number, paginate
from batchconsole.jobs.finding.filters import STATUS_GROUPS, JobFilter, status_conditions, statuses
from batchconsole.jobs.finding.properties import Token, read_tokens, why_no_token
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.queue.queue_places import why_each_waits
from batchconsole.jobs.states import Status
from batchconsole.jobs.warnings import nearly_full, quota_use, warnings_of

EXPORT_CHUNK = 500
SELECTION_WIDTH = 40  # pixels, of the column of checkboxes
GROUPS = {"all": frozenset(Status)} | {name: group.statuses for name, group in STATUS_GROUPS.items()}
UNSHOWN = ("hint", "manifest", "results_error", "role_arn", "subnet_ids", "security_group_ids")


@dataclass(frozen=True)
class Segment:
    """One choice of the status filter, with the number of jobs it would show."""

    name: str
    title: str
    count: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """A filter token with the URL of the list without it."""

    token: Token
    url: str


def without_text(query: QueryDict) -> QueryDict:
    rest = query.copy()
    del rest["q"]
    return rest


class JobTable:
    """What the list shows: rows, columns, counts by status, and the URL of each link."""

    narrowest, widest = NARROWEST, WIDEST

    def __init__(self, connection: Connection, query: QueryDict, preferences: Preferences) -> None:
        self.connection = connection
        self.query = query
        self.look = look_of(preferences)
        self.views = views_of(preferences)
        self.columns = self.look.shown
        jobs: BatchJobQuerySet = BatchJob.objects.filter(connection=connection)
        self.misread = why_no_token(query.get("q", ""))
        self.filter = JobFilter.of(without_text(query) if self.misread else query, jobs)
        self.jobs: BatchJobQuerySet = self.filter.queryset
        self.size = page_size(query.get("page_size", ""))
        self.asked_sort = sorting.read_sort(query.get("sort", ""))
        # The jobs that match the filter, whatever their status.
        self.matching: BatchJobQuerySet = JobFilter({**self.filter.values, "status": []}, self.jobs).qs.named()
        self.shown = self.matching.meeting(status_conditions(self.asked_statuses))
        self.page: Page = paginate(
            self.shown,
            number=page_number(query.get("page", "")),
            size=self.size or preferences.page_size,
            order=lambda is_large: sorting.order_by(sorting.usable(self.asked_sort, is_large=is_large)),
            whole=BatchJob.objects.select_related("created_by", "held_by").defer(*UNSHOWN),
        )
        for job in self.page.rows:
            job.connection = connection
        self.sort = sorting.usable(self.asked_sort, is_large=self.page.has_more)

    @cached_property
    def url(self) -> str:
        """This page's own URL, without invalid parameters."""
        return self.link(page=self.page.number, q=self.text)

    def link(self, *, page: int = 1, **changes: Any) -> str:
        """Return the URL of this list with *changes*; None removes a parameter."""
        values = {**self.values, **changes, "page": page if page > 1 else None}
        kept = {name: value for name, value in values.items() if value}
        return self.path + query_string(kept)

    @cached_property
    def path(self) -> str:
        return self.connection.get_absolute_url()

    @cached_property
    def view_query(self) -> str:
        """The query string that a saved view keeps: filter, sort order and page size."""
        return self.link().partition("?")[2]

    @property
    def seen_views(self) -> str:
        """The saved views on this page as JSON, to detect changes made from another page."""
        return meanwhile.written({view.name: view.query for view in self.views})

    @property
    def stop_all_url(self) -> str:
        """The URL of the confirmation page for stopping all matching jobs."""
        values = {"all": 1, "match": self.view_query, "next": self.url}
        return reverse("job-stop-selected", args=[self.connection.name]) + query_string(values)

    @property
    def unsortable(self) -> bool:
        """Whether the requested sort order was reduced because the table is too large for it."""
        return self.sort != self.asked_sort

    @cached_property
    def values(self) -> dict[str, Any]:
        """The valid parameters of the query string, without the page."""
        return {**self.filter.values, "sort": ",".join(self.sort), "page_size": self.size}

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """The parameters that the text filter's form must resend: all except its own text."""
        for name, value in self.values.items():
            for each in value if isinstance(value, list) else [value]:
                if each and name != "q":
                    yield name, str(each)

    @property
    def dropped(self) -> list[str]:
        """The parts of the query string that were ignored because they are invalid."""
        sort = [name for name in self.query.get("sort", "").split(",") if name.removeprefix("-") not in sorting.FIELDS]
        size = self.query.get("page_size", "")
        return [
            *self.filter.dropped,
            *(f"sort={name}" for name in sort if name),
            *([f"page_size={size}"] if size and not self.size else []),
        ]

    @property
    def text(self) -> str:
        """The text in the filter field: one that is searched for, or one that is not a filter yet and filters nothing.

        :attr:`misread` says what the latter lacks (``Status =``).
        """
        found: str = self.query.get("q", "") if self.misread else self.filter.values.get("q", "")
        return found

    @cached_property
    def chips(self) -> list[Chip]:
        """The filter tokens."""
        texts = self.filter.values.get("f", [])
        others = {text: [other for other in texts if other != text] for text in texts}
        return [Chip(token, self.link(f=others[str(token)])) for token in read_tokens(texts)]

    @cached_property
    def unread_tags(self) -> int:
        """The number of jobs whose tags are unread, if a tag filter is set; above :data:`COUNT_LIMIT` it means more."""
        is_by_tag = any(chip.token.of.name == "tag" for chip in self.chips)
        return self.jobs.filter(tags_unread=True).bounded_count() if is_by_tag else 0

    @property
    def any_of(self) -> bool:
        return "join" in self.filter.values

    @property
    def add_filter_url(self) -> str:
        """The URL of the page that adds a filter to this list."""
        return reverse("job-filter", args=[self.connection.name]) + self.link().removeprefix(self.path)

    @property
    def join_url(self) -> str:
        """The URL with the tokens joined the other way (all or any)."""
        return self.link(join=None if self.any_of else "any")

    @property
    def clear_text_url(self) -> str:
        """The URL without the filter's text, but with its tokens."""
        return self.link(q=None)

    @property
    def clear_url(self) -> str:
        """The URL without any filter; sort order and page size stay."""
        return self.link(q=None, f=None, join=None, status=None)

    @property
    def suggestions(self) -> Iterator[Suggestion]:
        """The suggestions of the filter field."""
        return suggestions(self.connection)

    @property
    def is_resized(self) -> bool:
        """Whether the user chose a width for any of the shown columns."""
        return any(column.name in self.look.widths for column in self.columns)

    @property
    def width(self) -> int:
        """The width of a resized table in pixels. On a wider page, the last column takes the remaining space."""
        return SELECTION_WIDTH + sum(self.width_of(column) for column in self.columns)

    def width_of(self, column: JobColumn) -> int:
        return self.look.widths.get(column.name, column.width)

    @cached_property
    def headings(self) -> list[Heading]:
        """The columns with their sort state. A click on an ascending column sorts it in descending order."""
        return [self.heading(column) for column in self.columns]

    def heading(self, column: JobColumn) -> Heading:
        sort = self.sort or list(sorting.DEFAULT)
        order = "ascending" if column.name in sort else "descending" if f"-{column.name}" in sort else ""
        width = self.width_of(column)
        if not column.sorts or not sorting.usable([column.name], is_large=self.page.has_more):
            return Heading(column, order, "", width=width)
        turned = f"-{column.name}" if order == "ascending" else column.name
        others = [name for name in self.sort if name.removeprefix("-") != column.name]
        add_url = self.link(sort=",".join([*others, turned]))
        return Heading(column, order, self.link(sort=turned), add_url, width)

    @property
    def asked_statuses(self) -> list[str]:
        """The statuses and status groups that the list is filtered by; empty for all."""
        found: list[str] = self.filter.values.get("status", [])
        return found

    @cached_property
    def segments(self) -> list[Segment]:
        """The status groups, each with the number of jobs that match the rest of the filter."""
        counts = self._counts()
        titles = {"all": "All"} | {name: group.title for name, group in STATUS_GROUPS.items()}
        return [self._segment(name, title, counts[name]) for name, title in titles.items()]

    def _counts(self) -> dict[str, int]:
        """Return the number of jobs in each group; ``LOOK_AHEAD + 1`` means more."""
        counts = self.matching.group_counts(GROUPS, LOOK_AHEAD, among=self.jobs)
        # Each group is a subset of the previous one, so count it only if the previous one is not empty.
        completed = counts["completed"]
        for name in ("with_errors", "failed"):
            completed = self.matching.filter(STATUS_GROUPS[name].others).bounded_count(LOOK_AHEAD) if completed else 0
            counts[name] = min(counts[name] + completed, LOOK_AHEAD + 1)
        return counts

    def _segment(self, name: str, title: str, count: int) -> Segment:
        is_current = self._is_narrowed_to(name)
        text = self.page.count_text if is_current else bounded_text(count)
        return Segment(name, title, text, self.link(status=None if name == "all" else [name]), is_current)

    def _is_narrowed_to(self, name: str) -> bool:
        """Whether the list is filtered by exactly the group *name* or all its statuses; ``all`` means every job."""
        asked = self.asked_statuses
        if name == "all":
            return not asked
        is_more_than_statuses = STATUS_GROUPS[name].others is not None or len(status_conditions(asked)) > 1
        return set(asked) == {name} if is_more_than_statuses else statuses(asked) == GROUPS[name]

    def every_job(self) -> Iterator[BatchJob]:
        """Yield all matching jobs, read from the database in chunks."""
        rows = self.filter.qs.select_related("created_by").order_by(*sorting.order_by(self.sort))
        yield from rows.iterator(chunk_size=EXPORT_CHUNK)

    @cached_property
    def waits(self) -> dict[int, str]:
        """The reasons why queued jobs of this page wait, by job id."""
        return why_each_waits(self.page.rows)

    @cached_property
    def warnings(self) -> dict[int, str]:
        """The titles of the warnings about jobs of this page, by job id."""
        return {key: warning.title for key, warning in warnings_of(self.page.rows).items()}

    @cached_property
    def nearly_full(self) -> list[tuple[str, int, int]]:
        """The models of waiting jobs on this page that are near their quota of concurrent jobs: name, jobs, quota."""
        shown = {job.base_model_id for job in self.page.rows if job.status in {Status.QUEUED, Status.CHECKING}}
        full = nearly_full(quota_use(self.connection)) if shown else {}
        return [(model, *used) for model, used in full.items() if model in shown]

    @cached_property
    def repeated_names(self) -> set[str]:
        """The job names that occur more than once on this page, and so need another detail to tell the rows apart."""
        counts = Counter(job.job_name for job in self.page.rows)
        return {name for name, count in counts.items() if count > 1}

    @property
    def has_other_pages(self) -> bool:
        return self.page.count > len(self.page.rows)

    @property
    def has_open(self) -> bool:
        """Whether any job of this page can still change on its own."""
        return any(not job.is_ended for job in self.page.rows)

    @property
    def is_empty(self) -> bool:
        """Whether the connection has no jobs at all, as opposed to none that match the filter."""
        return not self.page.count and not self.filter.is_filtering

    @cached_property
    def version(self) -> str:
        """The version of the page, which changes with its URL and with anything it shows."""
        return version_of(
            self.url,
            self.look,
            [(job.pk, job.modified_at, job.tags_unread) for job in self.page.rows],
            self.unread_tags,
            self.waits,
            self.warnings,
            self.nearly_full,
            self.page.count_text,
            [segment.count for segment in self.segments],
            self.connection.sync_error,
        )
