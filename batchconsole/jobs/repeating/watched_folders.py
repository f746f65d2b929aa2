"""Watched folders: each new .jsonl file becomes a job once.

1. A look lists the folder in pages, and goes on where it was if a worker dies. A file that is new gets a row.
2. A file is taken only once it has stayed unchanged: listed, and after the schedule's time found with the same ETag.
3. It is checked for what makes a job certain to fail, and for its number of records if the schedule asks for it.
4. Its job and its fate are written in one transaction.

Output of jobs that lies in the folder is never taken. Files last modified before ``files_since`` are left alone: they
were there before, or their rows have been deleted since.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import SCHEME, parse_s3_uri
from batchconsole.jobs.account import account_id
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.leases import SCAN, Lease, LeaseLost, step
from batchconsole.jobs.models import Actor, BatchJob, Connection, MadeInput, Schedule, WatchedFile
from batchconsole.jobs.repeating.placeholders import PIECE, Run, fixed_part
from batchconsole.jobs.repeating.schedule_jobs import (
    create_job_of_run,
    reason_of,
    require_owner,
    retry_later,
    stop_schedule,
    tell_failed,
)
from batchconsole.jobs.repeating.schedule_runs import LOOK_AGAIN
from batchconsole.jobs.rights.access import lies_in, require_on_job, require_places
from batchconsole.jobs.signals import nudge
from batchconsole.records.lines import iter_lines

SUFFIX = ".jsonl"
PAGES, FILES = 10, 20  # most of each in one step
JOB_ID = re.compile("[a-z0-9]{12}")
DENIED = "AccessDenied"  # of one object; what is denied for the folder fails the look
GONE = ("NotFound", "NoSuchKey", "404")
SKEW = timedelta(minutes=1)
State = WatchedFile.State


@step(Schedule, queue=SCAN, where=Q(kind=Schedule.Kind.FOLDER, is_active=True))
def watch_folder(schedule: Schedule, lease: Lease) -> None:
    """Look into the folder if it is time, and settle a few files."""
    account_id(schedule.connection)
    try:
        require_owner(schedule)
        require_places(schedule.connection, input=folder_of(schedule))
    except NotAllowed as error:
        with transaction.atomic():
            stop_schedule(schedule, lease, reason_of(error))
        return
    if schedule.listing_token or _is_time_to_look(schedule, timezone.now()):
        _look(schedule, lease)
    _settle_files(schedule, lease)
    lease.end(due_at=_next_due(schedule), failures=0, error=None)


watch_folder.on_failure(retry_later)


def folder_of(schedule: Schedule) -> str:
    """Return the folder's URI with a trailing slash."""
    return f"{schedule.folder_s3_uri.rstrip('/')}/"


def _is_time_to_look(schedule: Schedule, now: datetime) -> bool:
    next_at = schedule.next_at
    return next_at is None or next_at <= now or next_at > now + timedelta(minutes=schedule.interval_minutes)


def _next_due(schedule: Schedule) -> datetime:
    """Return when there is something to do again: the rest of the listing, a file that is ready, or the next look."""
    now = timezone.now()
    if schedule.listing_token or _ready(schedule, now).exists() or _of(schedule, State.CHECKED).exists():
        return now
    oldest = _of(schedule, State.WAITING).aggregate(oldest=Min("changed_at"))["oldest"]
    times = [now + LOOK_AGAIN, schedule.next_at or now]
    if oldest:
        times.append(max(now, oldest + timedelta(seconds=schedule.stable_seconds)))
    return min(times)


# Looking


def _look(schedule: Schedule, lease: Lease) -> None:
    """List a few pages of the folder and write a row for each file that is new, page by page."""
    bucket, prefix = parse_s3_uri(folder_of(schedule))
    for _ in range(PAGES):
        page = s3.list_objects(
            schedule.connection.target, bucket, prefix, continuation_token=schedule.listing_token, delimiter=""
        )
        now = timezone.now()
        ended = {} if page.next_token else {"looked_at": now, "next_at": now + _interval(schedule)}
        with transaction.atomic():
            lease.write(listing_token=page.next_token, **ended)
            _note(schedule, bucket, page.objects)
        if not page.next_token:
            return


def _interval(schedule: Schedule) -> timedelta:
    return timedelta(minutes=schedule.interval_minutes)


def _note(schedule: Schedule, bucket: str, objects: Iterable[s3.S3Object]) -> None:
    """Write a row for each of *objects* that is a new file, and note changes of files that still wait."""
    found = {f"{SCHEME}{bucket}/{each.key}": each for each in objects if _is_candidate(schedule, each)}
    for uri in _outputs(schedule, found):
        del found[uri]
    known: dict[str, list[WatchedFile]] = {}
    for row in WatchedFile.objects.filter(schedule=schedule, s3_uri__in=found).order_by("pk"):
        known.setdefault(row.s3_uri, []).append(row)
    new = [each for uri, each in found.items() if _is_new(schedule, known.get(uri, []), each)]
    rows = [_row(schedule, bucket, each) for each in new]
    WatchedFile.objects.bulk_create(rows, ignore_conflicts=True)


def _is_candidate(schedule: Schedule, item: s3.S3Object) -> bool:
    if not item.key.endswith(SUFFIX):
        return False
    return schedule.files_since is None or item.last_modified >= schedule.files_since


def _is_new(schedule: Schedule, rows: list[WatchedFile], item: s3.S3Object) -> bool:
    """Whether *item* needs a row: it has none, or it is set so that new content counts and no row has it."""
    if not rows:
        return True
    if any(row.etag == item.etag for row in rows):
        return False
    if rows[-1].state in (State.WAITING, State.CHECKED):
        _note_change(rows[-1], item)
        return False
    return schedule.takes_overwritten


def _note_change(file: WatchedFile, item: s3.S3Object) -> None:
    """Let a file that is not submitted yet wait again: its content has changed."""
    open_ = WatchedFile.objects.filter(pk=file.pk, state__in=(State.WAITING, State.CHECKED))
    open_.update(
        etag=item.etag,
        size=item.size,
        modified_at=item.last_modified,
        changed_at=timezone.now(),
        state=State.WAITING,
    )


def _row(schedule: Schedule, bucket: str, item: s3.S3Object) -> WatchedFile:
    return WatchedFile(
        schedule=schedule,
        s3_uri=f"{SCHEME}{bucket}/{item.key}",
        etag=item.etag,
        size=item.size,
        modified_at=item.last_modified,
    )


def _outputs(schedule: Schedule, uris: Iterable[str]) -> set[str]:
    """Return those of *uris* that jobs have written: they lie in a job's output folder, or are input of a resend."""
    uris = list(uris)
    own = _own_output(schedule)
    ids = {uri: [part for part in uri.split("/")[3:-1] if JOB_ID.fullmatch(part)] for uri in uris}
    arns = {_arn(schedule, each) for parts in ids.values() for each in parts}
    jobs = BatchJob.objects.filter(connection=schedule.connection, job_arn__in=arns).values_list("job_arn", flat=True)
    known = {str(arn).rpartition("/")[2] for arn in jobs} if arns else set()
    resends = MadeInput.objects.filter(
        connection=schedule.connection, resend_of__isnull=False, output_s3_uri__in=uris
    ).values_list("output_s3_uri", flat=True)
    written = {uri for uri in uris if known.intersection(ids[uri]) or (own and lies_in(uri, [own]))}
    return written | set(resends)


def _own_output(schedule: Schedule) -> str:
    """Return the folder in the watched one to which its jobs write; empty if that is elsewhere or the folder itself."""
    pattern = schedule.request.output_s3_uri
    has_placeholder = any(found[1] is not None for found in PIECE.finditer(pattern))
    folder = fixed_part(pattern).rpartition("/")[0] if has_placeholder else fixed_part(pattern).rstrip("/")
    watched = schedule.folder_s3_uri.rstrip("/")
    return folder if folder != watched and lies_in(folder, [watched]) else ""


def _arn(schedule: Schedule, job_id: str) -> str:
    partition = schedule.request.role_arn.split(":")[1]
    connection = schedule.connection
    return f"arn:{partition}:bedrock:{connection.region}:{connection.account_id}:model-invocation-job/{job_id}"


# Settling


def _of(schedule: Schedule, state: str) -> QuerySet[WatchedFile]:
    return WatchedFile.objects.filter(schedule=schedule, state=state).order_by("pk")


def _ready(schedule: Schedule, now: datetime) -> QuerySet[WatchedFile]:
    """The waiting files that have stayed unchanged long enough, or were seen by a clock that has been set back."""
    stable = Q(changed_at__lte=now - timedelta(seconds=schedule.stable_seconds)) | Q(changed_at__gt=now + SKEW)
    return _of(schedule, State.WAITING).filter(stable)


def _settle_files(schedule: Schedule, lease: Lease) -> None:
    """Check a few files that are ready, then create the jobs of those that passed."""
    told = False
    for file in _ready(schedule, timezone.now())[:FILES]:
        lease.renew()
        _check(schedule, file)
    for file in _of(schedule, State.CHECKED)[:FILES]:
        told = _submit(schedule, lease, file, is_told=told)


def _check(schedule: Schedule, file: WatchedFile) -> None:
    """Look at *file* again: it must be the same, and nothing must make its job certain to fail. Raises AwsError."""
    bucket, key = parse_s3_uri(file.s3_uri)
    try:
        item = s3.head_object(schedule.connection.target, bucket, key)
    except AwsError as error:
        if error.code not in (*GONE, DENIED):
            raise
        gone = "It was deleted before a job was created."
        # The answer to a HEAD has no body, so the message is no more than "Forbidden"; the hint names the permission.
        file.decide(State.SKIPPED, reason=error.hint if error.code == DENIED else gone)
        return
    if item.etag != file.etag:
        _changed(file, item)
        return
    reason = _obstacle(schedule, bucket, item)
    file.decide(State.SKIPPED if reason else State.CHECKED, reason=reason)


def _changed(file: WatchedFile, item: s3.S3Object) -> None:
    twin = WatchedFile.objects.filter(schedule=file.schedule_id, s3_uri=file.s3_uri, etag=item.etag)
    if twin.exists():
        file.decide(State.SKIPPED, reason="It was overwritten with content that has been taken before.")
    else:
        _note_change(file, item)


def _obstacle(schedule: Schedule, bucket: str, item: s3.S3Object) -> str:
    """Return why *item* is not taken, in a sentence; empty if it is."""
    if not item.size:
        return "It is empty."
    if item.archive:
        return f"It is archived in {item.archive}. Restore it in S3 first."
    least = schedule.min_records
    if least is None:
        return ""
    lines = iter_lines(s3.iter_object(schedule.connection.target, bucket, item.key, etag=item.etag))
    records = sum(1 for _ in islice(filter(bytes.strip, lines), least))
    return "" if records >= least else f"It has {records} records, and the schedule takes files from {least} on."


def _submit(schedule: Schedule, lease: Lease, file: WatchedFile, *, is_told: bool) -> bool:
    """Create the job of *file*, or note why there is none; return whether people have been told of such a file."""
    with transaction.atomic():
        Connection.objects.lock(schedule.connection_id)
        job, reason = _job(schedule, file)
        if not file.decide(State.SUBMITTED if job else State.SKIPPED, job=job, reason=reason):
            raise LeaseLost
        lease.write()
        if job is None and not is_told:
            tell_failed(schedule)
    return is_told or job is None


def _job(schedule: Schedule, file: WatchedFile) -> tuple[BatchJob | None, str]:
    run = Run(timezone.now().astimezone(schedule.tzinfo), file.name.removesuffix(SUFFIX))
    try:
        with transaction.atomic():  # a savepoint: a refused job leaves nothing
            return create_job_of_run(schedule, run, input_s3_uri=file.s3_uri), ""
    except (Invalid, UserError, ValueError) as error:
        return None, reason_of(error)


def retry_file(file: WatchedFile, actor: Actor) -> None:
    """Let a skipped file wait again, so that it is checked and submitted if that is possible now. Raises NotAllowed."""
    schedule = file.schedule
    require_on_job(actor, schedule)
    with transaction.atomic():
        skipped = WatchedFile.objects.filter(pk=file.pk, state=State.SKIPPED)
        if skipped.update(state=State.WAITING, reason="", decided_at=None, changed_at=timezone.now()):
            Schedule.objects.filter(pk=schedule.pk, is_active=True, lease="").update(due_at=timezone.now())
            nudge("watch_folder", schedule.pk)
