"""The verbs on a schedule: create, change, pause, resume, delete, and run now. Each checks the right and records it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.account import account_id
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.job_rules import FieldProblem, find_problems
from batchconsole.jobs.models import Actor, Connection, Event, Right, Schedule, ScheduleRun, Verb
from batchconsole.jobs.models.schedule import TITLE_LENGTH
from batchconsole.jobs.repeating.cron_rules import read_rule
from batchconsole.jobs.repeating.placeholders import Run, problem_of
from batchconsole.jobs.repeating.schedule_jobs import request_of_run
from batchconsole.jobs.repeating.schedule_runs import LOOK_AGAIN, run_by_hand
from batchconsole.jobs.rights.access import require, require_on_job, require_places, rights_on
from batchconsole.jobs.s3.input_objects import location
from batchconsole.jobs.same_request import made_once
from batchconsole.jobs.signals import nudge

PATTERNS = ("job_name", "input_s3_uri", "output_s3_uri")
MOST_MINUTES = 24 * 60
MOST_RECORDS = 50_000_000
MOST_STABLE_SECONDS = 24 * 60 * 60
STEPS = {Schedule.Kind.RULE: "run_schedule", Schedule.Kind.FOLDER: "watch_folder"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asks for; the fields of the other kind of schedule are ignored."""

    title: str
    kind: str
    request: JobRequest
    check_input: bool = True
    rule: str = ""
    zone: str = "UTC"
    missed: str = Schedule.Missed.LATEST
    folder_s3_uri: str = ""
    interval_minutes: int = 5
    stable_seconds: int = 60
    min_records: int | None = None
    takes_overwritten: bool = False
    takes_existing: bool = False

    @property
    def columns(self) -> dict[str, Any]:
        """The values of the row, apart from what the console keeps there itself."""
        values: dict[str, Any] = {
            "title": self.title.strip(),
            "kind": self.kind,
            "definition": replace(self.request, client_request_token="").as_fields(),
            "check_input": self.check_input,
        }
        if self.kind == Schedule.Kind.RULE:
            rule = read_rule(self.rule, self.zone)
            return values | {"rule": rule.text, "zone": rule.zone, "missed": self.missed}
        names = ("zone", "folder_s3_uri", "interval_minutes", "stable_seconds", "min_records", "takes_overwritten")
        return values | {name: getattr(self, name) for name in names}


def find_schedule_problems(connection: Connection, wanted: Wanted) -> list[FieldProblem]:
    """Return all problems of *wanted*; empty if it can be saved. Raises AwsError if the account is unknown."""
    found = _of_title(wanted) + (_of_rule(wanted) if wanted.kind == Schedule.Kind.RULE else _of_folder(wanted))
    if wanted.kind not in Schedule.Kind.values:
        return [*found, FieldProblem("kind", f"Choose one of {', '.join(Schedule.Kind.values)}.")]
    patterns = _of_patterns(wanted)
    if patterns:
        return found + patterns
    return found + _of_request(connection, wanted)


def _of_title(wanted: Wanted) -> list[FieldProblem]:
    if not wanted.title.strip():
        return [FieldProblem("title", "Title is required.")]
    if len(wanted.title) > TITLE_LENGTH or not wanted.title.isprintable():
        return [FieldProblem("title", f"Enter one line of at most {TITLE_LENGTH} characters.")]
    return []


def _of_rule(wanted: Wanted) -> list[FieldProblem]:
    try:
        read_rule(wanted.rule, wanted.zone)
    except ValueError as error:
        return [FieldProblem("zone" if "time zone" in str(error) else "rule", str(error))]
    if wanted.missed not in Schedule.Missed.values:
        return [FieldProblem("missed", f"Choose one of {', '.join(Schedule.Missed.values)}.")]
    return []


def _of_folder(wanted: Wanted) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    try:
        location(wanted.folder_s3_uri)
    except UserError as error:
        found.append(FieldProblem("folder_s3_uri", error.message))
    for name, least, most in (
        ("interval_minutes", 1, MOST_MINUTES),
        ("stable_seconds", 0, MOST_STABLE_SECONDS),
        ("min_records", 1, MOST_RECORDS),
    ):
        value = getattr(wanted, name)
        if value is not None and not least <= value <= most:
            found.append(FieldProblem(name, f"Enter a whole number from {least} to {most}."))
    return found


def _of_patterns(wanted: Wanted) -> list[FieldProblem]:
    has_file = wanted.kind == Schedule.Kind.FOLDER
    words = {name: problem_of(getattr(wanted.request, name), has_file=has_file) for name in PATTERNS}
    return [FieldProblem(name, text) for name, text in words.items() if text]


def _of_request(connection: Connection, wanted: Wanted) -> list[FieldProblem]:
    """Return the problems of the job that the schedule would create now."""
    is_folder = wanted.kind == Schedule.Kind.FOLDER
    folder = wanted.folder_s3_uri.rstrip("/")
    found: list[FieldProblem] = []
    if is_folder and folder:
        try:
            require_places(connection, input=f"{folder}/")
        except NotAllowed as error:
            found.append(FieldProblem("folder_s3_uri", f"{error.message} {error.hint}"))
    input_s3_uri = f"{folder}/input.jsonl" if is_folder else ""
    run = Run(timezone.now(), "input" if is_folder else "")
    request = request_of_run(connection, wanted.request, run, input_s3_uri=input_s3_uri)
    problems = find_problems(connection, request)
    hidden = {"input_s3_uri"} if is_folder else set()
    return found + [each for each in problems if each.field not in hidden]


def create_schedule(connection: Connection, actor: Actor, wanted: Wanted, *, token: str = "") -> Schedule:
    """Save a schedule that runs in the name of *actor*. Raises NotAllowed, Invalid and AwsError.

    A repeated *token* returns the schedule that was created with it.
    """
    _require_valid(connection, actor, wanted)

    def make() -> Schedule:
        with transaction.atomic():
            made = Schedule(connection=connection, created_by=actor, request_token=token, **wanted.columns)
            made.files_since = None if wanted.takes_existing else timezone.now()
            made.next_at = next_time(made, made.handled_until)
            made.save()
            _record(made, actor, Verb.SCHEDULE_CREATED, after=wanted.columns)
            nudge(STEPS[Schedule.Kind(made.kind)], made.pk)
        return made

    return made_once(Schedule, connection, actor, token=token, make=make)


def change_schedule(schedule: Schedule, actor: Actor, wanted: Wanted) -> None:
    """Change the definition of *schedule*, which from now on runs in the name of *actor*.

    So nobody has jobs made with another person's rights. Raises NotAllowed, Invalid and AwsError.
    """
    require_on_job(actor, schedule)
    wanted = replace(wanted, kind=schedule.kind)
    _require_valid(schedule.connection, actor, wanted)
    now = timezone.now()
    columns = wanted.columns
    before = {name: getattr(schedule, name) for name in columns}
    changed = {name: value for name, value in columns.items() if before[name] != value}
    moved: dict[str, Any] = {"files_since": now} if "folder_s3_uri" in changed else {}
    if wanted.takes_existing:
        moved = {"files_since": None}
    for name, value in {**columns, **moved, "created_by": actor}.items():
        setattr(schedule, name, value)
    values = {**columns, **moved, **_afresh(schedule, now), "created_by": actor}
    with transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(**values)
        old = {name: before[name] for name in changed}
        _record(schedule, actor, Verb.SCHEDULE_CHANGED, before=old, after=changed)
    schedule.refresh_from_db()


def _require_valid(connection: Connection, actor: Actor, wanted: Wanted) -> None:
    require(actor, Right.SUBMIT, connection)
    _require_rights_of_person(connection, actor)
    account_id(connection)
    problems = find_schedule_problems(connection, wanted)
    if problems:
        raise Invalid(problems)


def _require_rights_of_person(connection: Connection, actor: Actor) -> None:
    """Raise NotAllowed for a key with fewer rights than its owner, with whose rights the schedule would run."""
    person = User.objects.filter(pk=actor.pk).first() if actor else None
    if actor and person and rights_on(person, connection) - rights_on(actor, connection):
        raise NotAllowed(
            "This key has fewer rights than its owner, and a schedule runs with all rights of its owner.",
            "Use a key with the same rights, or save the schedule in the console.",
        )


def next_time(schedule: Schedule, now: datetime) -> datetime | None:
    """Return when *schedule* runs or looks next, as planned after *now*."""
    return schedule.cron_rule.next_after(now) if schedule.is_by_rule else now


def _afresh(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """Return the columns of a schedule that begins anew: nothing before *now* is caught up, and no worker holds it."""
    next_at = next_time(schedule, now)
    due_at = min(next_at, now + LOOK_AGAIN) if next_at else None
    return {"handled_until": now, "next_at": next_at, "due_at": due_at, "lease": "", "listing_token": "", "losses": 0}


def pause_schedule(schedule: Schedule, actor: Actor) -> None:
    """Create no more jobs until somebody resumes it; jobs that exist go on. Raises NotAllowed."""
    require_on_job(actor, schedule)
    with transaction.atomic():
        running = Schedule.objects.filter(pk=schedule.pk, is_active=True)
        if running.update(is_active=False, due_at=None, lease="", next_at=None, stop_reason=""):
            _record(schedule, actor, Verb.SCHEDULE_PAUSED)
    schedule.refresh_from_db()


def resume_schedule(schedule: Schedule, actor: Actor) -> None:
    """Go on from now; what was missed during the pause is not caught up. Raises NotAllowed."""
    require_on_job(actor, schedule)
    fresh = _afresh(schedule, timezone.now())
    with transaction.atomic():
        paused = Schedule.objects.filter(pk=schedule.pk, is_active=False)
        if paused.update(is_active=True, stop_reason="", failures=0, error=None, **fresh):
            _record(schedule, actor, Verb.SCHEDULE_RESUMED)
            nudge(STEPS[Schedule.Kind(schedule.kind)], schedule.pk)
    schedule.refresh_from_db()


def delete_schedule(schedule: Schedule, actor: Actor) -> None:
    """Delete *schedule* with the records of its runs and files; its jobs stay. Raises NotAllowed."""
    require_on_job(actor, schedule)
    with transaction.atomic():
        _record(schedule, actor, Verb.SCHEDULE_DELETED, before={"title": schedule.title})
        schedule.delete()


def run_now(schedule: Schedule, actor: Actor, *, token: str = "") -> ScheduleRun | None:
    """Create a job now, even while paused, and return the run; or look into the folder now, and return None.

    A repeated *token* returns the same run. Raises NotAllowed, :class:`UserError` and AwsError.
    """
    require_on_job(actor, schedule)
    if schedule.is_by_rule:
        account_id(schedule.connection)
        return run_by_hand(schedule, actor, token=token)
    if not schedule.is_active:
        raise UserError("The schedule is paused.", hint="Resume it first.")
    now = timezone.now()
    with transaction.atomic():
        free = Schedule.objects.filter(pk=schedule.pk, lease="")
        if free.update(next_at=now, due_at=now):
            nudge("watch_folder", schedule.pk)
        _record(schedule, actor, Verb.SCHEDULE_RUN_REQUESTED)
    return None


def _record(schedule: Schedule, actor: Actor, verb: Verb, **values: dict[str, Any]) -> None:
    Event.objects.create(
        connection=schedule.connection,
        actor=actor,
        verb=verb,
        target=f"schedule {schedule.title}"[:255],
        data={"schedule_id": schedule.pk},
        **values,
    )
