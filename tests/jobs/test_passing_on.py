"""Calls that are passed on keep to the rights of the caller, and to the models and places of the connection."""

import base64
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import Connection, Event, Grant, Role, Verb
from batchconsole.jobs.programs.gateway_calls import answer_call
from tests.factories import MODEL, grant

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(
        name="prod",
        title="Production",
        credentials="local",
        bedrock_endpoint_url=NOBODY,
        bedrock_runtime_endpoint_url=NOBODY,
    )


@pytest.fixture
def ada(prod: Connection) -> User:
    user = User.objects.create_user("ada")
    grant(user, "Operator", prod)
    return user


def converse(
    connection: Connection, actor: User, body: Any = None, *, model_id: str = MODEL, verb: str = "converse"
) -> None:
    """Call a model that nobody listens at."""
    text = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    answer_call(connection, actor, method="POST", path=f"/model/{model_id}/{verb}", headers={}, body=text)


def image(uri: str) -> dict[str, Any]:
    block = {"image": {"format": "png", "source": {"s3Location": {"uri": uri}}}}
    return {"messages": [{"role": "user", "content": [block]}]}


def test_a_call_leaves_an_event_even_when_nobody_answers(prod: Connection, ada: User) -> None:
    with pytest.raises(AwsError, match=r"connect|reach"):
        converse(prod, ada)
    event = Event.objects.get(verb=Verb.PASSED_ON)
    assert (event.connection, event.actor, event.data) == (prod, ada, {"operation": "Converse", "model_id": MODEL})
    outcome = Event.objects.get(verb=Verb.PASSED_ON_FAILED)
    assert outcome.data == event.data | {"code": "EndpointUnreachable"}


def test_calling_a_model_takes_a_right_of_its_own(prod: Connection) -> None:
    bob = User.objects.create_user("bob")
    grant(bob, "Submitter", prod)
    with pytest.raises(NotAllowed, match="“invoke”"):
        converse(prod, bob)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("model_id", "is_allowed"),
    [
        (MODEL, True),
        (f"us.{MODEL}", True),
        (f"arn:aws:bedrock:us-east-1::foundation-model%2F{MODEL}", True),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("anthropic.claude-haiku-4-5-20251001-v1%3A0", True),
        ("amazon.nova-pro-v1:0", False),
        ("us.amazon.nova-pro-v1:0", False),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile%2Fabc", False),
    ],
)
def test_only_the_models_of_the_list_can_be_called(
    prod: Connection, ada: User, model_id: str, is_allowed: bool
) -> None:
    prod.allowed_models = [MODEL, "anthropic.*"]
    with pytest.raises(AwsError if is_allowed else NotAllowed):
        converse(prod, ada, model_id=model_id)


@pytest.mark.parametrize(("model_ids", "is_allowed"), [([], True), (["amazon.nova-*"], True), (["anthropic.*"], False)])
def test_the_models_of_a_role_bind_direct_calls(prod: Connection, model_ids: list[str], is_allowed: bool) -> None:
    bob = User.objects.create_user("bob")
    role = Role.objects.create(name="Chat", rights=["view", "invoke"], model_ids=model_ids)
    Grant.objects.create(user=bob, role=role)
    with pytest.raises(AwsError if is_allowed else NotAllowed):
        converse(prod, bob, model_id="us.amazon.nova-lite-v1:0")


def test_a_role_that_only_submits_does_not_widen_the_models_to_call(prod: Connection) -> None:
    bob = User.objects.create_user("bob")
    grant(bob, "Submitter", prod)
    role = Role.objects.create(name="Chat", rights=["invoke"], model_ids=["anthropic.*"])
    Grant.objects.create(user=bob, role=role)
    with pytest.raises(NotAllowed, match="do not allow the model"):
        converse(prod, bob)


@pytest.mark.parametrize(
    ("body", "is_allowed"),
    [
        (image("s3://data/in/a.png"), True),
        (image("s3://data/secret/a.png"), False),
        ({"inputText": "s3://data/secret/a.png"}, True),
        ({"mediaSource": {"s3Location": {"uri": "s3://other/a.mp4", "bucketOwner": "1"}}}, False),
        (b'{"s3Location": {"uri": "s3://other/a"}, "s3Location": {"uri": "s3://data/in/a"}}', False),
        (b'{"s3Location": {"uri": "s3://other/a", "uri": "s3://data/in/a"}}', False),
        (b'{"s3Loc\\u0061tion": {"uri": "s3://other/a"}}', False),
    ],
)
def test_a_model_reads_only_what_lies_where_input_may_lie(
    prod: Connection, ada: User, body: Any, is_allowed: bool
) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    with pytest.raises(AwsError if is_allowed else NotAllowed):
        converse(prod, ada, body)


def to_count(body: Any) -> dict[str, Any]:
    return {"input": {"invokeModel": {"body": base64.b64encode(json.dumps(body).encode()).decode()}}}


@pytest.mark.parametrize(
    ("body", "is_allowed"),
    [
        (to_count(image("s3://data/in/a.png")), True),
        (to_count(image("s3://data/secret/a.png")), False),
        ({"input": {"converse": image("s3://data/secret/a.png")}}, False),
        ({"input": {"invokeModel": {"body": ""}}}, True),
        (
            b'{"input": {"invokeModel": {"body": "%s", "body": "e30="}}}'
            % base64.b64encode(json.dumps(image("s3://data/secret/a.png")).encode()),
            False,
        ),
    ],
)
def test_counting_tokens_reads_only_what_lies_where_input_may_lie(
    prod: Connection, ada: User, body: Any, is_allowed: bool
) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    with pytest.raises(AwsError if is_allowed else NotAllowed):
        converse(prod, ada, body, verb="count-tokens")


@pytest.mark.parametrize("body", ["{", "ä", "e30=e30=", 7])
def test_a_body_to_count_that_cannot_be_read_is_not_passed_on(prod: Connection, ada: User, body: Any) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    with pytest.raises(AwsError) as refused:
        converse(prod, ada, {"input": {"invokeModel": {"body": body}}}, verb="count-tokens")
    assert refused.value.code == "ValidationException"


def test_a_body_that_cannot_be_read_is_not_passed_on_where_places_are_limited(prod: Connection, ada: User) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    with pytest.raises(AwsError) as refused:
        converse(prod, ada, b'{"s3Location": ')
    assert refused.value.code == "ValidationException"
