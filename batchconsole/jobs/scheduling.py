"""Which step is next, and who may take it. Reads and claims rows; never calls AWS.

Any number of ticks and workers may run at once. Each step is claimed by one conditional UPDATE that also pushes the
row's time forward, before anything risky happens: a worker that dies leaves a row that is due again.
"""

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.limits import limits_of
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    LIVE,
    BatchJob,
    BulkAction,
    Connection,
    IllegalTransition,
    InputCheck,
    MadeInput,
    Status,
    Verb,
)
from batchconsole.jobs.signals import nudge

# How long a nudged step may wait for a worker before it is nudged again; tasks expire after the same time.
NUDGE = timedelta(seconds=60)
# Longer than all attempts of one Create call: 3 times 3 s to connect and 60 s to read, and the pauses in between.
CLAIM = timedelta(minutes=5)
# Longer than a slow page of a sync; renewed with each page.
SYNC_CLAIM = timedelta(minutes=3)
# One tick hands out at most so much of each kind; the next is a second away.
BATCH = 200

# Back-off in seconds: the first pause and the longest.
THROTTLED = (5, 300)
QUOTA = (30, 600)
UNREACHABLE = (5, 60)

# A live job is followed by sync; it has a step of its own only when it was cancelled and AWS has it all the same.
STEPS = (
    {Status.CHECKING: "check_input", Status.SUBMITTING: "submit"}
    | dict.fromkeys(LIVE - {Status.STOPPING}, "stop")
    | dict.fromkeys(ENDED_ON_AWS, "collect_results")
)

# What has a due time of its own, beside jobs and connections, and the task that takes it on.
ROWS: tuple[tuple[type[InputCheck | MadeInput | BulkAction], str], ...] = (
    (InputCheck, "check_records"),
    (MadeInput, "make_input"),
    (BulkAction, "stop_jobs"),
)


def tick(now: datetime | None = None) -> int:
    """Hand out every step that is due and return how many; two ticks at once hand out each step once."""
    now = now or timezone.now()
    rows = sum(_hand_out_rows(model, task, now) for model, task in ROWS)
    connections = _hand_out_syncs(now) + _hand_out_limits(now)
    return connections + _hand_out_submissions(now) + _hand_out_others(now) + rows


def _hand_out_syncs(now: datetime) -> int:
    taken = [
        connection.pk
        for connection in Connection.objects.sync_due(now)[:BATCH]
        if Connection.objects.claim_sync(connection.pk, due_at=connection.sync_due_at, until=now + SYNC_CLAIM)
    ]
    for pk in taken:
        nudge("sync", pk)
    return len(taken)


def _hand_out_limits(now: datetime) -> int:
    due = Connection.objects.enabled().filter(limits_due_at__lte=now)
    taken = [
        connection.pk
        for connection in due[:BATCH]
        if Connection.objects.claim_limits(connection.pk, due_at=connection.limits_due_at, until=now + NUDGE)
    ]
    for pk in taken:
        nudge("refresh_limits", pk)
    return len(taken)


def _hand_out_submissions(now: datetime) -> int:
    return sum(
        _hand_out(job, "submit", now)
        for connection_id, base_model_id, _ in BatchJob.objects.queues()
        for job in _next_in_queue(connection_id, base_model_id, now)
    )


def _next_in_queue(connection_id: int, base_model_id: str, now: datetime) -> list[BatchJob]:
    """The jobs at the head of one model's queue that may be tried now.

    While one that AWS turned away is waiting, so is the queue behind it; when its time comes it goes alone, to find out
    whether AWS takes jobs again.
    """
    queue = BatchJob.objects.queued(connection_id, base_model_id)
    if queue.filter(due_at__gt=now).exclude(error_code="").exists():
        return []
    free = free_places(connection_id, base_model_id)
    jobs = list(queue.filter(due_at__lte=now)[: min(max(free, 0), BATCH)])
    return jobs[:1] if jobs and jobs[0].error_code else jobs


def free_places(connection_id: int, base_model_id: str) -> int:
    """How many more jobs of the model its limit admits now; negative when others took more than the limit."""
    live = BatchJob.objects.occupying(connection_id, base_model_id).count()
    return limits_of(connection_id, base_model_id).jobs_at_once - live


def _hand_out_others(now: datetime) -> int:
    due = BatchJob.objects.due(now).filter(status__in=STEPS).order_by("due_at")
    return sum(_hand_out(job, STEPS[Status(job.status)], now) for job in due[:BATCH])


def _hand_out(job: BatchJob, task: str, now: datetime) -> bool:
    """Nudge *task*, unless another tick was faster."""
    if not BatchJob.objects.claim(job.pk, due_at=job.due_at, until=now + NUDGE):
        return False
    nudge(task, job.pk)
    return True


def _hand_out_rows(model: type[InputCheck | MadeInput | BulkAction], task: str, now: datetime) -> int:
    taken = [
        row.pk
        for row in model.objects.due(now).only("due_at")[:BATCH]
        if model.objects.hand_out(row.pk, due_at=row.due_at, until=now + NUDGE)
    ]
    for pk in taken:
        nudge(task, pk)
    return len(taken)


def claim(job: BatchJob) -> bool:
    """Take *job* for submitting: true for one caller only, and only while its model's limit has a place.

    1. A queued job becomes ``Submitting``, counted in the same transaction as the live jobs it is measured against.
    2. A job that is ``Submitting`` since a worker died is taken over once its claim has run out.
    """
    now = timezone.now()
    with transaction.atomic():
        # PostgreSQL lets two transactions count the same last place at once; who holds the connection counts alone.
        if not Connection.objects.lock(job.connection_id).is_enabled:
            return False
        job.refresh_from_db()
        if job.status == Status.SUBMITTING:
            return _take_over(job, now)
        if job.status != Status.QUEUED or free_places(job.connection_id, job.base_model_id) <= 0:
            return False
        try:
            job.transition(Status.SUBMITTING, verb=Verb.CLAIMED, due_at=now + CLAIM, attempts=job.attempts + 1)
        except IllegalTransition:  # A person cancelled it between our look and our step.
            return False
    return True


def _take_over(job: BatchJob, now: datetime) -> bool:
    # A tick pushes the time on when it hands the step out, so what counts is when the claim was made.
    if job.status_changed_at + CLAIM > now:
        return False
    taken = BatchJob.objects.filter(pk=job.pk, status=Status.SUBMITTING, status_changed_at=job.status_changed_at)
    return bool(taken.update(status_changed_at=now, due_at=now + CLAIM, attempts=job.attempts + 1))


def pause(error: AwsError, attempts: int) -> timedelta:
    """How long a job waits after AWS turned it away for now: longer each time, and never two jobs the same."""
    if error.is_throttling:
        first, longest = THROTTLED
    else:
        first, longest = QUOTA if error.is_quota else UNREACHABLE
    seconds = min(longest, first * 2 ** max(0, min(attempts, 20) - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def bring_forward(connection_id: int, base_model_id: str) -> None:
    """A job of this model has ended: what waits for AWS's quota may try again now."""
    waiting = BatchJob.objects.queued(connection_id, base_model_id).exclude(error_code="")
    waiting.update(due_at=timezone.now())


def why_waiting(job: BatchJob) -> str:
    """One sentence for a person: why *job* has not been submitted yet; empty for a job that is not in the queue."""
    if job.status != Status.QUEUED:
        return ""
    if job.message:
        return job.message
    limit = limits_of(job.connection_id, job.base_model_id).jobs_at_once
    live = BatchJob.objects.occupying(job.connection_id, job.base_model_id).count()
    if live < limit:
        return "Next to be submitted."
    ahead = BatchJob.objects.queued(job.connection_id, job.base_model_id).filter(id__lt=job.pk).bounded_count()
    return f"{live} of {limit} jobs of this model are in progress; {ahead} wait before this one."
