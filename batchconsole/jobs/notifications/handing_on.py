"""From notices to sent messages: two steps with a lease, and a circuit breaker for each channel.

1. ``announce`` takes a notice and writes a delivery for each channel that wants it and may know of it.
2. ``deliver`` sends one. If a worker dies after sending but before saving the result, the delivery stays due and is
   sent again with the same id. Messages therefore arrive at least once.

Failed deliveries are retried with growing pauses over a day. After several failures in a row, a channel gets only one
attempt now and then, and its other deliveries wait without using up their attempts. After a day, or at once if only a
person can help, the channel is paused; its waiting deliveries continue when somebody resumes it.

Lock a channel's row before the rows of its deliveries.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.costs.spending import first_of_month
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.models import Delivery, Notice, NotificationChannel, Right, Schedule, utc_today
from batchconsole.jobs.notifications.sending import SendingFailed, send
from batchconsole.jobs.occasions import BUDGET, OF_SCHEDULES, TEST
from batchconsole.jobs.rights.access import is_active_user, rights_on
from batchconsole.jobs.signals import nudge

logger = logging.getLogger(__name__)

State = Delivery.State
# Pauses after the first attempt, the second, and so on: just under a day in total.
PAUSES = tuple(timedelta(seconds=each) for each in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000))
MOST_ATTEMPTS = len(PAUSES) + 1
# After this many failures in a row the breaker opens; after this long without a success the channel is paused.
FEW_FAILURES = 3
MOST_FAILING = timedelta(hours=23)
HOLD = timedelta(minutes=2)  # longer than the longest attempt
FARTHEST = timedelta(hours=11)
BATCH = 1000  # maximum number of notices deleted at once


@step(Notice, queue=CONTROL)
def announce(notice: Notice, lease: Lease) -> None:
    """Write a delivery for each channel that wants the notice; running it twice does no harm."""
    channels = NotificationChannel.objects.for_connection(notice.connection_id).select_related("user")
    wanting = [each for each in channels if notice.occasion in each.occasions and may_know(each, notice)]
    with transaction.atomic():
        for channel in wanting:
            write_delivery(notice, channel)
        lease.end(due_at=None)


def write_delivery(notice: Notice, channel: NotificationChannel) -> None:
    """Queue *notice* for *channel*; call it inside a transaction."""
    delivery, _ = Delivery.objects.get_or_create(notice=notice, channel=channel)
    nudge("deliver", delivery.pk)


def may_know(channel: NotificationChannel, notice: Notice) -> bool:
    """Whether *channel* belongs to the notice's connection, or its user may see the job and wants to know."""
    if channel.connection_id:
        return channel.connection_id == notice.connection_id
    user = channel.user
    if not user or not is_active_user(user):
        return False
    if notice.occasion == TEST.code:
        return True
    if notice.occasion == BUDGET.code or not _is_in_scope(channel, notice):
        return False
    return notice.connection is not None and Right.VIEW in rights_on(user, notice.connection)


def _is_in_scope(channel: NotificationChannel, notice: Notice) -> bool:
    if notice.occasion in OF_SCHEDULES:
        mine = Schedule.objects.filter(pk=notice.data["schedule_id"], created_by=channel.user_id)
        is_own = mine.exists()
    else:
        is_own = bool(notice.job and notice.job.created_by_id == channel.user_id)
    return is_own or channel.scope == NotificationChannel.Scope.ALL


@step(Delivery, queue=CONTROL, where=Q(state=State.WAITING), hold=HOLD, farthest=FARTHEST)
def deliver(delivery: Delivery, lease: Lease) -> None:
    """Send one message, unless its channel is paused or its breaker is open, and save the outcome."""
    if not may_know(delivery.channel, delivery.notice):
        message = "Not sent: the person may no longer see this."
        lease.end(due_at=None, state=State.DROPPED, finished_at=timezone.now(), message=message)
        return
    if not delivery.is_test and _rests(delivery, lease):
        return
    started = time.monotonic()
    try:
        said = send(delivery.channel, delivery.notice)
    except SendingFailed as error:
        _note_failure(delivery, lease, error, seconds=time.monotonic() - started)
    else:
        _note_success(delivery, lease, said, seconds=time.monotonic() - started)


def _rests(delivery: Delivery, lease: Lease) -> bool:
    """Postpone *delivery* if its channel is paused or its breaker is open; this uses up no attempt."""
    with transaction.atomic():
        channel = NotificationChannel.objects.lock(delivery.channel_id)
        if channel.paused_at:
            lease.end(due_at=None)
        elif channel.retry_at and channel.retry_at > timezone.now():
            lease.end(due_at=channel.retry_at)
        else:
            return False
    return True


def _note_success(delivery: Delivery, lease: Lease, said: str, *, seconds: float) -> None:
    now = timezone.now()
    with transaction.atomic():
        channel = NotificationChannel.objects.lock(delivery.channel_id)
        if channel.failures and not channel.paused_at:
            close_breaker(channel)
        lease.end(due_at=None, state=State.SENT, finished_at=now, **delivery.logged(now, seconds=seconds, message=said))


def close_breaker(channel: NotificationChannel) -> None:
    """Forget the failures of *channel* and make its waiting deliveries due now. The caller holds its row's lock."""
    works = {"failures": 0, "failing_since": None, "retry_at": None, "paused_at": None, "pause_reason": ""}
    NotificationChannel.objects.filter(pk=channel.pk).update(**works)
    waiting = Delivery.objects.filter(channel=channel, state=State.WAITING, lease="")
    waiting.update(due_at=timezone.now())


def _note_failure(delivery: Delivery, lease: Lease, error: SendingFailed, *, seconds: float) -> None:
    now = timezone.now()
    tried = delivery.logged(now, seconds=seconds, message=error.message)
    logger.warning("Notification %s to channel %s: %s", delivery.notice.uid, delivery.channel_id, error.message)
    with transaction.atomic():
        channel = NotificationChannel.objects.lock(delivery.channel_id)
        is_paused = not delivery.is_test and _open_breaker(channel, error, now)
        if delivery.is_test or tried["attempts"] >= MOST_ATTEMPTS:
            lease.end(due_at=None, state=State.FAILED, finished_at=now, **tried)
        else:
            pause = max(PAUSES[tried["attempts"] - 1], error.pause)
            lease.end(due_at=None if is_paused else now + pause, **tried)


def _open_breaker(channel: NotificationChannel, error: SendingFailed, now: datetime) -> bool:
    """Count a failure of *channel*, delay or pause it, and return whether it is paused. The caller holds its lock."""
    failures, since = channel.failures + 1, channel.failing_since or now
    changes: dict[str, Any] = {"failures": failures, "failing_since": since}
    if failures >= FEW_FAILURES:
        changes["retry_at"] = now + PAUSES[min(failures, len(PAUSES)) - 1]
    if error.is_final:
        changes |= {"paused_at": now, "pause_reason": f"Paused, because only a person can help: {error.message}"}
    elif now - since >= MOST_FAILING:
        reason = f"Paused, because {failures} attempts in a row have failed since {since:%-d %B %H:%M} UTC. The last: "
        changes |= {"paused_at": now, "pause_reason": reason + error.message}
    if channel.paused_at:
        changes = {}
    NotificationChannel.objects.filter(pk=channel.pk).update(**changes) if changes else None
    return bool(channel.paused_at or "paused_at" in changes)


@deliver.on_failure
def _lost(delivery: Delivery, lease: Lease, error: Failure) -> None:
    """Count the loss of several workers in a row during the sending as one failed attempt."""
    _note_failure(delivery, lease, SendingFailed(error.message), seconds=0)


def expire_notices() -> int:
    """Delete up to ``BATCH`` notices past their retention time, with their deliveries; return the number of notices."""
    if not settings.NOTIFICATION_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.NOTIFICATION_DAYS)
    old = Notice.objects.filter(created_at__lt=before, due_at=None).order_by("created_at")
    # Budget notices of this month are kept until it ends, so that no level is reported twice.
    old = old.exclude(occasion=BUDGET.code, created_at__gte=first_of_month(utc_today()))
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    if keys:
        Notice.objects.filter(pk__in=keys).delete()
    return len(keys)
