"""Job templates for programs: the same verbs and rules as the pages'."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import Connection, JobTemplate, Right
from tests.api.test_json_api import ASKED, api, client_of, connection, person, post
from tests.factories import MODEL

__all__ = ["api", "connection", "person"]
HERE = "/api/v1/connections/local/job-templates/"
JOB = {"model_id": MODEL, "tags": [{"key": "team", "value": "nlp"}]}
REVIEWS = {"name": "Reviews", "job": JOB}


@pytest.fixture
def full(person: User) -> Client:
    """A client whose key has all rights."""
    return client_of(person, *Right)


def patch(client: Client, url: str, body: dict[str, Any]) -> Any:
    return client.patch(url, body, content_type="application/json")


def test_it_is_saved_listed_renamed_and_deleted(full: Client, connection: Connection) -> None:
    made = post(full, HERE, REVIEWS)
    assert made.status_code == 201
    here = f"{HERE}{made.json()['id']}"
    assert made.json()["job"] == JOB | {"model_invocation_type": "InvokeModel"}
    renamed = patch(full, here, {"version": 1, "name": "Night"}).json()
    assert (renamed["name"], renamed["version"], renamed["job"]) == ("Night", 2, made.json()["job"])
    changed = patch(full, here, {"version": 2, "job": {"job_name": "nightly"}}).json()
    assert (changed["name"], changed["job"]["job_name"], "model_id" in changed["job"]) == ("Night", "nightly", False)
    assert [each["name"] for each in full.get(HERE).json()] == ["Night"]
    assert full.get(here).json() == changed
    assert full.delete(here).status_code == 204
    assert full.get(here).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": "Night"}, 409, "name"),
        ({"name": " "}, 409, "name"),
        ({"version": 7}, 409, "name"),
        ({"job": {"input_s3_uri": "https://bucket/x"}}, 422, "job.input_s3_uri"),
        ({"job": {"tags": [{"key": "aws:x"}]}}, 422, "job.tags"),
        ({"jobs": {}}, 422, "jobs"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_changes_nothing(
    full: Client, connection: Connection, change: dict[str, Any], status: int, field: str
) -> None:
    post(full, HERE, REVIEWS | {"name": "Night"})
    here = f"{HERE}{post(full, HERE, REVIEWS).json()['id']}"
    answer = patch(full, here, {"version": 1} | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, [field])
    assert sorted(JobTemplate.objects.values_list("name", "version")) == [("Night", 1), ("Reviews", 1)]


def test_a_key_that_only_reads_saves_none(person: User, connection: Connection) -> None:
    assert post(client_of(person, Right.VIEW), HERE, REVIEWS).status_code == 403
    assert not JobTemplate.objects.exists()


def test_a_job_is_created_from_it_with_what_is_given_besides(full: Client, connection: Connection) -> None:
    job = {name: value for name, value in ASKED.items() if name != "job_name"}
    here = f"{HERE}{post(full, HERE, REVIEWS | {'job': job, 'check_input': False}).json()['id']}/jobs"
    given, key = {"job_name": "night-1", "timeout_duration_in_hours": 48}, {"Idempotency-Key": "1"}
    made, same = (post(full, here, given, **key) for _ in range(2))
    assert (made.status_code, same.status_code) == (201, 200), made.json()
    told = made.json()
    assert (told["job_name"], told["timeout_duration_in_hours"], told["status"]) == ("night-1", 48, "Queued")
    assert (told["tags"], told["role_arn"]) == (job["tags"], job["role_arn"])
    unnamed = post(full, here, {})
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (422, "job_name")
