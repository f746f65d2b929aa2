"""Query sets for pages and for the clock. No network calls, and no count that grows with the table."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, Self

from django.db import connections, models
from django.db.models import Case, Count, F, Q, Value, When, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber
from django.utils import timezone

from batchconsole.jobs.finding import search
from batchconsole.jobs.states import LIVE, NEVER_SENT, OCCUPYING, Status

# Above this, a list says "10,000+". Counting stops there, so a page costs the same for any number of jobs.
COUNT_LIMIT = 10_000
# Up to this many rows are sorted faster than they are found in an index of another order.
FEW = 1_000
MANY_MODELS = 1_000
MODEL_IDS = """
WITH RECURSIVE used(model_id) AS (
  SELECT min(model_id) FROM jobs_batchjob
  UNION ALL
  SELECT (SELECT min(model_id) FROM jobs_batchjob WHERE model_id > used.model_id) FROM used WHERE model_id IS NOT NULL
) SELECT model_id FROM used WHERE model_id IS NOT NULL LIMIT %s
"""


BATCH_LANE = "batch"  # BatchJob.Lane.BATCH: the jobs that AWS runs, and that count toward its quota


class Occupants(NamedTuple):
    """How many ``jobs`` of one origin and one person, if known, count toward the quota of a model."""

    model: str
    person: int | None
    origin: str
    jobs: int


def _has_come(now: datetime) -> Q:
    return Q(start_at__isnull=True) | Q(start_at__lte=now)


class LeasedQuerySet(models.QuerySet[Any]):
    def enabled(self) -> Self:
        """The rows of enabled connections, each with its connection."""
        return self.filter(connection__is_enabled=True).select_related("connection")


class ConnectionQuerySet(models.QuerySet[Any]):
    def enabled(self) -> Self:
        return self.filter(is_enabled=True)

    def lock(self, pk: int) -> Any:
        """Return one connection, with its row locked until the transaction ends; lock it before rows of its jobs.

        The lock allows rows that point to the connection, such as events and jobs, to be inserted meanwhile. SQLite has
        only one writer at a time anyway.
        """
        return self.select_for_update(no_key=True).get(pk=pk)

    def sync_soon(self, pk: int) -> None:
        """Make the sync of one connection due at the next tick.

        A sync that is running is not touched. When it ends, it locks the connection's row, as the caller has done, so
        it either ends before the caller's changes or sees them.
        """
        now = timezone.now()
        self.filter(pk=pk, sync_lease="", sync_due_at__gt=now).update(sync_due_at=now)

    def read_tags_soon(self, pk: int) -> None:
        """Make the tags of new jobs due to be read, unless that is due or running already; the caller holds the row."""
        self.filter(pk=pk, tags_due_at=None).update(tags_due_at=timezone.now())


class BatchJobQuerySet(LeasedQuerySet):
    def matching(self, text: str) -> Self:
        """Jobs whose name or model contains *text*, or whose ARN or id is *text*; every job for an empty text."""
        return self.filter(search.condition(text, using=self.db)) if text else self

    def named(self) -> Self:
        """Return the same rows, selected by key if there are few, so that the database does not search for them again.

        If a query asks for the newest rows of a rare kind, a database may read a million rows of other kinds. So this
        first finds the rows of that kind, by an index, and the query then sorts only those. Apply it after all
        conditions.
        """
        few = self._few()
        return self if few is None else self._keyed(few)

    def _few(self) -> list[int] | None:
        """Return the keys of these rows, or ``None`` if there are more than :data:`FEW`."""
        keys = list(self.order_by().values_list("pk", flat=True)[: FEW + 1])
        return keys if len(keys) <= FEW else None

    def _keyed(self, keys: Iterable[int]) -> Self:
        # In the statement instead of as its parameters, each of which costs Django more than finding the row.
        listed = ", ".join(map(str, keys))
        found = RawSQL(listed, ()) if listed else ()  # noqa: S611 - integers from the database
        return type(self)(self.model, using=self.db).filter(pk__in=found)

    def any_of(self, conditions: Sequence[Q]) -> Self:
        """Return the rows that meet any of *conditions*, selected by key if few meet each: each has its own index."""
        keys: set[int] = set()
        for condition in conditions:
            few = self.filter(condition)._few()
            if few is None:
                return self.filter(reduce(or_, conditions))
            keys.update(few)
        return self._keyed(keys)

    def in_status(self, statuses: Iterable[str]) -> Self:
        """Jobs in one of *statuses*; every job if there are none. Apply it last, like :meth:`named`."""
        wanted = list(statuses)
        return self.filter(status__in=wanted).named() if wanted else self

    def meeting(self, conditions: Sequence[Q]) -> Self:
        """Jobs that meet any of *conditions*; every job if there are none. Apply it last, like :meth:`named`."""
        if len(conditions) > 1:
            return self.any_of(conditions)
        return self.filter(*conditions).named() if conditions else self

    def model_ids(self) -> list[str] | None:
        """Return the distinct model ids of all jobs, or ``None`` if there are too many; one index step per model id."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(MODEL_IDS, [MANY_MODELS + 1])
            found = [model_id for (model_id,) in cursor.fetchall()]
        return found if len(found) <= MANY_MODELS else None

    def resends_of(self, jobs: Iterable[Any]) -> Self:
        """The jobs that resend records of any of *jobs*, alone or merged with others."""
        # Two queries instead of one with OR over the join, which would read the whole table.
        alone = self.model.objects.filter(resend_of__in=jobs).order_by().values("pk")
        merged = self.model.merges.through.objects.filter(to_batchjob__in=jobs).values("from_batchjob")
        return self.filter(pk__in=alone.union(merged))

    def using_name(self, connection_id: int, job_name: str) -> Self:
        """The job that uses *job_name* in its account and region; AWS would refuse another job of that name."""
        return self.filter(connection_id=connection_id, job_name=job_name).exclude(status__in=NEVER_SENT)

    def with_unread_tags(self) -> Self:
        """Jobs whose tags are unknown: first those whose tags AWS has not refused to return, newest first."""
        return self.filter(tags_unread=True).order_by(F("tags_refused_at").asc(nulls_first=True), "-created_at", "-id")

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def occupying(self, connection_id: int, base_model_id: str) -> Self:
        """The jobs that count toward one model's quota."""
        model = {"connection_id": connection_id, "base_model_id": base_model_id}
        return self.filter(**model, status__in=OCCUPYING, lane=BATCH_LANE)

    def queued(self, connection_id: int, base_model_id: str) -> Self:
        """All jobs of one model's queue, oldest first, including those that are held or start later."""
        model = {"connection_id": connection_id, "base_model_id": base_model_id}
        mine = self.filter(**model, status=Status.QUEUED, lane=BATCH_LANE)
        return mine.order_by("id")

    def unheld(self, connection_id: int, base_model_id: str, now: datetime) -> Self:
        """The jobs of one model's queue that are not held and whose start time has come, oldest first."""
        return self.queued(connection_id, base_model_id).filter(_has_come(now), held_at__isnull=True)

    def unheld_of_each(self, connection_id: int, base_model_ids: Collection[str], now: datetime) -> Self:
        """The jobs of :meth:`unheld` of several models, in no order."""
        here = self.filter(connection_id=connection_id, base_model_id__in=base_model_ids, lane=BATCH_LANE)
        return here.filter(_has_come(now), status=Status.QUEUED, held_at__isnull=True).order_by()

    def occupants(self, connection_id: int, base_model_ids: Collection[str]) -> Iterator[Occupants]:
        """Yield how many jobs count toward the quotas of several models, by model, user and origin."""
        here = self.filter(connection_id=connection_id, base_model_id__in=base_model_ids, lane=BATCH_LANE)
        rows = here.filter(status__in=OCCUPYING).order_by().values_list("base_model_id", "created_by", "origin")
        return map(Occupants._make, rows.annotate(Count("pk")))

    def ready(self, connection_id: int, base_model_id: str, now: datetime) -> Self:
        """The jobs of :meth:`unheld` in the order of the queue.

        The order is by priority, then fair between users, then by age. Fair means that a user's first job comes before
        another user's second; each of a user's jobs that AWS already has counts as an earlier one.
        """
        mine = self.unheld(connection_id, base_model_id, now)
        people = self.model.objects.occupying(connection_id, base_model_id).order_by().values_list("created_by")
        before = [When(created_by=person, then=Value(jobs)) for person, jobs in people.annotate(Count("pk"))]
        nth = Window(RowNumber(), partition_by=["priority", "created_by"], order_by="id")
        share = nth + Case(*before, default=Value(0))
        return mine.annotate(share=share).order_by("-priority", "share", "id")

    def bounded_count(self, limit: int = COUNT_LIMIT) -> int:
        """Return the number of rows; ``limit + 1`` stands for more than *limit*."""
        return self.order_by().values("pk")[: limit + 1].count()

    def group_counts(
        self, groups: Mapping[str, Collection[str]], limit: int = COUNT_LIMIT, *, among: Self
    ) -> dict[str, int]:
        """Return the number of rows in each of *groups* of statuses; ``limit + 1`` stands for more than *limit*.

        A sample of the rows is enough to count most groups; the others are counted one by one. *among* is a larger set
        that contains these rows: a group with few rows in it is searched only among those.
        """
        seen = Counter(self.order_by().values_list("status", flat=True)[: 2 * limit + 1])
        counts = {name: sum(seen[status] for status in statuses) for name, statuses in groups.items()}
        if seen.total() > 2 * limit:
            unsure = [name for name, count in counts.items() if count <= limit]
            counts |= {name: self._in_group(groups[name], among).bounded_count(limit) for name in unsure}
        return {name: min(count, limit + 1) for name, count in counts.items()}

    def _in_group(self, statuses: Collection[str], among: Self) -> Self:
        few = among.filter(status__in=statuses)._few()
        return self.filter(status__in=statuses) if few is None else self.filter(pk__in=few)

    def queues(self) -> list[tuple[int, str, int]]:
        """Return connection, model and number of waiting jobs for each model with waiting jobs."""
        # Every queued job has a due time; the extra condition lets the database use the small index.
        queued = self.filter(status=Status.QUEUED, due_at__isnull=False, connection__is_enabled=True)
        queued = queued.filter(lane=BATCH_LANE).order_by()
        return list(queued.values_list("connection_id", "base_model_id").annotate(Count("pk")))
