"""Which jobs somebody wants stopped, held or released, ticked one by one or by a filter, and what that would mean."""

from django.db.models import Max
from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.numbers import read_number, read_numbers
from batchconsole.jobs.bulk_actions import CHANGEABLE
from batchconsole.jobs.filters import JobFilter
from batchconsole.jobs.models import WAITING, BatchJob, BulkAction, Connection
from batchconsole.jobs.querysets import BatchJobQuerySet

NAMED = 20  # jobs the question lists by name


class StopQuestion:
    """What the confirmation asks; *data* is the query string that led to it, or the form that answers it.

    ``all`` asks for every job that matches the query string ``match``, up to the job ``until``: those made after the
    question was asked are left alone. Else each ``job`` is the key of one.
    """

    def __init__(self, connection: Connection, data: QueryDict, kind: str = BulkAction.Kind.STOP) -> None:
        self.kind = kind
        self.changeable = CHANGEABLE[kind]
        self.matches_all = bool(data.get("all"))
        jobs = BatchJob.objects.filter(connection=connection)
        self.keys = read_numbers(data.getlist("job"))
        self.filter = JobFilter.of(QueryDict(data.get("match", "")), jobs)
        self.until = read_number(data.get("until", "")) or BatchJob.objects.aggregate(newest=Max("pk"))["newest"] or 0
        self.jobs: BatchJobQuerySet = (
            self.filter.qs.filter(pk__lte=self.until) if self.matches_all else jobs.filter(pk__in=self.keys)
        )

    @property
    def match(self) -> str:
        """The filter as a query string; empty for jobs that were ticked."""
        return query_string(self.filter.values).removeprefix("?") if self.matches_all else ""

    @property
    def is_unclear(self) -> bool:
        """Whether a part of the filter makes no sense: without it more jobs would be stopped than were meant."""
        return self.matches_all and bool(self.filter.dropped)

    @cached_property
    def waiting(self) -> int:
        """How many of them wait here, and would be cancelled before AWS has heard of them."""
        return self.jobs.filter(status__in=WAITING).count()

    @cached_property
    def count(self) -> int:
        """How many would be changed."""
        return self.jobs.filter(self.changeable).count()

    @property
    def on_aws(self) -> int:
        return self.count - self.waiting

    @cached_property
    def others(self) -> int:
        """How many of the ticked ones stay as they are; of a whole filter nobody expects that."""
        return 0 if self.matches_all else self.jobs.exclude(self.changeable).count()

    @cached_property
    def awaits_approval(self) -> bool:
        """Whether some of them would be approved."""
        return self.kind == BulkAction.Kind.UNHOLD and self.jobs.filter(self.changeable, awaits_approval=True).exists()

    @cached_property
    def named(self) -> list[BatchJob]:
        """The first of them."""
        rows = self.jobs.filter(self.changeable).select_related("connection").order_by("-created_at", "-id")
        return list(rows[:NAMED])

    @property
    def unnamed(self) -> int:
        return self.count - len(self.named)
