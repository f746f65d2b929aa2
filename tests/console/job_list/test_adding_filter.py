"""Adding a filter step by step: properties, operators, and values with the number of jobs, without a half filter."""

from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.console.job_list import adding_filter
from batchconsole.jobs.finding.properties import PROPERTIES
from batchconsole.jobs.models import Connection, Status
from tests.console.conftest import NOBODY
from tests.factories import make_job

URL = "/local/jobs/filter/"
NOVA = "amazon.nova-lite-v1:0"
OF_PROFILE = "application-inference-profile/abc123def456"
PROFILE = f"arn:aws:bedrock:us-east-1:123456789012:{OF_PROFILE}"


@pytest.fixture
def local(db: None) -> Connection:
    return Connection.objects.create(name="local", endpoint_url=NOBODY)


def values(client: Client, name: str, **query: Any) -> dict[str, tuple[str, str]]:
    step = client.get(URL, {"property": name, **query}).context["step"]
    return {value.text: (value.count, value.url) for value in step.values}


def test_every_property_is_listed_and_each_opens(client: Client, local: Connection) -> None:
    page = unescape(client.get(URL).text)
    for each in PROPERTIES:
        assert f">{each.title}</a>" in page
        opened = unescape(client.get(URL, {"property": each.name}).text)
        assert [operator for operator in each.operators if f'<option value="{operator}"' not in opened] == []


def test_values_come_with_the_number_of_jobs_and_lead_to_the_list(client: Client, local: Connection) -> None:
    for status in (Status.FAILED, Status.FAILED, Status.COMPLETED):
        make_job(local, status=status, tags=[{"key": "team", "value": "nlp"}])
    found = values(client, "status")
    assert (found["Failed"][0], found["Completed"][0], found["Stopped"][0]) == ("2", "1", "0")
    page = client.get(found["Failed"][1])
    assert page.context["table"].page.count == 2
    assert values(client, "tag")["team=nlp"][0] == "3"


def test_states_that_are_more_than_a_status_are_counted_too(client: Client, local: Connection) -> None:
    make_job(local, status=Status.COMPLETED, error_record_count=3)
    make_job(local, status=Status.QUEUED, held_at=timezone.now())
    found = values(client, "status")
    assert (found["Completed with errors"][0], found["Held"][0], found["Completed"][0]) == ("1", "1", "1")


def test_lanes_are_counted_and_narrow_the_list_and_its_exports(client: Client, local: Connection) -> None:
    batch, here = (make_job(local, status=Status.QUEUED, lane=lane) for lane in ("batch", "on_demand"))
    found = values(client, "lane")
    assert (found["Batch"][0], found["On demand"][0]) == ("1", "1")
    assert client.get(found["On demand"][1]).context["table"].page.count == 1
    told = client.get("/local/jobs.csv", {"f": "lane=on_demand"}).getvalue().decode()
    assert (here.job_name in told, batch.job_name in told) == (True, False)


def test_counts_are_bounded(client: Client, local: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding_filter, "MOST_COUNTED", 1)
    make_job(local), make_job(local)
    assert [count for count, _ in values(client, "by").values()] == ["1+"]


def test_values_cost_one_query_and_the_list_none(
    local: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_job(local)
    with django_assert_num_queries(1):
        adding_filter.counted_values(local, "status")


@pytest.mark.parametrize(("model_id", "name"), [(NOVA, "Nova Lite"), (PROFILE, OF_PROFILE)])
def test_models_are_named_without_their_arn(client: Client, local: Connection, model_id: str, name: str) -> None:
    make_job(local, model_id=model_id)
    make_job(local, model_id="cohere.embed-english-v3")
    count, url = values(client, "model")[name]
    assert count == "1"
    assert client.get(url).context["table"].page.count == 1


def test_a_complete_filter_goes_to_the_list_with_what_it_had(client: Client, local: Connection) -> None:
    query = {"f": "status=Failed", "sort": "name", "property": "cost", "operator": ">=", "value": "1.50"}
    answer = client.get(URL, query)
    assert answer.status_code == 302
    found = parse_qs(urlsplit(answer["Location"]).query)
    assert (found["f"], found["sort"]) == (["status=Failed", "cost>=1.50"], ["name"])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"property": "cost", "operator": ">=", "value": "much"}, "Cost has no value much"),
        ({"property": "cost", "operator": ">=", "value": " "}, "Enter a value."),
        ({"property": "created", "operator": "^", "value": "2026-01-01"}, "Creation time takes"),
        ({"property": "created", "operator": "?", "value": "2026-01-01"}, "Enter another value."),
        ({"property": "status", "operator": "=", "value": "x" * 300}, "Enter another value."),
    ],
)
def test_half_a_filter_filters_nothing_and_says_why(
    client: Client, local: Connection, query: dict[str, str], words: str
) -> None:
    assert words in unescape(client.get(URL, query).text)


@pytest.mark.parametrize("query", [{}, {"property": "nothing"}, {"operator": "=", "value": "x"}])
def test_without_a_property_it_asks_for_one(client: Client, local: Connection, query: dict[str, str]) -> None:
    assert "Choose a property" in client.get(URL, query).text


def test_a_time_has_a_date_picker_and_relative_spans(client: Client, local: Connection) -> None:
    page = client.get(URL, {"property": "created"})
    assert 'type="date"' in page.text
    assert {"yesterday", "last 7 days"} <= values(client, "created").keys()
    assert "f=created%3Dyesterday" in values(client, "created")["yesterday"][1]


def test_the_list_leads_to_it_with_its_own_filter(client: Client, local: Connection) -> None:
    make_job(local)
    page = client.get("/local/jobs/", {"q": "night", "f": "status=Failed"})
    assert 'id="add-filter" href="/local/jobs/filter/?q=night&amp;f=status%3DFailed"' in page.text
