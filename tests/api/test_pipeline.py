"""AWS's clients, unchanged, at a real console: more jobs than the quota admits, and each one's whole flow."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from batchconsole.setup import clients
from batchconsole.setup.clients import JAVASCRIPT
from batchconsole.setup.paths import BOTOCORE, ROOT
from tests.api.tls import tls_proxy
from tests.conftest import ACCOUNT, REGION, service_role_trust
from tests.databases import MigratedDatabase
from tests.jobs.conftest import converse_lines
from tests.localbedrock.conftest import node as node
from tests.running import Up, clean_environment, up

AT_ONCE = 3
(NEWEST,) = re.findall(r"^boto3==(\S+)", clients.BOTOCORE_REQUIREMENTS.read_text(), re.MULTILINE)
WAITING_MODEL = "amazon.nova-lite-v1:0"  # no job of it is submitted, so each flow meets the same states
PREPARE = f"""
from django.contrib.auth.models import User
from batchconsole.jobs.rights.api_keys import create_api_key
from batchconsole.jobs.rights.api_keys import signing_secret
from batchconsole.jobs.models import ModelLimit, Right
ModelLimit.objects.create(jobs_at_once={AT_ONCE})
ModelLimit.objects.create(model_id="{WAITING_MODEL}", jobs_at_once=0)
user = User.objects.get(username="admin")
key, token = create_api_key(user=user, name="pipeline", rights=[Right.VIEW, Right.SUBMIT])
print(token, key.key_id, signing_secret(key.key_id))
"""
COUNT = "from batchconsole.jobs.models import BatchJob; print(BatchJob.objects.count())"


def in_console(started: Up, code: str) -> str:
    """What *code* prints in a shell of the console."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    environment = clean_environment() | {"BATCHCONSOLE_DATA_DIR": str(started.folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, migrated_database: MigratedDatabase
) -> Iterator[Up]:
    with up(
        migrated_database.put_into(tmp_path_factory.mktemp("pipeline") / "data"), "--model", "echo", "--no-sample"
    ) as started:
        yield started


@pytest.fixture(scope="module")
def keys(started: Up) -> dict[str, dict[str, str]]:
    """The variables of a key, by the way in which it signs in."""
    token, key_id, secret = in_console(started, PREPARE).split()
    pair = {"AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret}
    return {"bearer": {"AWS_BEARER_TOKEN_BEDROCK": token}, "signature": pair}


def environment_of(started: Up, signing: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{started.aws_port}",
        "AWS_ENDPOINT_URL_BEDROCK": f"{started.url}aws/local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,  # what boto3 goes by
        "PATH": os.environ["PATH"],
        **signing,
    }


def ready(started: Up) -> str:
    """The ARN of a role for the bucket ``pipeline``, which has 100 records."""
    s3, iam = started.client("s3"), started.client("iam")
    s3.create_bucket(Bucket="pipeline")
    s3.put_object(Bucket="pipeline", Key="in/records.jsonl", Body=converse_lines(100))
    role = iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=service_role_trust())["Role"]
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="pipeline", PolicyName="s3", PolicyDocument=document)
    return str(role["Arn"])


def pipeline_of(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(Path(__file__).with_name("pipeline.py")), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def newest(tmp_path: Path, started: Up) -> Iterator[dict[str, str]]:
    """The variables of a program with the newest boto3, which sends bearer keys by TLS only."""
    clients.ensure_botocore()
    with tls_proxy(tmp_path, started.port) as proxy:
        yield {
            "PYTHONPATH": str(BOTOCORE),
            "AWS_ENDPOINT_URL_BEDROCK": f"{proxy.url}aws/local",
            "AWS_CA_BUNDLE": str(proxy.certificate),
        }


def test_none_fails_none_is_doubled_each_finds_its_output(
    started: Up, keys: dict[str, dict[str, str]], newest: dict[str, str]
) -> None:
    environment, role_arn = environment_of(started, keys["bearer"] | started.keys), ready(started)
    running = {
        boto3.__version__: pipeline_of(environment, "pinned", "pipeline", role_arn, str(3 * AT_ONCE)),
        NEWEST: pipeline_of(environment | newest, "newest", "pipeline", role_arn, str(3 * AT_ONCE)),
    }
    ids = set()
    for version, process in running.items():
        said, wrong = process.communicate(timeout=240)
        assert process.returncode == 0, wrong
        found: dict[str, Any] = json.loads(said)
        assert found["boto3"] == version
        assert [(job["status"], job["lines"]) for job in found["jobs"]] == [("Completed", 100)] * 3 * AT_ONCE
        assert all(job["manifest"]["successRecordCount"] == 100 for job in found["jobs"])
        ids |= {job["id"] for job in found["jobs"]}
    assert len(ids) == 2 * 3 * AT_ONCE
    assert in_console(started, COUNT) == str(len(ids))


def waiting_job(name: str) -> dict[str, Any]:
    """What creates a job that stays in the queue."""
    return {
        "jobName": name,
        "modelId": WAITING_MODEL,
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://pipeline/in/"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://pipeline/out/"}},
        "tags": [{"key": "a", "value": "1"}],
    }


def run(command: list[str], environment: dict[str, str], said: str = "", folder: Path | None = None) -> Any:
    done = subprocess.run(
        command, env=environment, input=said, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["bearer", "signature"])
def test_the_javascript_sdk_does_its_whole_flow(
    node: str, started: Up, keys: dict[str, dict[str, str]], way: str
) -> None:
    request = json.dumps(waiting_job(f"javascript-{way}"))
    found = run([node, "batch_flow.mjs", request], environment_of(started, keys[way]), folder=JAVASCRIPT)
    assert found["listed"] == [found["jobArn"]]
    assert found["tags"] == [{"key": "b", "value": "two words"}]
    assert (found["status"], found["isDate"]) == ("Stopped", True)
    assert (found["error"], found["requestId"]) == ("ValidationException", True)


@pytest.mark.parametrize("way", ["bearer", "signature"])
def test_the_aws_cli_does_its_whole_flow(aws_cli: str, started: Up, keys: dict[str, dict[str, str]], way: str) -> None:
    python = [str(Path(aws_cli).with_name("python")), str(Path(__file__).with_name("aws_cli_flow.py"))]
    environment, request = environment_of(started, keys[way]), waiting_job(f"cli-{way}")
    create = ["create-model-invocation-job", "--cli-input-json", json.dumps(request)]
    (created,) = run(python, environment, json.dumps([create]))
    arn = created[1]["jobArn"]
    job, resource = ["--job-identifier", arn], ["--resource-arn", arn]
    dates = ["--submit-time-after", "2020-01-01", "--submit-time-before", "2100-01-01T00:00:00+02:00"]
    filters = ["--name-contains", f"cli-{way}", "--status-equals", "Submitted", "--sort-order", "Ascending", *dates]
    commands = [
        ["tag-resource", *resource, "--tags", "key=b,value=two words"],
        ["untag-resource", *resource, "--tag-keys", "a"],
        ["list-tags-for-resource", *resource],
        ["list-model-invocation-jobs", "--page-size", "1", "--sort-by", "CreationTime", *filters],
        ["stop-model-invocation-job", *job],
        ["get-model-invocation-job", *job],
        ["stop-model-invocation-job", *job],
    ]
    *_, tags, listed, stopped, got, again = run(python, environment, json.dumps(commands))
    assert tags[1] == {"tags": [{"key": "b", "value": "two words"}]}
    assert [each["jobArn"] for each in listed[1]["invocationJobSummaries"]] == [arn]
    assert (stopped[0], got[1]["status"]) == (0, "Stopped")
    assert "(ValidationException)" in again[2]
