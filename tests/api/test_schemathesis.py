"""Schemathesis at the JSON API, without a network between: what the description says is what a program meets."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from batchconsole.api.v1.docs import openapi_document
from batchconsole.jobs.models import Connection, InputSplit, Schedule
from batchconsole.setup import clients
from batchconsole.setup.paths import SCHEMATHESIS
from tests.api.conftest import key_of
from tests.api.test_json_api import ASKED, JOBS, post
from tests.api.test_schedules import HERE, NIGHTLY
from tests.factories import MODEL, grant, make_job
from tests.jobs.conftest import Sample, arn

OPERATIONS = [(path, method) for path, methods in openapi_document()["paths"].items() for method in methods]
OF_ENDED_JOBS = ("resend", "output", "export", "clone", "table", "archive")
PROMPT = {"name": "a", "template": "{a}"}
FEW: Any = settings(
    max_examples=2,
    derandomize=True,  # the same examples each time
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@contextmanager
def open_database() -> Iterator[None]:
    """Keep the test's transaction open over requests, as Django's own test client does."""
    both = (signals.request_started, signals.request_finished)
    for signal in both:
        signal.disconnect(close_old_connections)
    yield
    for signal in both:
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def schemathesis() -> Any:
    clients.ensure_schemathesis()
    sys.path.append(str(SCHEMATHESIS))  # last: of what the tests have too, theirs is taken
    return importlib.import_module("schemathesis")


@pytest.fixture
def token(person: User, settings: Any) -> str:
    settings.API_CALLS_PER_MINUTE = 10**9
    grant(person, "Administrator")
    return key_of(person)[1]


@pytest.fixture
def existing(connection: Connection, person: User, token: str, sample_input: Sample) -> dict[str, Any]:
    """The parameters in the addresses of things that are there."""
    api, here = Client(headers={"Authorization": f"Bearer {token}"}), "/api/v1/connections/local/"
    places = {"input_s3_uri": sample_input.input_s3_uri, "output_s3_uri": sample_input.output_s3_uri}
    queued = make_job(connection, created_by=person, **places)
    ended = make_job(connection, created_by=person, status="Completed", job_arn=arn(1), results="ready", **places)
    asked = {"input_s3_uri": sample_input.input_s3_uri, "model_id": MODEL}
    hook = {"name": "Pipeline", "url": "https://hooks.example.com/x", "occasions": ["job.failed"]}
    folder = Schedule.objects.create(connection=connection, title="In", kind="folder", created_by=person)
    webhook = post(api, f"{here}webhooks/", hook).json()["webhook"]["id"]
    return {
        "connection": "local",
        "job_id": queued.pk,
        "ended_job_id": ended.pk,
        "other_id": ended.pk,
        "note_id": post(api, f"{JOBS}{queued.pk}/notes/", {"text": "A note."}).json()["id"],
        "check_id": post(api, f"{here}checks/", asked).json()["id"],
        "split_id": InputSplit.objects.create(connection=connection, created_by=person, request_json=ASKED).pk,
        "prompt_id": post(api, f"{here}prompt-templates/", PROMPT).json()["prompt_template_id"],
        "template_id": post(api, f"{here}job-templates/", {"name": "a", "job": {}}).json()["id"],
        "file_id": folder.files.create(s3_uri=f"{places['input_s3_uri']}a.jsonl", etag="e", size=1).pk,
        "schedule_id": post(api, HERE, NIGHTLY).json()["id"],
        "folder_id": folder.pk,
        "input_id": post(api, f"{JOBS}{ended.pk}/resend", {}).json()["id"],
        "webhook_id": webhook,
        "delivery_id": post(api, f"{here}webhooks/{webhook}/test", {}).json()["id"],
    }


def address(path: str, existing: dict[str, Any]) -> dict[str, Any]:
    values = existing | ({"job_id": existing["ended_job_id"]} if path.endswith(OF_ENDED_JOBS) else {})
    if "{file_id}" in path:
        values["schedule_id"] = existing["folder_id"]
    return {name: value for name, value in values.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_operation_is_as_described(schemathesis: Any, token: str, existing: dict[str, Any], mode: str) -> None:
    schema = schemathesis.openapi.from_dict(openapi_document())
    schema.app = get_wsgi_application()
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    # The description cannot tell all that the form's validation asks for: a role of the connection's own account ...
    excluded = [check for check in schemathesis.checks.CHECKS.get_all() if "positive_data" in check.__name__]

    def walk(case: Any) -> None:
        with transaction.atomic():
            case.call_and_validate(headers=headers, excluded_checks=excluded)
            transaction.set_rollback(True)

    with open_database():
        for path, method in OPERATIONS:
            given_path = address(path, existing) if mode == "positive" else None
            kind = schemathesis.GenerationMode(mode)
            cases = schema[path][method.upper()].as_strategy(generation_mode=kind, path_parameters=given_path)
            decorate: Any = given  # which has no types for a strategy that is not known before
            FEW(decorate(cases)(walk))()
