"""The console's metrics for Prometheus, from database and Redis at each scrape, without names of jobs or users."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from batchconsole import counts
from batchconsole.counts import ALL, COUNTS
from batchconsole.jobs.models import (
    LIVE,
    UNFINISHED,
    WAITING,
    BatchJob,
    Connection,
    Delivery,
    InputCheck,
    InputSplit,
    MadeInput,
    NotificationChannel,
)
from batchconsole.jobs.models.work import Work

WORK: dict[str, type[Work]] = {"check": InputCheck, "making": MadeInput, "split": InputSplit}


class ConsoleCollector(Collector):
    """Collect open jobs and work, notifications, each connection's sync, and the counts of all processes."""

    def collect(self) -> Iterator[Metric]:
        yield self.open_jobs()
        yield self.oldest_waiting()
        yield from self.open_work()
        yield from self.queues()
        yield from self.notifications()
        yield from self.sync()
        yield from self.counts()

    def open_jobs(self) -> Metric:
        gauge = GaugeMetricFamily("batchconsole_open_jobs", "Jobs that wait or run", labels=["connection", "status"])
        rows = BatchJob.objects.filter(status__in=WAITING | LIVE).order_by()
        for name, status, count in rows.values_list("connection__name", "status").annotate(Count("pk")):
            gauge.add_metric([name, status], count)
        return gauge

    def oldest_waiting(self) -> Metric:
        oldest = BatchJob.objects.filter(status__in=WAITING).aggregate(at=Min("created_at"))["at"]
        seconds = (timezone.now() - oldest).total_seconds() if oldest else 0
        return GaugeMetricFamily(
            "batchconsole_oldest_waiting_job_seconds", "Age of the oldest job not yet submitted", value=seconds
        )

    def open_work(self) -> Iterator[Metric]:
        """Count the input checks, made inputs and splits that wait or run, and the users who wait for them."""
        rows = GaugeMetricFamily("batchconsole_open_work", "Work that waits or runs", labels=["kind", "status"])
        people = GaugeMetricFamily("batchconsole_people_waiting", "People whose work waits or runs", labels=["kind"])
        for kind, model in WORK.items():
            unfinished = model._base_manager.filter(state__in=UNFINISHED).order_by()
            for state, count in unfinished.values_list("state").annotate(Count("pk")):
                rows.add_metric([kind, state], count)
            people.add_metric([kind], unfinished.values("created_by").distinct().count())
        yield rows
        yield people

    def queues(self) -> Iterator[Metric]:
        """Tell how much of each person waits or runs, by the number of the account, and since when the oldest waits."""
        queue = GaugeMetricFamily(
            "batchconsole_queue_per_person", "Jobs and work of a person that wait or run", labels=["kind", "person"]
        )
        age = GaugeMetricFamily("batchconsole_oldest_waiting_work_seconds", "Age of the oldest work", labels=["kind"])
        open_rows: dict[str, Any] = {k: m._base_manager.filter(state__in=UNFINISHED) for k, m in WORK.items()}
        for kind, rows in open_rows.items():
            oldest = rows.aggregate(at=Min("created_at", filter=Q(state=Work.State.QUEUED)))["at"]
            age.add_metric([kind], (timezone.now() - oldest).total_seconds() if oldest else 0)
        open_rows["job"] = BatchJob.objects.filter(status__in=WAITING | LIVE)
        for kind, rows in open_rows.items():
            for person, count in rows.order_by().values_list("created_by").annotate(Count("pk")):
                queue.add_metric([kind, str(person or "system")], count)
        yield queue
        yield age

    def counts(self) -> Iterator[Metric]:
        """Tell what all processes have counted, and whether Redis told it."""
        sums = COUNTS.read()
        for count in ALL:
            found = {place[1:]: amount for place, amount in (sums or {}).items() if place[0] == count.name}
            yield histogram(count, found) if count.bounds else counter(count, found)
        yield GaugeMetricFamily("batchconsole_counts_up", "Whether Redis tells the counts", value=sums is not None)

    def notifications(self) -> Iterator[Metric]:
        """Count the stored notifications by state, and the paused channels."""
        rows = GaugeMetricFamily(
            "batchconsole_notifications", "Notifications kept, by what became of them", labels=["outcome"]
        )
        counts = dict(Delivery.objects.order_by().values_list("state").annotate(Count("pk")))
        for state in Delivery.State:
            rows.add_metric([state.value], counts.get(state.value, 0))
        yield rows
        paused = NotificationChannel.objects.exclude(paused_at=None).count()
        yield GaugeMetricFamily("batchconsole_notification_channels_paused", "Channels that are paused", value=paused)

    def sync(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "batchconsole_sync_age_seconds", "Time since the connection was last in step", labels=["connection"]
        )
        failures = GaugeMetricFamily(
            "batchconsole_sync_failures", "Failed syncs of the connection in a row", labels=["connection"]
        )
        for connection in Connection.objects.filter(is_enabled=True):
            if connection.synced_at:
                age.add_metric([connection.name], (timezone.now() - connection.synced_at).total_seconds())
            failures.add_metric([connection.name], connection.sync_failures)
        yield age
        yield failures


def counter(count: counts.Count, sums: counts.Sums) -> Metric:
    """Return *count* with its *sums* by the values of its labels."""
    family = CounterMetricFamily(count.name, count.meaning, labels=count.labels)
    for labels, amount in sums.items():
        family.add_metric(labels, amount)
    return family


def histogram(count: counts.Count, sums: counts.Sums) -> Metric:
    """Return *count* as a histogram; *sums* has, after the values of the labels, a bound or ``sum``."""
    family = HistogramMetricFamily(count.name, count.meaning, labels=count.labels)
    for labels in {place[:-1] for place in sums}:
        each = [(str(bound), sums.get((*labels, str(bound)), 0)) for bound in count.bounds]
        totals = accumulate(amount for _, amount in each)
        buckets = [("+Inf" if bound == "inf" else bound, total) for (bound, _), total in zip(each, totals, strict=True)]
        family.add_metric(labels, buckets, sum_value=sums.get((*labels, "sum"), 0))
    return family
