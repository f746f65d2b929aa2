"""Tags of jobs created elsewhere: read in the background, newest first, once, and when somebody asks."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.jobs import tags
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.sync import sync
from batchconsole.jobs.tags import AT_ONCE, read_tags
from tests.jobs.bedrock_double import BedrockDouble
from tests.jobs.conftest import arn

pytestmark = pytest.mark.django_db(transaction=True)
NLP = [{"key": "team", "value": "nlp"}]


@pytest.fixture
def double(nowhere: Connection) -> Iterator[BedrockDouble]:
    with BedrockDouble() as running:
        nowhere.bedrock_endpoint_url = running.url
        nowhere.save()
        yield running


def add(double: BedrockDouble, count: int) -> None:
    """Jobs 1 to *count*, the first the newest, each with a tag."""
    for number in range(1, count + 1):
        double.add(number=number, status="Completed", age=timedelta(days=2, minutes=number))
        double.tags[arn(number)] = NLP


def job(number: int) -> BatchJob:
    return BatchJob.objects.get(job_arn=arn(number))


def test_a_sync_reads_no_tags_and_has_them_read(double: BedrockDouble, nowhere: Connection) -> None:
    add(double, 3)
    sync(nowhere)
    nowhere.refresh_from_db()
    assert (double.calls, double.asked_for_tags, job(1).tags_unread) == (1, [], True)
    assert nowhere.tags_due_at


def test_they_are_read_once(double: BedrockDouble, nowhere: Connection) -> None:
    add(double, 2)
    sync(nowhere)
    assert (read_tags(nowhere), read_tags(nowhere)) == (2, None)
    assert (job(1).tags, job(1).tags_unread, nowhere.tags_due_at) == (NLP, False, None)


def test_a_few_are_read_at_once_the_newest_first(double: BedrockDouble, nowhere: Connection) -> None:
    add(double, AT_ONCE + 1)
    sync(nowhere)
    read_tags(nowhere)
    assert double.asked_for_tags == [arn(number) for number in range(1, AT_ONCE + 1)]
    nowhere.refresh_from_db()
    assert nowhere.tags_due_at
    assert nowhere.tags_due_at > timezone.now()


def test_a_refusal_holds_nobody_up(double: BedrockDouble, nowhere: Connection) -> None:
    add(double, AT_ONCE + 1)
    double.untold = {arn(1)}
    sync(nowhere)
    read_tags(nowhere)
    double.asked_for_tags.clear()
    read_tags(nowhere)
    assert double.asked_for_tags == [arn(AT_ONCE + 1), arn(1)]
    assert (job(1).tags_unread, job(AT_ONCE + 1).tags) == (True, NLP)


def test_without_the_permission_they_wait_a_day_and_the_connection_says_why(
    double: BedrockDouble, nowhere: Connection
) -> None:
    add(double, 2)
    double.untold = {arn(1), arn(2)}
    sync(nowhere)
    read_tags(nowhere)
    nowhere.refresh_from_db()
    assert nowhere.tags_due_at
    assert nowhere.tags_due_at > timezone.now() + timedelta(hours=23)
    assert nowhere.tags_error
    assert nowhere.tags_error["code"] == "AccessDeniedException"
    sync(nowhere)
    assert not list(read_tags.due(timezone.now()))


def test_a_job_that_aws_has_forgotten_has_no_tags(double: BedrockDouble, nowhere: Connection) -> None:
    add(double, 1)
    double.tags.clear()
    sync(nowhere)
    read_tags(nowhere)
    assert (job(1).tags, job(1).tags_unread) == ([], False)


def test_a_person_may_have_them_read_again(double: BedrockDouble, nowhere: Connection, person: User) -> None:
    add(double, 1)
    sync(nowhere)
    tags.ask_for_tags(job(1), person)
    assert (job(1).tags, job(1).tags_unread) == (NLP, False)
