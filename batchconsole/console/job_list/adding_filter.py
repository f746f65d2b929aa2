"""Adding a filter step by step: the properties, then the operators of one and its values with the number of jobs.

The numbers are those of the newest jobs only, so that they cost one bounded query however many jobs there are.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job_list.page import JobTable
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.links import query_string
from batchconsole.console.models.names import model_name
from batchconsole.jobs.finding.narrowing import named_models
from batchconsole.jobs.finding.properties import BY_NAME, PROPERTIES, WORDS, Property, read_token, why_no_token
from batchconsole.jobs.models import BatchJob, Connection, Status
from batchconsole.jobs.queue.queue_places import HELD_TITLE
from batchconsole.jobs.record_errors import WITH_ERRORS_TITLE

COUNTED_JOBS = 1_000  # the newest
MOST_COUNTED = 100  # more is told as "100+"
MOST_VALUES = 20
OWN = ("property", "operator", "value")  # the parameters of this page, besides those of the list
TIMES = ("created", "ended")
NUMBERS = {"records": "numeric", "errors": "numeric", "cost": "decimal"}


def _statuses(job: BatchJob) -> list[str]:
    told = {WITH_ERRORS_TITLE: job.has_errors, HELD_TITLE: job.is_held}
    return [str(Status(job.status).label), *(title for title, is_so in told.items() if is_so)]


def _tags(job: BatchJob) -> list[str]:
    return [f"{tag['key']}={tag['value']}" for tag in job.tags or [] if "=" not in tag["key"]]


# The columns behind each property that has counted values, and the values of a job.
READ: dict[str, tuple[tuple[str, ...], Callable[[BatchJob], list[str]]]] = {
    "status": (("status", "error_record_count", "held_at"), _statuses),
    "model": (("model_id",), lambda job: [model_name(job.model_id)]),
    "type": (("model_invocation_type",), lambda job: [job.model_invocation_type] if job.model_invocation_type else []),
    "tag": (("tags",), _tags),
    "by": (("created_by__username",), lambda job: [job.created_by.username if job.created_by else "-"]),
    "origin": (("origin",), lambda job: [str(BatchJob.Origin(job.origin).label)]),
    "lane": (("lane",), lambda job: [str(BatchJob.Lane(job.lane).label)]),
}


@dataclass(frozen=True)
class CountedValue:
    """A value of a property, the number of jobs that have it, and the URL of the list filtered by it."""

    text: str
    count: str
    url: str


class FilterStep:
    """What the page shows: every property and, if one is chosen, its operators and values."""

    def __init__(self, table: JobTable, query: QueryDict) -> None:
        self.table, self.connection = table, table.connection
        self.property: Property | None = BY_NAME.get(query.get("property", "").lower())
        self.operator = query.get("operator", "")
        self.value = query.get("value", "").strip()

    @property
    def properties(self) -> Iterator[tuple[Property, str]]:
        """Every property with the URL of this page for it."""
        for each in PROPERTIES:
            yield each, self._own_url(property=each.name)

    def _own_url(self, **own: str) -> str:
        own_url = reverse("job-filter", args=[self.connection.name])
        return own_url + query_string({**{k: v for k, v in self.table.values.items() if v}, **own})

    @property
    def hidden(self) -> Iterator[tuple[str, str]]:
        """The parameters of the list that the form resends."""
        yield from self.table.hidden
        if text := self.table.values.get("q"):
            yield "q", text

    @property
    def operators(self) -> list[tuple[str, str]]:
        """The operators of the property, each with its meaning in words."""
        return [(each, WORDS[each]) for each in self.property.operators] if self.property else []

    @property
    def is_time(self) -> bool:
        return self.property is not None and self.property.name in TIMES

    @property
    def input_mode(self) -> str:
        """The keyboard that suits the value."""
        return NUMBERS.get(self.property.name, "text") if self.property else "text"

    @property
    def added_url(self) -> str:
        """The URL of the list with the filter, or an empty string if it is not complete or cannot be read."""
        if self.property is None or not self.value:
            return ""
        return self._url_with(self.operator, self.value)

    def _url_with(self, operator: str, value: str) -> str:
        assert self.property is not None
        token = read_token(f"{self.property.name}{operator}{value}")
        known = self.table.filter.values.get("f", [])
        return self.table.link(f=[*(text for text in known if text != str(token)), str(token)]) if token else ""

    @property
    def problem(self) -> str:
        """Why the filter cannot be added; empty if nothing was entered yet."""
        if self.property is None or not self.operator or self.added_url:
            return ""
        if not self.value:
            return "Enter a value."
        why = why_no_token(f"{self.property.name}{self.operator}{self.value}")
        return why or f"{self.property.title} cannot be filtered by this. Enter another value."

    @cached_property
    def values(self) -> list[CountedValue]:
        """The values that the property has, the most frequent first; of a time, spans that end now."""
        if self.property is None:
            return []
        if self.property.name not in READ:
            offered = [*self.property.values, *self.property.suggested]
            return [CountedValue(text, "", self._url_with("=", text)) for text in offered]
        counts = counted_values(self.connection, self.property.name)
        counts.update(dict.fromkeys(self.property.values, 0))
        listed = counts.most_common(None if self.property.values else MOST_VALUES)
        made = [CountedValue(text, _bounded(count), self._url_with(self._sign(text), text)) for text, count in listed]
        return [each for each in made if each.url]

    def _sign(self, text: str) -> str:
        """Return the operator for a value of the list: a model that is shown without its ARN is part of its id."""
        is_part = self.property is not None and self.property.name == "model" and not named_models("=", text)
        return ":" if is_part else "="


def counted_values(connection: Connection, name: str) -> Counter[str]:
    """Return how many of the newest jobs have each value of the property *name*."""
    columns, texts = READ[name]
    newest = BatchJob.objects.filter(connection=connection).order_by("-created_at", "-id").only(*columns)
    people = [column.partition("__")[0] for column in columns if "__" in column]
    newest = newest.select_related(*people) if people else newest
    return Counter(text for job in newest[:COUNTED_JOBS] for text in texts(job))


def _bounded(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


@require_safe
def add(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the properties or the values of one, or go to the list filtered as the form says."""
    query = request.GET.copy()
    for name in OWN:
        query.pop(name, None)
    step = FilterStep(JobTable(request.connection, query, request.preferences), request.GET)
    if step.added_url:
        return redirect(step.added_url)
    return show(request, "console/job_list/job_filter.html", {"step": step}, part="console/job_list/_job_filter.html")
