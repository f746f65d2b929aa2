"""Inputs for programs: made of a table in S3, once for each Idempotency-Key."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import s3
from batchconsole.jobs.inputs.input_checks import check_records
from batchconsole.jobs.inputs.making import make_input
from batchconsole.jobs.inputs.splitting import current_jobs, split_input
from batchconsole.jobs.models import Connection, Event, InputCheck, InputSplit, MadeInput, OnDemandRun, Verb
from tests.api.test_json_api import client_of, post
from tests.factories import MODEL, grant
from tests.jobs.conftest import Sample, converse_lines
from tests.jobs.test_splitting import answered, asked, bucket, ids_of

__all__ = ["bucket"]

pytestmark = pytest.mark.django_db(transaction=True)


HERE = "/api/v1/connections/local/"


@pytest.fixture
def api(connection: Connection) -> Client:
    person = User.objects.create_user("ada")
    grant(person, "Submitter")
    return client_of(person)


def test_files_are_merged_before_the_answer_once_for_their_key(
    api: Client, connection: Connection, sample_input: Sample
) -> None:
    bucket, target = sample_input.bucket, connection.target
    lines = converse_lines(4).splitlines(keepends=True)
    s3.put_object(target, bucket, "parts/a.jsonl", b"".join(lines[:1]))
    s3.put_object(target, bucket, "parts/b.jsonl", b"".join(lines[1:]))
    files = [f"s3://{bucket}/parts/{name}.jsonl" for name in "ba"]
    asked = {"files": files, "output_s3_uri": f"s3://{bucket}/merged/all.jsonl"}
    answers = [post(api, f"{HERE}inputs/merge", asked, **{"Idempotency-Key": "m"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    made = answers[0].json()
    assert (made["state"], made["records"], made["model_invocation_type"]) == ("done", 4, "Converse")
    assert s3.get_range(target, bucket, "merged/all.jsonl") == b"".join([*lines[1:], lines[0]])


def test_an_input_is_made_with_a_version_of_a_prompt_template(
    api: Client, connection: Connection, sample_input: Sample
) -> None:
    bucket, target = sample_input.bucket, connection.target
    s3.put_object(target, bucket, "tables/a.csv", b"id,text\nr1,One\n")
    version = post(api, f"{HERE}prompt-templates/", {"name": "Say", "template": "Say {text}"}).json()
    asked = {
        "source_s3_uri": f"s3://{bucket}/tables/a.csv",
        "output_s3_uri": f"s3://{bucket}/made/a.jsonl",
        "prompt_version_id": version["id"],
    }
    assert post(api, f"{HERE}inputs/", asked).status_code == 201
    made = MadeInput.objects.get()
    assert (made.recipe.template, made.made_with) == ("Say {text}", "Say, version 1")


def test_a_job_on_demand_is_quoted_and_created_once_for_its_key(
    api: Client, connection: Connection, sample_input: Sample
) -> None:
    s3.put_object(connection.target, sample_input.bucket, "few/records.jsonl", converse_lines(3))
    asked = {"input_s3_uri": f"s3://{sample_input.bucket}/few/", "model_id": MODEL, "model_invocation_type": "Converse"}
    quote = post(api, f"{HERE}on-demand/quote", asked | {"records": 2})
    assert (quote.status_code, quote.json()["records"]) == (200, 2)
    job = asked | {"job_name": "few", "output_s3_uri": sample_input.output_s3_uri, "records": 2}
    first, same, other = (
        post(api, f"{HERE}on-demand/", job | {"records": records}, **{"Idempotency-Key": "d"}) for records in (2, 2, 3)
    )
    assert (first.status_code, same.status_code, other.status_code) == (201, 200, 409), first.json()
    assert (first.json()["lane"], same.json()["id"]) == ("on_demand", first.json()["id"])
    assert OnDemandRun.objects.get().record_limit == 2
    nowhere = post(api, f"{HERE}on-demand/quote", asked | {"input_s3_uri": "s3://no-such-bucket-here/"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "NoSuchBucket")


def test_an_input_is_made_of_a_table_once_for_its_key(
    api: Client, connection: Connection, sample_input: Sample
) -> None:
    bucket, target = sample_input.bucket, connection.target
    s3.put_object(target, bucket, "tables/a.csv", b"id,text\nr1,One\nr2,Two\n")
    asked = {
        "source_s3_uri": f"s3://{bucket}/tables/a.csv",
        "output_s3_uri": f"s3://{bucket}/made/a.jsonl",
        "template": "Say {text}",
        "record_id_column": "id",
    }
    key = {"Idempotency-Key": "nightly"}
    answers = [post(api, f"{HERE}inputs/", asked, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    make_input(MadeInput.objects.get())
    lines = s3.get_range(target, bucket, "made/a.jsonl").splitlines()
    assert [json.loads(line)["recordId"] for line in lines] == ["r1", "r2"]


def test_an_input_that_is_too_large_is_split_and_its_answers_are_joined(
    api: Client, connection: Connection, bucket: str
) -> None:
    job = asked(bucket).as_fields() | {"job_name": "reviews"}
    request = {name: value for name, value in job.items() if name != "client_request_token"}
    checked = {name: request[name] for name in ("input_s3_uri", "model_id", "model_invocation_type")}
    check = InputCheck.objects.get(pk=post(api, f"{HERE}checks/", checked).json()["id"])
    check_records(check)
    split = post(api, f"{HERE}splits/", request | {"check_id": check.pk})
    assert split.status_code == 201, split.json()
    split_input(InputSplit.objects.get())
    here = f"{HERE}splits/{split.json()['id']}"
    told = api.get(here).json()
    assert (told["state"], [part["job_status"] for part in told["parts"]]) == ("done", ["Checking"] * 3)
    for part, made in current_jobs(InputSplit.objects.get()):
        assert made
        answered(made, ids_of(part, connection), bucket)
    grant(User.objects.get(username="ada"), "Reader")
    answers = {kind: api.get(f"{here}/export", {"format": kind}) for kind in ("jsonl", "csv", "parquet")}
    rows = [json.loads(line) for line in answers["jsonl"].getvalue().splitlines()]
    assert [row["record_id"] for row in rows] == [f"rec-{n:05}" for n in range(10)]
    assert len(answers["csv"].getvalue().splitlines()) == 11
    assert answers["parquet"].getvalue()[:4] == b"PAR1"
    assert Event.objects.filter(verb=Verb.DOWNLOADED, target=f"{here}/export").count() == 3
