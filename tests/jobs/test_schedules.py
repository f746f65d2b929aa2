"""Schedules by rule: each planned time gives one job, whoever dies, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import BatchJob, Connection, Event, Grant, Notice, NotificationChannel, Schedule, Verb
from batchconsole.jobs.notifications.handing_on import may_know
from batchconsole.jobs.notifications.messages import as_text
from batchconsole.jobs.repeating import schedule_runs, schedules
from batchconsole.jobs.repeating.schedule_jobs import tell_failed
from batchconsole.jobs.repeating.schedule_runs import MOST_CAUGHT_UP, MOST_LISTED, run_schedule
from batchconsole.jobs.repeating.schedules import Wanted
from batchconsole.jobs.retention import prune
from tests.conftest import ACCOUNT
from tests.factories import MODEL, grant
from tests.jobs.conftest import die, held
from tests.jobs.test_scheduling import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-micro-v1:0"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def request(**fields: Any) -> JobRequest:
    defaults: dict[str, Any] = {
        "job_name": "nightly-{date:%Y%m%d}-{time:%H%M}",
        "model_id": MODEL,
        "model_invocation_type": "Converse",
        "input_s3_uri": "s3://bucket/in/{date:%Y-%m-%d}/",
        "output_s3_uri": "s3://bucket/out/",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/r",
    }
    return JobRequest(**defaults | fields)


def wanted(**values: Any) -> Wanted:
    return Wanted(**{"title": "Nightly", "kind": "rule", "request": request(), "rule": "0 * * * *", **values})


@pytest.fixture
def schedule(nowhere: Connection, person: User) -> Schedule:
    return schedules.create_schedule(nowhere, person, wanted())


def overdue(schedule: Schedule, by: timedelta, **columns: Any) -> Schedule:
    """As if nothing had run for the time *by*."""
    since = timezone.now() - by
    Schedule.objects.filter(pk=schedule.pk).update(handled_until=since, due_at=timezone.now(), **columns)
    schedule.refresh_from_db()
    return schedule


def outcomes(schedule: Schedule) -> list[str]:
    return list(schedule.runs.order_by("planned_at").values_list("outcome", flat=True))


def test_it_works(schedule: Schedule, person: User) -> None:
    run_schedule(overdue(schedule, HOUR))
    run = schedule.runs.get()
    job = BatchJob.objects.get()
    assert (run.job, run.outcome, job.created_by) == (job, "created", person)
    assert job.job_name == f"nightly-{run.planned_at:%Y%m%d}-{run.planned_at:%H%M}"
    assert job.input_s3_uri == f"s3://bucket/in/{run.planned_at:%Y-%m-%d}/"


def test_it_is_due_at_the_planned_time_but_looks_again_soon(schedule: Schedule) -> None:
    assert schedule.next_at
    run_schedule(schedule)
    schedule.refresh_from_db()
    assert schedule.due_at
    assert schedule.due_at <= min(schedule.next_at, timezone.now() + schedule_runs.LOOK_AGAIN)
    assert not BatchJob.objects.exists()


def test_a_worker_that_dies_after_the_job_leaves_one(schedule: Schedule) -> None:
    lease = held(run_schedule, overdue(schedule, HOUR))
    [at] = schedule.cron_rule.between(schedule.handled_until, timezone.now(), most=2)
    schedule_runs._settle(schedule, lease, at, skip_reason="")
    die(lease)
    run_schedule(schedule)
    assert BatchJob.objects.count() == schedule.runs.count() == 1


def test_a_worker_that_dies_before_it_commits_leaves_none_and_the_next_makes_it(schedule: Schedule) -> None:
    lease = held(run_schedule, overdue(schedule, HOUR))
    [at] = schedule.cron_rule.between(schedule.handled_until, timezone.now(), most=2)
    with transaction.atomic():
        schedule_runs._settle(schedule, lease, at, skip_reason="")
        transaction.set_rollback(True)
    assert not BatchJob.objects.exists()
    die(lease)
    run_schedule(schedule)
    assert BatchJob.objects.count() == 1


def test_a_worker_that_comes_late_makes_nothing(schedule: Schedule) -> None:
    late = held(run_schedule, overdue(schedule, HOUR))
    [at] = schedule.cron_rule.between(schedule.handled_until, timezone.now(), most=2)
    die(late)
    held(run_schedule, Schedule.objects.get(pk=schedule.pk))
    with pytest.raises(LeaseLost):
        schedule_runs._settle(schedule, late, at, skip_reason="")
    assert not BatchJob.objects.exists()
    assert not schedule.runs.exists()


def test_two_workers_at_once_make_one_job(schedule: Schedule) -> None:
    overdue(schedule, HOUR)
    at_once(*[lambda: run_schedule(Schedule.objects.get(pk=schedule.pk))] * 3)
    assert BatchJob.objects.count() == 1


@pytest.mark.parametrize(("missed", "jobs"), [("latest", 1), ("each", 5), ("skip", 0)])
def test_missed_runs_are_caught_up_or_skipped_as_set(schedule: Schedule, missed: str, jobs: int) -> None:
    now = timezone.now()
    rule = f"{(now - 20 * MINUTE).minute} * * * *"
    run_schedule(overdue(schedule, 5 * HOUR, rule=rule, missed=missed))
    assert outcomes(schedule) == ["skipped"] * (5 - jobs) + ["created"] * jobs


def test_catching_up_is_bounded(schedule: Schedule) -> None:
    run_schedule(overdue(schedule, 9 * HOUR, rule="* * * * *", missed="each"))
    found = outcomes(schedule)
    assert (len(found), found.count("created")) == (MOST_LISTED, MOST_CAUGHT_UP)
    assert "Earlier ones" in schedule.runs.order_by("planned_at")[0].reason


def test_a_clock_set_back_repeats_nothing_and_waits_for_nothing(schedule: Schedule) -> None:
    run_schedule(overdue(schedule, HOUR))
    ahead = timezone.now() + timedelta(days=300)
    Schedule.objects.update(handled_until=ahead, next_at=ahead, due_at=timezone.now())
    run_schedule(schedule)
    schedule.refresh_from_db()
    assert BatchJob.objects.count() == 1
    assert schedule.handled_until <= timezone.now()
    assert schedule.next_at
    assert schedule.next_at <= timezone.now() + HOUR
    overdue(schedule, HOUR)
    run_schedule(schedule)
    assert BatchJob.objects.count() == 1


@pytest.mark.parametrize("loss", ["right", "account", "person"])
def test_an_owner_without_rights_stops_it(schedule: Schedule, person: User, loss: str) -> None:
    NotificationChannel.objects.create(connection=schedule.connection, kind="webhook", name="hook")
    if loss == "right":
        Grant.objects.all().delete()
    elif loss == "account":
        User.objects.update(is_active=False)
    else:
        Schedule.objects.update(created_by=None)
    run_schedule(overdue(schedule, HOUR))
    schedule.refresh_from_db()
    assert not schedule.is_active
    assert "take it over" in schedule.stop_reason
    assert outcomes(schedule) == ["failed"]
    assert list(Notice.objects.values_list("occasion", flat=True)) == ["schedule.stopped", "schedule.run_failed"]
    assert Event.objects.filter(verb=Verb.SCHEDULE_STOPPED).exists()
    assert not BatchJob.objects.exists()


def test_a_refusal_is_a_run_with_its_reason_and_the_schedule_goes_on(schedule: Schedule) -> None:
    Connection.objects.update(allowed_models=["anthropic.*"])
    run_schedule(overdue(schedule, HOUR))
    schedule.refresh_from_db()
    assert schedule.is_active
    assert "does not allow the model" in schedule.runs.get(outcome="failed").reason


def test_names_stay_unique_within_their_limit(schedule: Schedule, person: User) -> None:
    Schedule.objects.update(definition=request(job_name="n" * 63).as_fields())
    for number in range(3):
        schedules.run_now(Schedule.objects.get(), person, token=f"{number:032}")
    names = sorted(BatchJob.objects.values_list("job_name", flat=True), key=len)
    assert len(set(names)) == 3
    assert max(map(len, names)) == 63


def test_running_now_twice_with_one_token_makes_one_job(schedule: Schedule, person: User) -> None:
    for _ in range(2):
        schedules.run_now(schedule, person, token="a" * 32)
    assert (BatchJob.objects.count(), schedule.runs.get().by_hand) == (1, True)


def test_what_was_missed_in_a_pause_is_not_caught_up(schedule: Schedule, person: User) -> None:
    schedules.pause_schedule(schedule, person)
    assert (schedule.is_active, schedule.due_at) == (False, None)
    overdue(schedule, 5 * HOUR)
    run_schedule(schedule)
    schedules.resume_schedule(schedule, person)
    run_schedule(schedule)
    assert not BatchJob.objects.exists()


def test_who_changes_it_becomes_its_owner(schedule: Schedule) -> None:
    other = User.objects.create_user("eve")
    with pytest.raises(NotAllowed):
        schedules.change_schedule(schedule, other, wanted(title="Mine"))
    grant(other, "Operator")
    schedules.change_schedule(schedule, User.objects.get(username="eve"), wanted(title="Mine"))
    assert (schedule.title, schedule.created_by) == ("Mine", other)
    changed = Event.objects.get(verb=Verb.SCHEDULE_CHANGED)
    assert (changed.before, changed.after) == ({"title": "Nightly"}, {"title": "Mine"})


def test_deleting_it_keeps_its_jobs(schedule: Schedule, person: User) -> None:
    schedules.run_now(schedule, person)
    schedules.delete_schedule(schedule, person)
    assert BatchJob.objects.count() == 1


def test_saving_twice_with_one_token_gives_one(nowhere: Connection, person: User) -> None:
    made = [schedules.create_schedule(nowhere, person, wanted(), token="a" * 32) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"title": " "}, "title", "required"),
        ({"rule": "0 2 * *"}, "rule", "five fields"),
        ({"rule": "61 2 * * *"}, "rule", "minute"),
        ({"rule": "0 0 30 2 *"}, "rule", "day"),
        ({"zone": "Mars/Base"}, "zone", "no time zone"),
        ({"zone": "../etc/passwd"}, "zone", "no time zone"),
        ({"request": request(job_name="night {file}")}, "job_name", "{file}"),
        ({"request": request(input_s3_uri="s3://bucket/{datum}/")}, "input_s3_uri", "no placeholder"),
        ({"request": request(output_s3_uri="s3://bucket/{date:%Q}/")}, "output_s3_uri", "%Q"),
        ({"request": request(output_s3_uri="s3://bucket/{date")}, "output_s3_uri", "brace"),
        ({"request": request(model_id=ELSEWHERE)}, "model_id", "eu-west-1"),
        ({"kind": "folder", "folder_s3_uri": "bucket/in"}, "folder_s3_uri", "S3 location"),
        ({"kind": "folder", "folder_s3_uri": "s3://b/in/", "interval_minutes": 0}, "interval_minutes", "from 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    nowhere: Connection, person: User, values: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        schedules.create_schedule(nowhere, person, wanted(**values))
    [problem] = [each for each in refused.value.problems if each.field == field]
    assert words in problem.message


def test_its_person_hears_of_it_without_markup(schedule: Schedule, person: User) -> None:
    channel = NotificationChannel.objects.create(user=person, kind="email", name="mail")
    schedule.title = "Night <b>@all</b>"
    with transaction.atomic():
        tell_failed(schedule)
    notice = Notice.objects.get()
    assert may_know(channel, notice)
    assert as_text(notice).title == "Night__b__all__b_: Scheduled run failed or was skipped"


def test_old_runs_are_deleted(schedule: Schedule, settings: Any) -> None:
    settings.SCHEDULE_DAYS = 30
    old = datetime(2020, 1, 1, tzinfo=UTC)
    schedule.runs.create(planned_at=old, created_at=old, outcome="skipped")
    kept = schedule.runs.create(planned_at=timezone.now(), outcome="skipped")
    prune()
    assert list(schedule.runs.all()) == [kept]
