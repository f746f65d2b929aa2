"""Which of the console's permissions an identity has, against the local IAM, and what is made of the answers."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from batchconsole.aws.errors import AwsError
from batchconsole.aws.own_access import (
    BOUNDARY,
    NEEDS,
    READS,
    Answer,
    Identity,
    _finding,
    caller,
    console_policy,
    own_access,
    simulate,
)
from batchconsole.aws.session import Target, client
from tests.conftest import ACCOUNT

README = (Path(__file__).parents[2] / "README.md").read_text()
USER = Identity(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/console")
ROOT = Identity(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root")
DENIED = AwsError("not authorized", code="AccessDenied", operation="SimulatePrincipalPolicy")
AWAY = AwsError("no answer", code="EndpointUnreachable", operation="ListRoles", retryable=True)


def test_it_works(target: Target) -> None:
    identity = caller(target)
    found = {each.need.action: each.answer for each in own_access(target, identity)}
    assert identity.account == ACCOUNT
    assert list(found) == [need.action for need in NEEDS]
    assert found["s3:ListAllMyBuckets"] == found["iam:ListRoles"] == Answer.ALLOWED


def answer(action: str, simulated: object = None, identity: Identity = USER, **reads: object) -> tuple[Answer, str]:
    need = next(need for need in NEEDS if need.action == action)
    given: dict[str, object] = {each: {} for each in READS} | {
        each.replace("_", ":"): error for each, error in reads.items()
    }
    found = _finding(need, given, simulated or {}, identity)
    return found.answer, found.reason


@pytest.mark.parametrize(
    ("action", "simulated", "expected"),
    [
        ("bedrock:CreateModelInvocationJob", {"bedrock:CreateModelInvocationJob": "allowed"}, Answer.ALLOWED),
        ("iam:PassRole", {"iam:PassRole": "explicitDeny"}, Answer.DENIED),
        ("s3:GetObject", {"s3:GetObject": "implicitDeny"}, Answer.PARTLY),
        ("s3:GetObject", DENIED, Answer.UNKNOWN),
        ("iam:SimulatePrincipalPolicy", DENIED, Answer.DENIED),
        ("iam:SimulatePrincipalPolicy", AWAY, Answer.UNKNOWN),
        ("sts:GetCallerIdentity", DENIED, Answer.ALLOWED),
    ],
)
def test_what_changes_something_is_as_the_simulator_says(action: str, simulated: object, expected: Answer) -> None:
    assert answer(action, simulated)[0] == expected


def test_a_read_is_as_aws_says_whatever_the_simulator_does() -> None:
    assert answer("iam:ListRoles", DENIED)[0] == Answer.ALLOWED
    assert answer("iam:ListRoles", {}, iam_ListRoles=DENIED) == (Answer.DENIED, "AccessDenied: not authorized")
    assert answer("iam:ListRoles", {}, iam_ListRoles=AWAY)[0] == Answer.UNKNOWN


def test_the_root_user_may_do_all_that_is_not_asked() -> None:
    assert answer("s3:PutObject", DENIED, ROOT)[0] == Answer.ALLOWED


def test_the_policy_is_that_of_the_documentation() -> None:
    written = next(text for text in re.findall(r"```json\n(.*?)```", README, re.S) if "PassServiceRoles" in text)
    made = console_policy(NEEDS)
    assert [as_lists(each) for each in json.loads(written)["Statement"]] == [
        as_lists(each) for each in made["Statement"]
    ]


def test_with_a_boundary_only_roles_within_it_are_made() -> None:
    written = next(text for text in re.findall(r"```json\n(.*?)```", README, re.S) if BOUNDARY in text)
    made = console_policy(NEEDS, boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/batch-roles")["Statement"]
    of_roles = [as_lists(each) for each in made if each["Sid"].startswith("MakeServiceRoles")]
    assert [as_lists(each) for each in json.loads(written)] == of_roles


def test_the_simulator_is_told_the_boundary(target: Target) -> None:
    """MiniStack's simulator knows no context, so the request has to do."""
    name, iam, asked = f"console-{uuid4().hex[:8]}", client(target, "iam"), list[Any]()
    iam.create_user(UserName=name)
    event = "provide-client-params.iam.SimulatePrincipalPolicy"
    iam.meta.events.register(event, lambda params, **_: asked.append(params["ContextEntries"]), unique_id=name)
    simulate(target, replace(USER, arn=f"arn:aws:iam::{ACCOUNT}:user/{name}"), boundary_arn="arn:of-a-policy")
    iam.meta.events.unregister(event, unique_id=name)
    of_everything, of_roles = ({each["ContextKeyName"]: each["ContextKeyValues"] for each in told} for told in asked)
    assert of_roles == of_everything | {BOUNDARY: ["arn:of-a-policy"]}


def as_lists(statement: dict[str, object]) -> dict[str, object]:
    actions = statement["Action"]
    return statement | {"Action": [actions] if isinstance(actions, str) else actions}
