"""Schedules for programs: the same verbs and rules as the pages'."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import Connection, Right, Schedule
from tests.api.test_json_api import api, client_of, connection, person, post
from tests.conftest import ACCOUNT

__all__ = ["api", "connection", "person"]
HERE = "/api/v1/connections/local/schedules/"
JOB = {
    "job_name": "nightly-{date:%Y%m%d}",
    "model_id": "amazon.nova-lite-v1:0",
    "input_s3_uri": "s3://bucket/{date}/",
    "output_s3_uri": "s3://bucket/out/",
    "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/r",
}
NIGHTLY = {"title": "Nightly", "kind": "rule", "rule": "0 2 * * *", "job": JOB}


@pytest.fixture
def full(person: User) -> Client:
    """A client whose key has all rights."""
    return client_of(person, *Right)


def test_it_is_created_run_paused_resumed_and_deleted(full: Client, connection: Connection) -> None:
    made = post(full, HERE, NIGHTLY)
    assert made.status_code == 201
    here = f"{HERE}{made.json()['id']}"
    assert [each["title"] for each in full.get(HERE).json()] == ["Nightly"]
    assert post(full, f"{here}/run", {}).json()["outcome"] == "created"
    assert post(full, f"{here}/pause", {}).json()["is_active"] is False
    assert post(full, f"{here}/resume", {}).json()["is_active"] is True
    assert [each["outcome"] for each in full.get(f"{here}/runs").json()["runs"]] == ["created"]
    assert full.delete(here).status_code == 204


def test_a_watched_folder_is_the_input_of_the_job(full: Client, connection: Connection) -> None:
    asked = {"title": "Uploads", "kind": "folder", "job": JOB | {"input_s3_uri": "s3://bucket/in/"}}
    made = post(full, HERE, asked).json()
    assert (made["folder_s3_uri"], made["job"]["input_s3_uri"]) == ("s3://bucket/in/", "")


@pytest.mark.parametrize(
    ("change", "field"), [({"rule": "x"}, "rule"), ({"job": JOB | {"job_name": "{x}"}}, "job_name")]
)
def test_what_is_wrong_is_told_by_field(
    full: Client, connection: Connection, change: dict[str, Any], field: str
) -> None:
    answer = post(full, HERE, NIGHTLY | change)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_a_key_with_fewer_rights_than_its_owner_creates_none(person: User, connection: Connection) -> None:
    answer = post(client_of(person, Right.VIEW, Right.SUBMIT), HERE, NIGHTLY)
    assert answer.status_code == 403
    assert not Schedule.objects.exists()


def test_a_repeated_creation_gives_the_first_schedule(full: Client, connection: Connection) -> None:
    key = {"Idempotency-Key": "1"}
    answers = [post(full, HERE, NIGHTLY | {"title": title}, **key) for title in ("A", "A", "B")]
    assert [each.status_code for each in answers] == [201, 200, 409]
    assert answers[0].json()["id"] == answers[1].json()["id"]


def test_it_is_changed_but_keeps_its_kind(full: Client, connection: Connection) -> None:
    here = f"{HERE}{post(full, HERE, NIGHTLY).json()['id']}"
    changed = full.put(here, NIGHTLY | {"rule": "0 3 * * *"}, content_type="application/json")
    assert (changed.status_code, changed.json()["rule"]) == (200, "0 3 * * *")
    folder = {"title": "x", "kind": "folder", "job": JOB | {"input_s3_uri": "s3://bucket/in/"}}
    assert full.put(here, folder, content_type="application/json").json()["errors"][0]["field"] == "kind"


def test_a_file_that_was_skipped_waits_again(full: Client, connection: Connection, person: User) -> None:
    folder = Schedule.objects.create(
        connection=connection, title="In", kind="folder", folder_s3_uri="s3://bucket/in/", created_by=person
    )
    file = folder.files.create(s3_uri="s3://bucket/in/a.jsonl", etag="e", size=1, state="skipped", reason="Empty.")
    here = f"{HERE}{folder.pk}"
    assert full.get(f"{here}/runs").json()["runs"][0]["file_id"] == file.pk
    assert post(full, f"{here}/files/{file.pk}/retry", {}).json()["outcome"] == "waiting"
    assert post(full, f"{here}/files/{file.pk + 1}/retry", {}).status_code == 404
