"""What the filter of the job list offers to complete: what jobs really have, and never more of it than a few."""

from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from batchconsole.console.job_list.suggestions import MOST, READ, Suggestion, suggestions
from batchconsole.jobs.finding.properties import read_token
from batchconsole.jobs.models import BatchJob, Connection
from tests.console.conftest import MakeJob
from tests.console.job_list.test_jobs import names

URL = "/local/jobs/"
OPERATORS_OF_MODELS = [f"Model {operator} " for operator in ("=", "!=", ":", "!:", "^")]


def offered(connection: Connection, start: str) -> list[str]:
    return [each.text for each in suggestions(connection) if each.text.startswith(start)]


def test_it_works(client: Client, make_job: MakeJob) -> None:
    make_job(tags=[{"key": "team", "value": "nlp"}])
    text = client.get(URL).text
    assert '<option value="Model = Nova Lite">' in text
    assert '<option value="Model = amazon.nova-lite-v1:0" label="Nova Lite">' in text
    assert '<option value="Tag = team=nlp">' in text


def test_models_are_those_in_use_by_name_and_by_id(make_job: MakeJob, connection: Connection) -> None:
    for model_id in ("amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", "unheard.of-v1"):
        make_job(model_id=model_id)
    assert offered(connection, "Model") == [
        *OPERATORS_OF_MODELS,
        "Model = Nova Lite",
        "Model = amazon.nova-lite-v1:0",
        "Model = unheard.of-v1",
        "Model = us.amazon.nova-lite-v1:0",
    ]


def test_tags_are_those_in_use_the_frequent_first(make_job: MakeJob, connection: Connection) -> None:
    make_job(tags=[{"key": "team", "value": "nlp"}, {"key": "stage", "value": ""}, {"key": "stage", "value": "a "}])
    make_job(tags=[{"key": "team", "value": "search"}])
    make_job(tags=[{"key": "team", "value": "search"}, {"key": "a=b", "value": "c"}])
    values = ["team", "stage", "team=search", "team=nlp"]
    assert offered(connection, "Tag") == ["Tag = ", "Tag != ", *(f"Tag = {value}" for value in values)]


def test_jobs_of_other_connections_suggest_nothing(
    make_job: MakeJob, connection: Connection, other: Connection
) -> None:
    make_job(connection=other, tags=[{"key": "team", "value": "nlp"}])
    assert offered(connection, "Model") == OPERATORS_OF_MODELS
    assert offered(connection, "Tag") == ["Tag = ", "Tag != "]


def test_what_is_suggested_finds_the_job(client: Client, make_job: MakeJob, connection: Connection) -> None:
    make_job("mine", model_id="unheard.of-v1", tags=[{"key": "équipe:1", "value": 'a "b" <é>'}])
    make_job("other", created_by=User.objects.create_user("bob"))
    for text in ("Model = unheard.of-v1", "Tag = équipe:1", 'Tag = équipe:1=a "b" <é>', "Created by = ada"):
        assert Suggestion(text) in suggestions(connection)
        assert names(client.get(URL, {"q": text})) == ["mine"]


def test_only_so_many_are_offered_of_so_many_jobs(
    make_job: MakeJob, connection: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    tags = [{"key": f"key-{number}", "value": "v" * 240} for number in range(50)]
    job = make_job(tags=tags)
    BatchJob.objects.bulk_create(
        BatchJob(connection=job.connection, job_name="job", model_id=f"model-{number}", tags=tags)
        for number in range(READ + 50)
    )
    with django_assert_num_queries(2):
        found = [each.text for each in suggestions(connection)]
    assert len([text for text in found if text.startswith("Model =")]) == MOST + 1
    assert len([text for text in found if text.startswith("Tag =")]) == MOST + 1
    assert all(read_token(text) or text.endswith(" ") for text in found)
