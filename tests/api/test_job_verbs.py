"""What programs do with jobs besides running them: notes, the archive, two definitions, and downloads."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.jobs.models import BatchJob, Connection, Event, JobNote, MadeInput, Right, Verb
from tests.api.test_json_api import ASKED, JOBS, api, client_of, connection, person, post
from tests.factories import grant, make_job
from tests.jobs.conftest import arn

__all__ = ["api", "connection", "person"]
CHECKS = "/api/v1/connections/local/checks/"


def test_a_note_is_added_listed_and_removed(api: Client, connection: Connection) -> None:
    notes = f"{JOBS}{make_job(connection).pk}/notes/"
    made = post(api, notes, {"text": "Rerun with the new prompt."})
    assert (made.status_code, made.json()["created_by"]) == (201, "ada")
    assert api.get(notes).json() == [made.json()]
    assert api.delete(f"{notes}{made.json()['id']}").status_code == 204
    assert api.delete(f"{notes}{made.json()['id']}").status_code == 404
    told = Event.objects.exclude(job=None).order_by("id").values_list("verb", flat=True)
    assert list(told) == [Verb.NOTE_ADDED, Verb.NOTE_REMOVED]


@pytest.mark.parametrize(("text", "status"), [("", 422), (" \n", 409), ("a\0", 422), ("x" * 2001, 422)])
def test_a_note_that_is_no_text_is_refused(api: Client, connection: Connection, text: str, status: int) -> None:
    answer = post(api, f"{JOBS}{make_job(connection).pk}/notes/", {"text": text})
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, ["text"])


def test_another_persons_note_takes_the_right_to_operate(api: Client, connection: Connection) -> None:
    note = JobNote.objects.create(job=make_job(connection), text="Mine.")
    assert api.delete(f"{JOBS}{note.job_id}/notes/{note.pk}").status_code == 403
    assert JobNote.objects.exists()


def test_an_ended_job_is_archived_and_brought_back(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person, status="Completed")
    here = f"{JOBS}{job.pk}"
    assert post(api, f"{here}/archive", {}).json()["archived_at"]
    assert api.get(JOBS).json()["jobs"] == []
    assert [each["id"] for each in api.get(JOBS, {"f": "archived=yes"}).json()["jobs"]] == [job.pk]
    assert api.get(JOBS, {"f": ["archived=yes", "lane=on_demand"]}).json()["jobs"] == []
    assert post(api, f"{here}/unarchive", {}).json()["archived_at"] is None
    assert post(api, f"{JOBS}{make_job(connection, created_by=person).pk}/archive", {}).status_code == 409


def test_the_differences_of_two_definitions_are_told(api: Client, connection: Connection) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]
    first = make_job(connection, job_name="same", tags=tags, check_input=True)
    second = make_job(connection, job_name="same", tags=tags[::-1], timeout_duration_in_hours=48, check_input=False)
    assert api.get(f"{JOBS}{first.pk}/differences/{second.pk}").json()["differences"] == [
        {"field": "timeout_duration_in_hours", "value": None, "other_value": 48},
        {"field": "check_input", "value": True, "other_value": False},
    ]
    assert api.get(f"{JOBS}{first.pk}/differences/{first.pk}").json() == {"differences": []}
    assert api.get(f"{JOBS}{first.pk}/differences/{second.pk + 1}").status_code == 404


def test_the_output_is_read_again(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person, status="Completed", job_arn=arn(1), results="failed")
    assert post(api, f"{JOBS}{job.pk}/results/read", {}).json()["results"] == "pending"
    assert post(api, f"{JOBS}{job.pk}/results/read", {}).status_code == 409


@pytest.mark.parametrize("name", ["results/read", "archive", "unarchive", "tags/read"])
def test_others_jobs_take_the_right_to_operate(api: Client, connection: Connection, name: str) -> None:
    job = make_job(connection, status="Completed", job_arn=arn(1), results="failed")
    assert post(api, f"{JOBS}{job.pk}/{name}", {}).status_code == 403


def test_a_job_of_a_resend_belongs_to_the_job_whose_records_it_sends(
    api: Client, connection: Connection, person: User
) -> None:
    source = make_job(connection, created_by=person, status="Completed", job_arn=arn(1), results="ready")
    made = post(api, f"{JOBS}{source.pk}/resend", {}).json()
    MadeInput.objects.update(state="done")
    asked = ASKED | {"input_s3_uri": made["output_s3_uri"], "resend_of_id": made["resend_of_id"]}
    answer = post(api, JOBS, asked)
    assert (answer.status_code, answer.json()["resend_of_id"]) == (201, source.pk), answer.json()
    assert BatchJob.objects.get(pk=answer.json()["id"]).resend_of == source


@pytest.mark.parametrize(("change", "status"), [({"resend_of_id": 0}, 422), ({"resend_of_id": 10**9}, 422)])
def test_a_resend_of_no_job_is_refused(api: Client, change: dict[str, Any], status: int) -> None:
    answer = post(api, JOBS, ASKED | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (status, ["resend_of_id"])
    assert not BatchJob.objects.exists()


def test_a_resend_of_another_persons_job_is_refused(api: Client, connection: Connection) -> None:
    assert post(api, JOBS, ASKED | {"resend_of_id": make_job(connection).pk}).status_code == 403


@pytest.mark.parametrize("query", [{"format": "xlsx"}, {"format": ""}])
def test_a_format_that_is_not_offered_is_refused(api: Client, connection: Connection, query: dict[str, str]) -> None:
    job = make_job(connection, results="ready")
    for name in ("export", "table"):
        assert api.get(f"{JOBS}{job.pk}/{name}", query).status_code == 422


def test_a_job_without_a_table_has_no_answered_table(api: Client, connection: Connection) -> None:
    assert api.get(f"{JOBS}{make_job(connection, results='ready').pk}/table").status_code == 404


def test_reading_a_table_takes_the_right_to_read(connection: Connection, person: User) -> None:
    job = make_job(connection, results="ready")
    assert client_of(person, Right.VIEW).get(f"{JOBS}{job.pk}/table").status_code == 403


def test_a_check_is_ended_and_its_problems_wait_for_the_report(api: Client, connection: Connection) -> None:
    asked = {"input_s3_uri": "s3://prompts/in/", "model_id": ASKED["model_id"]}
    check = f"{CHECKS}{post(api, CHECKS, asked).json()['id']}"
    assert api.get(f"{check}/problems").status_code == 409
    assert post(api, f"{check}/cancel", {}).json()["state"] == "cancelled"
    assert post(api, f"{check}/cancel", {}).status_code == 409


def test_a_webhook_is_changed_and_paused(connection: Connection, person: User) -> None:
    grant(person, "Administrator", connection)
    api, hooks = client_of(person), "/api/v1/connections/local/webhooks/"
    asked = {"name": "Pipeline", "url": "https://hooks.example.com/x", "occasions": ["job.failed"]}
    hook = f"{hooks}{post(api, hooks, asked).json()['webhook']['id']}"
    changed = api.patch(hook, {"occasions": ["job.completed"]}, content_type="application/json").json()
    assert (changed["name"], changed["url"], changed["occasions"]) == (asked["name"], asked["url"], ["job.completed"])
    wrong = api.patch(hook, {"url": "https://10.0.0.1/"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "url")
    assert post(api, f"{hook}/pause", {}).json()["paused_at"]
    assert api.get(hook).json()["paused_at"]


def test_usage_is_told_by_the_values_of_a_tag(api: Client, connection: Connection) -> None:
    ended = {"status": "Completed", "job_arn": arn(1), "end_time": timezone.now(), "cost_usd": 2}
    make_job(connection, tags=[{"key": "team", "value": "nlp"}], **ended)
    (group,) = api.get("/api/v1/connections/local/usage", {"by": "tag", "tag": "team"}).json()["groups"]
    assert (group["group"], group["jobs"]) == ("nlp", 1)
