"""Stopping many jobs as one recorded action: outcomes, crashes, repetitions, and an AWS that is away."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from batchconsole.jobs import bulk_actions, clock, lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, BulkAction, Connection, Event, Status, Verb
from tests.jobs.conftest import LocalBedrock, arn, die, held, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]


def request_stop(connection: Connection, actor: User | None = None, **values: Any) -> BulkAction:
    jobs = BatchJob.objects.filter(connection=connection)
    return bulk_actions.request_stop(connection=connection, actor=actor, jobs=jobs, **values)


def finish(action: BulkAction) -> BulkAction:
    """Run every step, as workers would that are nudged."""
    for _ in range(100):
        action = BulkAction.objects.get(pk=action.pk)
        if action.is_finished:
            break
        bulk_actions.stop_jobs(action)
    return action


def outcomes(action: BulkAction) -> dict[str, str]:
    return {item.job.job_name: item.outcome for item in action.items.select_related("job")}


def failure(action: BulkAction) -> dict[str, str]:
    """Why a job of *action* could not be stopped."""
    return dict(action.items.filter(outcome="failed")[0].error or {})


def on_aws(job: BatchJob, local_bedrock: LocalBedrock) -> BatchJob:
    """*job*, running on AWS and in no hurry."""
    local_bedrock.set(record_seconds=5)
    lifecycle.submit(job)
    job.refresh_from_db()
    return job


def test_waiting_jobs_are_cancelled_and_running_ones_stopped_at_aws(
    job: BatchJob, person: User, local_bedrock: LocalBedrock
) -> None:
    running = on_aws(job, local_bedrock)
    make_job(job.connection, job_name="waiting")
    action = finish(request_stop(job.connection, person))
    assert outcomes(action) == {running.job_name: "stopped", "waiting": "cancelled"}
    running.refresh_from_db()
    assert running.status == Status.STOPPING
    assert running.events.get(verb=Verb.STOP_REQUESTED).actor == person


def test_the_queue_is_emptied_first_so_that_nothing_takes_the_places_of_the_stopped(nowhere: Connection) -> None:
    make_job(nowhere, job_name="running", status=Status.IN_PROGRESS, job_arn=arn(1))
    make_job(nowhere, job_name="head")
    make_job(nowhere, job_name="last")
    assert list(outcomes(request_stop(nowhere))) == ["last", "head", "running"]


def test_a_request_writes_who_asked_for_what(nowhere: Connection, person: User, nudges: Nudges) -> None:
    make_job(nowhere)
    make_job(nowhere, status=Status.COMPLETED)
    action = request_stop(nowhere, person, query="status=waiting", matched_all=True)
    assert (action.job_count, action.skipped, action.created_by) == (1, 1, person)
    event = Event.objects.get(verb=Verb.BULK_STOP_REQUESTED)
    assert (event.actor, event.data) == (person, {"bulk_action": action.pk, "jobs": 1, "filter": "status=waiting"})
    assert nudges == [("stop_jobs", action.pk)]


def test_the_end_is_an_event_with_the_counts(nowhere: Connection) -> None:
    make_job(nowhere)
    action = finish(request_stop(nowhere))
    assert Event.objects.get(verb=Verb.BULK_STOP_FINISHED).data == {"bulk_action": action.pk, "cancelled": 1}


def test_what_ends_meanwhile_had_already_ended(nowhere: Connection) -> None:
    job = make_job(nowhere, job_name="quick", status=Status.IN_PROGRESS, job_arn=arn(1))
    action = request_stop(nowhere)
    job.transition(Status.COMPLETED, verb=Verb.REPORTED)
    assert outcomes(finish(action)) == {"quick": "ended"}


def test_what_somebody_else_is_stopping_is_said_to_be(nowhere: Connection) -> None:
    job = make_job(nowhere, job_name="taken", status=Status.IN_PROGRESS, job_arn=arn(1))
    action = request_stop(nowhere)
    job.transition(Status.STOPPING, verb=Verb.REPORTED)
    assert outcomes(finish(action)) == {"taken": "stopping"}


def test_a_refusal_is_kept_with_aws_s_message_and_keeps_no_other(
    connection: Connection, local_bedrock: LocalBedrock
) -> None:
    make_job(connection, job_name="unknown", status=Status.IN_PROGRESS, job_arn=arn(1))
    make_job(connection, job_name="waiting")
    action = finish(request_stop(connection))
    assert outcomes(action) == {"unknown": "failed", "waiting": "cancelled"}
    assert failure(action)["code"] == "ResourceNotFoundException"


def test_jobs_made_after_the_request_are_left_alone(nowhere: Connection) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    later = make_job(nowhere)
    finish(action)
    later.refresh_from_db()
    assert later.status == Status.QUEUED


def test_a_step_is_bounded_and_asks_for_the_next(nowhere: Connection, nudges: Nudges) -> None:
    for _ in range(3):
        make_job(nowhere)
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action, most=2)
    assert action.counts() == {"cancelled": 2, "pending": 1}
    assert nudges == [("stop_jobs", action.pk)] * 2
    assert finish(action).counts() == {"cancelled": 3}


def test_a_second_delivery_does_nothing_while_the_first_is_at_it(nowhere: Connection) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    held(bulk_actions.stop_jobs, BulkAction.objects.get(pk=action.pk))
    bulk_actions.stop_jobs(BulkAction.objects.get(pk=action.pk))
    assert action.counts() == {"pending": 1}


def test_a_worker_that_died_is_followed_by_another(nowhere: Connection, nudges: Nudges) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    lease = held(bulk_actions.stop_jobs, action)
    nudges.clear()
    clock.tick(timezone.now())
    assert ("stop_jobs", action.pk) not in nudges
    die(lease)
    clock.tick(timezone.now())
    assert ("stop_jobs", action.pk) in nudges
    assert finish(action).counts() == {"cancelled": 1}


def test_a_job_stopped_just_before_a_crash_is_counted_once_and_as_stopped(
    job: BatchJob, person: User, local_bedrock: LocalBedrock
) -> None:
    running = on_aws(job, local_bedrock)
    action = request_stop(job.connection, person)
    lifecycle.stop(running, person, data={"bulk_action": action.pk})  # and here its worker died
    assert outcomes(finish(action)) == {job.job_name: "stopped"}
    assert running.events.filter(verb=Verb.STOP_REQUESTED).count() == 1


def test_a_job_that_ended_by_itself_was_not_stopped(nowhere: Connection) -> None:
    running = make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1))
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action)  # AWS is away
    assert running.events.filter(verb=Verb.STOP_REQUESTED).exists()
    BatchJob.objects.update(status=Status.COMPLETED)
    BulkAction.objects.update(due_at=timezone.now(), lease="")
    assert outcomes(finish(action)) == {running.job_name: "ended"}


def test_with_aws_away_it_waits_and_then_gives_up_with_the_reason(nowhere: Connection) -> None:
    for number in range(2):
        make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(number))
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action)
    action.refresh_from_db()
    assert action.due_at is not None
    assert action.due_at > timezone.now()
    assert not action.lease
    BulkAction.objects.update(failures=bulk_actions.MOST_ATTEMPTS - 1)
    action = finish(action)
    assert action.counts() == {"failed": 2}
    assert failure(action)["message"]


def test_a_job_being_submitted_is_tried_again_and_given_up_in_the_end(nowhere: Connection) -> None:
    make_job(nowhere, status=Status.SUBMITTING)
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action)
    assert action.counts() == {"pending": 1}
    action = finish(action)
    assert action.counts() == {"failed": 1}
    assert failure(action)["message"] == lifecycle.BEING_SUBMITTED


def test_nothing_to_stop_and_too_much_are_said(nowhere: Connection) -> None:
    make_job(nowhere, status=Status.COMPLETED)
    with pytest.raises(UserError, match="No jobs to stop"):
        request_stop(nowhere)
    for _ in range(2):
        make_job(nowhere)
    with pytest.raises(UserError, match="More than 1 jobs"):
        request_stop(nowhere, most=1)
    assert not BulkAction.objects.exists()


def test_the_rest_is_left_alone_once_it_is_cancelled(nowhere: Connection, person: User) -> None:
    for name in ("first", "second", "third"):
        make_job(nowhere, job_name=name)
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action, most=1)
    assert bulk_actions.cancel_rest(BulkAction.objects.get(pk=action.pk), person) == 2
    assert outcomes(action) == {"third": "cancelled", "second": "left", "first": "left"}
    assert list(BatchJob.objects.order_by("pk").values_list("status", flat=True)) == ["Queued", "Queued", "Cancelled"]


def test_a_cancelled_rest_says_who_and_when_and_how_it_ended(nowhere: Connection, person: User) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    bulk_actions.cancel_rest(action, person)
    action.refresh_from_db()
    assert (action.cancelled_by, action.is_finished, action.due_at) == (person, True, None)
    assert action.cancelled_at is not None
    event = Event.objects.get(verb=Verb.BULK_STOP_CUT_SHORT)
    assert (event.actor, event.data) == (person, {"bulk_action": action.pk})
    assert Event.objects.get(verb=Verb.BULK_STOP_FINISHED).data == {"bulk_action": action.pk, "left": 1}


def test_a_worker_finishes_the_job_in_hand_and_leaves_the_others_alone(nowhere: Connection, person: User) -> None:
    make_job(nowhere, job_name="left")
    make_job(nowhere, job_name="in hand")
    action = request_stop(nowhere)

    @receiver(post_save, sender=Event, weak=False, dispatch_uid="cancel")
    def cancel(instance: Event, **_: Any) -> None:
        """While the worker stops a job, somebody cancels the rest."""
        if instance.verb == Verb.CANCELLED:
            assert bulk_actions.cancel_rest(BulkAction.objects.get(pk=action.pk), person) == 0

    try:
        bulk_actions.stop_jobs(BulkAction.objects.get(pk=action.pk))
    finally:
        post_save.disconnect(sender=Event, dispatch_uid="cancel")
    assert outcomes(action) == {"in hand": "cancelled", "left": "left"}
    assert BulkAction.objects.get(pk=action.pk).is_finished


def test_a_job_stopped_just_before_a_crash_is_not_said_to_be_left_alone(nowhere: Connection, person: User) -> None:
    make_job(nowhere, job_name="left")
    stopped = make_job(nowhere, job_name="stopped")
    action = request_stop(nowhere, person)
    lifecycle.stop(stopped, person, data={"bulk_action": action.pk})  # and here its worker died
    assert bulk_actions.cancel_rest(action, person) == 1
    assert outcomes(action) == {"stopped": "cancelled", "left": "left"}


def test_a_rest_cancelled_under_a_worker_that_died_is_ended_by_the_clock(
    nowhere: Connection, person: User, nudges: Nudges
) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    lease = held(bulk_actions.stop_jobs, BulkAction.objects.get(pk=action.pk))
    assert bulk_actions.cancel_rest(action, person) == 0
    die(lease)
    nudges.clear()
    clock.tick(timezone.now())
    assert ("stop_jobs", action.pk) in nudges
    assert finish(action).counts() == {"left": 1}


def test_what_waits_for_an_aws_that_is_away_can_be_cancelled_at_once(nowhere: Connection, person: User) -> None:
    make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1))
    action = request_stop(nowhere)
    bulk_actions.stop_jobs(action)
    assert bulk_actions.cancel_rest(BulkAction.objects.get(pk=action.pk), person) == 1
    assert action.items.get().error is None


def test_nothing_is_cancelled_twice_or_after_the_end(nowhere: Connection, person: User) -> None:
    make_job(nowhere)
    action = request_stop(nowhere)
    bulk_actions.cancel_rest(action, person)
    with pytest.raises(UserError, match="has finished already"):
        bulk_actions.cancel_rest(BulkAction.objects.get(pk=action.pk), person)
    BulkAction.objects.update(finished_at=None)
    with pytest.raises(UserError, match="were already cancelled"):
        bulk_actions.cancel_rest(BulkAction.objects.get(pk=action.pk), person)
    assert Event.objects.filter(verb=Verb.BULK_STOP_CUT_SHORT).count() == 1


def test_jobs_of_the_queue_are_held_and_released(nowhere: Connection, person: User) -> None:
    waiting, running = make_job(nowhere), make_job(nowhere, status=Status.IN_PROGRESS)
    jobs = BatchJob.objects.filter(pk__in=[waiting.pk, running.pk])
    for kind, became, is_held in (("hold", "held", True), ("unhold", "released", False)):
        action = bulk_actions.request_bulk_action(kind, connection=nowhere, actor=person, jobs=jobs)
        assert (action.job_count, action.skipped) == (1, 1)
        bulk_actions.stop_jobs(action)
        assert action.counts() == {became: 1}
        assert BatchJob.objects.get(pk=waiting.pk).is_held is is_held


def test_a_bulk_release_approves_with_its_comment(nowhere: Connection, person: User) -> None:
    for _ in range(2):
        make_job(nowhere, held_at=timezone.now(), awaits_approval=True)
    for comment, became in (("", "failed"), ("Within budget.", "released")):
        action = bulk_actions.request_bulk_action(
            "unhold", connection=nowhere, actor=person, jobs=BatchJob.objects.all(), comment=comment
        )
        bulk_actions.stop_jobs(action)
        assert action.counts() == {became: 2}


def test_what_has_left_the_queue_meanwhile_needs_no_change(nowhere: Connection, person: User) -> None:
    job = make_job(nowhere)
    action = bulk_actions.request_bulk_action("hold", connection=nowhere, actor=person, jobs=BatchJob.objects.all())
    BatchJob.objects.filter(pk=job.pk).update(status=Status.IN_PROGRESS)
    bulk_actions.stop_jobs(action)
    assert action.counts() == {"unchanged": 1}
