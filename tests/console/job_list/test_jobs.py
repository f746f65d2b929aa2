"""The job list: what it shows, that the URL is its only state, and that no count costs more in a larger table."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.states import Status
from tests.console.conftest import Answer, MakeJob, arn

URL = "/local/jobs/"
QUERIES = (
    23  # session, user, connection, its page and counts, what to suggest, its queue; the connections of the switch
)

NEWS_QUERIES = 5  # session, user, rights, connection, and the newest event


def names(response: Answer) -> list[str]:
    return re.findall(r'<th class="job-name" scope="row"><a[^>]*>([^<]+)</a>', response.text)


def poll(client: Client, url: str, version: str = "") -> Answer:
    return client.get(url, headers={"HX-Request": "true", "X-Version": version})


def version(response: Answer) -> str:
    return str(re.findall(r'data-version="(\w+)"', response.text)[0])


def test_it_works(client: Client, make_job: MakeJob) -> None:
    make_job("support-triage", "InProgress", total_record_count=1000, processed_record_count=360, error_record_count=4)
    text = client.get(URL).text
    for part in ("support-triage", "In progress", "Nova Lite", "36%", "360 of 1,000", "4 with errors", "ada"):
        assert part in text


def test_the_reason_of_a_failure_is_in_the_list(client: Client, make_job: MakeJob) -> None:
    make_job(status="Failed", message="Could not validate GetObject permissions")
    assert "Could not validate GetObject permissions" in client.get(URL).text


def test_the_reason_why_aws_refuses_for_now_is_in_the_list(client: Client, make_job: MakeJob) -> None:
    make_job(status="Queued", message="Rate exceeded", error_code="ThrottlingException")
    make_job(status="Queued", message="10 of 10 jobs are running")
    text = client.get(URL).text
    assert "Rate exceeded" in text
    assert "10 of 10" not in text


def test_when_a_job_ended_is_in_the_list(client: Client, make_job: MakeJob) -> None:
    now = timezone.now()
    make_job(end_time=now - timedelta(minutes=5))
    make_job(status="Cancelled", status_changed_at=now - timedelta(hours=2))
    make_job(status="InProgress", status_changed_at=now - timedelta(hours=3))
    assert re.findall(r'"short-ago">([^<]+)<', client.get(URL).text) == ["2 h ago", "5 min ago"]


def test_jobs_of_one_name_are_told_apart_by_their_creation(client: Client, make_job: MakeJob) -> None:
    for second in (1, 2):
        make_job("twin", created_at=datetime(2026, 4, 12, 10, 0, second, tzinfo=UTC))
    make_job("single")
    labels = re.findall(r'"(Select job [^"]+)"', client.get(URL).text)
    created = "created 2026-04-12, 10:00:0"
    assert labels == ["Select job single", f"Select job twin, {created}2", f"Select job twin, {created}1"]


def test_without_jobs_it_says_so_and_offers_to_create_one(client: Client, connection: Connection) -> None:
    text = client.get(URL).text
    assert "<strong>No jobs</strong>" in text
    assert "counter" not in text
    assert text.count('href="/local/jobs/create/"') == 2
    assert text.count('href="/local/input/new/"') == 2


def test_without_a_match_it_offers_to_clear_the_filter(client: Client, make_job: MakeJob) -> None:
    make_job()
    text = client.get(URL, {"q": "nothing-like-it"}).text
    assert "<strong>No matches</strong>" in text
    assert "0 matches" in text
    assert 'id="filter-text"' in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Status = Lost", "Status has no value Lost: choose Checking, Rejected"),
        ("Status > Failed", "Status takes = !=, not &gt;."),
        ("Creation time >= soon", "Creation time has no value soon. Enter one such as today."),
        ("Status =", "Status = needs a value: choose Checking, Rejected"),
        ("created by !", "Created by takes = !=, not !."),
        ("Duration >", "Duration &gt; needs a value. Enter one such as 10 min."),
    ],
)
def test_what_is_nearly_a_filter_says_what_is_wrong_and_filters_nothing(
    client: Client, make_job: MakeJob, text: str, said: str
) -> None:
    make_job("mine")
    response = client.get(URL, {"q": text, "f": "name:mine"})
    assert said in response.text
    assert names(response) == ["mine"]
    table = response.context["table"]
    assert (table.text, table.view_query) == (text, "f=name:mine")


def test_it_shows_the_jobs_of_its_connection_only(client: Client, make_job: MakeJob, other: Connection) -> None:
    make_job("mine")
    make_job("theirs", connection=other)
    assert names(client.get(URL)) == ["mine"]


@pytest.mark.parametrize("text", ["TRIAGE", "nova", "abcdefghijkl"])
def test_the_text_is_looked_for_in_name_model_and_id(client: Client, make_job: MakeJob, text: str) -> None:
    make_job("support-triage", job_arn=arn())
    make_job("welcome", model_id="openai.gpt-oss-20b-1:0", job_arn=arn("mnopqrstuvwx"))
    assert names(client.get(URL, {"q": text})) == ["support-triage"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=Failed", ["failed"]),
        ("status=failed", ["expired", "failed"]),
        ("status=failed&status=running", ["running", "expired", "failed"]),
        ("status=nonsense", ["running", "expired", "failed"]),
        ("status=Failed&status=nonsense", ["failed"]),
    ],
)
def test_the_status_filter_takes_statuses_and_groups(
    client: Client, make_job: MakeJob, query: str, found: list[str]
) -> None:
    for name, status in (("failed", "Failed"), ("expired", "Expired"), ("running", "InProgress")):
        make_job(name, status)
    assert names(client.get(f"{URL}?{query}")) == found


def test_each_group_shows_its_count(client: Client, make_job: MakeJob) -> None:
    for status in Status.values:
        make_job(status.lower(), status)
    counts = [segment.count for segment in client.get(URL).context["table"].segments]
    assert counts == ["16", "3", "5", "2", "1", "4", "2"]


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("name", ["alpha", "beta", "gamma"]),
        ("-name", ["gamma", "beta", "alpha"]),
        ("status,-name", ["gamma", "alpha", "beta"]),
        ("nonsense", ["beta", "gamma", "alpha"]),
        ("", ["beta", "gamma", "alpha"]),
    ],
)
def test_sorting_by_what_is_offered(client: Client, make_job: MakeJob, sort: str, found: list[str]) -> None:
    make_job("alpha", "Completed")
    make_job("gamma", "Completed")
    make_job("beta", "Failed")
    assert names(client.get(URL, {"sort": sort})) == found


def test_the_sorted_column_says_so_and_turns_round(client: Client, make_job: MakeJob) -> None:
    make_job()
    text = client.get(URL, {"sort": "name"}).text
    assert 'aria-sort="ascending"' in text
    assert "Job name</span>" in text
    assert 'href="/local/jobs/?sort=-name"' in text


def test_pages_keep_filter_and_order(client: Client, make_job: MakeJob) -> None:
    for number in range(12):
        make_job(f"job-{number:02}")
    response = client.get(URL, {"q": "job", "sort": "name", "page_size": "10", "page": "2"})
    assert names(response) == ["job-10", "job-11"]
    assert response.context["table"].link(page=1) == "/local/jobs/?q=job&sort=name&page_size=10"


def test_the_page_s_own_address_leaves_out_what_was_invalid(client: Client, make_job: MakeJob) -> None:
    make_job()
    query = {"q": "wel", "status": ["nonsense"], "sort": "size", "page": "-3", "page_size": "7", "x": "1"}
    assert client.get(URL, query).context["table"].url == "/local/jobs/?q=wel"


def test_what_was_invalid_is_said(client: Client, make_job: MakeJob) -> None:
    make_job()
    query = {"f": ["Status = Lost", "Errors > 0"], "status": "nonsense", "sort": "size", "page_size": "7"}
    response = client.get(URL, query)
    assert response.context["table"].dropped == ["f=Status = Lost", "status=nonsense", "sort=size", "page_size=7"]
    assert "Part of the address was ignored" in response.text
    assert "was ignored" not in client.get(URL, {"f": "Errors > 0", "sort": "-cost"}).text


def test_a_filter_goes_back_to_the_first_page(client: Client, make_job: MakeJob) -> None:
    for number in range(12):
        make_job(f"job-{number:02}")
    table = client.get(URL, {"page_size": "10", "page": "2"}).context["table"]
    assert all("page=2" not in segment.url for segment in table.segments)


def test_polling_answers_nothing_while_nothing_changed(client: Client, make_job: MakeJob) -> None:
    make_job()
    assert poll(client, URL, version(client.get(URL))).status_code == 204


def test_polling_answers_the_fragment_once_a_job_changed(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    seen = version(client.get(URL))
    job.transition(Status.COMPLETED, verb="reported")
    response = poll(client, URL, seen)
    assert response.status_code == 200
    assert "<html" not in response.text
    assert "Completed" in response.text


def test_polling_sees_a_new_job_elsewhere_in_the_list(client: Client, make_job: MakeJob) -> None:
    make_job("listed")
    seen = version(client.get(URL, {"q": "listed"}))
    make_job("another")
    assert poll(client, f"{URL}?q=listed", seen).status_code == 204
    seen = version(client.get(URL))
    make_job("third")
    assert poll(client, URL, seen).status_code == 200


def test_what_is_known_of_one_page_says_nothing_of_another(client: Client, make_job: MakeJob) -> None:
    make_job()
    assert poll(client, f"{URL}?sort=name", version(client.get(URL))).status_code == 200


def test_page_and_fragment_are_kept_apart_by_caches(client: Client, connection: Connection) -> None:
    assert "HX-Request" in client.get(URL)["Vary"]


def test_it_asks_often_only_while_something_can_change(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    assert "data-busy" in client.get(URL).text
    job.transition(Status.COMPLETED, verb="reported")
    assert "data-busy" not in client.get(URL).text


def test_a_connection_that_cannot_be_followed_says_why(client: Client, connection: Connection) -> None:
    connection.sync_error = {"code": "EndpointUnreachable", "message": "Nobody answers.", "hint": "Start it."}
    connection.save()
    assert "The list may be out of date" in client.get(URL).text


@pytest.mark.parametrize("count", [1, 40])
def test_queries_do_not_grow_with_the_rows(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    make_job()
    BatchJob.objects.bulk_create(
        BatchJob(connection=job.connection, created_by=job.created_by, job_name=f"job-{number}", model_id="a.b")
        for job in BatchJob.objects.all()
        for number in range(count)
    )
    client.get(URL)
    with django_assert_max_num_queries(QUERIES):
        client.get(URL, {"page_size": "50"})


def test_a_hostile_name_is_text(client: Client, make_job: MakeJob) -> None:
    make_job("<script>alert(1)</script>")
    assert "<script>alert" not in client.get(URL).text


def test_a_completed_job_tells_how_many_records_failed(client: Client, make_job: MakeJob) -> None:
    make_job("nightly", "Completed", total_record_count=500, error_record_count=12)
    make_job("clean", "Completed", total_record_count=500, error_record_count=0)
    page = client.get(URL).text
    assert page.count("Completed with errors: 12 of 500") == 1


def test_an_idle_list_costs_one_query_until_something_happens(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_job().record("created")
    first = poll(client, URL, version(client.get(URL)))
    news = {"HX-Request": "true", "X-Version": "any", "X-News": first["X-News"]}
    with django_assert_max_num_queries(NEWS_QUERIES):
        assert client.get(URL, headers=news).status_code == 204
    make_job("new-one").record("created")
    answer = client.get(URL, headers=news)
    assert "new-one" in answer.text
    assert answer["X-News"] != first["X-News"]


def test_news_of_another_connection_is_none_here(client: Client, make_job: MakeJob, other: Connection) -> None:
    make_job().record("created")
    first = poll(client, URL, version(client.get(URL)))
    make_job(connection=other).record("created")
    assert poll(client, URL)["X-News"] == first["X-News"]
