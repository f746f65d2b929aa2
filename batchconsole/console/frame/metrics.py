"""The console's metrics for Prometheus, read from the database at each scrape, without names of jobs or users."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
    """Collect open jobs, open work, notifications, and the state of each connection's sync."""

    def collect(self) -> Iterator[Metric]:
        yield self.open_jobs()
        yield self.oldest_waiting()
        yield from self.open_work()
        yield from self.notifications()
        yield from self.sync()

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
