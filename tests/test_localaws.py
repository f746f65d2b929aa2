"""MiniStack as we start it: a service role can be assumed only under its documented trust conditions."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT, aws_client, local_aws, service_role_trust

Boto = Callable[[str], Any]
JOB_ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/abcdefghijkl"


def assume(url: str, role_arn: str, headers: dict[str, str]) -> Any:
    sts = aws_client("sts", url)  # of its own, as it keeps the headers
    sts.meta.events.register("before-call.sts.AssumeRole", lambda params, **_: params["headers"].update(headers))
    return sts.assume_role(RoleArn=role_arn, RoleSessionName="test-session")


@pytest.fixture
def role_arn(boto: Boto, request: pytest.FixtureRequest) -> str:
    name = f"role-{abs(hash(request.node.name)):x}"
    return str(boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=service_role_trust())["Role"]["Arn"])


def test_a_service_assumes_the_role_on_behalf_of_a_job(aws_endpoint: str, role_arn: str) -> None:
    headers = {"x-amz-source-account": ACCOUNT, "x-amz-source-arn": JOB_ARN}
    assert assume(aws_endpoint, role_arn, headers)["Credentials"]["SessionToken"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-source-account": "999999999999", "x-amz-source-arn": JOB_ARN},
        {"x-amz-source-account": ACCOUNT, "x-amz-source-arn": "arn:aws:bedrock:us-east-1:123456789012:agent/x"},
    ],
    ids=["no source", "another account", "another resource"],
)
def test_anyone_else_is_refused(aws_endpoint: str, role_arn: str, headers: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(aws_endpoint, role_arn, headers)


def test_a_killed_stack_comes_back_with_all_that_it_has_answered(tmp_path: Path) -> None:
    kept = {"PERSIST_STATE": "1", "S3_PERSIST": "1"}
    with local_aws(tmp_path, **kept) as (url, process):
        aws_client("s3", url).create_bucket(Bucket="kept")
        aws_client("s3", url).put_object(Bucket="kept", Key="folder/file", Body=b"kept too")
        aws_client("iam", url).create_role(RoleName="kept", AssumeRolePolicyDocument=service_role_trust())
        process.kill()
    with local_aws(tmp_path, **kept) as (url, _):
        assert aws_client("s3", url).get_object(Bucket="kept", Key="folder/file")["Body"].read() == b"kept too"
        assert aws_client("iam", url).get_role(RoleName="kept")["Role"]["Arn"].endswith(":role/kept")


def test_a_part_of_an_object_is_read_without_all_of_it(tmp_path: Path) -> None:
    with local_aws(tmp_path, S3_PERSIST="1") as (url, process):
        client, size = aws_client("s3", url), 64 * 2**20
        client.create_bucket(Bucket="large")
        client.put_object(Bucket="large", Key="file", Body=b"x" * size + b"end")
        before = bytes_read_by(process.pid)
        part = client.get_object(Bucket="large", Key="file", Range=f"bytes={size - 1}-{size + 2}")
        assert part["Body"].read() == b"xend"
        assert bytes_read_by(process.pid) - before < size


def bytes_read_by(pid: int) -> int:
    """Return the bytes that the process has read through system calls, or 0 if the system does not count them."""
    process = psutil.Process(pid)
    return process.io_counters().read_chars if hasattr(process, "io_counters") else 0


def test_a_range_behind_the_end_and_one_of_nothing_are_refused(tmp_path: Path) -> None:
    with local_aws(tmp_path, S3_PERSIST="1") as (url, _):
        client = aws_client("s3", url)
        client.create_bucket(Bucket="small")
        for body in (b"", b"abc"):
            client.put_object(Bucket="small", Key="file", Body=body)
            with pytest.raises(ClientError, match="InvalidRange"):
                client.get_object(Bucket="small", Key="file", Range="bytes=9-")


@pytest.fixture(scope="module")
def s3(boto: Boto) -> Any:
    boto("s3").create_bucket(Bucket="checked")
    return boto("s3")


def put(s3: Any, **members: str) -> Any:
    return s3.put_object(Bucket="checked", Key="file", Body=b"x", **members)


def test_a_bucket_of_another_owner_is_refused(s3: Any) -> None:
    put(s3, ExpectedBucketOwner=ACCOUNT)
    with pytest.raises(ClientError, match="AccessDenied"):
        put(s3, ExpectedBucketOwner="999999999999")


def test_only_a_key_that_can_be_used_encrypts(s3: Any, boto: Boto) -> None:
    key = boto("kms").create_key()["KeyMetadata"]
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    put(s3, **encryption)
    boto("kms").disable_key(KeyId=key["KeyId"])
    with pytest.raises(ClientError, match="DisabledException"):
        put(s3, **encryption)
    with pytest.raises(ClientError, match="NotFoundException"):
        put(s3, ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/nothing")


@pytest.mark.parametrize("path", ["/_ministack/reset", "/%5Fministack/reset", "/_ministack/config", "/_aws/sqs/x"])
def test_its_own_paths_are_closed(aws_endpoint: str, path: str) -> None:
    assert requests.post(f"{aws_endpoint}{path}", json={}, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_web_pages_are_refused(aws_endpoint: str, headers: dict[str, str]) -> None:
    answer = requests.get(f"{aws_endpoint}/_ministack/health", headers=headers, timeout=10)
    assert (answer.status_code, "this service" in answer.json()["message"]) == (403, True)


def test_only_the_configured_key_is_taken(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHISDATAFOLDER", "AWS_SECRET_ACCESS_KEY": "its-secret"}
    with local_aws(tmp_path, **keys) as (url, _):
        configured = aws_client("s3", url, access_key="AKIAOFTHISDATAFOLDER", secret_key="its-secret")
        configured.create_bucket(Bucket="closed")
        for access_key, secret_key in (("test", "test"), (ACCOUNT, "test"), ("AKIAOFTHISDATAFOLDER", "test")):
            with pytest.raises(ClientError, match=r"InvalidAccessKeyId|SignatureDoesNotMatch"):
                aws_client("s3", url, access_key=access_key, secret_key=secret_key).list_buckets()
        assert requests.put(f"{url}/closed/unsigned", data=b"x", timeout=10).status_code == 403
        assert "Contents" not in configured.list_objects_v2(Bucket="closed")


def test_a_taken_port_is_one_clear_line(aws_endpoint: str) -> None:
    port = aws_endpoint.rpartition(":")[2]
    command = [sys.executable, "-m", "batchconsole.localaws"]
    environment = os.environ | {"GATEWAY_PORT": port, "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.endswith(f"Cannot listen on 127.0.0.1:{port}: Address already in use.\n")
