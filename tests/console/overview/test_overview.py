"""The landing page of a connection: its figures, what runs, what failed and why, and what needs somebody."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.jobs.models import BatchJob, Connection, Schedule
from tests.console.conftest import MakeJob

URL = "/local/"
QUERIES = 32


def figures(client: Client) -> dict[str, str]:
    return {figure.name: figure.count for figure in client.get(URL).context["overview"].figures}


def warnings(client: Client) -> list[str]:
    return [warning.title for warning in client.get(URL).context["overview"].warnings]


def test_it_works(client: Client, make_job: MakeJob) -> None:
    make_job("support-triage", "InProgress", total_record_count=1000, processed_record_count=360)
    make_job("label-run", "Failed", message="Could not validate GetObject permissions")
    make_job("done", end_time=timezone.now(), input_token_count=1, cost_usd=Decimal("12.5"))
    text = client.get(URL).text
    for part in ("support-triage", "36%", "label-run", "Could not validate GetObject permissions", "$12.50"):
        assert part in text


def test_figures_count_the_groups_and_lead_to_the_same_jobs(client: Client, make_job: MakeJob) -> None:
    for status in ("InProgress", "Queued", "Checking", "Failed", "Rejected", "Completed"):
        make_job(status.lower(), status)
    make_job("some-failed", "Completed", total_record_count=120, error_record_count=3)
    make_job("all-failed", "Completed", total_record_count=120, error_record_count=120)
    make_job("old", "Failed", created_at=timezone.now() - timedelta(days=9))
    assert figures(client) == {"running": "1", "waiting": "2", "failed": "3", "with_errors": "2", "completed": "3"}
    overview = client.get(URL).context["overview"]
    for figure in overview.figures:
        assert client.get(figure.url).context["table"].page.count_text == figure.count


def test_it_shows_its_connection_only(client: Client, make_job: MakeJob, other: Connection) -> None:
    make_job("theirs", "InProgress", connection=other)
    assert "theirs" not in client.get(URL).text


def test_a_newcomer_is_led_to_the_sample_job_and_to_the_forms(client: Client, make_job: MakeJob) -> None:
    make_job("welcome")
    text = client.get(URL).text
    assert "First steps" in text
    for part in ("View welcome", "/local/input/new/", "/local/jobs/create/"):
        assert part in text
    make_job("second")
    assert "First steps" not in client.get(URL).text


def test_without_any_job_it_leads_to_the_forms(client: Client, connection: Connection) -> None:
    text = client.get(URL).text
    assert "First steps" in text
    assert "Look at a job" not in text


def test_a_quiet_connection_warns_of_nothing(client: Client, make_job: MakeJob) -> None:
    make_job(status="Queued")
    assert warnings(client) == []


def test_trouble_with_the_connection_is_said_with_the_reason(client: Client, connection: Connection) -> None:
    connection.sync_error = {"code": "ExpiredToken", "message": "The token is expired", "hint": "Renew it."}
    connection.save()
    assert warnings(client) == ["The jobs of this connection can't be synced"]
    assert "The token is expired. Renew it." in client.get(URL).text


def test_workers_that_are_away_are_noticed(client: Client, connection: Connection) -> None:
    Connection.objects.update(sync_due_at=timezone.now() - timedelta(hours=1))
    assert warnings(client) == ["The workers are not processing this connection"]


def test_a_job_that_waits_long_is_named_with_its_reason(client: Client, make_job: MakeJob) -> None:
    make_job("patient", "Queued", created_at=timezone.now() - timedelta(hours=3, minutes=5))
    assert warnings(client) == ["patient has waited for 3 h 5 min"]
    assert "Next in the queue." in client.get(URL).text


@pytest.mark.parametrize(("count", "said"), [(15, []), (16, ["nearly used up"]), (20, ["used up"])])
def test_a_quota_that_is_nearly_used_up_is_said(client: Client, make_job: MakeJob, count: int, said: list[str]) -> None:
    for number in range(count):
        make_job(f"job-{number}", "InProgress")
    assert warnings(client) == [f"The quota of Nova Lite is {how}" for how in said]


def test_jobs_without_a_price_are_counted(client: Client, make_job: MakeJob) -> None:
    make_job(end_time=timezone.now(), input_token_count=10, output_token_count=10)
    assert warnings(client) == ["1 job of this month has no price yet"]


def test_polling_answers_nothing_while_nothing_changed(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    version = re.findall(r'data-version="(\w+)"', client.get(URL).text)[0]
    asked = {"HX-Request": "true", "X-Version": version}
    assert client.get(URL, headers=asked).status_code == 204
    job.transition("Completed", verb="reported")
    answer = client.get(URL, headers=asked)
    assert answer.status_code == 200
    assert "<html" not in answer.text


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow_with_the_rows(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    old = timezone.now() - timedelta(hours=2)
    statuses = ("InProgress", "Queued", "Failed", "Completed")
    for number in range(count):
        job = make_job("first", statuses[number % 4], created_at=old)
    BatchJob.objects.bulk_create(
        BatchJob(connection=job.connection, job_name=f"job-{number}", model_id=f"a.b{number}", status="InProgress")
        for number in range(count)
    )
    client.get(URL)
    with django_assert_max_num_queries(QUERIES):
        client.get(URL)


def test_a_job_without_any_answer_is_among_the_failures(client: Client, make_job: MakeJob) -> None:
    make_job("all-failed", "Completed", total_record_count=120, error_record_count=120)
    make_job("some-failed", "Completed", total_record_count=120, error_record_count=119)
    assert [job.job_name for job in client.get(URL).context["overview"].failed] == ["all-failed"]
    assert "No record has an answer" in client.get(URL).text


def test_what_is_in_danger_and_what_waits_for_approval_is_told(client: Client, make_job: MakeJob) -> None:
    for number in range(2):
        make_job(f"late-{number}", "Scheduled", submit_time=timezone.now() - timedelta(hours=23))
    make_job("still", "InProgress", last_modified_time=timezone.now() - timedelta(hours=9))
    make_job("asked", "Queued", held_at=timezone.now(), awaits_approval=True)
    text = client.get(URL).text
    for words in ("2 jobs may expire before they start", "still makes no progress", "1 job waits for approval"):
        assert words in text
    listed = client.get("/local/jobs/").text
    assert "This job may expire before it starts" in listed
    assert "This job makes no progress" in listed


def test_the_costs_of_this_month_and_the_last_are_drawn_and_told(client: Client, make_job: MakeJob) -> None:
    now = timezone.now()
    make_job("today", end_time=now, input_token_count=1, cost_usd=Decimal("12.5"))
    make_job("before", end_time=now.replace(day=1) - timedelta(days=1), input_token_count=1, cost_usd=Decimal("3"))
    text = client.get(URL).text
    assert "$12.50 so far" in text
    assert "last month $3.00" in text
    assert "chart-line" in text


def test_without_costs_there_is_no_chart(client: Client, make_job: MakeJob) -> None:
    make_job()
    assert "overview-costs" not in client.get(URL).text


def test_what_is_due_comes_in_its_order(client: Client, make_job: MakeJob) -> None:
    now = timezone.now()
    make_job("starts-tomorrow", "Queued", start_at=now + timedelta(days=1))
    make_job("starts-next-month", "Queued", start_at=now + timedelta(days=30))
    make_job("ends-in-an-hour", "InProgress", job_expiration_time=now + timedelta(hours=1))
    make_job("ends-tomorrow", "InProgress", job_expiration_time=now + timedelta(days=1))
    make_job("ended", "Completed", job_expiration_time=now + timedelta(hours=1))
    rule = {"connection": BatchJob.objects.all()[0].connection, "kind": "rule", "rule": "0 3 * * *"}
    for title, is_active in (("nightly", True), ("switched off", False)):
        Schedule.objects.create(title=title, is_active=is_active, next_at=now + timedelta(hours=9), **rule)
    page = client.get(URL)
    assert [(each.name, each.what) for each in page.context["overview"].due] == [
        ("ends-in-an-hour", "Expires"),
        ("nightly", "Schedule runs"),
        ("starts-tomorrow", "Starts"),
    ]
    assert "/local/schedules/" in page.text


def test_the_use_of_quotas_is_shown_for_each_model(client: Client, make_job: MakeJob) -> None:
    for number in range(3):
        make_job(f"job-{number}", "InProgress")
    text = client.get(URL).text
    assert re.search(r'<progress max="\d+" value="3" aria-label="Jobs of Nova Lite"', text)


def test_first_steps_are_for_those_who_may_take_one(client: Client, connection: Connection) -> None:
    assert "First steps" in client.get("/local/").text
    Connection.objects.update(is_enabled=False)
    assert "First steps" not in client.get("/local/").text
