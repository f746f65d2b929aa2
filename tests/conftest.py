"""The local stack every test may use: MiniStack (S3, IAM, STS, KMS, EC2) and our Bedrock, on loopback, once a session."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import boto3
import pytest

ACCOUNT = "123456789012"
REGION = "us-east-1"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Wait until *url* answers 200; fails when *process* ends first or time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a MiniStack of this test session, with access checks on."""
    port, folder = free_port(), tmp_path_factory.mktemp("aws")
    environment = os.environ | {
        "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AUTH": "true", "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION, "TMPDIR": str(folder), "STATE_DIR": str(folder / "state"), "LOG_LEVEL": "WARNING",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "batchconsole.localaws"], env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/_ministack/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture(scope="session")
def bedrock_endpoint(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a local Bedrock of this test session, with the ``echo`` model."""
    port, folder = free_port(), tmp_path_factory.mktemp("bedrock")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "batchconsole.localbedrock", "--host", "127.0.0.1", "--port", str(port),
             "--data-dir", str(folder), "--aws-endpoint-url", aws_endpoint, "--model", "echo"],
            env=os.environ | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION},
            stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture(scope="session")
def boto(aws_endpoint: str, request: pytest.FixtureRequest) -> Callable[[str], object]:
    """``boto("s3")``: a boto3 client of the local stack; ``boto("bedrock")`` starts the local Bedrock first."""

    def make(service: str) -> object:
        url = request.getfixturevalue("bedrock_endpoint") if service.startswith("bedrock") else aws_endpoint
        return boto3.client(service, endpoint_url=url, region_name=REGION,  # type: ignore[call-overload]
                            aws_access_key_id="test", aws_secret_access_key="test")

    return make


def service_role_trust(account: str = ACCOUNT, region: str = REGION) -> str:
    """The trust policy of a Bedrock batch service role, as AWS documents it."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:{region}:{account}:model-invocation-job/*"},
        }}]})
