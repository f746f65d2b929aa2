"""A job as the request that makes it: JSON, an AWS CLI command, a boto3 call. Each works when pasted."""

import json
import shlex
from typing import Any

from batchconsole.jobs.lifecycle import create_request
from batchconsole.jobs.models import BatchJob

CLI_OPTIONS = {
    "jobName": "--job-name",
    "modelId": "--model-id",
    "modelInvocationType": "--model-invocation-type",
    "roleArn": "--role-arn",
    "clientRequestToken": "--client-request-token",
    "inputDataConfig": "--input-data-config",
    "outputDataConfig": "--output-data-config",
    "vpcConfig": "--vpc-config",
    "timeoutDurationInHours": "--timeout-duration-in-hours",
    "tags": "--tags",
}


def as_json(job: BatchJob) -> str:
    return json.dumps(create_request(job), indent=2)


def as_cli(job: BatchJob) -> str:
    """A command for a POSIX shell, one option a line."""
    words = ["aws bedrock create-model-invocation-job", f"--region {shlex.quote(job.connection.region)}"]
    if job.connection.bedrock_endpoint_url:
        words.append(f"--endpoint-url {shlex.quote(job.connection.bedrock_endpoint_url)}")
    words += [f"{CLI_OPTIONS[name]} {shlex.quote(as_word(value))}" for name, value in create_request(job).items()]
    return " \\\n  ".join(words)


def as_word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_boto3(job: BatchJob) -> str:
    """A Python script. JSON's strings, lists and numbers are Python's too."""
    client = {"region_name": job.connection.region}
    if job.connection.bedrock_endpoint_url:
        client["endpoint_url"] = job.connection.bedrock_endpoint_url
    keywords = "".join(f", {name}={json.dumps(value)}" for name, value in client.items())
    call = "".join(f"    {name}={indented(value)},\n" for name, value in create_request(job).items())
    return (
        "import boto3\n\n"
        f'bedrock = boto3.client("bedrock"{keywords})\n'
        f"response = bedrock.create_model_invocation_job(\n{call})\n"
        'print(response["jobArn"])\n'
    )


def indented(value: Any) -> str:
    return json.dumps(value, indent=4).replace("\n", "\n    ")
