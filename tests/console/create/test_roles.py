"""The documents of a service role, shown before the form makes it."""

import json
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from django.test import Client
from django.utils.html import escape

from batchconsole.jobs.models import Connection
from tests.console.create.conftest import filled_in

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
    assert "First fill in: Model, Input data, Output data." in page


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
