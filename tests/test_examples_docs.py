"""The examples for other programs in docs: what they ask the console, and how they tell the end of a job."""

import json
import runpy
import sys
from contextlib import nullcontext
from types import ModuleType
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws.constraints import job_constraints
from batchconsole.client.main import ENDS, GOOD_ENDS
from batchconsole.jobs.models import BatchJob, Connection, ModelLimit
from batchconsole.setup.paths import ROOT
from tests.api.conftest import aws_client, key_of, pair_of
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


RUN = "20260101T020000"


class Operator:
    """In place of Amazon's operator: the call that its ``execute`` makes, with the arguments that the DAG gives it."""

    made: ClassVar[list["Operator"]] = []

    def __init__(
        self,
        *,
        task_id: str,
        job_name: str,
        role_arn: str,
        model_id: str,
        input_uri: str,
        output_uri: str,
        invoke_kwargs: dict[str, Any],
        aws_conn_id: str | None,
        waiter_delay: int,
        waiter_max_attempts: int,
    ) -> None:
        self.task_id, self.waits = task_id, waiter_delay * waiter_max_attempts
        self.asked = {
            "jobName": job_name,
            "roleArn": role_arn,
            "modelId": model_id,
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": input_uri}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": output_uri}},
            **invoke_kwargs,
        }
        self.made.append(self)

    def execute(self, bedrock: Any) -> str:
        asked = json.loads(json.dumps(self.asked).replace("{{ ts_nodash }}", RUN))
        return str(bedrock.create_model_invocation_job(**asked)["jobArn"])


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Operator:
    """The task of the DAG file, which is run as it stands.

    Airflow is too heavy for this suite, so its two modules are stand-ins: a DAG that is only a context, and the
    operator above, which takes the arguments that the file gives and no others.
    """
    bedrock: Any = ModuleType("airflow.providers.amazon.aws.operators.bedrock")
    bedrock.BedrockBatchInferenceOperator = Operator
    sdk: Any = ModuleType("airflow.sdk")
    sdk.DAG = lambda *_, **options: nullcontext(options)
    for name in ("airflow", "airflow.providers", "airflow.providers.amazon", "airflow.providers.amazon.aws"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.operators", ModuleType("operators"))
    monkeypatch.setitem(sys.modules, bedrock.__name__, bedrock)
    monkeypatch.setitem(sys.modules, sdk.__name__, sdk)
    Operator.made.clear()
    runpy.run_path(str(ROOT / "docs" / "airflow_dag.py"))
    (made,) = Operator.made
    return made


def test_the_task_of_the_dag_creates_its_job_once_through_the_gateway(
    task: Operator, connection: Connection, person: User
) -> None:
    """Airflow itself, its operator's hook and its waiter are not run: see the fixture."""
    ModelLimit.objects.create(jobs_at_once=0)  # the job waits in the queue, so AWS is not asked
    bedrock = aws_client("bedrock", connection.name, **pair_of(key_of(person)[0]))
    arn, of_retry = task.execute(bedrock), task.execute(bedrock)
    assert arn == of_retry
    job = BatchJob.objects.get()
    assert (job.job_name, job.model_invocation_type, job.created_by) == (f"nightly-{RUN}", "Converse", person)
    assert bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] == "Submitted"


def test_the_task_of_the_dag_waits_for_as_long_as_a_job_may_take(task: Operator) -> None:
    assert task.waits >= job_constraints()["timeoutDurationInHours"].max * 3600  # type: ignore[operator] # it has one
