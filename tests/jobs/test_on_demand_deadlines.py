"""Jobs past the deadline of their connection: their rest is requested on demand once, as if their person had asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.clock import STEPS
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import BatchJob, Budget, Connection, Grant, Notice, NotificationChannel, Status, Verb
from batchconsole.jobs.on_demand import deadlines
from batchconsole.jobs.on_demand.creating import take_over
from batchconsole.jobs.on_demand.deadlines import late_jobs, note_on, take_over_late_jobs
from tests.jobs.conftest import Sample, arn, converse_lines, die, held, make_job

HOURS = 3


def ago(hours: float) -> Any:
    return timezone.now() - timedelta(hours=hours)


def late(connection: Connection, person: User | None, **values: Any) -> BatchJob:
    """A job that AWS has had for long, and has not begun."""
    usual = {"status": Status.SCHEDULED, "submit_time": ago(HOURS + 1), "job_arn": arn(7), "created_by": person}
    return make_job(connection, model_invocation_type="Converse", **{**usual, **values})


@pytest.fixture
def asking(connection: Connection, sample_input: Sample) -> Connection:
    """A connection whose administrator has set the deadline, and an input of three records."""
    s3.put_object(connection.target, sample_input.bucket, "in/converse.jsonl", converse_lines(3))
    connection.on_demand_after_hours = HOURS
    connection.save()
    return connection


@pytest.fixture
def job(asking: Connection, person: User, sample_input: Sample) -> BatchJob:
    return late(asking, person, input_s3_uri=sample_input.input_s3_uri, output_s3_uri=sample_input.output_s3_uri)


def use_up_budget(connection: Connection, above: str) -> None:
    Budget.objects.create(usd_per_month=1, above=above)
    make_job(connection, status=Status.IN_PROGRESS, job_arn=arn(8), estimate_usd=2, submit_time=timezone.now())


def rests() -> list[BatchJob]:
    return list(BatchJob.objects.filter(lane=BatchJob.Lane.ON_DEMAND))


@pytest.mark.django_db(transaction=True)
def test_it_works(job: BatchJob, asking: Connection, person: User) -> None:
    channel = {"kind": "webhook", "occasions": ["job.past_deadline"]}
    NotificationChannel.objects.create(connection=asking, name="x", **channel)
    take_over_late_jobs(asking)
    [made] = rests()
    assert (made.resend_of, made.created_by, made.on_demand_run.takes_over) == (job, person, True)
    assert made.estimate_usd
    event = job.events.get(verb=Verb.DEADLINE_PASSED)
    assert (event.actor, event.data) == (person, {"job": made.pk, "name": made.job_name, "hours": HOURS})
    assert Notice.objects.get().occasion == "job.past_deadline"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_requested_twice_though_a_worker_dies_before_its_step_ends(
    job: BatchJob, asking: Connection
) -> None:
    lease = held(take_over_late_jobs, asking)
    deadlines._request(job, lease)
    die(lease)
    for _ in range(2):
        take_over_late_jobs(asking)
        Connection.objects.update(on_demand_due_at=timezone.now())
    assert len(rests()) == 1
    BatchJob.objects.filter(pk=rests()[0].pk).update(status=Status.FAILED)
    take_over_late_jobs(asking)
    assert len(rests()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_requests_nothing(job: BatchJob, asking: Connection) -> None:
    lease = held(take_over_late_jobs, asking)
    die(lease)
    assert take_over_late_jobs.take(asking)
    with pytest.raises(LeaseLost):
        deadlines._request(job, lease)
    assert not rests()


@pytest.mark.django_db(transaction=True)
def test_one_that_a_person_has_taken_over_is_left_alone(job: BatchJob, asking: Connection, person: User) -> None:
    take_over(job, person)
    take_over_late_jobs(asking)
    assert len(rests()) == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_has_moved_meanwhile_is_left_alone(job: BatchJob, asking: Connection) -> None:
    lease = held(take_over_late_jobs, asking)
    BatchJob.objects.filter(pk=job.pk).update(status=Status.COMPLETED)
    deadlines._request(job, lease)
    assert not rests()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("why", ["budget", "right", "model", "input"])
def test_what_the_person_may_not_do_is_refused_once(job: BatchJob, asking: Connection, person: User, why: str) -> None:
    if why == "budget":
        use_up_budget(asking, Budget.Above.REFUSE)
    elif why == "right":
        Grant.objects.all().delete()
    elif why == "model":
        Connection.objects.update(allowed_models=["anthropic.*"])
    else:
        Connection.objects.update(input_prefixes=["s3://other/"])
    for _ in range(2):
        Connection.objects.update(on_demand_due_at=timezone.now())
        take_over_late_jobs(asking)
    assert not rests()
    event = job.events.get(verb=Verb.DEADLINE_REFUSED)
    assert event.actor is None
    assert event.data["message"] in note_on(job, [event])
    job.refresh_from_db()
    assert job.status == Status.SCHEDULED


@pytest.mark.django_db(transaction=True)
def test_an_input_that_aws_does_not_give_is_asked_for_again_later(job: BatchJob, asking: Connection) -> None:
    BatchJob.objects.update(input_s3_uri="s3://no-such-bucket-of-the-console/in/")
    take_over_late_jobs(asking)
    assert not rests()
    assert not job.events.filter(verb__in=deadlines.ASKED).exists()
    asking.refresh_from_db()
    assert asking.on_demand_due_at
    assert (asking.on_demand_lease, asking.on_demand_due_at > timezone.now()) == ("", True)


@pytest.mark.django_db(transaction=True)
def test_a_budget_that_holds_jobs_holds_the_rest(job: BatchJob, asking: Connection) -> None:
    use_up_budget(asking, Budget.Above.HOLD)
    take_over_late_jobs(asking)
    [made] = rests()
    assert (made.awaits_approval, made.is_held) == (True, True)
    assert made.events.filter(verb=Verb.APPROVAL_ASKED).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "is_late"),
    [
        ({}, True),
        ({"submit_time": ago(HOURS - 1)}, False),
        ({"status": Status.IN_PROGRESS, "last_modified_time": ago(HOURS + 1)}, True),
        ({"status": Status.IN_PROGRESS, "last_modified_time": ago(HOURS - 1)}, False),
        ({"status": Status.IN_PROGRESS, "status_changed_at": ago(HOURS + 1)}, True),
        ({"status": Status.STOPPING}, False),
        ({"status": Status.COMPLETED}, False),
        ({"status": Status.QUEUED}, False),
        ({"status": Status.IN_PROGRESS, "last_modified_time": ago(9), "lane": "on_demand"}, False),
        ({"created_by": None}, False),
    ],
)
def test_a_job_is_late(nowhere: Connection, person: User, values: dict[str, Any], is_late: bool) -> None:
    nowhere.on_demand_after_hours = HOURS
    late(nowhere, person, **values)
    assert late_jobs(nowhere, timezone.now()).exists() == is_late
    nowhere.on_demand_after_hours = None
    assert not late_jobs(nowhere, timezone.now()).exists()


@pytest.mark.django_db
def test_a_model_that_usually_takes_longer_gets_its_time(nowhere: Connection, person: User) -> None:
    make_job(
        nowhere, status=Status.COMPLETED, submit_time=ago(9), end_time=timezone.now(), model_invocation_type="Converse"
    )
    job = late(nowhere, person, status=Status.IN_PROGRESS, last_modified_time=ago(HOURS + 1))
    nowhere.on_demand_after_hours = HOURS
    nowhere.save()
    take_over_late_jobs(nowhere)
    assert not job.events.exists()
    assert "for 3 hours" in note_on(job, [])


@pytest.mark.django_db
def test_only_a_connection_that_asks_has_the_step(nowhere: Connection) -> None:
    [step] = [each for each in STEPS if each.name == "take_over_late_jobs"]
    assert not list(step.due(timezone.now()))
    nowhere.on_demand_after_hours = 1
    nowhere.save()
    assert list(step.due(timezone.now())) == [nowhere]
    nowhere.on_demand_after_hours = None
    nowhere.save()
    assert not list(step.due(timezone.now()))
