"""A job as command, script and request: the same request, and one that works when pasted."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchconsole.aws.job_request import cli_option
from batchconsole.jobs.definition import as_boto3, as_cli, as_json
from batchconsole.jobs.models import BatchJob, Connection
from tests.console.conftest import MakeJob

FULL = {
    "timeout_duration_in_hours": 48,
    "output_kms_key_id": "alias/it's mine",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "input_bucket_owner": "123456789012",
    "tags": [{"key": "team", "value": 'n\'lp $HOME \\ "x" é'}],
}


@pytest.fixture
def job(make_job: MakeJob) -> BatchJob:
    return make_job(**FULL)


CONNECTION_OPTIONS = {"--region", "--endpoint-url"}
STRINGS = {"--job-name", "--model-id", "--model-invocation-type", "--role-arn", "--client-request-token"}


def read_cli(text: str) -> dict[str, Any]:
    """What the AWS CLI would send, by its options: a word is JSON unless its member is a string."""
    words = shlex.split(text.replace("\\\n", " "))
    pairs = zip(words[3::2], words[4::2], strict=True)
    given = {option: word for option, word in pairs if option not in CONNECTION_OPTIONS}
    return {option: word if option in STRINGS else json.loads(word) for option, word in given.items()}


def command(job: BatchJob) -> str:
    return as_cli(job.connection, job.request)


def script(job: BatchJob) -> str:
    return as_boto3(job.connection, job.request)


def test_the_request_is_what_the_console_sends(job: BatchJob) -> None:
    assert json.loads(as_json(job.request)) == job.request.to_api()


def test_the_command_makes_the_same_request(job: BatchJob) -> None:
    assert read_cli(command(job)) == {cli_option(name): value for name, value in job.request.to_api().items()}


def test_the_command_goes_to_the_connection_s_region_and_endpoint(job: BatchJob) -> None:
    assert "--region us-east-1" in command(job)
    assert "--endpoint-url http://127.0.0.1:9" in command(job)


def test_aws_itself_needs_no_endpoint(make_job: MakeJob, other: Connection) -> None:
    job = make_job(connection=other)
    assert "--endpoint-url" not in command(job)
    assert "endpoint_url" not in script(job)


def test_the_script_makes_the_job_when_pasted(
    make_job: MakeJob, connection: Connection, bedrock_endpoint: str, boto: Callable[[str], Any]
) -> None:
    connection.bedrock_endpoint_url = bedrock_endpoint
    job = make_job("pasted", connection=connection, tags=[{"key": "team", "value": "nlp"}])
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run([sys.executable, "-c", script(job)], env=keys, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = boto("bedrock").get_model_invocation_job(jobIdentifier=done.stdout.strip())
    assert made["jobName"] == "pasted"
    assert made["clientRequestToken"] == job.client_request_token


# What a person may have filled in and a shell could misread, all of it valid for AWS.
TRICKY = {
    "model_id": "amazon.nova-micro-v1:0",
    "input_s3_uri": "s3://prompts/it's-(a)-*!/",
    "timeout_duration_in_hours": 48,
    "output_kms_key_id": "alias/mine",
    "subnet_ids": ["subnet-12345678", "subnet-87654321"],
    "security_group_ids": ["sg-12345678"],
    "output_bucket_owner": "123456789012",
    "tags": [{"key": "cost center", "value": "a b/c:d=e+f@g-h_i."}, {"key": "empty", "value": ""}],
}


def pasted(aws_cli: str, command: str) -> str:
    """What the command prints in a shell whose path has the AWS CLI."""
    environment = {
        "PATH": f"{Path(aws_cli).parent}:{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_PAGER": "",
    }
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["jobArn"])


def test_the_command_makes_the_job_when_pasted(
    make_job: MakeJob, connection: Connection, bedrock_endpoint: str, boto: Callable[[str], Any], aws_cli: str
) -> None:
    connection.bedrock_endpoint_url = bedrock_endpoint
    job = make_job("pasted.command+1", connection=connection, **TRICKY)
    made = pasted(aws_cli, command(job))
    found = boto("bedrock").get_model_invocation_job(jobIdentifier=made)
    assert found["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == job.input_s3_uri
    assert found["vpcConfig"] == {"subnetIds": job.subnet_ids, "securityGroupIds": job.security_group_ids}
    assert boto("bedrock").list_tags_for_resource(resourceARN=made)["tags"] == job.tags


def test_the_request_makes_the_job_when_saved_as_a_file(
    make_job: MakeJob, connection: Connection, bedrock_endpoint: str, aws_cli: str, tmp_path: Path
) -> None:
    file = tmp_path / "request.json"
    file.write_text(as_json(make_job("saved-request", **TRICKY).request))
    asked = f"aws bedrock create-model-invocation-job --cli-input-json file://{file}"
    assert "model-invocation-job" in pasted(aws_cli, f"{asked} --endpoint-url {bedrock_endpoint} --region us-east-1")
