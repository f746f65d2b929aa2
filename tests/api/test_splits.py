"""Splits, merged files, prompt templates and jobs on demand for programs, where nobody is asked: AWS is away here."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import Connection, InputCheck, InputSplit, ModelLimit, Right, SplitPart
from batchconsole.records import report
from tests.api.test_json_api import ASKED, api, client_of, connection, person, post
from tests.factories import MODEL, make_job

__all__ = ["api", "connection", "person"]
HERE = "/api/v1/connections/local/"
SPLITS, MERGE, PROMPTS = f"{HERE}splits/", f"{HERE}inputs/merge", f"{HERE}prompt-templates/"
KEY = {"Idempotency-Key": "night"}


@pytest.fixture
def check(connection: Connection) -> InputCheck:
    """A check of ten records, of which a job takes four."""
    ModelLimit.objects.create(model_id=MODEL, records_per_job=4, min_records_per_job=1)
    found = report.Report(model_id=MODEL, invocation_type="Converse", records=10, bytes=1000)
    asked = {name: ASKED[name] for name in ("input_s3_uri", "model_id", "model_invocation_type")}
    done = {"state": InputCheck.State.DONE, "report_json": report.encode(found).decode()}
    return InputCheck.objects.create(connection=connection, due_at=None, **done, **asked)


def test_a_check_offers_the_split_that_a_program_starts_once(api: Client, check: InputCheck) -> None:
    told = api.get(f"{HERE}checks/{check.pk}").json()
    assert told["split"] == {"jobs": 3, "records": 10, "bytes": 1000}
    answers = [post(api, SPLITS, ASKED | {"check_id": check.pk}, **KEY) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200], answers[0].json()
    split = answers[0].json()
    assert (split["state"], split["parts"], split["can_join"]) == ("queued", [], False)
    assert api.get(f"{SPLITS}{split['id']}").json() == split
    assert api.get(f"{SPLITS}{split['id']}/export").status_code == 409
    assert post(api, SPLITS, ASKED | {"check_id": check.pk, "job_name": "other"}, **KEY).status_code == 409
    assert post(api, f"{SPLITS}{split['id']}/cancel", {}).json()["state"] == "cancelled"
    assert post(api, f"{SPLITS}{split['id']}/retry", {}).status_code == 409


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"job_name": "a b"}, 422, "job_name"),
        ({"input_s3_uri": "s3://prompts/other/"}, 409, "input_s3_uri"),
        ({"check_id": 10**9}, 409, "input_s3_uri"),
        ({"check_id": 0}, 422, "check_id"),
        ({"start_at": "2020-01-01T00:00:00Z"}, 422, "start_at"),
        ({"resend_of_id": 10**9}, 422, "resend_of_id"),
    ],
)
def test_what_cannot_be_split_is_told_by_field(
    api: Client, check: InputCheck, change: dict[str, Any], status: int, field: str
) -> None:
    answer = post(api, SPLITS, ASKED | {"check_id": check.pk} | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, [field])
    assert not InputSplit.objects.exists()


def test_a_split_has_the_job_of_each_part(api: Client, connection: Connection) -> None:
    split = InputSplit.objects.create(connection=connection, state="done", due_at=None, request_json=ASKED)
    job = make_job(connection, status="Completed", results="ready")
    SplitPart.objects.create(split=split, number=1, input_s3_uri="s3://prompts/1/", records=4, is_written=True, job=job)
    told = api.get(f"{SPLITS}{split.pk}").json()
    assert told["can_join"] is True
    assert told["parts"] == [
        {
            "number": 1,
            "input_s3_uri": "s3://prompts/1/",
            "records": 4,
            "is_written": True,
            "job_id": job.pk,
            "job_status": "Completed",
            "job_results": "ready",
        }
    ]


def test_another_persons_split_takes_the_right_to_operate(api: Client, connection: Connection) -> None:
    split = InputSplit.objects.create(connection=connection, state="failed", due_at=None, request_json=ASKED)
    assert {post(api, f"{SPLITS}{split.pk}/{verb}", {}).status_code for verb in ("cancel", "retry")} == {403}


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"files": ["s3://prompts/1.jsonl"]}, 422, "files"),
        ({"files": ["s3://prompts/1.jsonl", "a/2.jsonl"]}, 422, "files"),
        ({"files": ["s3://prompts/1.jsonl", "s3://prompts/1.jsonl"]}, 409, "files"),
        ({"output_s3_uri": "s3://prompts/out/"}, 422, "output_s3_uri"),
    ],
)
def test_files_that_cannot_be_merged_are_told_by_field(
    connection: Connection, person: User, change: dict[str, Any], status: int, field: str
) -> None:
    asked = {"files": ["s3://prompts/1.jsonl", "s3://prompts/2.jsonl"], "output_s3_uri": "s3://prompts/merged.jsonl"}
    answer = post(client_of(person), MERGE, asked | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, [field])


def test_a_prompt_template_is_saved_in_versions_archived_and_deleted(connection: Connection, person: User) -> None:
    api = client_of(person)
    asked = {"name": "Reviews", "template": "Rate {text}", "max_tokens": 9}
    first, same = (post(api, PROMPTS, asked).json() for _ in range(2))
    assert first == same
    assert (first["number"], first["recipe"]["template"], first["recipe"]["max_tokens"]) == (1, "Rate {text}", 9)
    second = post(api, PROMPTS, asked | {"template": "Judge {text}"}).json()
    here = f"{PROMPTS}{second['prompt_template_id']}"
    assert [each["number"] for each in api.get(here).json()["versions"]] == [2, 1]
    assert [each["name"] for each in api.get(PROMPTS).json()] == ["Reviews"]
    assert post(api, f"{here}/archive", {}).json()["archived_at"]
    assert api.delete(here).status_code == 403
    assert post(api, f"{here}/restore", {}).json()["archived_at"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"template": "no column"}, "template"),
        ({"template": " "}, "template"),
        ({"shape": "poem"}, "shape"),
        ({"output_schema": "{"}, "output_schema"),
        ({"temperature": 3}, "temperature"),
    ],
)
def test_what_is_no_prompt_template_is_told_by_field(api: Client, change: dict[str, Any], field: str) -> None:
    answer = post(api, PROMPTS, {"name": "Reviews", "template": "Rate {text}"} | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])
    assert api.get(PROMPTS).json() == []


def test_an_input_of_no_prompt_version_is_refused(api: Client) -> None:
    asked = {"source_s3_uri": "s3://prompts/a.csv", "output_s3_uri": "s3://prompts/a.jsonl", "prompt_version_id": 7}
    answer = post(api, f"{HERE}inputs/", asked)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "prompt_version_id")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job_name": "a b"}, "job_name"),
        ({"input_s3_uri": "prompts"}, "input_s3_uri"),
        ({"records": 0}, "records"),
        ({"records": 10**9}, "records"),
        ({"role_arn": "x"}, "role_arn"),
    ],
)
def test_what_is_wrong_with_a_job_on_demand_is_told_by_field(api: Client, change: dict[str, Any], field: str) -> None:
    names = ("job_name", "model_id", "model_invocation_type", "input_s3_uri", "output_s3_uri")
    answer = post(api, f"{HERE}on-demand/", {name: ASKED[name] for name in names} | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])


def test_the_rest_of_a_job_that_is_not_running_is_refused(api: Client, connection: Connection, person: User) -> None:
    here = f"{HERE}jobs/{make_job(connection, created_by=person).pk}/on-demand"
    assert {api.get(here).status_code, post(api, here, {}).status_code} == {409}
    others = f"{HERE}jobs/{make_job(connection).pk}/on-demand"
    assert {api.get(others).status_code, post(api, others, {}).status_code} == {403}


@pytest.mark.parametrize("path", ["splits/", "inputs/merge", "prompt-templates/", "on-demand/", "on-demand/quote"])
def test_a_key_that_only_reads_starts_nothing(connection: Connection, person: User, path: str) -> None:
    bodies = {
        "splits/": ASKED | {"check_id": 1},
        "inputs/merge": {
            "files": ["s3://prompts/1.jsonl", "s3://prompts/2.jsonl"],
            "output_s3_uri": "s3://prompts/m.jsonl",
        },
        "prompt-templates/": {"name": "a", "template": "{a}"},
        "on-demand/quote": {"input_s3_uri": "s3://prompts/", "model_id": MODEL},
    }
    on_demand = {name: ASKED[name] for name in ("job_name", "model_id", "input_s3_uri", "output_s3_uri")}
    reader = client_of(person, Right.VIEW, Right.READ)
    assert post(reader, f"{HERE}{path}", bodies.get(path, on_demand)).status_code == 403
