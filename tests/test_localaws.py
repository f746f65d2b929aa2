"""MiniStack as we start it: a service role with the documented trust conditions can be assumed, and only so."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT, service_role_trust

Boto = Callable[[str], Any]
JOB_ARN = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/abcdefghijkl"


def assume(boto: Boto, role_arn: str, headers: dict[str, str]) -> Any:
    sts = boto("sts")
    sts.meta.events.register("before-call.sts.AssumeRole", lambda params, **_: params["headers"].update(headers))
    return sts.assume_role(RoleArn=role_arn, RoleSessionName="test-session")


@pytest.fixture
def role_arn(boto: Boto, request: pytest.FixtureRequest) -> str:
    name = f"role-{abs(hash(request.node.name)):x}"
    return str(boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=service_role_trust())["Role"]["Arn"])


def test_a_service_assumes_the_role_on_behalf_of_a_job(boto: Boto, role_arn: str) -> None:
    headers = {"x-amz-source-account": ACCOUNT, "x-amz-source-arn": JOB_ARN}
    assert assume(boto, role_arn, headers)["Credentials"]["SessionToken"]


@pytest.mark.parametrize("headers", [
    {},
    {"x-amz-source-account": "999999999999", "x-amz-source-arn": JOB_ARN},
    {"x-amz-source-account": ACCOUNT, "x-amz-source-arn": "arn:aws:bedrock:us-east-1:123456789012:agent/x"},
], ids=["no source", "another account", "another resource"])
def test_anyone_else_is_refused(boto: Boto, role_arn: str, headers: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(boto, role_arn, headers)
