"""What the domain asks of an account for somebody: nothing without the right to it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from batchconsole.jobs import account, offered_models, service_roles
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.inputs import making
from batchconsole.jobs.models import Connection, Event, Grant, JobRequest, Role, Verb
from tests.jobs.conftest import Sample

REQUEST = JobRequest.from_fields({"input_s3_uri": "s3://bucket/in/", "output_s3_uri": "s3://bucket/out/"})
Ask = Callable[[Connection, User], Any]
ASKS: dict[str, tuple[Ask, str]] = {
    "keys": (account.list_keys, "submit"),
    "key": (lambda connection, user: account.describe_key(connection, user, key_id="k"), "submit"),
    "VPCs": (account.list_vpcs, "submit"),
    "subnets": (account.list_subnets, "submit"),
    "security groups": (account.list_security_groups, "submit"),
    "account": (account.ask_account_id, "administer"),
    "roles": (service_roles.list_service_roles, "submit"),
    "access": (lambda connection, user: service_roles.service_role_access(connection, user, request=REQUEST), "submit"),
    "documents": (
        lambda connection, user: service_roles.new_role_documents(connection, user, request=REQUEST),
        "submit",
    ),
    "new role": (
        lambda connection, user: service_roles.create_service_role(connection, user, role_name="r", request=REQUEST),
        "roles",
    ),
    "models": (offered_models.list_offered_models, "view"),
    "made input": (
        lambda connection, user: making.write_now(connection, user, output_s3_uri="s3://b/x.jsonl", records=[]),
        "submit",
    ),
}


@pytest.mark.parametrize("name", ASKS)
def test_nothing_is_asked_for_somebody_without_the_right(name: str, nowhere: Connection) -> None:
    ask, right = ASKS[name]
    with pytest.raises(NotAllowed, match=f"“{right}”"):
        ask(nowhere, User.objects.create_user("bob"))


def test_only_roles_the_connection_allows_are_offered(connection: Connection, sample_input: Sample) -> None:
    assert sample_input.role_arn in {role.arn for role in service_roles.list_service_roles(connection, None)}
    connection.service_roles = ["arn:aws:iam::123456789012:role/other"]
    assert service_roles.list_service_roles(connection, None) == []


def test_input_made_while_the_page_waits_leaves_an_event(connection: Connection, sample_input: Sample) -> None:
    bob = User.objects.create_user("bob")
    Grant.objects.create(user=bob, role=Role.objects.get(name="Submitter"))
    uri = f"s3://{sample_input.bucket}/made.jsonl"
    assert making.write_now(connection, bob, output_s3_uri=uri, records=[]) == 0
    event = Event.objects.get(verb=Verb.INPUT_MADE)
    assert (event.actor, event.data) == (bob, {"s3_uri": uri, "records": 0})
