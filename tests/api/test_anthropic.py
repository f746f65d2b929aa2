"""Anthropic's own SDK at the console, without a network between; its batches run on the local Bedrock."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from django.contrib.auth.models import User
from django.db.models.signals import post_save, pre_save
from pytest_django import Settings

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.models import BatchJob, Connection, Event, OpenAIBatch, OpenUpload, Right, Verb
from batchconsole.jobs.openai.conversion import convert_batch
from batchconsole.jobs.openai.following import follow_batch
from batchconsole.jobs.openai.places import claude_for
from batchconsole.jobs.s3.open_uploads import abort_upload
from tests.api.conftest import HOST, key_of
from tests.api.test_openai import COUNT, Console, finish, sdk
from tests.api.test_openai import here as here
from tests.factories import grant

CLAUDE = "claude-3-haiku-20240307"


def anthropic_sdk(name: str, token: str, **options: Any) -> anthropic.Anthropic:
    http_client = httpx2.Client(transport=options.pop("transport", Console()))
    settings: dict[str, Any] = {"base_url": f"{HOST}/anthropic/{name}", "api_key": token, "max_retries": 0} | options
    return anthropic.Anthropic(http_client=http_client, **settings)


@pytest.fixture
def client(here: Connection, person: User) -> anthropic.Anthropic:
    grant(person, "Submitter")
    return anthropic_sdk(here.name, key_of(person)[1])


def request(number: int, text: str = "", model: str = CLAUDE, **params: Any) -> Any:
    messages = [{"role": "user", "content": text or f"Say the number {number}."}]
    return {"custom_id": f"r{number}", "params": {"model": model, "max_tokens": 50, "messages": messages} | params}


def requests(count: int = COUNT) -> list[Any]:
    return [request(number) for number in range(count)]


def results(client: anthropic.Anthropic, batch: MessageBatch) -> list[MessageBatchIndividualResponse]:
    return list(client.messages.batches.results(batch.id))


def test_the_whole_flow(client: anthropic.Anthropic) -> None:
    asked = requests()
    asked[1] = request(1, "[[answer: Blue.]]", system="Be brief.")
    asked[2] = request(2, "[[fail: 429 too many]]")
    made = client.messages.batches.create(requests=asked)
    assert (made.processing_status, made.request_counts.processing, made.results_url) == ("in_progress", COUNT, None)
    finish(made.id)
    batch = client.messages.batches.retrieve(made.id)
    assert (batch.processing_status, batch.ended_at is not None) == ("ended", True)
    counts = batch.request_counts
    assert (counts.succeeded, counts.errored, counts.canceled, counts.processing) == (COUNT - 1, 1, 0, 0)
    found = results(client, batch)
    assert [each.custom_id for each in found] == [f"r{number}" for number in range(COUNT)]
    assert found[1].result.type == "succeeded"
    message = found[1].result.message
    assert (message.role, [getattr(part, "text", "") for part in message.content]) == ("assistant", ["Blue."])
    assert message.usage.output_tokens > 0
    assert found[2].result.type == "errored"
    assert found[2].result.error.error.type == "rate_limit_error"
    job = OpenAIBatch.objects.get(batch_id=made.id).parts.get().job
    assert (job.model_id, job.model_invocation_type) == ("anthropic.claude-3-haiku-20240307-v1:0", "InvokeModel")
    assert Event.objects.filter(job=job, verb=Verb.CREATED).exclude(api_key="").exists()
    assert client.messages.batches.delete(made.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_a_cancelled_batch_has_canceled_results(client: anthropic.Anthropic) -> None:
    first, second = (client.messages.batches.create(requests=requests()) for _ in range(2))
    early = client.messages.batches.cancel(first.id)
    assert (early.processing_status, early.request_counts.canceled) == ("ended", COUNT)
    assert {each.result.type for each in results(client, early)} == {"canceled"}
    convert_batch(OpenAIBatch.objects.get(batch_id=second.id))
    assert client.messages.batches.cancel(second.id).processing_status == "canceling"
    with pytest.raises(anthropic.BadRequestError, match="has not ended"):
        client.messages.batches.delete(second.id)
    follow_batch(OpenAIBatch.objects.get(batch_id=second.id))
    assert BatchJob.objects.get().is_ended


def test_each_change_of_a_batch_is_recorded_under_its_key(client: anthropic.Anthropic, here: Connection) -> None:
    made, early = (client.messages.batches.create(requests=requests()) for _ in range(2))
    convert_batch(OpenAIBatch.objects.get(batch_id=made.id))
    client.messages.batches.cancel(made.id)
    client.messages.batches.cancel(made.id)
    client.messages.batches.cancel(early.id)
    s3.delete_object(here.target, *parse_s3_uri(OpenAIBatch.objects.get(batch_id=early.id).input_s3_uri))
    client.messages.batches.delete(early.id)
    told = Event.objects.exclude(actor=None).exclude(api_key="").filter(data__batch__in=[made.id, early.id])
    assert list(told.order_by("pk").values_list("verb", "data__batch")) == [
        (Verb.BATCH_CREATED, made.id),
        (Verb.BATCH_CREATED, early.id),
        (Verb.BATCH_CANCELLED, made.id),
        (Verb.INPUT_MAKING_CANCELLED, early.id),
        (Verb.BATCH_DELETED, early.id),
    ]


def stored(here: Connection) -> list[str]:
    """The URIs of all requests in S3."""
    bucket, prefix = parse_s3_uri(here.openai_folder)
    return [f"s3://{bucket}/{each.key}" for each in s3.list_objects(here.target, bucket, prefix, delimiter="").objects]


def test_a_call_that_is_killed_before_its_batch_has_a_row_leaves_no_object(
    client: anthropic.Anthropic, here: Connection
) -> None:
    def die(**_: Any) -> None:
        raise SystemExit

    pre_save.connect(die, sender=OpenAIBatch)
    try:
        with pytest.raises(SystemExit):
            client.messages.batches.create(requests=requests())
    finally:
        pre_save.disconnect(die, sender=OpenAIBatch)
    assert stored(here)
    for row in OpenUpload.objects.all():
        abort_upload(row)
    assert not stored(here)


def test_of_two_calls_at_once_one_makes_the_batch_and_the_other_leaves_no_object(
    client: anthropic.Anthropic, here: Connection
) -> None:
    def create() -> MessageBatch:
        return client.messages.batches.create(requests=requests(), extra_headers={"Idempotency-Key": "nightly"})

    def come_first(**_: Any) -> None:
        post_save.disconnect(come_first, sender=OpenUpload)
        create()

    post_save.connect(come_first, sender=OpenUpload)
    made = create()
    batch = OpenAIBatch.objects.get()
    assert (made.id, stored(here)) == (batch.batch_id, [batch.input_s3_uri])
    assert not OpenUpload.objects.exists()


def test_a_batch_that_could_not_run_says_why_in_each_result(client: anthropic.Anthropic, here: Connection) -> None:
    made = client.messages.batches.create(requests=requests())
    Connection.objects.update(allowed_models=["amazon.nova-lite-v1:0"])
    convert_batch(OpenAIBatch.objects.get())
    batch = client.messages.batches.retrieve(made.id)
    assert batch.request_counts.errored == COUNT
    assert {each.result.type for each in results(client, batch)} == {"errored"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"params": {"model": "claude-9"}}, "requests.7.params.model: claude-9 stands for no model"),
        ({"params": request(7, model="amazon.nova-lite-v1:0")["params"]}, "takes no requests to /v1/messages"),
        ({"custom_id": "r 7"}, "requests.7.custom_id: String should match"),
        ({"custom_id": "r6"}, "r6 is used more than once"),
        ({"params": request(7, max_tokens="x")["params"]}, "max_tokens"),
        ({"params": 7}, "requests.7.params: Input should be an object"),
        ({"more": 1}, "requests.7.more: Extra inputs"),
    ],
)
def test_a_request_that_cannot_run_is_refused_before_it_costs_anything(
    client: anthropic.Anthropic, change: dict[str, Any], says: str
) -> None:
    asked = requests()
    asked[7] = asked[7] | change
    with pytest.raises(anthropic.BadRequestError, match=says) as refused:
        client.messages.batches.create(requests=asked)
    assert refused.value.response.json()["error"]["type"] == "invalid_request_error"
    assert refused.value.request_id
    assert not OpenAIBatch.objects.exists()


def test_fewer_requests_than_bedrock_takes_are_refused(client: anthropic.Anthropic) -> None:
    for asked in (requests(99), []):
        with pytest.raises(anthropic.BadRequestError, match="at least 100 records"):
            client.messages.batches.create(requests=asked)


def test_a_lost_answer_makes_one_batch(here: Connection, person: User) -> None:
    grant(person, "Submitter")
    transport = Console()
    client = anthropic_sdk(here.name, key_of(person)[1], transport=transport, max_retries=2)
    transport.lost = 1
    made = client.messages.batches.create(requests=requests())
    assert OpenAIBatch.objects.get().batch_id == made.id


def test_batches_are_listed_in_pages_both_ways(client: anthropic.Anthropic) -> None:
    made = [client.messages.batches.create(requests=requests()).id for _ in range(3)][::-1]
    page = client.messages.batches.list(limit=2)
    assert ([each.id for each in page.data], page.has_more, page.last_id) == (made[:2], True, made[1])
    assert [each.id for each in client.messages.batches.list(limit=1)] == made
    back = client.messages.batches.list(limit=1, before_id=made[2])
    assert ([each.id for each in back.data], back.has_more) == ([made[1]], True)


def test_a_batch_is_of_its_dialect(client: anthropic.Anthropic, here: Connection, person: User) -> None:
    made = client.messages.batches.create(requests=requests())
    assert sdk(here.name, key_of(person)[1]).batches.list().data == []
    assert client.beta.messages.batches.retrieve(made.id).id == made.id


def test_who_may_not_is_told_in_the_dialect(here: Connection, person: User) -> None:
    with pytest.raises(anthropic.AuthenticationError, match="authentication_error"):
        anthropic_sdk(here.name, "nonsense").messages.batches.list()
    grant(person, "Submitter")
    with pytest.raises(anthropic.PermissionDeniedError, match="permission_error"):
        anthropic_sdk(here.name, key_of(person, Right.VIEW)[1]).messages.batches.create(requests=requests())
    with pytest.raises(anthropic.NotFoundError):
        anthropic_sdk("nowhere", key_of(person)[1]).messages.batches.list()
    bearer = anthropic_sdk(here.name, "", api_key=None, auth_token=key_of(person)[1])
    assert bearer.messages.batches.list().data == []


def test_who_may_not_create_a_batch_is_told_before_the_body_is_read(here: Connection, person: User) -> None:
    grant(person, "Submitter")
    viewer = anthropic_sdk(here.name, key_of(person, Right.VIEW)[1])
    with pytest.raises(anthropic.PermissionDeniedError):
        viewer.post("/v1/messages/batches", body={"requests": "nonsense"}, cast_to=object)


def test_a_key_has_so_many_calls_a_minute_in_both_dialects(here: Connection, person: User, settings: Settings) -> None:
    grant(person, "Submitter")
    settings.API_CALLS_PER_MINUTE = 2
    token = key_of(person)[1]
    client, other = anthropic_sdk(here.name, token), sdk(here.name, token)
    client.messages.batches.list()
    other.batches.list()
    with pytest.raises(anthropic.RateLimitError, match="used up its 2 calls") as refused:
        client.messages.batches.create(requests=[])
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 61
    with pytest.raises(openai.RateLimitError, match="used up its 2 calls"):
        other.batches.list()


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("claude-3-haiku-20240307", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("claude-3-5-haiku-latest", "anthropic.claude-3-5-haiku-20241022-v1:0"),
        ("claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("claude-opus-4-6", "us.anthropic.claude-opus-4-6-v1"),
        ("claude", ""),
    ],
)
def test_anthropics_names_stand_for_bedrocks_models(name: str, model_id: str) -> None:
    assert claude_for(name, "us-east-1") == model_id
