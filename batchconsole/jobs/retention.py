"""Retention by settings; the audit trail has its own (``audit.expire_events``).

This deletes only what can be read from S3 again and old work rows; S3 itself is not touched. Jobs and their sums stay.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from batchconsole.jobs.inputs import input_checks, making
from batchconsole.jobs.models import (
    ENDED,
    BatchJob,
    Comparison,
    Connection,
    Event,
    InputCheck,
    Notice,
    OpenAIBatch,
    OpenAIFile,
    ResultIndex,
    Schedule,
    ScheduleRun,
    Verb,
    WatchedFile,
)

BATCH = 200  # rows of one kind at once
PAUSE_SECONDS = 600

_pruned_at: dict[str, float] = {}  # in this process, by the monotonic clock


def prune_now_and_then() -> None:
    """Call :func:`prune` if this process has not done so for PAUSE_SECONDS; the clock calls this at each tick."""
    now = time.monotonic()
    if now - _pruned_at.get("at", -PAUSE_SECONDS) >= PAUSE_SECONDS:
        _pruned_at["at"] = now
        prune()


def prune() -> int:
    """Delete a batch of the rows that are past their retention; return how many results and reports."""
    input_checks.prune()
    making.prune()
    _prune_schedules()
    _prune_openai()
    _prune_comparisons()
    return _prune_results() + _prune_reports()


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


@dataclass(frozen=True)
class Kept:
    """One kind of rows that are kept for some days.

    *rows* are those that may go one day, and *since* is the column, or annotation, from which their days count.
    """

    what: str
    setting: str
    rows: QuerySet[Any]
    since: str

    @property
    def days(self) -> int:
        """How many days the rows are kept; 0 means for ever."""
        return int(getattr(settings, self.setting))

    @property
    def variable(self) -> str:
        return f"BATCHCONSOLE_{self.setting}"

    @property
    def next_at(self) -> datetime | None:
        """When the next row goes, or went already if workers are behind; ``None`` if no row ever does."""
        times = self.rows.filter(**{f"{self.since}__isnull": False}).order_by(self.since)
        oldest: datetime | None = times.values_list(self.since, flat=True).first() if self.days else None
        return oldest + timedelta(days=self.days) if oldest else None

    def due_by(self, at: datetime, most: int) -> int:
        """Return how many rows go until *at*; ``most + 1`` stands for more than *most*."""
        if not self.days:
            return 0
        due = self.rows.filter(**{f"{self.since}__lt": at - timedelta(days=self.days)})
        return due.order_by().values("pk")[: most + 1].count()


def kinds_kept() -> list[Kept]:
    """Return each kind of rows that a setting limits."""
    shown = InputCheck.objects.filter(jobs__isnull=False).exclude(jobs__in=BatchJob.objects.exclude(status__in=ENDED))
    reports = shown.annotate(since=Greatest("finished_at", Max("jobs__status_changed_at")))
    runs = ScheduleRun.objects.annotate(since=Greatest("created_at", "planned_at"))
    files = WatchedFile.objects.annotate(since=Greatest("decided_at", "modified_at"))
    return [
        Kept("Activity", "AUDIT_DAYS", Event.objects.all(), "at"),
        Kept("Input checks that no job shows", "CHECK_DAYS", InputCheck.objects.filter(jobs=None), "finished_at"),
        Kept("Input checks of jobs, from their end", "REPORT_DAYS", reports, "since"),
        Kept("Results, from when they were read", "RESULT_DAYS", _read_results(), "result_index__read_at"),
        Kept("Compared answers, from when they were read", "RESULT_DAYS", _compared(), "read_at"),
        Kept("Rows of made inputs", "MADE_INPUT_DAYS", making.expirable(), "finished_at"),
        Kept("Runs of schedules", "SCHEDULE_DAYS", runs, "since"),
        Kept("Files of watched folders", "SCHEDULE_DAYS", files, "since"),
        Kept("OpenAI batches, from their end", "OPENAI_DAYS", OpenAIBatch.objects.all(), "ended_at"),
        Kept("OpenAI files that no batch refers to", "OPENAI_DAYS", _files_without_batch(), "created_at"),
        Kept("Notifications and deliveries", "NOTIFICATION_DAYS", Notice.objects.filter(due_at=None), "created_at"),
    ]


def _read_results() -> QuerySet[BatchJob]:
    jobs: QuerySet[BatchJob] = BatchJob.objects.filter(result_index__isnull=False, results=BatchJob.Results.READY)
    return jobs


def _compared() -> QuerySet[Comparison]:
    rows: QuerySet[Comparison] = Comparison.objects.filter(read_at__isnull=False)
    return rows


def _prune_comparisons() -> None:
    """Delete what was compared long ago; the comparisons and their marks stay, and the answers can be compared again.

    One row at a time, in order of their keys: see jobs/locks.py.
    """
    if not settings.RESULT_DAYS:
        return
    old = _compared().filter(read_at__lt=_before(settings.RESULT_DAYS))
    for pk in list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        old.filter(pk=pk).update(packed=b"", read_of={}, read_at=None)


def _prune_results() -> int:
    """Delete the result indexes that were read long ago; the results can be read again, and are kept as long again."""
    if not settings.RESULT_DAYS:
        return 0
    old = _read_results().filter(result_index__read_at__lt=_before(settings.RESULT_DAYS))
    jobs = list(old.order_by("result_index__read_at")[:BATCH])
    for job in jobs:
        with transaction.atomic():
            ready = old.filter(pk=job.pk)
            if ready.update(results=BatchJob.Results.NONE, modified_at=timezone.now()):
                job.result_files.all().delete()
                ResultIndex.objects.filter(job=job).delete()
                job.record(Verb.RESULTS_EXPIRED)
    return len(jobs)


def _prune_reports() -> int:
    """Delete the checks of jobs that ended long ago; those jobs then show no report."""
    if not settings.REPORT_DAYS:
        return 0
    kept = BatchJob.objects.exclude(status__in=ENDED, status_changed_at__lt=_before(settings.REPORT_DAYS))
    old = InputCheck.objects.filter(finished_at__lt=_before(settings.REPORT_DAYS), jobs__isnull=False)
    keys = old.exclude(jobs__in=kept).distinct().order_by("pk").values_list("pk", "connection")[:BATCH]
    pruned = list(keys)
    for key, connection in pruned:
        with transaction.atomic():
            Connection.objects.lock(connection)  # several jobs may refer to it: see jobs/locks.py
            InputCheck.objects.filter(pk=key).delete()
    return len(pruned)


def _prune_schedules() -> None:
    """Delete old runs of schedules, and old files of watched folders.

    A file that is still in its folder must not become new again, so older ones are left alone from then on.
    """
    if not settings.SCHEDULE_DAYS:
        return
    before = _before(settings.SCHEDULE_DAYS)
    runs = ScheduleRun.objects.filter(created_at__lt=before, planned_at__lt=before)
    ScheduleRun.objects.filter(pk__in=list(runs.values_list("pk", flat=True)[:BATCH])).delete()
    files = WatchedFile.objects.filter(decided_at__lt=before, modified_at__lt=before).order_by("decided_at")
    keys = list(files.values_list("pk", "schedule")[:BATCH])
    with transaction.atomic():
        watching = Schedule.objects.filter(pk__in={schedule for _, schedule in keys})
        watching.filter(Q(files_since=None) | Q(files_since__lt=before)).update(files_since=before)
        WatchedFile.objects.filter(pk__in=[key for key, _ in keys]).delete()


def _files_without_batch() -> QuerySet[OpenAIFile]:
    """Return the files that are neither the input of a batch nor its answers."""
    columns = ("input_file_id", "output_file_id", "error_file_id")
    referring = (OpenAIBatch.objects.filter(**{column: OuterRef("file_id")}) for column in columns)
    return OpenAIFile.objects.exclude(reduce(or_, map(Exists, referring)))


def _prune_openai() -> None:
    """Delete the batches that ended long ago, then the files that are as old and that no batch refers to any more."""
    if not settings.OPENAI_DAYS:
        return
    before = _before(settings.OPENAI_DAYS)
    ended = OpenAIBatch.objects.filter(ended_at__lt=before).order_by("ended_at")
    OpenAIBatch.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[:BATCH])).delete()
    files = _files_without_batch().filter(created_at__lt=before).order_by("created_at")
    OpenAIFile.objects.filter(pk__in=list(files.values_list("pk", flat=True)[:BATCH])).delete()
