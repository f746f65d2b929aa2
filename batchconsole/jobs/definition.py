"""A job as the request that creates it: JSON, an AWS CLI command or a boto3 call, each ready to paste."""

import json
import shlex
from typing import Any

from batchconsole.aws.job_request import JobRequest, cli_option
from batchconsole.jobs.models import Connection


def as_json(request: JobRequest) -> str:
    return json.dumps(request.to_api(), indent=2)


def as_cli(connection: Connection, request: JobRequest) -> str:
    """Return a command for a POSIX shell, one option per line."""
    words = ["aws bedrock create-model-invocation-job", f"--region {shlex.quote(connection.region)}"]
    if connection.bedrock_endpoint_url:
        words.append(f"--endpoint-url {shlex.quote(connection.bedrock_endpoint_url)}")
    words += [f"{cli_option(name)} {shlex.quote(as_word(value))}" for name, value in request.to_api().items()]
    return " \\\n  ".join(words)


def as_word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_boto3(connection: Connection, request: JobRequest) -> str:
    """Return a Python script. Strings, lists and numbers look the same in JSON and in Python."""
    client = {"region_name": connection.region}
    if connection.bedrock_endpoint_url:
        client["endpoint_url"] = connection.bedrock_endpoint_url
    keywords = "".join(f", {name}={json.dumps(value)}" for name, value in client.items())
    call = "".join(f"    {name}={indented(value)},\n" for name, value in request.to_api().items())
    return (
        "import boto3\n\n"
        f'bedrock = boto3.client("bedrock"{keywords})\n'
        f"response = bedrock.create_model_invocation_job(\n{call})\n"
        'print(response["jobArn"])\n'
    )


def indented(value: Any) -> str:
    return json.dumps(value, indent=4).replace("\n", "\n    ")
