"""What a person keeps of the job list: views under a name; and the list as a file."""

import csv
import io
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.console.job_list.columns import COLUMNS
from batchconsole.console.job_list.export import BEHIND
from batchconsole.console.job_list.saved_views import SavedView, write_views
from batchconsole.console.kit.pagination import LOOK_AHEAD
from batchconsole.jobs.models import BatchJob, Connection, KeptPreferences
from tests.console.conftest import MakeJob
from tests.console.job.test_job_stop import said
from tests.console.job_list.test_jobs import names
from tests.console.job_list.test_table_look import choose

URL = "/local/jobs/"
SAVE, REMOVE, EXPORT = (f"/local/jobs{end}" for end in ("/views/save/", "/views/remove/", ".csv"))


def test_a_view_is_saved_under_a_name_and_leads_to_the_same_list(client: Client, make_job: MakeJob) -> None:
    make_job("failed", "Failed")
    make_job("fine")
    client.post(SAVE, {"name": "Broken", "query": "status=failed&sort=name&page=7&x=1"})
    text = client.get(URL).text
    assert 'href="/local/jobs/?status=failed&amp;sort=name"' in text
    assert names(client.get(f"{URL}?status=failed&sort=name")) == ["failed"]


def test_a_view_of_the_same_name_is_replaced_and_can_be_removed(client: Client, connection: Connection) -> None:
    client.post(SAVE, {"name": "Mine", "query": "status=failed"})
    client.post(SAVE, {"name": "Mine", "query": "status=running"})
    assert [view.query for view in client.get(URL).context["table"].views] == ["status=running"]
    client.post(REMOVE, {"name": "Mine"})
    assert client.get(URL).context["table"].views == []


def test_a_view_that_another_tab_has_saved_meanwhile_is_not_replaced_unseen(
    client: Client, connection: Connection
) -> None:
    seen = client.get(URL).context["table"].seen_views
    client.post(SAVE, {"name": "Mine", "query": "status=failed", "seen": seen})
    told = said(client.post(SAVE, {"name": "Mine", "query": "status=running", "seen": seen}))
    assert 'it is "status=failed" now, "status=running" here.' in told[-1]
    assert [view.query for view in client.get(URL).context["table"].views] == ["status=failed"]
    seen = client.get(URL).context["table"].seen_views
    client.post(SAVE, {"name": "Mine", "query": "status=running", "seen": seen})
    assert [view.query for view in client.get(URL).context["table"].views] == ["status=running"]


def test_views_saved_in_another_browser_are_not_lost(client: Client, person: User, connection: Connection) -> None:
    KeptPreferences.keep(person, "views", write_views([SavedView("Theirs", "status=failed")]))
    client.post(SAVE, {"name": "Mine", "query": "status=running"})
    assert [view.name for view in client.get(URL).context["table"].views] == ["Theirs", "Mine"]


@pytest.mark.parametrize("name", [" ", "a\0b", "a\nb", "a" * 41])
def test_a_view_needs_a_name(name: str, client: Client, connection: Connection) -> None:
    response = client.post(SAVE, {"name": name, "query": "q=a%00"})
    assert said(response) == ["Enter a name of up to 40 printable characters for the view."]


def test_there_is_room_for_so_many_views_only(client: Client, connection: Connection) -> None:
    for number in range(30):
        response = client.post(SAVE, {"name": f"view {number}", "query": f"q={'x' * 150}"})
    assert said(response)[-1] == "You have reached the limit of saved views. Remove one first."


@pytest.mark.parametrize("cookie", ["nonsense", "bnVsbA==", "W3sibmFtZSI6IDF9XQ==", "é"])
def test_a_cookie_that_cannot_be_read_holds_no_views(client: Client, connection: Connection, cookie: str) -> None:
    client.cookies["console-views"] = cookie
    assert client.get(URL).context["table"].views == []


def test_the_file_has_every_job_that_matches(client: Client, make_job: MakeJob) -> None:
    for number in range(30):
        make_job(f"job-{number:02}", cost_usd=Decimal("0.5"), tags=[{"key": "team", "value": "nlp"}])
    make_job("other", "Failed")
    response = client.get(EXPORT, {"status": "completed", "sort": "name", "page": "2"})
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert [row["job_name"] for row in rows] == [f"job-{number:02}" for number in range(30)]
    assert rows[0]["tags"] == "team=nlp"
    assert rows[0]["created_by"] == "ada"
    assert rows[0]["end_time"] == ""


def test_the_file_can_hold_the_columns_shown_only_in_their_order(client: Client, make_job: MakeJob) -> None:
    make_job(cost_usd=Decimal("0.5"))
    choose(client, columns=["model", "cost"], order=["cost", "name", "model"])
    lines = client.get(EXPORT, {"columns": "shown"}).getvalue().decode().splitlines()
    assert lines == ["cost_usd,job_name,model_id", "0.500000,welcome,amazon.nova-lite-v1:0"]


def test_every_column_has_something_for_the_file() -> None:
    assert {column.name for column in COLUMNS} == set(BEHIND)


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless(client: Client, make_job: MakeJob) -> None:
    make_job("=HYPERLINK(0)", tags=[{"key": "+cmd", "value": "x"}])
    row = next(csv.DictReader(io.StringIO(client.get(EXPORT).getvalue().decode())))
    assert (row["job_name"], row["tags"]) == ("'=HYPERLINK(0)", "'+cmd=x")


def test_a_large_table_is_not_sorted_by_what_has_no_index(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    BatchJob.objects.bulk_create(
        BatchJob(connection=job.connection, job_name="job", model_id="a.b") for _ in range(LOOK_AHEAD + 20)
    )
    table = client.get(URL, {"sort": "-cost"}).context["table"]
    assert table.sort == []
    assert "Narrow the filter to sort by other columns" in client.get(URL, {"sort": "-cost"}).text
    assert {heading.column.name for heading in table.headings if heading.url} == {"name", "status", "created"}
    assert client.get(URL, {"sort": "-cost", "q": "welcome"}).context["table"].sort == ["-cost"]
