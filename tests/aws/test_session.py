"""Where calls go and whose credentials sign them."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.utils import parse_timestamp

from batchconsole.aws import sts
from batchconsole.aws.session import Target, client, parse_time
from tests.aws.conftest import refused
from tests.conftest import ACCOUNT, REGION


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials anywhere; the folder AWS's own files would lie in."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


def test_it_works(target: Target) -> None:
    assert sts.account_id(target) == ACCOUNT


def test_a_client_is_made_once(target: Target) -> None:
    assert client(target, "s3") is client(target, "s3")


def test_threads_share_one_client(aws_endpoint: str) -> None:
    mine = Target(region="eu-west-1", endpoint_url=aws_endpoint, credentials="local")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(client(mine, "sts"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


def test_a_forked_process_makes_its_own(target: Target) -> None:
    mine = id(client(target, "s3"))
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, b"same" if id(client(target, "s3")) == mine else b"own")
        os._exit(0)
    assert os.wait()[1] == 0
    assert os.read(reading, 10) == b"own"


def test_bedrock_has_an_endpoint_of_its_own() -> None:
    target = Target(region=REGION, endpoint_url="http://a:1", bedrock_endpoint_url="http://b:2", credentials="local")
    assert client(target, "bedrock").meta.endpoint_url == "http://b:2"
    assert client(target, "kms").meta.endpoint_url == "http://a:1"


def test_no_endpoint_is_aws_itself_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    target = Target(region="eu-central-1", credentials="local")
    assert client(target, "bedrock").meta.endpoint_url == "https://bedrock.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("bucket", "begins"),
    [
        ("batch-input", "https://batch-input.s3.eu-central-1.amazonaws.com/a.jsonl?"),
        ("batch.input", "https://s3.eu-central-1.amazonaws.com/batch.input/a.jsonl?"),  # no certificate for its dots
    ],
)
def test_a_presigned_url_is_of_the_region_and_signed_as_each_region_takes_it(bucket: str, begins: str) -> None:
    s3 = client(Target(region="eu-central-1", credentials="local"), "s3")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a.jsonl"})
    assert url.startswith(begins)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_without_credentials(bare_environment: Path) -> None:
    with refused("NoCredentials"):
        sts.account_id(Target(region=REGION))


def test_credentials_that_come_later_are_found(
    bare_environment: Path, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(region=REGION, endpoint_url=aws_endpoint)
    with refused("NoCredentials"):
        sts.account_id(target)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert sts.account_id(target) == ACCOUNT


def test_a_named_profile(bare_environment: Path, aws_endpoint: str) -> None:
    text = "[batch]\naws_access_key_id = test\naws_secret_access_key = test\n"
    (bare_environment / "credentials").write_text(text)
    target = Target(region=REGION, endpoint_url=aws_endpoint, credentials="profile", profile_name="batch")
    assert sts.account_id(target) == ACCOUNT


def test_a_profile_that_does_not_exist(bare_environment: Path) -> None:
    with refused("NoCredentials"):
        sts.account_id(Target(region=REGION, credentials="profile", profile_name="nobody"))


def test_a_role_is_assumed(bare_environment: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        f'"Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}}}}]}}'
    )
    role = client(target, "iam").create_role(RoleName="console", AssumeRolePolicyDocument=trust)["Role"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assumed = Target(region=REGION, endpoint_url=target.endpoint_url, credentials="assume_role", role_arn=role["Arn"])
    arn = client(assumed, "sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/console/batch-console"


def test_a_role_that_cannot_be_assumed(bare_environment: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
    with refused("AccessDenied"):
        sts.account_id(
            Target(region=REGION, endpoint_url=target.endpoint_url, credentials="assume_role", role_arn=role_arn)
        )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T02:58:54.000Z",
        "2026-11-23T02:58:54Z",
        "2026-11-23T02:58:54.123456+00:00",
        "2026-11-23T02:58:54-05:30",
        "Mon, 23 Nov 2026 02:58:54 GMT",
        "1795402734",
        1795402734.0,
    ],
)
def test_times_are_what_botocore_makes_of_them(text: Any) -> None:
    assert parse_time(text) == parse_timestamp(text)
    assert parse_time(text).tzinfo is not None


def test_what_is_no_time_is_an_error_as_before() -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        parse_time("2026-11-23Tnonsense-Z")
