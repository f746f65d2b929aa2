"""The AWS CLI and the AWS SDK for JavaScript v3, as clients that are independent of our code.

The CLI's main workflow is in docs/local-bedrock.md, which test_docs.py runs.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REGION
from tests.localbedrock.stack import CREDENTIALS, MODEL, Service, Workspace

JAVASCRIPT = Path(__file__).parent / "js"


# The AWS CLI


@pytest.fixture
def aws(aws_cli: str, service: Service, aws_endpoint: str) -> Any:
    """Run AWS CLI commands: ``aws("bedrock", "list-foundation-models")`` returns the printed JSON, or ``None``."""
    environment = (
        os.environ
        | CREDENTIALS
        | {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": aws_endpoint,
            "AWS_ENDPOINT_URL_BEDROCK": service.url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": service.url,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
    )

    def run(*arguments: str, refused: bool = False) -> Any:
        ended = subprocess.run(
            [aws_cli, *arguments, "--output", "json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode != 0) == refused, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else ended.stderr or None

    return run


def test_the_aws_cli_shows_the_services_refusals(aws: Any, workspace: Workspace) -> None:
    request = workspace.request("s3://bucket/in/", jobName="bad name")
    said = aws("bedrock", "create-model-invocation-job", "--cli-input-json", json.dumps(request), refused=True)
    assert "(ValidationException)" in said
    assert "Value 'bad name' at 'jobName' failed to satisfy constraint" in said


def test_the_aws_cli_asks_models(aws: Any, tmp_path: Path) -> None:
    messages = json.dumps([{"role": "user", "content": [{"text": "[[answer: Hello]]"}]}])
    answer = aws("bedrock-runtime", "converse", "--model-id", MODEL, "--messages", messages)
    assert answer["output"]["message"]["content"] == [{"text": "Hello"}]
    body = json.dumps({"messages": json.loads(messages)})
    aws("bedrock-runtime", "invoke-model", "--model-id", MODEL, "--body", body, str(tmp_path / "answer"))
    assert json.loads((tmp_path / "answer").read_text())["stopReason"] == "end_turn"
    models = aws("bedrock", "list-foundation-models", "--by-provider", "amazon")["modelSummaries"]
    assert MODEL in {model["modelId"] for model in models}


# The AWS SDK for JavaScript


def test_the_javascript_sdk_runs_a_job(node: str, service: Service, workspace: Workspace) -> None:
    request = workspace.request(workspace.put_records(3), tags=[{"key": "team", "value": "nlp"}])
    ended = subprocess.run(
        [node, "core_flow.mjs", service.url, json.dumps(request)],
        cwd=JAVASCRIPT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["listed"] == [found["jobArn"]]
    assert (found["job"]["status"], found["job"]["successRecordCount"]) == ("Completed", 3)
    assert found["tags"] == [{"key": "a", "value": "1"}]
    assert found["submitTimeIsADate"] is True
    assert found["models"] > 5
    assert (found["model"], found["profiles"] > 20, found["profileModels"] > 1) == (MODEL, True, True)
    assert (found["converse"], found["invoke"]) == ("Hello from JavaScript", "Hello from JavaScript")
    assert found["notFound"] == {
        "name": "ResourceNotFoundException",
        "status": 404,
        "message": "The provided job identifier does not exist.",
    }
    assert (found["badName"]["name"], found["badName"]["status"]) == ("ValidationException", 400)
    assert (found["nameInUse"]["name"], found["nameInUse"]["status"]) == ("ConflictException", 400)
    assert found["ended"]["message"].endswith("State was: Completed")
