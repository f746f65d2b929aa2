"""Filters of the job list, read from a query string; invalid parts are dropped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property

from batchconsole.jobs.finding.properties import ARCHIVED, matching, read_token, read_tokens
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.record_errors import COMPLETED_WITH_ERRORS, EVERY_RECORD_FAILED, WITH_ERRORS_TITLE
from batchconsole.jobs.states import LIVE, WAITING, Status

Jobs = QuerySet[BatchJob]

FAILED = frozenset({Status.FAILED, Status.EXPIRED, Status.REJECTED, Status.SUBMIT_FAILED})


@dataclass(frozen=True)
class StatusGroup:
    """Jobs in one of ``statuses``, and the completed jobs that match ``others``; no job is both."""

    title: str
    statuses: frozenset[Status]
    others: Q | None = None

    @property
    def conditions(self) -> list[Q]:
        """Return the conditions, each backed by an index; a job belongs to the group if it meets any of them."""
        return [Q(status__in=self.statuses), *([] if self.others is None else [self.others])]


# Groups of statuses that people filter by; each name is a valid ``status`` value like the statuses themselves.
STATUS_GROUPS: dict[str, StatusGroup] = {
    "waiting": StatusGroup("Waiting", WAITING),
    "running": StatusGroup("Running", LIVE),
    "completed": StatusGroup("Completed", frozenset({Status.COMPLETED, Status.PARTIALLY_COMPLETED})),
    "with_errors": StatusGroup(WITH_ERRORS_TITLE, frozenset({Status.PARTIALLY_COMPLETED}), COMPLETED_WITH_ERRORS),
    "failed": StatusGroup("Failed", FAILED, EVERY_RECORD_FAILED),
    "stopped": StatusGroup("Stopped", frozenset({Status.STOPPED, Status.CANCELLED})),
}
MAX_TEXT = 200
STATUS_CHOICES = [(name, group.title) for name, group in STATUS_GROUPS.items()] + list(Status.choices)
# For each parameter of the query string: whether a value is valid.
READABLE: dict[str, Callable[[str], bool]] = {
    "q": lambda text: len(text) <= MAX_TEXT,
    "f": lambda text: read_token(text) is not None,
    "status": dict(STATUS_CHOICES).__contains__,
    "join": ("any", "all").__contains__,
}


class KnownChoicesField(forms.MultipleChoiceField):
    """Several values from the choices; unknown values are dropped instead of refused."""

    def clean(self, value: Any) -> list[str]:
        return [each for each in super().to_python(value) if self.valid_value(each)]


class KnownChoicesFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc] # django-filter ships no types
    field_class = KnownChoicesField


class TokensField(forms.MultipleChoiceField):
    """Tokens such as ``status=Failed``, normalized; invalid ones are dropped."""

    def clean(self, value: Any) -> list[str]:
        return [str(token) for token in read_tokens(super().to_python(value))]


class TokensFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc] # django-filter ships no types
    field_class = TokensField


class JobFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    q = django_filters.CharFilter(method="matching_text", max_length=MAX_TEXT, strip=True)
    f = TokensFilter(method="with_tokens")
    join = django_filters.ChoiceFilter(method="any_join", choices=[("any", "Any of the filters")])
    status = KnownChoicesFilter(method="in_status", choices=STATUS_CHOICES)  # must come last: in_status requires it

    class Meta:
        model = BatchJob
        fields: ClassVar[list[str]] = []

    @classmethod
    def of(cls, query: MultiValueDict[str, str], jobs: BatchJobQuerySet) -> Self:
        """Return the filter for *query*; a search text such as ``Status = Failed`` becomes a token."""
        typed = read_token(query.get("q", ""))
        if typed is not None:
            query = query.copy()
            del query["q"]
            query.appendlist("f", str(typed))
        return cls(query, in_view(jobs, query.getlist("f")))

    def matching_text(self, jobs: BatchJobQuerySet, name: str, text: str) -> Jobs:
        return jobs.matching(text)

    def in_status(self, jobs: BatchJobQuerySet, name: str, values: list[str]) -> Jobs:
        return jobs.meeting(status_conditions(values))

    def with_tokens(self, jobs: BatchJobQuerySet, name: str, values: list[str]) -> Jobs:
        any_of = self.form.cleaned_data.get("join") == "any"
        return matching(jobs, read_tokens(values), any_of=any_of) if values else jobs

    def any_join(self, jobs: Jobs, name: str, value: str) -> Jobs:
        """Do nothing: :meth:`with_tokens` applies the way tokens are joined."""
        return jobs

    @cached_property
    def values(self) -> dict[str, Any]:
        """The valid, non-empty values of the query string by name."""
        self.form.full_clean()
        return {name: value for name, value in self.form.cleaned_data.items() if value}

    @property
    def dropped(self) -> list[str]:
        """The invalid parts of the query string, as they were given."""
        given: MultiValueDict[str, str] = self.data
        return [
            f"{name}={text}"
            for name, is_readable in READABLE.items()
            for text in given.getlist(name)
            if text and not is_readable(text)
        ]

    @property
    def is_filtering(self) -> bool:
        return bool(self.values.keys() - {"join"})


def in_view(jobs: BatchJobQuerySet, tokens: Sequence[str]) -> BatchJobQuerySet:
    """Return *jobs* without archived ones, unless *tokens* filter by archiving or no job is archived."""
    if any(token.of.name == ARCHIVED for token in read_tokens(tokens)):
        return jobs
    return jobs.filter(archived_at=None) if jobs.filter(archived_at__isnull=False).exists() else jobs


def statuses(values: Sequence[str]) -> set[str]:
    """Return the statuses that *values* name, with groups expanded."""
    return {status for value in values for status in _members(value)}


def _members(value: str) -> frozenset[str]:
    return frozenset(STATUS_GROUPS[value].statuses) if value in STATUS_GROUPS else frozenset({value})


def status_conditions(values: Sequence[str]) -> list[Q]:
    """Return the conditions for *values*; a job matches if it meets any of them. Empty if there are no values."""
    if not values:
        return []
    others = [STATUS_GROUPS[value].others for value in dict.fromkeys(values) if value in STATUS_GROUPS]
    return [Q(status__in=statuses(values)), *(each for each in others if each is not None)]
