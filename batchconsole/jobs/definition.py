"""A job as the request that creates it: JSON, an AWS CLI command or a boto3 call to paste, and how two differ."""

import json
import shlex
from typing import Any

from batchconsole.aws.job_request import JobRequest, cli_option
from batchconsole.jobs.models import BatchJob, Connection

# Fields whose items AWS keeps in no order.
ORDERLESS = ("tags", "subnet_ids", "security_group_ids")


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


def differing_fields(job: BatchJob, other: BatchJob) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which the definitions differ, each with both values; request tokens always do, so not they.

    ``check_input`` is among the fields.
    """
    asked, of_other = (
        {**each.request.as_fields(), "client_request_token": "", "check_input": each.check_input}
        for each in (job, other)
    )
    return {
        name: (value, of_other[name])
        for name, value in asked.items()
        if _in_order(name, value) != _in_order(name, of_other[name])
    }


def _in_order(name: str, value: Any) -> Any:
    return sorted(value, key=json.dumps) if name in ORDERLESS else value
