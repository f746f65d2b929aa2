"""A local Bedrock process for a test, and a workspace in S3 with a role to run jobs."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.conftest import ACCOUNT, REGION, free_port, service_role_trust, stop, wait_for

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
# A signature that is sufficient for a request that no SDK sends.
SIGNED = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/bedrock/aws4_request, SignedHeaders=host, "
    "Signature=0"
}
ENDED = frozenset({"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"})
MODEL = "amazon.nova-lite-v1:0"


def control_headers(folder: Path) -> dict[str, str]:
    """Return the headers that open the control paths of the service with the data folder *folder*."""
    return {"Authorization": f"Bearer {(folder / 'control-token').read_text().strip()}"}


def client(service: str, url: str, *, region: str = REGION, access_key: str = "test", seconds: int = 20) -> Any:
    """Return a boto3 client without retries, so the test sees every response; its timeout is *seconds*."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=seconds)
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        config=config,
        aws_access_key_id=access_key,
        aws_secret_access_key="test",
    )


class Service:
    """A process of the service with a data folder; ``options`` are command-line options."""

    def __init__(self, folder: Path, aws_url: str, *options: str, model: str = "echo") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [
            sys.executable,
            "-m",
            "batchconsole.localbedrock",
            "--port",
            str(self.port),
            "--data-dir",
            str(folder),
            "--aws-endpoint-url",
            aws_url,
            "--model",
            model,
            *options,
        ]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(self._command, env=os.environ | CREDENTIALS, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        wait_for(f"{self.url}/healthz", self.process)

    def kill(self) -> None:
        """Send SIGKILL, as the kernel does when memory is short, and wait for the end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()
        self.wait_until_ready()

    def stop(self) -> None:
        stop(self.process)

    def client(self, service: str = "bedrock", **options: Any) -> Any:
        return client(service, self.url, **options)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call one of the service's own paths and return the response's JSON, or ``None`` if it is empty."""
        request = urllib.request.Request(
            f"{self.url}/_localbedrock/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=control_headers(self.folder),
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            content = response.read()
        return json.loads(content) if content else None

    @contextmanager
    def settings(self, **changes: Any) -> Iterator[None]:
        """Change settings for the duration of a ``with`` block."""
        before = self.control("GET", "settings")
        self.control("PATCH", "settings", changes)
        try:
            yield
        finally:
            self.control("PATCH", "settings", {name: before[name] for name in changes})

    @contextmanager
    def fault(self, **fault: Any) -> Iterator[None]:
        """Inject a fault for the duration of a ``with`` block."""
        self.control("POST", "faults", fault)
        try:
            yield
        finally:
            self.control("DELETE", "faults")


@contextmanager
def running(service: Service) -> Iterator[Service]:
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


def converse_record(number: int, prompt: str = "") -> dict[str, Any]:
    return {
        "recordId": f"record-{number}",
        "modelInput": {"messages": [{"role": "user", "content": [{"text": prompt or f"Prompt {number}"}]}]},
    }


def json_lines(records: Iterable[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def policy(
    *buckets: str, actions: Iterable[str] = ("s3:GetObject", "s3:PutObject", "s3:ListBucket"), key_arn: str = ""
) -> str:
    resources = [resource for bucket in buckets for resource in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": list(actions), "Resource": resources}]
    if key_arn:
        via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
        encrypt = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key_arn, "Condition": via_s3}
        statements.append(encrypt)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Workspace:
    """A bucket, a role that may use it, and methods to run jobs with them."""

    def __init__(self, aws_url: str) -> None:
        self.s3 = client("s3", aws_url, seconds=120)
        self._iam = client("iam", aws_url)
        self._kms = client("kms", aws_url)
        self.bucket = f"lb-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.role_arn = self.make_role(policy(self.bucket))

    def make_role(self, permissions: str | None, trust: str | None = None) -> str:
        name = f"role-{uuid.uuid4().hex[:12]}"
        role = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust or service_role_trust())
        if permissions:
            self._iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=permissions)
        return str(role["Role"]["Arn"])

    def delete_role(self, role_arn: str) -> None:
        name = role_arn.rpartition("/")[2]
        self._iam.delete_role_policy(RoleName=name, PolicyName="s3")
        self._iam.delete_role(RoleName=name)

    def make_key(self) -> str:
        return str(self._kms.create_key()["KeyMetadata"]["Arn"])

    def put(self, content: bytes, name: str = "input.jsonl", folder: str = "") -> str:
        """Put an object into *folder* (default: a new one) and return the folder's URI with a trailing slash."""
        folder = folder or f"in-{uuid.uuid4().hex[:8]}"
        self.s3.put_object(Bucket=self.bucket, Key=f"{folder}/{name}", Body=content)
        return f"s3://{self.bucket}/{folder}/"

    def put_records(self, count: int, make: Callable[[int], dict[str, Any]] = converse_record) -> str:
        return self.put(json_lines(make(number) for number in range(count)))

    def request(self, input_uri: str, **members: Any) -> dict[str, Any]:
        """Return CreateModelInvocationJob's input for a Converse job, with *members* replaced or added."""
        return {
            "jobName": f"job-{uuid.uuid4().hex}",
            "roleArn": self.role_arn,
            "modelId": MODEL,
            "modelInvocationType": "Converse",
            "inputDataConfig": {"s3InputDataConfig": {"s3Uri": input_uri}},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{self.bucket}/out/"}},
        } | members

    def run(self, bedrock: Any, input_uri: str, **members: Any) -> dict[str, Any]:
        """Create a job, wait for its end and return it."""
        return self.wait(bedrock, create(bedrock, self.request(input_uri, **members)))

    @staticmethod
    def wait(bedrock: Any, job_arn: str, **options: Any) -> dict[str, Any]:
        return wait_for_job(bedrock, job_arn, **options)

    def outputs(self, job: dict[str, Any]) -> dict[str, bytes]:
        """Return the job's output objects by key, relative to the job's own folder."""
        prefix = f"out/{job['jobArn'].rpartition('/')[2]}/"
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"].removeprefix(prefix): self.read(item["Key"]) for item in listed}

    def read(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def answers(self, job: dict[str, Any], name: str = "input.jsonl.out") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.outputs(job)[name].split(b"\n") if line]

    def manifest(self, job: dict[str, Any]) -> dict[str, int]:
        content: dict[str, int] = json.loads(self.outputs(job)["manifest.json.out"])
        return content


def create(bedrock: Any, request: dict[str, Any]) -> str:
    return str(bedrock.create_model_invocation_job(**request)["jobArn"])


def wait_for_job(
    bedrock: Any, job_arn: str, *, until: Iterable[str] = ENDED, seconds: float = 30, every: float = 0.02
) -> dict[str, Any]:
    """Poll the job every *every* seconds until its state is in *until*, and return it. Fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job: dict[str, Any] = bedrock.get_model_invocation_job(jobIdentifier=job_arn)
        if job["status"] in until:
            return job
        time.sleep(every)
    raise AssertionError(f"The job is {job['status']} after {seconds} s: {job.get('message', '')}")


def role_of_another_account() -> str:
    return f"arn:aws:iam::{int(ACCOUNT) + 1}:role/somebody"
