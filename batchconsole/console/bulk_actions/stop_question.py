"""The jobs selected for a bulk action, by checkbox or filter, and what that would do."""

from django.db.models import Max
from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.numbers import read_number, read_numbers
from batchconsole.console.kit.pagination import bounded_text
from batchconsole.jobs.bulk_actions import CHANGEABLE
from batchconsole.jobs.finding.filters import JobFilter
from batchconsole.jobs.finding.querysets import COUNT_LIMIT, BatchJobQuerySet
from batchconsole.jobs.models import WAITING, BatchJob, BulkAction, Connection

NAMED = 20  # jobs that the confirmation lists by name


class StopQuestion:
    """The content of the confirmation; *data* is the query string of its page, or its posted form.

    With ``all``, it selects every job that matches the query string ``match`` and has a key up to ``until``, so that
    jobs created after the confirmation was shown are left alone. Otherwise each ``job`` is the key of one job.
    """

    def __init__(self, connection: Connection, data: QueryDict, kind: str = BulkAction.Kind.STOP) -> None:
        self.connection = connection
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
        """The filter as a query string; empty for jobs selected by checkbox."""
        return query_string(self.filter.values).removeprefix("?") if self.matches_all else ""

    @property
    def is_unclear(self) -> bool:
        """Whether a part of the filter is invalid: ignoring it would select more jobs than intended."""
        return self.matches_all and bool(self.filter.dropped)

    @cached_property
    def waiting(self) -> int:
        """The number of selected jobs that have not been submitted to AWS, so that stopping only cancels them."""
        return self.jobs.filter(status__in=WAITING).bounded_count()

    @cached_property
    def count(self) -> int:
        """The number of jobs that would be changed; like the other numbers, ``COUNT_LIMIT + 1`` means more."""
        return self.jobs.filter(self.changeable).bounded_count()

    @property
    def count_text(self) -> str:
        return bounded_text(self.count, COUNT_LIMIT)

    @property
    def waiting_text(self) -> str:
        return bounded_text(self.waiting, COUNT_LIMIT)

    @cached_property
    def on_aws(self) -> int:
        if self.count <= COUNT_LIMIT:
            return self.count - self.waiting
        return self.jobs.filter(self.changeable).exclude(status__in=WAITING).bounded_count()

    @property
    def on_aws_text(self) -> str:
        return bounded_text(self.on_aws, COUNT_LIMIT)

    @cached_property
    def others(self) -> int:
        """The number of jobs selected by checkbox that would not change; 0 for a filter."""
        return 0 if self.matches_all else self.jobs.exclude(self.changeable).count()

    @cached_property
    def awaits_approval(self) -> bool:
        """Whether releasing would approve some of the jobs."""
        return self.kind == BulkAction.Kind.UNHOLD and self.jobs.filter(self.changeable, awaits_approval=True).exists()

    @cached_property
    def named(self) -> list[BatchJob]:
        """The newest of the jobs that would be changed, up to ``NAMED``."""
        rows = self.jobs.filter(self.changeable).select_related("connection").order_by("-created_at", "-id")
        return list(rows[:NAMED])

    @property
    def unnamed(self) -> int:
        return self.count - len(self.named)

    @property
    def unnamed_text(self) -> str:
        return bounded_text(self.unnamed, COUNT_LIMIT - len(self.named))
