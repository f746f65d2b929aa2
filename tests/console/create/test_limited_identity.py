"""An identity that may do next to nothing: each page opens, and says which permission the part it lacks needs."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batchconsole.jobs.models import BatchJob, Connection
from tests.conftest import ACCOUNT, REGION
from tests.console.conftest import filled_in

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}


@pytest.fixture
def limited(
    db: None, boto: Any, aws_endpoint: str, bedrock_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """A connection to the local stack as a role without any policy."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = boto("iam").create_role(RoleName=f"limited-{uuid4().hex[:8]}", AssumeRolePolicyDocument=policy)["Role"]
    return Connection.objects.create(
        name="limited",
        title="Limited",
        region=REGION,
        account_id=ACCOUNT,
        credentials=Connection.Credentials.ASSUME_ROLE,
        assume_role_arn=role["Arn"],
        endpoint_url=aws_endpoint,
        bedrock_endpoint_url=bedrock_endpoint,
    )


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("s3/", "s3:ListAllMyBuckets"),
        ("s3/?uri=s3://{bucket}/", "s3:ListBucket"),
        ("s3/object/?uri=s3://{bucket}/input/part-1.jsonl", "s3:GetObject"),
        ("jobs/create/field/role_arn/", "iam:ListRoles"),
        ("jobs/create/field/output_kms_key_id/", "kms:ListAliases"),
        ("jobs/create/field/subnet_ids/", "ec2:DescribeSubnets"),
        ("jobs/create/field/security_group_ids/", "ec2:DescribeSecurityGroups"),
    ],
)
def test_the_part_names_the_permission(
    client: Client, limited: Connection, bucket: str, path: str, permission: str
) -> None:
    assert permission in client.get(f"/limited/{path.format(bucket=bucket)}").text


def test_a_job_is_created_by_typing(client: Client, limited: Connection, bucket: str) -> None:
    response = client.post("/limited/jobs/create/", filled_in(bucket))
    assert response["Location"] == BatchJob.objects.get(connection=limited).get_absolute_url()


def test_a_new_role_needs_its_permission(client: Client, limited: Connection, bucket: str) -> None:
    page = client.post("/limited/jobs/create/", filled_in(bucket, service_role="new", role_name="mine", role_arn=None))
    assert "iam:CreateRole" in page.text
    assert not BatchJob.objects.exists()


def test_an_upload_needs_its_permission(client: Client, limited: Connection, bucket: str) -> None:
    data = {"uri": f"s3://{bucket}/", "file": SimpleUploadedFile("new.jsonl", b"{}")}
    assert "s3:PutObject" in client.post("/limited/s3/upload/", data, follow=True).text
    answer = client.post("/limited/s3/upload/start/", {"uri": f"s3://{bucket}/new.jsonl", "size": 1})
    assert "s3:PutObject" in answer.json()["message"]


def test_a_folder_needs_its_permission(client: Client, limited: Connection, bucket: str) -> None:
    page = client.post("/limited/s3/folder/", {"uri": f"s3://{bucket}/", "name": "answers"}, follow=True)
    assert "s3:PutObject" in page.text
