"""One row: the state machine, its audit trail, and what the row says of itself. No network."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError

from batchconsole.jobs.models import (
    ENDED,
    ENDED_ON_AWS,
    LIVE,
    BatchJob,
    Connection,
    IllegalTransition,
    Status,
    Verb,
    base_model_id,
)
from batchconsole.jobs.states import NEXT
from tests.jobs.conftest import MODEL, arn, make_job
from tests.jobs.test_scheduling import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_works(nowhere: Connection, person: User) -> None:
    job = make_job(nowhere)
    job.transition(Status.CANCELLED, verb=Verb.CANCELLED, actor=person, data={"a": 1}, due_at=None)
    event = job.events.get()
    assert (event.verb, event.actor, event.from_status, event.to_status, event.data) == (
        Verb.CANCELLED,
        person,
        Status.QUEUED,
        Status.CANCELLED,
        {"a": 1},
    )
    assert (job.status, BatchJob.objects.get().status) == (Status.CANCELLED, Status.CANCELLED)


def test_every_state_has_its_steps() -> None:
    assert set(NEXT) == set(Status)


@pytest.mark.parametrize("status", sorted(ENDED_ON_AWS))
def test_nothing_comes_after_an_end_on_aws(status: Status) -> None:
    assert NEXT[status] == frozenset()


@pytest.mark.parametrize("status", sorted(set(Status) - ENDED_ON_AWS - LIVE - {Status.CHECKING, Status.REJECTED}))
def test_whatever_may_have_been_sent_can_be_found_on_aws(status: Status) -> None:
    assert NEXT[status] >= LIVE | ENDED_ON_AWS


def test_a_step_the_machine_does_not_have_changes_nothing(nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.COMPLETED)
    with pytest.raises(IllegalTransition, match="Completed"):
        job.transition(Status.STOPPING, verb=Verb.STOP_REQUESTED)
    assert not job.events.exists()
    assert BatchJob.objects.get().status == Status.COMPLETED


def test_who_comes_late_is_told_so(nowhere: Connection) -> None:
    job = make_job(nowhere)
    late = BatchJob.objects.get(pk=job.pk)
    job.transition(Status.SUBMITTING, verb=Verb.CLAIMED)
    with pytest.raises(IllegalTransition, match="no longer Queued"):
        late.transition(Status.CANCELLED, verb=Verb.CANCELLED)
    assert job.events.count() == 1


def test_of_many_at_once_one_takes_the_step(nowhere: Connection) -> None:
    job = make_job(nowhere)

    def step(to: Status) -> Callable[[], None]:
        row = BatchJob.objects.get(pk=job.pk)
        return lambda: row.transition(to, verb=Verb.REPORTED)

    found = at_once(*[step(to) for to in (Status.CANCELLED, Status.SUBMITTING) * 3])
    assert sorted(type(one).__name__ for one in found) == ["IllegalTransition"] * 5 + ["NoneType"]
    assert job.events.count() == 1


def test_an_arn_is_one_jobs(nowhere: Connection) -> None:
    make_job(nowhere, job_arn=arn(1))
    with pytest.raises(IntegrityError):
        make_job(nowhere, job_arn=arn(1))


def test_jobs_without_an_arn_do_not_collide(nowhere: Connection) -> None:
    make_job(nowhere)
    make_job(nowhere)


def test_its_id_is_the_end_of_its_arn(nowhere: Connection) -> None:
    assert make_job(nowhere, job_arn=arn(7)).aws_id == "000000000007"
    assert make_job(nowhere).aws_id == ""


@pytest.mark.parametrize("status", Status)
def test_what_can_be_stopped(nowhere: Connection, status: Status) -> None:
    stoppable = {Status.CHECKING, Status.QUEUED} | LIVE - {Status.STOPPING}
    assert make_job(nowhere, status=status).can_stop is (status in stoppable)
    assert make_job(nowhere, status=status).is_ended is (status in ENDED)


@pytest.mark.parametrize(
    ("model_id", "base"),
    [
        (MODEL, MODEL),
        (f"us.{MODEL}", MODEL),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}", MODEL),
        (f"arn:aws:bedrock:us-east-1:1:custom-model/{MODEL}/abcdefghijkl", f"custom-model/{MODEL}"),
    ],
)
def test_one_model_has_many_names(model_id: str, base: str) -> None:
    assert base_model_id(model_id) == base


class TestSets:
    """What pages list."""

    def test_text_is_looked_for_in_name_and_model(self, nowhere: Connection) -> None:
        job = make_job(nowhere, job_name="Summaries-2026")
        make_job(nowhere, job_name="other")
        assert list(BatchJob.objects.matching("summ")) == [job]
        assert BatchJob.objects.matching("NOVA").count() == 2
        assert BatchJob.objects.matching("").count() == 2

    def test_percent_and_underscore_are_plain_text(self, nowhere: Connection) -> None:
        make_job(nowhere, job_name="abc")
        assert not BatchJob.objects.matching("a%c").exists()
        assert not BatchJob.objects.matching("a_c").exists()

    def test_states_are_chosen(self, nowhere: Connection) -> None:
        job = make_job(nowhere, status=Status.FAILED)
        make_job(nowhere)
        assert list(BatchJob.objects.in_status(["Failed", "Stopped"])) == [job]
        assert BatchJob.objects.in_status([]).count() == 2

    def test_counting_stops_at_a_bound(self, nowhere: Connection) -> None:
        for _ in range(4):
            make_job(nowhere)
        make_job(nowhere, status=Status.FAILED)
        assert BatchJob.objects.bounded_count(10) == 5
        assert BatchJob.objects.bounded_count(2) == 3

    @pytest.mark.parametrize("limit", [1, 2, 10])
    def test_groups_are_counted_up_to_a_bound(self, nowhere: Connection, limit: int) -> None:
        for status in ("Queued", "Queued", "Queued", "Failed", "Expired", "Completed"):
            make_job(nowhere, status=status)
        groups = {"waiting": ["Queued"], "failed": ["Failed", "Expired"], "stopped": ["Stopped"]}
        jobs = BatchJob.objects.filter(connection=nowhere)
        wanted = {name: min(count, limit + 1) for name, count in (("waiting", 3), ("failed", 2), ("stopped", 0))}
        assert jobs.group_counts(groups, limit, among=jobs) == wanted

    def test_queues_are_counted_by_model(self, nowhere: Connection) -> None:
        make_job(nowhere)
        make_job(nowhere, model_id=f"us.{MODEL}")
        make_job(nowhere, status=Status.COMPLETED)
        assert BatchJob.objects.queues() == [(nowhere.pk, MODEL, 2)]
