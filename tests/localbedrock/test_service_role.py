"""The credentials of a job's role: assumed for the job, renewed before they expire, or not used at all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from batchconsole.localbedrock.jobs import Job
from batchconsole.localbedrock.service_role import ServiceRole
from tests.conftest import ACCOUNT, REGION
from tests.localbedrock.stack import Service, Workspace, running

JOB = Job(
    id="abcdefghijkl",
    account=ACCOUNT,
    region=REGION,
    name="a",
    model_id="m",
    base_model_id="m",
    request={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/a"},
    submit_time=0,
    last_modified_time=0,
    expiration_time=0,
    due_time=0,
)


class Sts:
    """An STS client whose credentials expire after *minutes*."""

    def __init__(self, minutes: float) -> None:
        self._minutes = minutes
        self.calls: list[dict[str, Any]] = []

    def assume_role(self, **params: Any) -> dict[str, Any]:
        self.calls.append(params)
        return {
            "Credentials": {
                "AccessKeyId": f"key-{len(self.calls)}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime.now(UTC) + timedelta(minutes=self._minutes),
            }
        }


def test_credentials_are_kept_while_they_are_good() -> None:
    sts = Sts(minutes=60)
    credentials = ServiceRole(sts, JOB).load()
    assert [credentials.get_frozen_credentials().access_key for _ in range(3)] == ["key-1"] * 3
    assert sts.calls[0]["RoleArn"] == JOB.role_arn
    assert JOB.id in sts.calls[0]["RoleSessionName"]


def test_credentials_are_renewed_before_they_expire() -> None:
    credentials = ServiceRole(Sts(minutes=5), JOB).load()
    assert [credentials.get_frozen_credentials().access_key for _ in range(2)] == ["key-1", "key-2"]


def test_an_s3_without_roles_can_be_used_too(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    options = ("--min-records-per-job", "1", "--assume-role", "false")
    with running(Service(tmp_path, aws_endpoint, *options)) as service:
        role = f"arn:aws:iam::{ACCOUNT}:role/that-never-was"
        job = workspace.run(service.client(), workspace.put_records(2), roleArn=role)
    assert (job["status"], job["successRecordCount"]) == ("Completed", 2)
