"""Service roles: what one may do, and the documents of one before the form makes it."""

import json
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from django.test import Client
from django.utils.html import escape

from batchconsole.jobs.models import BatchJob, Connection
from tests.conftest import service_role_trust
from tests.console.conftest import filled_in

URL = "/local/roles/policy/"


def test_what_is_shown_is_what_is_written(client: Client, bucket: str, boto: Any) -> None:
    name = f"role-{uuid4().hex[:8]}"
    form = filled_in(bucket, service_role="new", role_name=name, output_kms_key_id="alias/prompts")
    shown = client.post(URL, form).content.decode()
    client.post("/local/jobs/create/", form)
    iam = boto("iam")
    policy_name = iam.list_role_policies(RoleName=name)["PolicyNames"][0]
    written = iam.get_role_policy(RoleName=name, PolicyName=policy_name)["PolicyDocument"]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    for document in (written, trust):
        value = json.loads(unquote(document)) if isinstance(document, str) else document
        assert escape(json.dumps(value, indent=2)) in shown


def test_what_is_missing_is_named(client: Client, local: Connection) -> None:
    page = client.post(URL, {"service_role": "new", "model_id": "x y"}).content.decode()
    assert "Fill in first: Model, Input data, Output data." in page


def test_other_errors_of_the_form_do_not_matter(client: Client, bucket: str) -> None:
    page = client.post(URL, filled_in(bucket, job_name="", service_role="new")).content.decode()
    assert "Permissions policy" in page


def test_aws_away_is_said_in_place(client: Client, away: Connection) -> None:
    page = client.post("/away/roles/policy/", filled_in(service_role="new")).content.decode()
    assert "EndpointUnreachable" in page


def test_the_command_follows_the_form_right_or_wrong(client: Client, connection: Connection) -> None:
    form = filled_in(job_name="it's", service_role="new", role_name="batch", timeout_duration_in_hours="x")
    page = client.post("/local/jobs/create/command/", form | {"tags-0-key": "team"}).content.decode()
    assert escape("--job-name 'it'\"'\"'s'") in page
    assert "role/service-role/batch" in page
    assert "--timeout-duration-in-hours" not in page
    assert "--client-request-token" not in page
    assert "team" in page


class TestAccess:
    """Whether an existing role may read and write the chosen places, and what it lacks."""

    def check(self, client: Client, bucket: str, role_arn: str, **changes: str) -> str:
        form = filled_in(bucket, role_arn=role_arn, **changes)
        return client.post("/local/roles/access/", form).content.decode()

    def role(self, boto: Any, *actions: str) -> str:
        iam, name = boto("iam"), f"role-{uuid4().hex[:8]}"
        arn = iam.create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=service_role_trust())
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        return str(arn["Role"]["Arn"])

    def test_a_role_that_may_do_it_all_is_fine(self, client: Client, bucket: str, boto: Any) -> None:
        page = self.check(client, bucket, self.role(boto, "s3:*"))
        assert "The role may read the input and write the output." in page

    def test_what_a_role_lacks_is_said_exactly(self, client: Client, bucket: str, boto: Any) -> None:
        page = self.check(client, bucket, self.role(boto, "s3:ListBucket", "s3:GetObject"))
        assert "The role lacks permissions" in page
        assert page.count("<li>") == 1
        assert "<code>s3:PutObject</code>" in page
        assert f"arn:aws:s3:::{bucket}/output/" in page

    def test_the_role_that_the_form_makes_passes(self, client: Client, bucket: str) -> None:
        client.post("/local/jobs/create/", filled_in(bucket, service_role="new", role_name=f"new-{uuid4().hex[:8]}"))
        page = self.check(client, bucket, BatchJob.objects.get().role_arn)
        assert "The role may read the input and write the output." in page

    def test_what_is_missing_is_named(self, client: Client, local: Connection) -> None:
        page = client.post("/local/roles/access/", {"service_role": "existing"}).content.decode()
        assert "Fill in first: Service role, Input data, Output data." in page

    def test_iam_away_is_said_in_place(self, client: Client, away: Connection) -> None:
        page = client.post("/away/roles/access/", filled_in()).content.decode()
        assert "GetCallerIdentity · EndpointUnreachable" in page
