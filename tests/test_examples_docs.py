"""The examples for other programs in docs: what they ask the console, and how they tell the end of a job."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.client.main import ENDS, GOOD_ENDS
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.setup.paths import ROOT
from tests.api.test_json_api import client_of, connection, person

__all__ = ["connection", "person"]
STATES: dict[str, Any] = json.loads((ROOT / "docs" / "step-functions.asl.json").read_text())
TASKS = {name: state["Parameters"] for name, state in STATES["States"].items() if state["Type"] == "Task"}
INPUT = {"input_s3_uri": "s3://prompts/in/", "output_s3_uri": "s3://prompts/out/"}


@pytest.fixture
def api(connection: Connection, person: User) -> Client:
    return client_of(person)


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with what Step Functions puts in place of paths, in an execution named ``nightly``."""
    known = {"$$.Execution.Name": "nightly", **{f"$.{name}": value for name, value in INPUT.items()}}
    return {name.removesuffix(".$"): known[value] if name.endswith(".$") else value for name, value in values.items()}


def path_of(endpoint: str) -> str:
    return endpoint.partition("console.example.com")[2]


def test_each_state_leads_to_one_that_is_there() -> None:
    states = STATES["States"]
    choices = [each for state in states.values() for each in state.get("Choices", [])]
    leads = [STATES["StartAt"], *(each["Next"] for each in choices)]
    leads += [state[name] for state in states.values() for name in ("Next", "Default") if name in state]
    assert set(leads) == set(states)


def test_the_state_machine_creates_its_job_once_and_reads_it(api: Client) -> None:
    create, get = TASKS["Create job"], TASKS["Get job"]
    headers = filled(create["Headers"])
    for status in (201, 200):
        answer = api.post(
            path_of(create["ApiEndpoint"]),
            filled(create["RequestBody"]),
            content_type=headers["Content-Type"],
            headers={"Idempotency-Key": headers["Idempotency-Key"]},
        )
        assert answer.status_code == status, answer.json()
    template = get["ApiEndpoint.$"].split("'")[1]
    job = api.get(path_of(template.format(BatchJob.objects.get().pk))).json()
    selected = STATES["States"]["Get job"]["ResultSelector"].values()
    assert {each.removeprefix("$.ResponseBody.") for each in selected} <= set(job)


def test_the_state_machine_knows_every_end_of_a_job() -> None:
    good, bad = STATES["States"]["Has it ended?"]["Choices"]
    assert {good["StringEquals"]} == GOOD_ENDS
    assert {each["StringEquals"] for each in bad["Or"]} == ENDS - GOOD_ENDS
