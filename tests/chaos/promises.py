"""Every promise, compared with what is there after a run. A broken one is a :class:`Broken` with its kind."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from batchconsole.aws import bedrock
from batchconsole.aws.bedrock import JobSummary
from batchconsole.jobs.models import (
    BatchJob,
    BulkAction,
    BulkActionItem,
    Delivery,
    Event,
    Notice,
    OpenAIBatch,
    Schedule,
    ScheduleRun,
    Verb,
    WatchedFile,
)
from batchconsole.jobs.occasions import find_occasion
from batchconsole.jobs.states import NEVER_SENT, NEXT
from tests.chaos.ledger import Ledger, Outcome
from tests.chaos.scene import Scene

LOST, DOUBLED, STUCK, ILLEGAL, WRONG, STRAY = KINDS = ("lost", "doubled", "stuck", "illegal", "wrong", "stray")
# The verb in the trail of a job that says what a bulk action did with it.
DEEDS = {
    BulkActionItem.Outcome.STOPPED: Verb.STOP_REQUESTED,
    BulkActionItem.Outcome.CANCELLED: Verb.CANCELLED,
}


class Broken(NamedTuple):
    """A promise that was not kept: its kind, one of ``KINDS``, and what is wrong, in words."""

    kind: str
    what: str


def find_broken(scene: Scene, ledger: Ledger, received: Counter[str]) -> Iterator[Broken]:
    """Yield what is wrong in the rows, with Bedrock's jobs and with what arrived at the live receiver."""
    yield from posts(ledger)
    yield from twins(scene)
    for job in BatchJob.objects.all():
        yield from trail(job)
    yield from bulk_actions(ledger)
    yield from notifications(scene, received)
    yield from runs(scene, ledger)
    yield from files(ledger)
    yield from batches(ledger)


def counted(name: str, found: int, outcome: Outcome) -> Iterator[Broken]:
    """Compare how often *name* is there with what its post came to."""
    if found > 1:
        yield Broken(DOUBLED, f"{name} is there {found} times")
    if outcome is Outcome.ACCEPTED and not found:
        yield Broken(LOST, f"{name} was accepted and is not there")
    if outcome is Outcome.REFUSED and found:
        yield Broken(WRONG, f"{name} was refused and is there")


def posts(ledger: Ledger) -> Iterator[Broken]:
    """One row for each accepted post, none for a refused one."""
    names = Counter(BatchJob.objects.values_list("job_name", flat=True))
    for name, outcome in ledger.jobs.items():
        yield from counted(name, names[name], outcome)


def twins(scene: Scene) -> Iterator[Broken]:
    """One job of Bedrock for each row that was sent, in the same state, and no other."""
    theirs: dict[str, list[JobSummary]] = {}
    for page in bedrock.list_model_invocation_jobs(scene.connection.target):
        for each in page:
            theirs.setdefault(each.client_request_token, []).append(each)
    for job in BatchJob.objects.all():
        found = theirs.pop(job.client_request_token, [])
        yield from twin(job, found)
    for each in (each for found in theirs.values() for each in found):
        yield Broken(LOST, f"Bedrock's job {each.job_name} has no row")


def twin(job: BatchJob, found: list[JobSummary]) -> Iterator[Broken]:
    if job.is_on_demand:
        yield from (Broken(DOUBLED, f"{job} runs on demand, and Bedrock has a job of it") for _ in found)
        return
    if job.origin != BatchJob.Origin.CONSOLE:
        yield Broken(DOUBLED, f"{job} was imported, though only the console creates jobs")
    if len(found) > 1:
        yield Broken(DOUBLED, f"{job} is on Bedrock {len(found)} times")
    if not found and job.status not in NEVER_SENT:
        yield Broken(LOST, f"{job} is {job.status} and not on Bedrock")
    for each in found:
        if (job.job_arn, job.status) != (each.job_arn, each.status):
            yield Broken(WRONG, f"{job} is {job.status} here and {each.status} on Bedrock ({job.job_arn})")


def trail(job: BatchJob) -> Iterator[Broken]:
    """Every step of a job is legal and recorded: each event begins where the one before ended."""
    steps = Event.objects.filter(job=job).exclude(to_status="").order_by("pk")
    was = ""
    for from_status, to_status in steps.values_list("from_status", "to_status"):
        if from_status != was or (was and to_status not in NEXT[was]):
            yield Broken(ILLEGAL, f"{job}: {was or 'nothing'}, then {from_status or 'nothing'} to {to_status}")
        was = to_status
    if was != job.status:
        yield Broken(ILLEGAL, f"{job} is {job.status}, and its trail ends in {was or 'nothing'}")


def bulk_actions(ledger: Ledger) -> Iterator[Broken]:
    """Each action that was asked for is there, and each of its items has come to something that its job confirms."""
    found, asked = BulkAction.objects.count(), ledger.bulk_actions
    if found > asked[Outcome.ACCEPTED] + asked[Outcome.UNKNOWN]:
        yield Broken(DOUBLED, f"{found} bulk actions, {asked[Outcome.ACCEPTED]} were accepted")
    for action in BulkAction.objects.all():
        counts = action.counts()
        if sum(counts.values()) != action.job_count:
            yield Broken(LOST, f"{action} has items {counts}")
    for item in BulkActionItem.objects.select_related("job"):
        if item.outcome == BulkActionItem.Outcome.PENDING:
            yield Broken(STUCK, f"{item} of a bulk action waits")
        verb = DEEDS.get(BulkActionItem.Outcome(item.outcome))
        if verb and not item.job.events.filter(verb=verb).exists():
            yield Broken(WRONG, f"{item} in bulk, and the trail of the job does not say so")


def notifications(scene: Scene, received: Counter[str]) -> Iterator[Broken]:
    """Each end of a job is told once as a notice, each notice reaches the live channel, and waits for the dead one."""
    told = Counter(Notice.objects.values_list("job", "occasion"))
    for job in BatchJob.objects.all():
        occasion = find_occasion(job.status, has_errors=job.has_errors)
        if occasion and told[job.pk, occasion] != 1:
            yield Broken(WRONG, f"{job} is {job.status}; there are {told[job.pk, occasion]} notices of it")
    for uid in Notice.objects.values_list("uid", flat=True):
        states = dict(Delivery.objects.filter(notice__uid=uid).values_list("channel", "state"))
        if states.get(scene.live.pk) != Delivery.State.SENT:
            yield Broken(LOST, f"notice {uid} was not sent to the live receiver: {states}")
        elif not received[uid]:
            yield Broken(LOST, f"notice {uid} counts as sent and has not arrived")
        if scene.dead.pk not in states or states[scene.dead.pk] == Delivery.State.SENT:
            yield Broken(WRONG, f"notice {uid} to the dead receiver: {states}")
    for uid in received.keys() - set(Notice.objects.values_list("uid", flat=True)):
        yield Broken(WRONG, f"message {uid} arrived and no notice has that id")
    waiting = Delivery.objects.filter(channel=scene.dead, state=Delivery.State.WAITING, due_at=None)
    for delivery in waiting.filter(channel__paused_at=None):
        yield Broken(STUCK, f"{delivery} waits and is never due")


def runs(scene: Scene, ledger: Ledger) -> Iterator[Broken]:
    """Each run that was asked for is there once; each planned minute is a run once; each run's job exists."""
    tokens = Counter(ScheduleRun.objects.exclude(request_token="").values_list("request_token", flat=True))
    for token, outcome in ledger.runs.items():
        yield from counted(f"run {token}", tokens[token], outcome)
    for schedule in Schedule.objects.filter(pk__in=[each.pk for each in scene.rules]):
        planned = list(schedule.runs.filter(by_hand=False).values_list("planned_at", flat=True))
        for at in minutes(schedule.created_at, schedule.handled_until):
            yield from counted(f"run of {schedule} at {at:%H:%M}", planned.count(at), Outcome.ACCEPTED)
    for run in ScheduleRun.objects.filter(outcome=ScheduleRun.Outcome.CREATED, job=None):
        yield Broken(LOST, f"{run} has no job")


def minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the full minutes after *since* up to *until*."""
    at = since.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while at <= until:
        yield at
        at += timedelta(minutes=1)


def files(ledger: Ledger) -> Iterator[Broken]:
    """Each file that was put into the watched folder has one row and one job."""
    rows = list(WatchedFile.objects.select_related("job"))
    names = Counter(row.name.removesuffix(".jsonl") for row in rows)
    jobs = Counter(BatchJob.objects.filter(job_name__startswith="folder-").values_list("job_name", flat=True))
    for name in ledger.files:
        yield from counted(f"file {name}", names[name], Outcome.ACCEPTED)
        yield from counted(f"job of file {name}", jobs[f"folder-{name}"], Outcome.ACCEPTED)
    for row in rows:
        if row.state != WatchedFile.State.SUBMITTED:
            yield Broken(WRONG, f"file {row} is {row.state}: {row.reason}")


def batches(ledger: Ledger) -> Iterator[Broken]:
    """Each OpenAI batch that was accepted is there and has ended, and each of its requests is counted."""
    rows = {batch.batch_id: batch for batch in OpenAIBatch.objects.all()}
    for batch_id, requests in ledger.batches.items():
        batch = rows.get(batch_id)
        if batch is None:
            yield Broken(LOST, f"batch {batch_id} was accepted and is not there")
        elif batch.state == OpenAIBatch.State.FAILED:
            yield Broken(WRONG, f"batch {batch_id} has failed: {batch.errors}")
        elif batch.completed_count + batch.failed_count != requests:
            yield Broken(WRONG, f"batch {batch_id}: {batch.completed_count} and {batch.failed_count} of {requests}")


def of_kind(kind: str, whats: Iterable[str]) -> list[Broken]:
    return [Broken(kind, what) for what in whats]
