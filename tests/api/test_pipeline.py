"""A script for Bedrock, unchanged, at a real console: three times more jobs at once than the quota admits."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchconsole.setup.paths import ROOT
from tests.conftest import REGION, service_role_trust
from tests.jobs.conftest import converse_lines
from tests.running import Up, clean_environment, up

AT_ONCE = 3
PREPARE = f"""
from django.contrib.auth.models import User
from batchconsole.jobs.api_keys import create_api_key
from batchconsole.jobs.models import ModelLimit, Right
ModelLimit.objects.create(jobs_at_once={AT_ONCE})
print(create_api_key(user=User.objects.get(username="admin"), name="pipeline", rights=[Right.VIEW, Right.SUBMIT])[1])
"""
COUNT = "from batchconsole.jobs.models import BatchJob; print(BatchJob.objects.count())"


def in_console(started: Up, code: str) -> str:
    """What *code* prints in a shell of the console."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    environment = clean_environment() | {"BATCHCONSOLE_DATA_DIR": str(started.folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("pipeline") / "data", "--model", "echo", "--no-sample") as started:
        yield started


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


def test_none_fails_none_is_doubled_each_finds_its_output(started: Up) -> None:
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{started.aws_port}",
        "AWS_ENDPOINT_URL_BEDROCK": f"{started.url}aws/local",
        "AWS_BEARER_TOKEN_BEDROCK": in_console(started, PREPARE),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,  # what boto3 goes by
        "PATH": os.environ["PATH"],
        **started.keys,
    }
    command = [sys.executable, str(Path(__file__).with_name("pipeline.py")), "pipeline", ready(started)]
    done = subprocess.run([*command, str(3 * AT_ONCE)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    jobs: list[dict[str, Any]] = json.loads(done.stdout)
    assert [(job["status"], job["lines"]) for job in jobs] == [("Completed", 100)] * 3 * AT_ONCE
    assert all(job["manifest"]["successRecordCount"] == 100 for job in jobs)
    assert len({job["id"] for job in jobs}) == 3 * AT_ONCE
    assert in_console(started, COUNT) == str(3 * AT_ONCE)
