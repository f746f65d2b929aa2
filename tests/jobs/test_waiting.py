"""The order of the queue, and what people do with jobs in it: hold, release, approve, move, start later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import clock, lifecycle
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.finding.querysets import COUNT_LIMIT
from batchconsole.jobs.models import BatchJob, Connection, Event, ModelLimit, Status, Verb
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.queue.queue_places import why_each_waits, why_waiting
from tests.factories import add_copies, grant
from tests.jobs.conftest import MODEL, claim, make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(person: User) -> User:
    return person


@pytest.fixture
def submitter(nowhere: Connection) -> User:
    user = User.objects.create_user("sue")
    grant(user, "Submitter", nowhere)
    return user


def order(connection: Connection) -> list[int]:
    return list(BatchJob.objects.ready(connection.pk, MODEL, timezone.now()).values_list("pk", flat=True))


def limit(jobs_at_once: int) -> None:
    ModelLimit.objects.create(model_id=MODEL, jobs_at_once=jobs_at_once)


def raise_priority(job: BatchJob, actor: User) -> None:
    waiting.set_priority(job, actor, 1)


def test_the_queue_is_fair_between_people(nowhere: Connection, operator: User, submitter: User) -> None:
    first, second = (make_job(nowhere, created_by=operator) for _ in range(2))
    others = make_job(nowhere, created_by=submitter)
    assert order(nowhere) == [first.pk, others.pk, second.pk]


def test_what_a_person_has_on_aws_counts(nowhere: Connection, operator: User, submitter: User) -> None:
    make_job(nowhere, created_by=operator, status=Status.IN_PROGRESS)
    own, others = make_job(nowhere, created_by=operator), make_job(nowhere, created_by=submitter)
    assert order(nowhere) == [others.pk, own.pk]


def test_priority_comes_before_fairness(nowhere: Connection, operator: User, submitter: User) -> None:
    make_job(nowhere, created_by=submitter)
    urgent = [make_job(nowhere, created_by=operator, priority=5).pk for _ in range(2)]
    late = make_job(nowhere, created_by=submitter, priority=-5)
    assert order(nowhere)[:2] == urgent
    assert order(nowhere)[-1] == late.pk


def test_the_front_is_before_all_and_the_last_one_moved_is_first(nowhere: Connection, operator: User) -> None:
    make_job(nowhere, priority=waiting.HIGHEST)
    jobs = [make_job(nowhere) for _ in range(2)]
    for job in jobs:
        waiting.move_to_front(job, operator)
    assert order(nowhere)[:2] == [jobs[1].pk, jobs[0].pk]
    assert jobs[0].events.get().verb == Verb.PRIORITY_CHANGED


@pytest.mark.parametrize(
    "values",
    [{"held_at": timezone.now()}, {"start_at": timezone.now() + timedelta(hours=1)}],
    ids=["held", "to start later"],
)
def test_what_is_held_or_starts_later_is_neither_handed_out_nor_taken(
    values: dict[str, Any], nowhere: Connection, nudges: list[tuple[str, int]]
) -> None:
    limit(1)
    kept, other = make_job(nowhere, **values), make_job(nowhere)
    clock.tick()
    assert [pk for task, pk in nudges if task == "submit"] == [other.pk]
    assert not claim(kept)
    assert claim(other)


def test_what_is_held_holds_up_nobody_when_aws_had_turned_it_away(nowhere: Connection) -> None:
    make_job(nowhere, held_at=timezone.now(), error_code="X", due_at=timezone.now() + timedelta(minutes=5))
    other = make_job(nowhere)
    clock.tick()
    assert claim(other)


def test_a_nudge_overtakes_nobody(nowhere: Connection) -> None:
    limit(1)
    first, second = make_job(nowhere), make_job(nowhere)
    assert not claim(second)
    assert claim(first)


def test_a_job_is_held_and_released_with_events(nowhere: Connection, operator: User) -> None:
    job = make_job(nowhere)
    waiting.hold(job, operator)
    waiting.hold(job, operator)
    assert why_waiting(BatchJob.objects.get()) == "Held by ada."
    waiting.unhold(job, operator, comment="Go.")
    assert [event.verb for event in job.events.all()] == [Verb.UNHELD, Verb.HELD]
    assert job.events.get(verb=Verb.UNHELD).data == {"comment": "Go."}
    assert claim(job)


def test_a_comment_is_stored_without_what_postgresql_refuses(nowhere: Connection, operator: User) -> None:
    job = make_job(nowhere, held_at=timezone.now(), awaits_approval=True)
    waiting.unhold(job, operator, comment=" Go\0 ")
    assert Event.objects.get(verb=Verb.APPROVED).data == {"comment": "Go"}
    assert waiting.trimmed("\0" * 600 + "a") == "a"


def test_a_job_that_is_checked_stays_held_when_the_check_ends(nowhere: Connection, operator: User) -> None:
    job = make_job(nowhere, status=Status.CHECKING)
    waiting.hold(job, operator)
    lifecycle.release(job, operator)
    assert not claim(job)


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.IN_PROGRESS, Status.COMPLETED, Status.REJECTED])
@pytest.mark.parametrize(
    "verb",
    [waiting.hold, waiting.unhold, waiting.move_to_front, lambda job, actor: waiting.set_priority(job, actor, 1)],
)
def test_what_has_left_the_queue_stays_as_it_is(
    verb: Callable[[BatchJob, User], None], status: Status, nowhere: Connection, operator: User
) -> None:
    job = make_job(nowhere, status=status)
    with pytest.raises(UserError, match="no place in the queue"):
        verb(job, operator)


@pytest.mark.parametrize("priority", [-101, 101])
def test_a_priority_has_bounds(priority: int, nowhere: Connection, operator: User) -> None:
    with pytest.raises(UserError, match="from -100 to 100"):
        waiting.set_priority(make_job(nowhere), operator, priority)


def test_priority_and_front_take_operate_for_own_jobs_too(nowhere: Connection, submitter: User) -> None:
    job = make_job(nowhere, created_by=submitter)
    for verb in (waiting.move_to_front, raise_priority):
        with pytest.raises(NotAllowed, match="operate"):
            verb(job, submitter)


def test_a_submitter_releases_no_hold_of_an_operator(nowhere: Connection, submitter: User, operator: User) -> None:
    job = make_job(nowhere, created_by=submitter)
    waiting.hold(job, submitter)
    waiting.unhold(job, submitter)
    waiting.hold(job, operator)
    with pytest.raises(NotAllowed, match="operate"):
        waiting.unhold(job, submitter)


def create(connection: Connection, actor: User | None, **values: Any) -> BatchJob:
    asked = {
        "job_name": "j",
        "model_id": MODEL,
        "role_arn": "arn:aws:iam::123456789012:role/batch",
        "input_s3_uri": "s3://data/in/",
        "output_s3_uri": "s3://data/out/",
    }
    return lifecycle.create_job(connection=connection, actor=actor, request=JobRequest.from_fields(asked), **values)


def start(connection: Connection, actor: User) -> BatchJob:
    """Create a job whose start time has come a minute ago."""
    job = create(connection, actor, start_at=timezone.now() - timedelta(minutes=1))
    assert not job.is_held
    return job


def submit(job: BatchJob) -> BatchJob:
    """Let a worker submit *job* to an address that nobody listens at, and return its row."""
    lifecycle.submit(BatchJob.objects.get(pk=job.pk))
    return BatchJob.objects.get(pk=job.pk)


@pytest.mark.parametrize(
    "forbid",
    [
        lambda user, _: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user, _: user.grants.all().delete(),
        lambda _, connection: Connection.objects.filter(pk=connection.pk).update(allowed_models=["anthropic.*"]),
        lambda _, connection: Connection.objects.filter(pk=connection.pk).update(input_prefixes=["s3://other/"]),
    ],
)
@pytest.mark.parametrize("is_scheduled", [True, False])
def test_a_job_that_waited_is_held_when_it_is_not_allowed_any_more(
    nowhere: Connection, submitter: User, operator: User, forbid: Callable[..., Any], is_scheduled: bool
) -> None:
    if is_scheduled:
        job = start(nowhere, submitter)
    else:
        job = create(nowhere, submitter)
        waiting.hold(job, operator)
    forbid(submitter, nowhere)
    if not is_scheduled:
        waiting.unhold(BatchJob.objects.get(), operator)
    row = submit(job)
    assert (row.status, row.is_held, row.awaits_approval, row.attempts) == (Status.QUEUED, True, True, 0)
    why = job.events.get(verb=Verb.APPROVAL_ASKED).data["not_allowed"]
    assert why.startswith("sue may not create this job any more: ")


def test_who_approves_a_job_vouches_for_its_creator(nowhere: Connection, submitter: User, operator: User) -> None:
    job = start(nowhere, submitter)
    User.objects.filter(pk=submitter.pk).update(is_active=False)
    waiting.unhold(submit(job), operator, comment="Still wanted.")
    assert submit(job).attempts == 1


def test_a_job_that_waited_and_is_still_allowed_is_submitted(nowhere: Connection, submitter: User) -> None:
    assert submit(start(nowhere, submitter)).attempts == 1


def test_a_job_of_a_submitter_waits_for_approval_where_that_is_asked(
    nowhere: Connection, submitter: User, operator: User
) -> None:
    nowhere.asks_approval = True
    nowhere.save()
    job = create(nowhere, submitter)
    assert why_waiting(job) == "Waits for approval."
    with pytest.raises(NotAllowed, match="operate"):
        waiting.unhold(job, submitter, comment="Please.")
    with pytest.raises(UserError, match="comment"):
        waiting.unhold(job, operator, comment=" ")
    waiting.unhold(job, operator, comment="Within the budget.")
    assert [event.verb for event in job.events.all()] == [Verb.APPROVED, Verb.APPROVAL_ASKED, Verb.CREATED]
    assert claim(job)


def test_an_operator_and_the_system_need_no_approval(nowhere: Connection, operator: User) -> None:
    nowhere.asks_approval = True
    nowhere.save()
    assert not create(nowhere, operator).is_held
    assert not create(nowhere, None).is_held


def test_each_job_is_told_its_place_in_the_queue(nowhere: Connection, operator: User, submitter: User) -> None:
    make_job(nowhere, status="InProgress", created_by=operator)
    people = (operator, submitter, None)
    jobs = {job.pk: job for job in (make_job(nowhere, priority=n % 2, created_by=people[n % 3]) for n in range(12))}
    limit(1)
    told = why_each_waits(jobs.values())
    places = [told[key].partition(". ")[2] for key in order(nowhere)]
    assert places[:2] == ["Next in the queue.", "1 job ahead in the queue."]
    assert places[2:] == [f"{ahead} jobs ahead in the queue." for ahead in range(2, 12)]


def test_the_queues_of_many_models_take_as_many_queries_as_that_of_one(
    nowhere: Connection, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [make_job(nowhere, model_id=f"amazon.model-{number}-v1:0") for number in range(8)]
    with django_assert_max_num_queries(5):
        told = why_each_waits(jobs)
    assert set(told.values()) == {"Next in the queue."}


def test_a_place_in_a_very_long_queue_is_not_counted(nowhere: Connection) -> None:
    long = make_job(nowhere, model_id="long")
    add_copies(long, count=COUNT_LIMIT)
    short, last = make_job(nowhere), BatchJob.objects.filter(base_model_id="long").latest("pk")
    told = why_each_waits([short, last])
    assert told == {short.pk: "Next in the queue.", last.pk: "More than 10,000 jobs are in the queue."}


def test_who_else_takes_the_quota_is_told(nowhere: Connection) -> None:
    limit(2)
    for origin in BatchJob.Origin.values:
        make_job(nowhere, status=Status.IN_PROGRESS, origin=origin)
    jobs = [make_job(nowhere) for _ in range(2)]
    told = "Model quota in use (2 of 2, 1 by others in the account). 1 job ahead in the queue."
    assert why_waiting(jobs[1]) == told


def test_when_a_job_starts_is_told_in_the_time_zone_of_who_reads_it(nowhere: Connection) -> None:
    at = timezone.now().replace(year=2999, month=1, day=1, hour=8, minute=0)
    job = make_job(nowhere, start_at=at)
    assert why_waiting(job) == "Starts at 2999-01-01, 08:00 (UTC)."
    with timezone.override("Europe/Berlin"):
        assert why_waiting(job) == "Starts at 2999-01-01, 09:00 (UTC+01:00)."


@pytest.mark.parametrize(("status", "is_held"), [(Status.QUEUED, True), (Status.SUBMITTING, False)])
def test_approval_is_asked_for_jobs_in_the_queue_only(nowhere: Connection, status: Status, is_held: bool) -> None:
    job = make_job(nowhere, status=status)
    for _ in range(2):
        waiting.ask_approval(BatchJob.objects.get(pk=job.pk), budget="It is used up.")
    assert BatchJob.objects.get(pk=job.pk).awaits_approval is is_held
    assert [event.data for event in job.events.all()] == [{"budget": "It is used up."}] * is_held


def test_a_job_on_demand_waits_for_a_worker_and_takes_no_place_in_the_queue(nowhere: Connection) -> None:
    limit(1)
    lane = BatchJob.Lane.ON_DEMAND
    make_job(nowhere, lane=lane, status=Status.IN_PROGRESS)
    on_demand, batch = make_job(nowhere, lane=lane), make_job(nowhere)
    told = why_each_waits([on_demand, batch])
    assert told == {on_demand.pk: "Waits for a worker.", batch.pk: "Next in the queue."}
