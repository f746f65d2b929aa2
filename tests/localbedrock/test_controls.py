"""The service's own paths, with faults and settings at run time, and its command line."""

import os
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from batchconsole.localbedrock.settings import Settings, parse, variable
from tests.localbedrock.stack import Service, Workspace, create


def test_throttling_strikes_so_many_calls(service: Service, bedrock: Any) -> None:
    with service.fault(kind="throttle", count=2):
        for _ in range(2):
            with pytest.raises(ClientError, match="ThrottlingException") as caught:
                bedrock.list_model_invocation_jobs()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        bedrock.list_model_invocation_jobs()


def test_an_error_can_be_limited_to_one_operation(service: Service, bedrock: Any) -> None:
    with service.fault(kind="error", operation="ListFoundationModels"):
        bedrock.list_model_invocation_jobs()
        with pytest.raises(ClientError, match="InternalServerException"):
            bedrock.list_foundation_models()


def test_an_answer_can_be_slow(service: Service, bedrock: Any) -> None:
    with service.fault(kind="slow", seconds=0.5, count=1):
        started = time.monotonic()
        bedrock.list_model_invocation_jobs(maxResults=1)
        assert time.monotonic() - started >= 0.5


def test_a_lost_answer_leaves_its_effect(service: Service, bedrock: Any, workspace: Workspace) -> None:
    request = workspace.request("s3://bucket/in/", clientRequestToken="lost-1")
    with service.fault(kind="lost", operation="CreateModelInvocationJob", count=1):
        with pytest.raises((ConnectionClosedError, HTTPClientError)):
            bedrock.create_model_invocation_job(**request)
        [made] = bedrock.list_model_invocation_jobs(nameContains=request["jobName"])["invocationJobSummaries"]
        assert create(bedrock, request) == made["jobArn"]


def test_a_model_server_that_is_down_costs_a_job_only_time(
    service: Service, bedrock: Any, workspace: Workspace
) -> None:
    with service.fault(kind="model_down"):
        arn = create(bedrock, workspace.request(workspace.put_records(30)))
        workspace.wait(bedrock, arn, until=["InProgress"])
        time.sleep(0.3)
        assert bedrock.get_model_invocation_job(jobIdentifier=arn)["processedRecordCount"] == 0
    job = workspace.wait(bedrock, arn)
    assert (job["status"], job["successRecordCount"], job["errorRecordCount"]) == ("Completed", 30, 0)


def test_faults_are_listed_and_cleared(service: Service) -> None:
    service.control("POST", "faults", {"kind": "slow", "seconds": 0.1, "probability": 0.0})
    [fault] = service.control("GET", "faults")
    assert (fault["kind"], fault["operation"], fault["count"]) == ("slow", "*", None)
    service.control("DELETE", "faults")
    assert service.control("GET", "faults") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "faults", {"kind": "fire"}),
        ("POST", "faults", {"kind": "slow", "seconds": -1}),
        ("POST", "faults", []),
        ("PATCH", "settings", {"port": 1}),
        ("PATCH", "settings", {"hour_seconds": 0}),
        ("PATCH", "settings", {"x": 1}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(service: Service, method: str, path: str, body: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        service.control(method, path, body)
    assert caught.value.code == 400
    caught.value.close()


def test_settings_are_shown_without_the_key(service: Service) -> None:
    shown = service.control("GET", "settings")
    assert set(shown) == set(Settings.__struct_fields__)
    assert shown["model_api_key"] is False


# The command line


def test_help_names_every_setting_with_its_variable() -> None:
    command = [sys.executable, "-m", "batchconsole.localbedrock", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in Settings.__struct_fields__:
        assert f"--{name.replace('_', '-')}" in text
        assert variable(name) in "".join(text.split())


def test_an_option_wins_over_its_variable() -> None:
    environment = {variable("port"): "1000", variable("region"): "eu-west-1", variable("assume_role"): "false"}
    settings = parse(["--port", "2000"], environment)
    assert (settings.port, settings.region, settings.assume_role) == (2000, "eu-west-1", False)


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("secret\n")
    assert parse([], {f"{variable('model_api_key')}_FILE": str(file)}).model_api_key == "secret"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "many"],
        ["--hour-seconds", "0"],
        ["--unknown", "1"],
        ["--account", "12"],
        ["--model", "gpt"],
        ["--log-level", "loud"],
        ["--aws-endpoint-url", "localhost:4566"],
    ],
)
def test_a_bad_option_is_one_clear_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments, {})
    assert caught.value.code == 2
    assert f"error: {arguments[0]} or " in (said := capsys.readouterr().err) or "unrecognized" in said


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batchconsole.localbedrock", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ,
    )


def test_a_data_folder_in_use_is_refused(service: Service) -> None:
    ended = start("--data-dir", str(service.folder), "--port", "0")
    assert ended.returncode == 1
    assert ended.stderr == f"Another local Bedrock is using {service.folder}.\n"


def test_a_port_in_use_is_one_clear_line(service: Service, tmp_path: Path) -> None:
    ended = start("--data-dir", str(tmp_path), "--port", str(service.port))
    assert ended.returncode == 1
    assert ended.stderr == f"Cannot listen on 127.0.0.1:{service.port}: Address already in use.\n"


def test_a_data_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = start("--data-dir", str(tmp_path / "file"), "--port", "0")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"The data folder {tmp_path / 'file'} cannot be used: File exists.\n",
    )


def test_jobs_that_cannot_be_read_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_text("something else, and long enough to be taken for a database's first page")
    ended = start("--data-dir", str(tmp_path), "--port", "0")
    assert (ended.returncode, ended.stderr) == (1, f"The jobs in {tmp_path} cannot be read: file is not a database.\n")
