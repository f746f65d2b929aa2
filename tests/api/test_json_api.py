"""The JSON API as a program meets it."""

import json
import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from batchconsole.jobs.models import (
    BatchJob,
    Budget,
    Connection,
    Event,
    Grant,
    InputCheck,
    JobRequest,
    MadeInput,
    ResultIndex,
    Right,
    Verb,
)
from batchconsole.records.results import ErrorGroup, Totals
from tests.api.conftest import key_of
from tests.api.described import DescribedClient
from tests.conftest import ACCOUNT, REGION
from tests.factories import MODEL, grant, make_job
from tests.jobs.conftest import arn

JOBS = "/api/v1/connections/local/jobs/"
ASKED = {
    "job_name": "nightly",
    "model_id": MODEL,
    "model_invocation_type": "Converse",
    "role_arn": f"arn:aws:iam::{ACCOUNT}:role/batch",
    "input_s3_uri": "s3://prompts/in/",
    "output_s3_uri": "s3://prompts/out/",
    "tags": [{"key": "team", "value": "nlp"}],
}
Api = Any


@pytest.fixture
def connection(db: None) -> Connection:
    """A connection that nobody listens at: what is tested here asks AWS nothing."""
    nobody = "http://127.0.0.1:9"
    return Connection.objects.create(
        name="local", title="Local", region=REGION, account_id=ACCOUNT, endpoint_url=nobody, bedrock_endpoint_url=nobody
    )


@pytest.fixture
def person(db: None) -> User:
    user = User.objects.create_user("ada")
    grant(user, "Submitter")
    return user


@pytest.fixture
def api(connection: Connection, person: User) -> Client:
    return client_of(person)


def client_of(person: User, *rights: Right) -> Client:
    caches["calls"].clear()  # of the calls that other tests made
    return DescribedClient(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {key_of(person, *rights)[1]}"})


def post(api: Client, path: str, body: Any, **headers: str) -> Any:
    return api.post(path, body, content_type="application/json", headers=headers)


def test_a_job_is_created_listed_and_got(api: Client) -> None:
    made = post(api, JOBS, ASKED)
    assert made.status_code == 201, made.json()
    job = made.json()
    assert (job["status"], job["created_by"], job["tags"]) == ("Checking", "ada", ASKED["tags"])
    assert api.get(f"{JOBS}{job['id']}").json() == job
    assert api.get(JOBS).json() == {"jobs": [job], "next_cursor": None}


def test_a_repeated_creation_gives_the_first_job(api: Client) -> None:
    first, second = (post(api, JOBS, ASKED, **{"Idempotency-Key": "1"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    other = post(api, JOBS, ASKED | {"job_name": "other"}, **{"Idempotency-Key": "1"})
    assert other.status_code == 409
    assert BatchJob.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job_name": "under_score"}, "job_name"),
        ({"job_name": ""}, "job_name"),
        ({"job_name": 7}, "job_name"),
        ({"job_name": "a\ud800"}, "job_name"),
        ({"input_s3_uri": "prompts/in"}, "input_s3_uri"),
        ({"role_arn": "arn:aws:iam::999999999999:role/batch"}, "role_arn"),
        ({"model_id": "amazon.titan-text-express-v1"}, "model_id"),
        ({"timeout_duration_in_hours": 3}, "timeout_duration_in_hours"),
        ({"subnet_ids": ["subnet-12345678"]}, "security_group_ids"),
        ({"subnet_ids": ["sub net"], "security_group_ids": ["sg-12345678"]}, "subnet_ids"),
        ({"tags": [{"key": "aws:a"}]}, "tags"),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, "tags"),
        ({"modelId": MODEL}, "modelId"),
    ],
)
def test_what_is_wrong_is_told_by_field(api: Client, change: dict[str, Any], field: str) -> None:
    answer = post(api, JOBS, ASKED | change)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not BatchJob.objects.exists()


def test_a_name_is_used_once(api: Client) -> None:
    post(api, JOBS, ASKED)
    assert post(api, JOBS, ASKED).json()["errors"][0]["field"] == "job_name"


def test_the_list_has_the_filters_of_the_page_and_a_cursor(api: Client, connection: Connection) -> None:
    for number in range(5):
        make_job(connection, job_name=f"night-{number}", status="Completed" if number else "Failed")
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"{JOBS}?status=completed&limit=3&f=name:night&cursor={cursor}").json()
        found += [job["job_name"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert found == ["night-4", "night-3", "night-2", "night-1"]


@pytest.mark.parametrize(
    "query", [{"status": "Nothing"}, {"f": "nonsense"}, {"cursor": "x"}, {"limit": 0}, {"join": "x"}]
)
def test_a_filter_that_makes_no_sense_is_refused(api: Client, query: dict[str, Any]) -> None:
    assert api.get(JOBS, query).status_code == 422


def test_a_waiting_job_is_stopped_once(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person)
    assert post(api, f"{JOBS}{job.pk}/stop", {}).json()["status"] == "Cancelled"


def test_a_checked_job_is_released_cloned_and_tagged(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person, status="Rejected", due_at=None, role_arn=ASKED["role_arn"])
    assert post(api, f"{JOBS}{job.pk}/release", {}).json()["status"] == "Queued"
    assert post(api, f"{JOBS}{job.pk}/release", {}).status_code == 409
    clone = post(api, f"{JOBS}{job.pk}/clone", {"job_name": "again", "check_input": False})
    assert (clone.status_code, clone.json()["status"]) == (201, "Queued")
    assert BatchJob.objects.get(pk=clone.json()["id"]).clone_of == job
    put = api.put(f"{JOBS}{job.pk}/tags", {"tags": [{"key": "a", "value": "1"}]}, content_type="application/json")
    assert put.json()["tags"] == [{"key": "a", "value": "1"}]
    bad = api.put(f"{JOBS}{job.pk}/tags", {"tags": [{"key": "aws:a"}]}, content_type="application/json")
    assert bad.status_code == 422


def test_a_program_does_not_take_a_job_out_of_the_budget_of_its_tag(
    api: Client, connection: Connection, person: User
) -> None:
    Budget.objects.create(usd_per_month=100, tag_key="team", tag_value="nlp")
    job = make_job(connection, created_by=person, tags=ASKED["tags"])
    put = api.put(f"{JOBS}{job.pk}/tags", {"tags": []}, content_type="application/json")
    assert (put.status_code, "team=nlp" in put.text, "clone it" in put.text) == (403, True, True)


def test_a_job_in_the_queue_is_held_released_and_moved(connection: Connection, person: User) -> None:
    grant(person, "Operator")
    operator = client_of(person)
    job = f"{JOBS}{make_job(connection, created_by=person).pk}"
    assert post(operator, f"{job}/hold", {}).json()["is_held"] is True
    assert post(operator, f"{job}/unhold", {"comment": "Go."}).json()["is_held"] is False
    assert operator.put(f"{job}/priority", {"priority": 5}, content_type="application/json").json()["priority"] == 5
    assert operator.put(f"{job}/priority", {"priority": 101}, content_type="application/json").status_code == 422
    assert post(operator, f"{job}/front", {}).json()["priority"] == 101


def test_a_comment_with_a_nul_character_is_refused(api: Client, connection: Connection, person: User) -> None:
    answer = post(api, f"{JOBS}{make_job(connection, created_by=person).pk}/unhold", {"comment": "Go\0"})
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"field": "comment", "message": "NUL characters are not allowed."}],
    )


def test_priority_takes_the_right_to_operate(api: Client, connection: Connection, person: User) -> None:
    job = f"{JOBS}{make_job(connection, created_by=person).pk}"
    assert post(api, f"{job}/hold", {}).status_code == 200
    assert post(api, f"{job}/front", {}).status_code == 403
    assert api.put(f"{job}/priority", {"priority": 5}, content_type="application/json").status_code == 403


def test_a_job_starts_later_when_that_is_asked(api: Client) -> None:
    made = post(api, JOBS, ASKED | {"start_at": "2020-01-01T00:00:00Z"})
    assert made.status_code == 422
    assert "has passed" in made.text
    at = (timezone.now() + timedelta(days=1)).isoformat()
    assert post(api, JOBS, ASKED | {"start_at": at}).json()["start_at"] is not None


def test_a_repeated_clone_gives_the_first(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person, role_arn=ASKED["role_arn"])
    answers = [post(api, f"{JOBS}{job.pk}/clone", {"job_name": "again"}, **{"Idempotency-Key": "c"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]


def test_failed_records_are_sent_again_once(api: Client, connection: Connection, person: User) -> None:
    job = make_job(connection, created_by=person, status="Completed", job_arn=arn(1), results="ready")
    key = {"Idempotency-Key": "r"}
    first, second = (post(api, f"{JOBS}{job.pk}/resend", {"unanswered": False}, **key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200), first.json()
    assert first.json() == second.json()
    made = MadeInput.objects.get()
    assert (made.resend_of, made.resends_failed, made.resends_unanswered) == (job, True, False)
    found = api.get(f"/api/v1/connections/local/inputs/{made.pk}").json()
    assert (found["state"], found["resend_of_id"]) == ("queued", job.pk)
    assert post(api, f"{JOBS}{job.pk}/resend", {}, **key).status_code == 409
    assert post(api, f"/api/v1/connections/local/inputs/{made.pk}/cancel", {}).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "values", "status"),
    [
        ({}, {"results": "none"}, 409),
        ({"failed": False, "unanswered": False}, {}, 409),
        ({"merges": [1]}, {}, 422),
        ({"merges": [0]}, {}, 422),
        ({"at_least": -1}, {}, 422),
    ],
)
def test_what_cannot_be_sent_again_is_told(
    api: Client, connection: Connection, person: User, body: dict[str, Any], values: dict[str, str], status: int
) -> None:
    job = make_job(
        connection, **{"created_by": person, "status": "Completed", "job_arn": arn(1), "results": "ready"} | values
    )
    assert post(api, f"{JOBS}{job.pk}/resend", body).status_code == status
    assert not MadeInput.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source_s3_uri": "prompts.csv"}, "source_s3_uri"),
        ({"output_s3_uri": "s3://prompts/in/"}, "output_s3_uri"),
        ({"output_s3_uri": "s3://prompts/a.jsonl", "source_s3_uri": "s3://prompts/a.jsonl"}, "output_s3_uri"),
        ({"shape": "poem"}, "shape"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"separator": ";;"}, "separator"),
        ({"separator": "\0"}, "separator"),
        ({"template": "{a}\0"}, "template"),
    ],
)
def test_input_that_cannot_be_made_is_told_by_field(api: Client, change: dict[str, Any], field: str) -> None:
    asked = {"source_s3_uri": "s3://prompts/a.csv", "output_s3_uri": "s3://prompts/in/a.jsonl", "template": "{a}"}
    answer = post(api, "/api/v1/connections/local/inputs/", asked | change)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])


def test_errors_are_told_by_their_message(api: Client, connection: Connection) -> None:
    job = make_job(connection, results="ready")
    group = ErrorGroup(code=400, message="Too long", count=7, record_ids=["r1"], positions=[0])
    ResultIndex.objects.create(job=job, totals_json=msgspec.json.encode(Totals(failed=7, errors=[group])).decode())
    assert api.get(f"{JOBS}{job.pk}/errors").json() == [msgspec.to_builtins(group)]


def test_others_jobs_take_the_right_to_operate(api: Client, connection: Connection) -> None:
    answer = post(api, f"{JOBS}{make_job(connection).pk}/stop", {})
    assert answer.status_code == 403
    assert "“operate”" in answer.json()["detail"]


def test_a_check_is_started_and_followed(api: Client) -> None:
    asked = {"input_s3_uri": "s3://prompts/in/", "model_id": MODEL, "model_invocation_type": "Converse"}
    check = post(api, "/api/v1/connections/local/checks/", asked)
    assert check.status_code == 201
    found = api.get(f"/api/v1/connections/local/checks/{check.json()['id']}").json()
    assert (found["state"], found["report"]) == (InputCheck.State.QUEUED, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input_s3_uri": "s3://b/\0"}, "input_s3_uri"),
        ({"input_s3_uri": "s3://b/\ud800"}, "input_s3_uri"),
        ({"model_id": "m" * 3000}, "model_id"),
        ({"model_id": ""}, "model_id"),
    ],
)
def test_a_check_of_what_is_no_input_is_refused(api: Client, change: dict[str, str], field: str) -> None:
    asked = {"input_s3_uri": "s3://prompts/in/", "model_id": MODEL} | change
    answer = post(api, "/api/v1/connections/local/checks/", asked)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("path", ["a%00b/jobs/", f"local/jobs/{2**63}", "local/jobs/0", "local/jobs/x", "-/jobs/"])
def test_an_odd_address_is_refused(api: Client, path: str) -> None:
    assert api.get(f"/api/v1/connections/{path}").status_code in (404, 422)


def test_results_that_are_not_there_are_told(api: Client, connection: Connection) -> None:
    job = make_job(connection)
    assert api.get(f"{JOBS}{job.pk}/results").json() == {"state": "none", "error": None, "totals": None}
    nothing = {"count": 0, "page": 1, "records": [], "next": None}
    for query in ({}, {"find": "x"}, {"only": "unanswered"}, {"only": "errors", "order": "input", "stop": "end_turn"}):
        assert api.get(f"{JOBS}{job.pk}/records", query).json() == nothing
    assert api.get(f"{JOBS}{job.pk}/errors").json() == []
    assert {api.get(f"{JOBS}{job.pk}/{each}").status_code for each in ("output", "export")} == {409}


@pytest.mark.parametrize("path", ["results", "errors", "records", "output", "export"])
def test_a_job_whose_output_lies_elsewhere_is_not_read(api: Client, connection: Connection, path: str) -> None:
    places = ["s3://data/"]
    Connection.objects.update(input_prefixes=places, output_prefixes=places, upload_prefixes=places)
    job = make_job(connection, output_s3_uri="s3://payroll/", results="ready")
    answer = api.get(f"{JOBS}{job.pk}/{path}")
    assert (answer.status_code, "only in s3://data/" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize(("path", "verb"), [("output", Verb.DOWNLOADED), ("records", Verb.RECORDS_VIEWED)])
def test_reading_records_is_told_with_the_key(api: Client, connection: Connection, path: str, verb: Verb) -> None:
    job = make_job(connection, status="Completed", job_arn=arn(1), results="ready")
    api.get(f"{JOBS}{job.pk}/{path}")
    event = Event.objects.get(verb=verb)
    assert (event.job, str(event.actor), event.api_key[:4]) == (job, "ada", "BCAK")


def test_models_have_prices_and_usage_its_groups(api: Client) -> None:
    models = api.get("/api/v1/connections/local/models").json()
    assert next(model for model in models if model["model_id"] == MODEL)["input_usd_per_million"] == "0.0175"
    assert api.get("/api/v1/connections/local/usage").json()["groups"] == []
    assert api.get("/api/v1/connections/local/usage", {"first": "2026-02-01", "last": "2026-01-01"}).status_code == 422


def test_budgets_tell_what_is_used(api: Client, connection: Connection, person: User) -> None:
    Budget.objects.create(usd_per_month=100, connection=connection, above="hold")
    Budget.objects.create(usd_per_month=100, user=User.objects.create_user("bob"))
    make_job(connection, created_by=person, status="Completed", job_arn=arn(1), end_time=timezone.now(), cost_usd=25)
    (found,) = api.get("/api/v1/connections/local/budgets").json()
    assert (float(found["used_usd"]), found["percent"], found["above"]) == (25, 25, "hold")


def test_connections_tell_the_rights_of_the_key(connection: Connection, person: User) -> None:
    found = client_of(person, Right.VIEW).get("/api/v1/connections/").json()
    assert [(each["name"], each["rights"]) for each in found] == [("local", ["view"])]


def test_a_key_without_the_right_is_refused(connection: Connection, person: User) -> None:
    answer = post(client_of(person, Right.VIEW), JOBS, ASKED)
    assert answer.status_code == 403
    assert "“submit”" in answer.json()["detail"]


def test_a_connection_without_any_right_is_not_found(api: Client) -> None:
    Grant.objects.all().delete()
    for name in ("local", "unknown"):
        assert api.get(f"/api/v1/connections/{name}/jobs/").status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic YTpi"])
def test_nobody_without_a_key_is_let_in(connection: Connection, header: str) -> None:
    answer = Client(headers={"Authorization": header} if header else {}).get(JOBS)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_signed_in_browser_is_not_let_in(connection: Connection, person: User) -> None:
    browser = Client()
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get(JOBS).status_code == 401


def test_a_key_has_so_many_calls_a_minute(api: Client, settings: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 2
    answers = [api.get(JOBS) for _ in range(3)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert answers[0]["RateLimit-Limit"] == "2"
    assert int(answers[-1]["Retry-After"]) <= 61


def test_counting_calls_writes_nothing_to_the_database(api: Client) -> None:
    api.get(JOBS)
    with CaptureQueriesContext(database) as asked:
        api.get(JOBS)
    assert not [query["sql"] for query in asked if not query["sql"].startswith("SELECT")]


def test_a_body_that_is_too_large_is_refused(api: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert post(api, JOBS, ASKED).status_code == 413


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "\x00"])
def test_a_body_that_is_no_request_is_refused(api: Client, body: str) -> None:
    answer = post(api, JOBS, body)
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_webhook_is_made_tested_rotated_and_removed(connection: Connection, person: User) -> None:
    grant(person, "Administrator", connection)
    api, hooks = client_of(person), "/api/v1/connections/local/webhooks/"
    asked = {"name": "Pipeline", "url": "https://hooks.example.com/x?token=s3cret", "occasions": ["job.failed"]}
    made = post(api, hooks, asked)
    assert made.status_code == 201
    webhook = f"{hooks}{made.json()['webhook']['id']}/"
    test = post(api, f"{webhook}test", {}).json()
    assert (test["state"], test["type"]) == ("waiting", "test")
    assert post(api, f"{webhook}deliveries/{test['id']}/again", {}).status_code == 409
    assert post(api, f"{webhook}rotate", {}).json()["secret"] != made.json()["secret"]
    assert post(api, f"{webhook}resume", {}).status_code == 200
    [listed] = api.get(hooks).json()
    assert (listed["url"], listed["paused_at"]) == ("https://hooks.example.com/x", None)
    assert [each["id"] for each in api.get(f"{webhook}deliveries").json()["deliveries"]] == [test["id"]]
    assert api.delete(webhook[:-1]).status_code == 204
    assert api.get(hooks).json() == []


@pytest.mark.parametrize("change", [{"url": "https://10.0.0.1/"}, {"occasions": ["nonsense"]}, {"name": " "}])
def test_a_webhook_that_cannot_be_is_refused_with_the_field(
    connection: Connection, person: User, change: dict[str, Any]
) -> None:
    grant(person, "Administrator", connection)
    asked = {"name": "Pipeline", "url": "https://hooks.example.com/x", "occasions": ["job.failed"]}
    answer = post(client_of(person), "/api/v1/connections/local/webhooks/", asked | change)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == list(change)


def test_webhooks_take_the_right_to_administer(api: Client) -> None:
    assert api.get("/api/v1/connections/local/webhooks/").status_code == 403


def test_the_description_names_every_operation(db: None) -> None:
    found = Client().get("/api/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    operations = [each["operationId"] for path in found["paths"].values() for each in path.values()]
    assert {"create_job", "list_jobs", "stop_job", "list_records", "start_check", "get_usage"} <= set(operations)


def test_the_description_has_every_field_of_a_request_and_its_errors(db: None) -> None:
    found = Client().get("/api/v1/openapi.json").json()
    schemas = found["components"]["schemas"]
    asked = {each.name for each in fields(JobRequest)} - {"client_request_token"}
    assert asked | {"check_input"} <= set(schemas["JobIn"]["properties"])
    assert asked <= set(schemas["JobOut"]["properties"])
    told = found["paths"]["/api/v1/connections/"]["get"]["responses"]["503"]["content"]
    assert told == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found))
    assert set(references) <= set(schemas)
