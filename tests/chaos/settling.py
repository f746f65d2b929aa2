"""The end of a run: nobody disturbs the console any more, and everything that was begun has to come to its end."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.jobs.clock import STEPS
from batchconsole.jobs.models import (
    UNFINISHED,
    BatchJob,
    BulkAction,
    Connection,
    Delivery,
    InputCheck,
    MadeInput,
    Notice,
    NotificationChannel,
    OpenAIBatch,
    OpenUpload,
    OutputCopy,
    Schedule,
    WatchedFile,
)
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.states import ENDED, LIVE
from tests.chaos.scene import Scene
from tests.chaos.stack import Stack

SETTLE_SECONDS = 420.0
POLL_SECONDS = 1.0
OVERDUE = timedelta(minutes=2)  # the clock hands out a due row every second, and again each minute


def settle(scene: Scene, stack: Stack) -> list[str]:
    """Let everything come to its end and return what has not: empty if all has.

    Killed workers leave leases of minutes, and failed calls leave pauses. Nobody waits for them here: the whole stack
    is killed once more, and starts again after all of them have run out.
    """
    stack.wait_until_ready()
    for schedule in scene.rules:
        schedules.pause_schedule(schedule, scene.person)
    for job in BatchJob.objects.exclude(held_at=None).exclude(status__in=ENDED).select_related("connection"):
        waiting.unhold(job, scene.person, comment="The end.")
    stack.kill_all()
    let_time_pass()
    stack.start()
    stack.wait_until_ready()
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if not any(still_open(scene)) and _is_seen(scene, deadline) and not any(still_open(scene)):
            return []
        time.sleep(POLL_SECONDS)
    return list(still_open(scene))


def let_time_pass() -> None:
    """Let every lease and every pause run out, as if the machine had been off for a day."""
    now = timezone.now()
    for step in STEPS:
        step.model._base_manager.filter(**{f"{step.prefix}due_at__gt": now}).update(**{f"{step.prefix}due_at": now})
    Schedule.objects.filter(next_at__gt=now, is_active=True).update(next_at=now)
    NotificationChannel.objects.filter(retry_at__gt=now).update(retry_at=now)


def _is_seen(scene: Scene, deadline: float) -> bool:
    """Wait for two more looks at Bedrock and at the watched folder, and return whether they came."""
    since = timezone.now()
    Connection.objects.sync_soon(scene.connection.pk)
    if scene.folder:
        schedules.run_now(scene.folder, scene.person)
    while time.monotonic() < deadline:
        synced_at = Connection.objects.get(pk=scene.connection.pk).synced_at
        looked_at = Schedule.objects.get(pk=scene.folder.pk).looked_at if scene.folder else timezone.now()
        if _is_after(synced_at, since) and _is_after(looked_at, since):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _is_after(at: datetime | None, since: datetime) -> bool:
    return at is not None and at > since


def still_open(scene: Scene) -> Iterator[str]:
    """Yield what is not at its end: jobs, checks, inputs, bulk actions, batches, files, notifications, and due rows."""
    live = Delivery.objects.filter(channel=scene.live, state=Delivery.State.WAITING)
    rows: dict[str, Any] = {
        "job": BatchJob.objects.exclude(status__in=ENDED),
        "results of job": BatchJob.objects.filter(results=BatchJob.Results.PENDING),
        "check": InputCheck.objects.filter(finished_at=None),
        "input": MadeInput.objects.filter(state__in=UNFINISHED),
        "bulk action": BulkAction.objects.filter(finished_at=None),
        "batch": OpenAIBatch.objects.filter(ended_at=None),
        "copy": OutputCopy.objects.filter(state=OutputCopy.State.PENDING),
        "file": WatchedFile.objects.filter(state__in=(WatchedFile.State.WAITING, WatchedFile.State.CHECKED)),
        "upload": OpenUpload.objects.all(),
        "notice": Notice.objects.exclude(due_at=None),
        "delivery": live,
    }
    for what, found in rows.items():
        for row in found:
            yield f"{what} {row.pk} {row}: {_state(row)}"
    yield from overdue()
    for page in bedrock.list_model_invocation_jobs(scene.connection.target):
        yield from (f"job of Bedrock {each.job_name}: {each.status}" for each in page if each.status in LIVE)


def _state(row: Any) -> str:
    names = ("status", "state", "results", "message", "error", "due_at", "lease", "failures", "attempts")
    return ", ".join(f"{name} {getattr(row, name)}" for name in names if getattr(row, name, None) not in (None, ""))


def overdue() -> Iterator[str]:
    """Yield the rows whose step has been due for long and that nobody has taken."""
    before = timezone.now() - OVERDUE
    for step in STEPS:
        for row in step.rows().filter(Q(**{f"{step.prefix}due_at__lt": before})):
            yield f"{step.name} of {row.pk} {row} is due since {getattr(row, f'{step.prefix}due_at'):%H:%M:%S}"
