"""The archive: jobs that have ended leave the list, are found when asked for, and come back."""

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.jobs import archiving, bulk_actions
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.finding.querysets import COUNT_LIMIT
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
    assert listed(client, f="archived=any") == ["new", "old"]
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


def test_archiving_by_a_filter_counts_up_to_a_bound(connection: Connection, make_job: MakeJob) -> None:
    make_job("old")
    question = StopQuestion(connection, QueryDict("all=1"), "archive")
    with CaptureQueriesContext(database) as queries:
        assert (question.count, question.count_text) == (1, "1")
    assert f"LIMIT {COUNT_LIMIT + 1}" in queries[-1]["sql"]
    question.count = COUNT_LIMIT + 1
    assert (question.count_text, question.unnamed_text) == ("10,000+", "9,999+")


def test_figures_and_totals_agree_with_the_lists_they_link_to(client: Client, make_job: MakeJob, person: User) -> None:
    for name in ("old", "new"):
        make_job(name, end_time=timezone.now(), input_token_count=1, cost_usd=1)
    archiving.archive(BatchJob.objects.get(job_name="old"), person)
    figure = client.get("/local/").context["overview"].figures[-1]
    assert client.get(figure.url).context["table"].page.count_text == figure.count == "1"
    usage = client.get("/local/usage/").context["usage"]
    assert [totals.jobs for _, totals in usage.rows] == [2]
    for url in (usage.all_jobs_url, usage.page.rows[0].url):
        assert client.get(url).context["table"].page.count_text == "2"


def test_all_that_match_leaves_out_what_is_archived(client: Client, make_job: MakeJob, person: User) -> None:
    archiving.archive(make_job("old"), person)
    make_job("new")
    assert "Archive 1 job?" in client.get(f"{URL}archive/", {"all": "1", "match": ""}).text
    assert "None of these jobs is archived." in client.get(f"{URL}unarchive/", {"all": "1", "match": ""}).text
