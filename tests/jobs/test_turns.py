"""Turns: one person's long steps keep nobody else waiting; and what is cancelled stops."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.jobs import clock, lifecycle
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs import input_checks, making
from batchconsole.jobs.leases import RENEW_SECONDS, Lease, LeaseLost
from batchconsole.jobs.models import BatchJob, Connection, Event, InputCheck, MadeInput, Status, Verb
from batchconsole.jobs.outputs.results import collect_results
from batchconsole.jobs.queue import turns
from tests.jobs.conftest import MODEL, make_job

Nudges = list[tuple[str, int]]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def another(db: None) -> User:
    return User.objects.create_user("another")


@pytest.fixture(autouse=True)
def synced(nowhere: Connection) -> None:
    later = timezone.now() + timedelta(minutes=10)
    Connection.objects.update(sync_due_at=later, limits_due_at=later)


def a_check(connection: Connection, person: User | None) -> InputCheck:
    return InputCheck.objects.create(
        connection=connection,
        created_by=person,
        input_s3_uri="s3://bucket/in.jsonl",
        model_id=MODEL,
        model_invocation_type="Converse",
    )


def a_making(connection: Connection, person: User) -> MadeInput:
    return MadeInput.objects.create(
        connection=connection, created_by=person, source_name="rows.csv", source_size=1, output_s3_uri="s3://bucket/x"
    )


def take(check: InputCheck) -> Lease | None:
    return input_checks.check_records.take(check)


def later(lease: Lease) -> Lease:
    """*lease*, as it is when it is next renewed."""
    lease.renewed_at -= RENEW_SECONDS
    return lease


def test_alone_a_person_has_all_workers(nowhere: Connection, person: User) -> None:
    assert take(a_check(nowhere, person))
    assert take(a_check(nowhere, person))


def test_a_second_step_does_not_begin_while_others_wait(nowhere: Connection, person: User, another: User) -> None:
    first, second, others = a_check(nowhere, person), a_check(nowhere, person), a_check(nowhere, another)
    assert take(first)
    assert take(second) is None
    assert take(others)
    assert take(second)


def test_what_must_wait_is_tried_again_soon(nowhere: Connection, person: User, another: User) -> None:
    first, second, _ = a_check(nowhere, person), a_check(nowhere, person), a_check(nowhere, another)
    take(first)
    take(second)
    second.refresh_from_db()
    assert second.due_at
    assert timezone.now() < second.due_at <= timezone.now() + turns.PAUSE


def test_the_turn_of_a_second_step_is_over_when_somebody_comes(
    nowhere: Connection, person: User, another: User
) -> None:
    first, second = a_check(nowhere, person), a_check(nowhere, person)
    lease, second_lease = take(first), take(second)
    assert lease
    assert second_lease
    second_lease.write(state=InputCheck.State.RUNNING)
    later(second_lease).renew()
    others = a_check(nowhere, another)
    later(lease).renew()
    with pytest.raises(LeaseLost):
        later(second_lease).renew(bytes_done=1)
    second.refresh_from_db()
    assert (second.state, second.lease, second.losses) == (InputCheck.State.QUEUED, "", 0)
    assert take(others)


def test_turns_are_taken_over_all_kinds_of_long_steps(nowhere: Connection, person: User, another: User) -> None:
    take(a_check(nowhere, person))
    made = a_making(nowhere, person)
    ended = make_job(
        nowhere, created_by=person, status=Status.COMPLETED, results=BatchJob.Results.PENDING, due_at=timezone.now()
    )
    a_check(nowhere, another)
    assert making.make_input.take(made) is None
    assert collect_results.take(ended) is None


def test_what_nobody_asked_for_takes_turns_as_a_person_does(nowhere: Connection, person: User) -> None:
    take(a_check(nowhere, None))
    second = a_check(nowhere, None)
    a_check(nowhere, person)
    assert take(second) is None


def test_who_waits_for_s3_keeps_nobody_from_a_second_step(nowhere: Connection, person: User, another: User) -> None:
    take(a_check(nowhere, person))
    InputCheck.objects.filter(pk=a_check(nowhere, another).pk).update(due_at=timezone.now() + timedelta(minutes=5))
    assert take(a_check(nowhere, person))


def test_the_clock_hands_out_few_of_each_person(
    nowhere: Connection, person: User, another: User, nudges: Nudges
) -> None:
    for _ in range(10):
        a_check(nowhere, person)
    others = a_check(nowhere, another)
    clock.tick()
    handed_out = [pk for task, pk in nudges if task == "check_records"]
    assert others.pk in handed_out
    assert len(handed_out) == 5


@pytest.fixture(params=["check", "making"])
def work(request: pytest.FixtureRequest, nowhere: Connection, person: User) -> InputCheck | MadeInput:
    return a_check(nowhere, person) if request.param == "check" else a_making(nowhere, person)


def cancel(work: InputCheck | MadeInput, actor: User) -> None:
    if isinstance(work, InputCheck):
        input_checks.cancel_check(work, actor)
    else:
        making.cancel_making(work, actor)


def test_what_is_cancelled_stops_its_worker(work: InputCheck | MadeInput, person: User) -> None:
    person.is_superuser = True
    step = input_checks.check_records if isinstance(work, InputCheck) else making.make_input
    lease = step.take(work)  # type: ignore[arg-type] # the step is that of the row
    assert lease
    cancel(work, person)
    assert (work.state, work.due_at, work.is_finished) == ("cancelled", None, True)
    with pytest.raises(LeaseLost):
        later(lease).renew()
    assert step.take(work) is None  # type: ignore[arg-type] # as above
    verbs = {Verb.INPUT_CHECK_CANCELLED, Verb.INPUT_MAKING_CANCELLED}
    assert Event.objects.get(verb__in=verbs).actor == person


def test_what_has_ended_is_not_cancelled(work: InputCheck | MadeInput, person: User) -> None:
    person.is_superuser = True
    cancel(work, person)
    with pytest.raises(UserError, match="ended already"):
        cancel(work, person)


def test_what_is_somebody_elses_is_not_cancelled(work: InputCheck | MadeInput, another: User) -> None:
    with pytest.raises(NotAllowed):
        cancel(work, another)


def test_a_check_that_a_job_waits_for_is_not_cancelled(nowhere: Connection, person: User) -> None:
    person.is_superuser = True
    check = a_check(nowhere, person)
    make_job(nowhere, status=Status.CHECKING, input_check=check)
    with pytest.raises(UserError, match="A job waits"):
        input_checks.cancel_check(check, person)


def test_a_job_that_no_longer_waits_ends_its_check(nowhere: Connection, person: User) -> None:
    check = a_check(nowhere, person)
    job = make_job(nowhere, status=Status.CHECKING, input_check=check)
    lifecycle.cancel(job)
    check.refresh_from_db()
    assert check.state == InputCheck.State.CANCELLED


def test_a_check_goes_on_for_the_other_job_that_waits(nowhere: Connection, person: User) -> None:
    check = a_check(nowhere, person)
    job, _ = (make_job(nowhere, status=Status.CHECKING, input_check=check) for _ in range(2))
    lifecycle.cancel(job)
    check.refresh_from_db()
    assert not check.is_finished
