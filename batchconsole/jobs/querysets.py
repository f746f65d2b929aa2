"""Sets of rows: what pages list and what the clock looks for. No network, and no count that grows with the table."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import connections, models
from django.db.models import Case, Count, F, Q, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from batchconsole.jobs import search
from batchconsole.jobs.states import LIVE, NEVER_SENT, OCCUPYING, Status

# Beyond this a list says "10,000+". Counting stops there, so a page costs the same however many jobs there are.
COUNT_LIMIT = 10_000
# So many rows are sorted faster than they are found in an index of another order.
FEW = 1_000
MANY_MODELS = 1_000
MODEL_IDS = """
WITH RECURSIVE used(model_id) AS (
  SELECT min(model_id) FROM jobs_batchjob
  UNION ALL
  SELECT (SELECT min(model_id) FROM jobs_batchjob WHERE model_id > used.model_id) FROM used WHERE model_id IS NOT NULL
) SELECT model_id FROM used WHERE model_id IS NOT NULL LIMIT %s
"""


class LeasedQuerySet(models.QuerySet[Any]):
    def enabled(self) -> Self:
        """The rows of connections in use, each with its connection."""
        return self.filter(connection__is_enabled=True).select_related("connection")


class ConnectionQuerySet(models.QuerySet[Any]):
    def enabled(self) -> Self:
        return self.filter(is_enabled=True)

    def lock(self, pk: int) -> Any:
        """One connection, its row held until the transaction ends. Take it before the rows of its jobs, never after.

        Its key does not change, so that events and jobs that point to it can be added meanwhile. SQLite has one writer
        at a time anyway.
        """
        return self.select_for_update(no_key=True).get(pk=pk)

    def sync_soon(self, pk: int) -> None:
        """Have one connection synced with the next tick.

        A sync that goes on meanwhile is not disturbed. Its end takes the connection's row, as the caller has done, and
        so sees what the caller writes, or comes first.
        """
        now = timezone.now()
        self.filter(pk=pk, sync_lease="", sync_due_at__gt=now).update(sync_due_at=now)

    def read_tags_soon(self, pk: int) -> None:
        """Have the tags of new jobs read, unless that goes on or waits already; the caller holds the row."""
        self.filter(pk=pk, tags_due_at=None).update(tags_due_at=timezone.now())


class BatchJobQuerySet(LeasedQuerySet):
    def matching(self, text: str) -> Self:
        """Jobs whose name or model contains *text*, or whose ARN or id it is; every job for an empty text."""
        return self.filter(search.condition(text, using=self.db)) if text else self

    def named(self) -> Self:
        """The same rows, named one by one when they are few: found once, and not again by what they were asked for.

        Asked for the newest of a rare kind, a database may read a million rows of other kinds. So ask for the kind
        alone, which an index knows, and then for the newest of those. Apply it after all conditions.
        """
        few = self._few()
        return self if few is None else self._keyed(few)

    def _few(self) -> list[int] | None:
        """The keys of these rows; ``None`` for more than a few."""
        keys = list(self.order_by().values_list("pk", flat=True)[: FEW + 1])
        return keys if len(keys) <= FEW else None

    def _keyed(self, keys: Iterable[int]) -> Self:
        return type(self)(self.model, using=self.db).filter(pk__in=keys)

    def any_of(self, conditions: Sequence[Q]) -> Self:
        """The rows that meet any of *conditions*. When few meet each, they are named: each has an index of its own."""
        keys: set[int] = set()
        for condition in conditions:
            few = self.filter(condition)._few()
            if few is None:
                return self.filter(reduce(or_, conditions))
            keys.update(few)
        return self._keyed(keys)

    def in_status(self, statuses: Iterable[str]) -> Self:
        """Jobs in one of *statuses*; every job when there are none. Apply it last, as :meth:`named`."""
        wanted = list(statuses)
        return self.filter(status__in=wanted).named() if wanted else self

    def meeting(self, conditions: Sequence[Q]) -> Self:
        """Jobs that meet any of *conditions*; every job when there are none. Apply it last, as :meth:`named`."""
        if len(conditions) > 1:
            return self.any_of(conditions)
        return self.filter(*conditions).named() if conditions else self

    def model_ids(self) -> list[str] | None:
        """Every model id that any job has, ``None`` for very many: a step in the index for each, not for each job."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(MODEL_IDS, [MANY_MODELS + 1])
            found = [model_id for (model_id,) in cursor.fetchall()]
        return found if len(found) <= MANY_MODELS else None

    def resends_of(self, jobs: Iterable[Any]) -> Self:
        """What was sent again of any of *jobs*, by itself or merged with others."""
        # Two look-ups and not one with an "or" over the join, which would read the whole table.
        alone = self.model.objects.filter(resend_of__in=jobs).order_by().values("pk")
        merged = self.model.merges.through.objects.filter(to_batchjob__in=jobs).values("from_batchjob")
        return self.filter(pk__in=alone.union(merged))

    def using_name(self, connection_id: int, job_name: str) -> Self:
        """The job that has *job_name* in its account and region, where another of that name would be refused."""
        return self.filter(connection_id=connection_id, job_name=job_name).exclude(status__in=NEVER_SENT)

    def with_unread_tags(self) -> Self:
        """Jobs whose tags nobody knows yet: first those AWS has not refused to tell of, newest first."""
        return self.filter(tags_unread=True).order_by(F("tags_refused_at").asc(nulls_first=True), "-created_at", "-id")

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def occupying(self, connection_id: int, base_model_id: str) -> Self:
        """The jobs that count against one model's quota."""
        return self.filter(connection_id=connection_id, base_model_id=base_model_id, status__in=OCCUPYING)

    def queued(self, connection_id: int, base_model_id: str) -> Self:
        """All jobs of one model's queue, first come first; those that are held or start later too."""
        mine = self.filter(connection_id=connection_id, base_model_id=base_model_id, status=Status.QUEUED)
        return mine.order_by("id")

    def ready(self, connection_id: int, base_model_id: str, now: datetime) -> Self:
        """The jobs of one model's queue that nobody holds and whose time to start has come, in their order.

        The order is by priority, then fair between people, then by age. Fair: a person's first job comes before
        another's second, where each job of a person that AWS has already counts as one before.
        """
        has_come = Q(start_at__isnull=True) | Q(start_at__lte=now)
        mine = self.queued(connection_id, base_model_id).filter(has_come, held_at__isnull=True)
        people = self.model.objects.occupying(connection_id, base_model_id).order_by().values_list("created_by")
        before = [When(created_by=person, then=Value(jobs)) for person, jobs in people.annotate(Count("pk"))]
        nth = Window(RowNumber(), partition_by=["priority", "created_by"], order_by="id")
        share = nth + Case(*before, default=Value(0))
        return mine.annotate(share=share).order_by("-priority", "share", "id")

    def bounded_count(self, limit: int = COUNT_LIMIT) -> int:
        """How many rows there are; ``limit + 1`` stands for more than *limit*."""
        return self.order_by().values("pk")[: limit + 1].count()

    def group_counts(
        self, groups: Mapping[str, Collection[str]], limit: int = COUNT_LIMIT, *, among: Self
    ) -> dict[str, int]:
        """How many rows each of *groups* of statuses has; ``limit + 1`` stands for more than *limit*.

        Some rows, whichever come first, tell of most groups; the others are counted one by one. *among* is a larger set
        that these rows are of: a group that has few of it is looked for in no other rows.
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
        """Connection, model and number of waiting jobs of each model that has any."""
        # What is queued has a due time; saying so lets the database use the small index.
        queued = self.filter(status=Status.QUEUED, due_at__isnull=False, connection__is_enabled=True).order_by()
        return list(queued.values_list("connection_id", "base_model_id").annotate(Count("pk")))
