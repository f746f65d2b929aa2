"""The archive: jobs that have ended leave the list, are found when asked for, and come back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs import archiving, bulk_actions
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Connection
from tests.console.conftest import MakeJob

URL = "/local/jobs/"


def listed(client: Client, **query: str) -> list[str]:
    return sorted(job.job_name for job in client.get(URL, query).context["table"].page.rows)


def test_an_archived_job_leaves_the_list_and_comes_back(client: Client, make_job: MakeJob) -> None:
    job = make_job("old")
    make_job("new")
    client.post(f"{URL}{job.pk}/archive/")
    assert listed(client) == ["new"]
    assert listed(client, f="archived=yes") == ["old"]
    assert client.get(URL).context["table"].segments[0].count == "1"
    client.post(f"{URL}{job.pk}/unarchive/")
    assert listed(client) == ["new", "old"]
    assert [event.verb for event in job.events.all()] == ["unarchived", "archived"]


def test_a_job_that_goes_on_is_not_archived(make_job: MakeJob, person: User) -> None:
    with pytest.raises(UserError, match="Only jobs that have ended"):
        archiving.archive(make_job(status="InProgress"), person)


def test_many_are_archived_and_brought_back(connection: Connection, make_job: MakeJob, person: User) -> None:
    for status in ("Completed", "Failed", "Queued"):
        make_job(status, status)
    for kind, became in (("archive", "archived"), ("unarchive", "restored")):
        action = bulk_actions.request_bulk_action(
            kind, connection=connection, actor=person, jobs=BatchJob.objects.all()
        )
        bulk_actions.stop_jobs(action)
        assert action.counts() == {became: 2}


def test_all_that_match_leaves_out_what_is_archived(client: Client, make_job: MakeJob, person: User) -> None:
    archiving.archive(make_job("old"), person)
    make_job("new")
    assert "Archive 1 job?" in client.get(f"{URL}archive/", {"all": "1", "match": ""}).text
    assert "None of these jobs is archived." in client.get(f"{URL}unarchive/", {"all": "1", "match": ""}).text
