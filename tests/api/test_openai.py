"""OpenAI's own SDK at the console, without a network between; its batches run on the local Bedrock."""

import json
from typing import Any

import httpx2
import openai
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from batchconsole.aws import iam, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import lifecycle, sync
from batchconsole.jobs.inputs.input_checks import check_input, check_records
from batchconsole.jobs.models import (
    BatchJob,
    Connection,
    Event,
    InputCheck,
    ModelLimit,
    OpenAIBatch,
    OpenAIFile,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.openai.answering import write_answers
from batchconsole.jobs.openai.conversion import convert_batch
from batchconsole.jobs.openai.following import follow_batch
from batchconsole.jobs.outputs.results import collect_results
from tests.api.conftest import HOST, key_of
from tests.conftest import ACCOUNT
from tests.factories import MODEL, grant
from tests.jobs.conftest import Sample, die, held

OTHER = "amazon.nova-lite-v1:0"
EMBEDDINGS = "amazon.titan-embed-text-v2:0"
CHAT: Any = "/v1/chat/completions"  # the SDK wants a literal
COUNT = 100  # Bedrock's least number of records


class Console(httpx2.BaseTransport):
    """Carries a request to Django's test client; ``lost`` answers get lost on the way back."""

    lost = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {
            name: value for name, value in request.headers.items() if name not in ("content-type", "content-length")
        }
        body = b"".join(request.stream)  # type: ignore[arg-type] # a synchronous one
        answer = Client(enforce_csrf_checks=True).generic(
            request.method,
            request.url.raw_path.decode(),
            body,
            request.headers.get("content-type", ""),
            headers=headers,
        )
        if self.lost:
            self.lost -= 1
            raise httpx2.ReadError("The answer is lost.")
        content = answer.getvalue() if answer.streaming else answer.content
        return httpx2.Response(answer.status_code, headers=dict(answer.headers), content=content, request=request)


@pytest.fixture
def here(connection: Connection, sample_input: Sample) -> Connection:
    """The connection with a place, a role and names for batches."""
    folder = f"s3://{sample_input.bucket}/openai/"
    asked = JobRequest.from_fields({"input_s3_uri": folder, "output_s3_uri": folder, "model_id": MODEL})
    name = f"o-{sample_input.bucket}"
    connection.openai_role_arn = iam.create_service_role(connection.target, asked, role_name=name, account_id=ACCOUNT)
    connection.openai_folder = folder
    connection.openai_models = {"gpt-4o-mini": MODEL, "gpt-4o*": OTHER, "text-embedding-3-small": EMBEDDINGS}
    connection.save()
    return connection


def sdk(name: str, token: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{HOST}/openai/{name}/v1",
        api_key=token,
        http_client=httpx2.Client(transport=options.pop("transport", Console())),
        **{"max_retries": 0} | options,
    )


@pytest.fixture
def client(here: Connection, person: User) -> openai.OpenAI:
    grant(person, "Submitter")
    return sdk(here.name, key_of(person)[1])


def line(number: int, text: str = "", model: str = "gpt-4o-mini", **values: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": text or f"Say the number {number}."}]}
    return {"custom_id": f"r{number}", "method": "POST", "url": CHAT, "body": body} | values


def lines(count: int = COUNT, **values: Any) -> list[dict[str, Any]]:
    return [line(number, **values) for number in range(count)]


def as_bytes(requests: list[Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in requests)


def upload(client: openai.OpenAI, content: bytes) -> str:
    return client.files.create(file=("requests.jsonl", content), purpose="batch").id


def create(client: openai.OpenAI, requests: list[Any], endpoint: Any = CHAT, **options: Any) -> openai.types.Batch:
    file_id = upload(client, as_bytes(requests))
    return client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h", **options)


def check(job: BatchJob) -> None:
    """Have the input of *job* checked, as workers would."""
    check_input(job)
    for each in InputCheck.objects.filter(jobs=job):
        check_records(each)
    check_input(job)
    job.refresh_from_db()


def run_jobs(*batches: OpenAIBatch) -> None:
    """Have every job of *batches* checked, submitted, run and read, as workers would."""
    jobs = [part.job for batch in batches for part in batch.parts.all()]
    for job in jobs:
        check(job)
    for _ in range(400):
        for job in jobs:
            lifecycle.submit(job)
            job.refresh_from_db()
        if all(job.is_ended for job in jobs):
            break
        Connection.objects.sync_soon(jobs[0].connection_id)
        sync.sync(Connection.objects.get(pk=jobs[0].connection_id))
    for job in jobs:
        collect_results(job)


def finish(batch_id: str) -> OpenAIBatch:
    """Have the steps of a batch taken to its end."""
    batch = OpenAIBatch.objects.get(batch_id=batch_id)
    convert_batch(batch)
    run_jobs(batch)
    follow_batch(batch)
    write_answers(batch)
    return batch


def read(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(each) for each in client.files.content(file_id).content.splitlines()]


def test_the_whole_flow(client: openai.OpenAI, person: User) -> None:
    requests = lines(COUNT)
    requests[1]["body"]["messages"][0]["content"] = "[[answer: Blue.]]"
    requests[2]["body"]["messages"][0]["content"] = "[[fail: 429 too many]]"
    made = create(client, requests, metadata={"team": "nlp", "note": "a, b?"})
    assert (made.status, made.object, made.metadata) == ("validating", "batch", {"team": "nlp", "note": "a, b?"})
    finish(made.id)
    batch = client.batches.retrieve(made.id)
    assert batch.errors is None, batch.errors.data
    assert batch.status == "completed"
    assert batch.model == MODEL
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (
        COUNT,
        COUNT - 1,
        1,
    )
    answers = read(client, batch.output_file_id)
    assert [each["custom_id"] for each in answers] == [f"r{n}" for n in range(COUNT) if n != 2]
    completion = openai.types.chat.ChatCompletion.model_validate(answers[1]["response"]["body"])
    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == ("Blue.", "stop")
    assert (answers[1]["response"]["status_code"], answers[1]["error"]) == (200, None)
    (failed,) = read(client, batch.error_file_id)
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("r2", 429)
    assert failed["response"]["body"]["error"]["type"] == "rate_limit_error"
    assert batch.usage is not None
    assert batch.usage.total_tokens == sum(each["response"]["body"]["usage"]["total_tokens"] for each in answers) > 0
    assert batch.created_at <= (batch.finalizing_at or 0) <= (batch.completed_at or 0) < (batch.expires_at or 0)
    job = BatchJob.objects.get(created_by=person)
    assert (job.created_by, job.tags, job.check_input) == (person, [{"key": "team", "value": "nlp"}], True)
    assert Event.objects.get(job=job, verb=Verb.CREATED).api_key != ""
    made_input = Event.objects.get(verb=Verb.INPUT_MADE)
    assert (made_input.actor, made_input.data) == (person, {"s3_uri": job.input_s3_uri, "records": COUNT})


def test_two_models_are_two_jobs_and_one_batch(client: openai.OpenAI) -> None:
    mixed = [line(n, model="gpt-4o" if n % 2 else OTHER if n % 4 else "gpt-4o-mini") for n in range(3 * COUNT)]
    made = create(client, mixed)
    batch = finish(made.id)
    parts = [(part.job.model_id, part.request_count) for part in batch.parts.all()]
    assert parts == [(MODEL, 75), (OTHER, 225)]
    found = client.batches.retrieve(made.id)
    # Bedrock refuses a job of fewer than a hundred records: those requests are errors, and the others have answers.
    assert (found.status, found.model) == ("completed", None)
    answers, errors = read(client, found.output_file_id), read(client, found.error_file_id)
    assert [each["custom_id"] for each in answers] == [f"r{n}" for n in range(3 * COUNT) if n % 4]
    assert {each["response"]["body"]["model"] for each in answers} == {OTHER}
    assert {each["error"]["code"] for each in errors} == {"batch_failed"}
    assert "fewer records than Bedrock takes" in errors[0]["error"]["message"]


def test_embeddings_come_back_as_vectors(client: openai.OpenAI) -> None:
    def request(number: int, **values: Any) -> dict[str, Any]:
        body = {"model": "text-embedding-3-small", "input": f"text {number}"} | values
        return {"custom_id": f"e{number}", "method": "POST", "url": "/v1/embeddings", "body": body}

    requests = [request(0, encoding_format="base64"), *map(request, range(1, COUNT))]
    made = create(client, requests, endpoint="/v1/embeddings")
    finish(made.id)
    batch = client.batches.retrieve(made.id)
    first, second, *_ = read(client, batch.output_file_id)
    assert isinstance(first["response"]["body"]["data"][0]["embedding"], str)
    found = openai.types.CreateEmbeddingResponse.model_validate(second["response"]["body"])
    assert (second["custom_id"], len(found.data[0].embedding), found.usage.total_tokens > 0) == ("e1", 1024, True)


def test_more_batches_than_the_quota_admits(client: openai.OpenAI, here: Connection) -> None:
    ModelLimit.objects.create(connection=here, model_id=MODEL, jobs_at_once=1)
    made = [create(client, lines()).id for _ in range(3)]
    for batch in OpenAIBatch.objects.all():
        convert_batch(batch)
        follow_batch(batch)
    for job in BatchJob.objects.order_by("pk"):
        check(job)
        lifecycle.submit(job)
    assert sorted(job.status for job in BatchJob.objects.all()) == [Status.QUEUED, Status.QUEUED, Status.SUBMITTED]
    assert {client.batches.retrieve(each).status for each in made} == {"in_progress"}
    run_jobs(*OpenAIBatch.objects.all())
    for batch in OpenAIBatch.objects.all():
        follow_batch(batch)
        write_answers(batch)
    assert [client.batches.retrieve(each).status for each in made] == ["completed"] * 3


def errors_of(client: openai.OpenAI, batch_id: str) -> list[tuple[str | None, str | None, int | None]]:
    batch = client.batches.retrieve(batch_id)
    assert batch.status == "failed"
    assert batch.failed_at
    assert batch.errors
    return [(each.code, each.param, each.line) for each in batch.errors.data or []]


def test_bad_lines_fail_the_batch_before_it_costs_anything(client: openai.OpenAI) -> None:
    tools = line(5)
    tools["body"]["seed"] = 7
    bad = [
        line(1, model="gpt-9"),
        line(1),
        line(2, url="/v1/embeddings"),
        {"custom_id": "r3"},
        line(4, method="GET"),
        tools,
        line(6, body=[]),
    ]
    file_id = upload(client, as_bytes([line(0), *bad]) + b"\n{\n")
    made = client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")
    convert_batch(OpenAIBatch.objects.get())
    assert errors_of(client, made.id) == [
        ("model_not_found", "body.model", 2),
        ("duplicate_custom_id", "custom_id", 3),
        ("invalid_url", "url", 4),
        ("missing_required_parameter", "method", 5),
        ("invalid_method", "method", 6),
        ("invalid_request", "body", 7),
        ("invalid_request", "body", 8),
        ("invalid_json_line", None, 10),
    ]
    assert not BatchJob.objects.exists()


def test_a_model_that_the_connection_does_not_allow_is_refused(client: openai.OpenAI, here: Connection) -> None:
    here.allowed_models = [OTHER]
    here.save()
    made = create(client, lines(2))
    convert_batch(OpenAIBatch.objects.get())
    assert errors_of(client, made.id) == [("invalid_model", "body.model", 1)]
    assert not BatchJob.objects.exists()


def test_a_batch_is_cancelled_before_and_after_it_has_jobs(client: openai.OpenAI) -> None:
    first, second = create(client, lines()), create(client, lines())
    early = client.batches.cancel(first.id)
    assert (early.status, early.cancelled_at is not None) == ("cancelled", True)
    assert Event.objects.get(verb=Verb.INPUT_MAKING_CANCELLED).data["batch"] == first.id
    convert_batch(OpenAIBatch.objects.get(batch_id=first.id))
    assert not BatchJob.objects.exists()
    batch = OpenAIBatch.objects.get(batch_id=second.id)
    convert_batch(batch)
    assert client.batches.cancel(second.id).status == "cancelling"
    assert Event.objects.get(verb=Verb.BATCH_CANCELLED).data["batch"] == second.id
    follow_batch(batch)
    follow_batch(batch)
    write_answers(batch)
    assert BatchJob.objects.get().status == Status.CANCELLED
    ended = client.batches.cancel(second.id)
    assert (ended.status, ended.output_file_id, ended.request_counts and ended.request_counts.failed) == (
        "cancelled",
        None,
        COUNT,
    )
    assert {each["error"]["code"] for each in read(client, ended.error_file_id)} == {"batch_cancelled"}


def test_a_lost_answer_makes_one_batch(here: Connection, person: User) -> None:
    grant(person, "Submitter")
    transport = Console()
    client = sdk(here.name, key_of(person)[1], transport=transport, max_retries=2)
    file_id = upload(client, as_bytes(lines(1)))
    transport.lost = 1
    made = client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")
    assert OpenAIBatch.objects.get().batch_id == made.id
    assert client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h").id != made.id


def test_an_idempotency_key_gives_the_first_batch(client: openai.OpenAI) -> None:
    file_id, headers = upload(client, as_bytes(lines(1))), {"Idempotency-Key": "nightly"}
    asked: Any = {"input_file_id": file_id, "endpoint": CHAT, "extra_headers": headers}
    first = client.batches.create(completion_window="24h", **asked)
    assert client.batches.create(completion_window="24h", **asked).id == first.id
    with pytest.raises(openai.BadRequestError, match="another batch"):
        client.batches.create(completion_window="48h", **asked)  # type: ignore[arg-type] # ours


def test_a_worker_that_is_killed_repeats_and_loses_nothing(client: openai.OpenAI) -> None:
    made = create(client, lines())
    batch = OpenAIBatch.objects.get()
    die(held(convert_batch, batch))
    convert_batch(batch)
    assert BatchJob.objects.count() == 1
    run_jobs(batch)
    follow_batch(batch)
    die(held(write_answers, batch))
    write_answers(batch)
    assert client.batches.retrieve(made.id).status == "completed"
    assert OpenAIFile.objects.filter(purpose="batch_output").count() == 1


def test_a_batch_cancelled_while_its_file_is_read_creates_no_job(client: openai.OpenAI) -> None:
    made = create(client, lines())
    batch = OpenAIBatch.objects.get()
    lease = held(convert_batch, batch)
    client.batches.cancel(made.id)
    assert lease._mine().count() == 0
    assert convert_batch.take(batch) is None


@pytest.mark.parametrize(("window", "hours"), [("48h", 48), ("7d", 168)])
def test_the_window_is_the_jobs_timeout(client: openai.OpenAI, window: Any, hours: int) -> None:
    file_id = upload(client, as_bytes(lines(2)))
    made = client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window=window)
    convert_batch(OpenAIBatch.objects.get())
    assert BatchJob.objects.get().timeout_duration_in_hours == hours
    assert (made.expires_at or 0) - made.created_at == hours * 3600


def refused(client: openai.OpenAI, body: dict[str, Any]) -> dict[str, Any]:
    sound = {"input_file_id": "file-none", "endpoint": CHAT, "completion_window": "24h"}
    with pytest.raises(openai.APIStatusError) as raised:
        client.post("/batches", body=sound | body, cast_to=object)
    error = raised.value
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.request_id
    return {"status": error.status_code} | error.body


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 404, "id"),
        ({"input_file_id": None}, 400, "input_file_id"),
        ({"endpoint": "/v1/images"}, 400, "endpoint"),
        ({"completion_window": "1h"}, 400, "completion_window"),
        ({"completion_window": "169h"}, 400, "completion_window"),
        ({"completion_window": "soon"}, 400, "completion_window"),
        ({"metadata": {"a": 1}}, 400, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, 400, "metadata"),
        ({"metadata": {"a": "x" * 513}}, 400, "metadata"),
        ({"output_expires_after": {"seconds": 3600}}, 400, "output_expires_after"),
        ({"model": "x"}, 400, "model"),
    ],
)
def test_a_parameter_that_is_refused_is_named(
    client: openai.OpenAI, body: dict[str, Any], status: int, param: str
) -> None:
    found = refused(client, body)
    assert (found["status"], found["type"], found["param"]) == (status, "invalid_request_error", param)


def test_a_file_beyond_the_quota_is_refused_before_its_first_byte(client: openai.OpenAI, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = 10
    with pytest.raises(openai.BadRequestError, match=r"may have 10\sbytes together"):
        upload(client, as_bytes(lines(1)))


def test_files_are_listed_read_and_deleted(client: openai.OpenAI, here: Connection) -> None:
    content = as_bytes(lines(2))
    ids = [upload(client, content) for _ in range(3)]
    assert [each.id for each in client.files.list(limit=2)] == ids[::-1]
    assert [each.id for each in client.files.list(order="asc", after=ids[0])] == ids[1:]
    assert list(client.files.list(purpose="batch_output")) == []
    file = client.files.retrieve(ids[0])
    assert (file.bytes, file.filename, file.purpose, file.status) == (
        len(content),
        "requests.jsonl",
        "batch",
        "processed",
    )
    assert client.files.content(ids[0]).content == content
    batch = client.batches.create(input_file_id=ids[0], endpoint=CHAT, completion_window="24h")
    with pytest.raises(openai.BadRequestError, match="has not ended"):
        client.files.delete(ids[0])
    client.batches.cancel(batch.id)
    stored = OpenAIFile.objects.get(file_id=ids[0])
    assert client.files.delete(ids[0]).deleted
    assert Event.objects.get(verb=Verb.FILE_DELETED).data == {"file": ids[0], "s3_uri": stored.s3_uri}
    key = stored.s3_uri.removeprefix("s3://").partition("/")[2]
    assert not list(s3.iter_objects(here.target, stored.s3_uri.split("/")[2], key))
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.content(ids[0])


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"file": ("a.jsonl", b""), "purpose": "batch"}, "file"),
        ({"file": ("a.jsonl", b"{}"), "purpose": "assistants"}, "purpose"),
        (
            {
                "file": ("a.jsonl", b"{}"),
                "purpose": "batch",
                "expires_after": {"anchor": "created_at", "seconds": 3600},
            },
            "expires_after[anchor]",
        ),
    ],
)
def test_an_upload_that_is_refused_keeps_nothing(client: openai.OpenAI, options: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.files.create(**options)
    assert raised.value.param == param
    assert not OpenAIFile.objects.exists()


def test_batches_are_listed_newest_first_in_pages(client: openai.OpenAI) -> None:
    made = [create(client, lines(1)).id for _ in range(3)]
    page = client.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == (made[:0:-1], True)
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
    with pytest.raises(openai.BadRequestError, match="Invalid value"):
        client.batches.list(limit=101)


def test_models_are_the_names_that_lines_may_use(client: openai.OpenAI) -> None:
    found = {model.id for model in client.models.list()}
    assert {"gpt-4o-mini", MODEL} <= found
    assert "gpt-4o*" not in found


# Who may do what


def key_with(here: Connection, person: User, *rights: Right) -> openai.OpenAI:
    return sdk(here.name, key_of(person, *rights)[1])


def test_without_a_key_or_a_right_nothing_is_told(here: Connection, person: User) -> None:
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        sdk(here.name, "sk-wrong").batches.list()
    with pytest.raises(openai.NotFoundError, match="There is no connection"):
        key_with(here, person).batches.list()


def test_a_key_may_do_what_its_rights_allow(here: Connection, person: User) -> None:
    grant(person, "Submitter")
    file_id = upload(key_with(here, person), as_bytes(lines(1)))
    viewer = key_with(here, person, Right.VIEW)
    assert [each.id for each in viewer.files.list()] == [file_id]
    for call in (
        lambda: upload(viewer, b"{}"),
        lambda: viewer.files.content(file_id),
        lambda: viewer.files.delete(file_id),
        lambda: viewer.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h"),
    ):
        with pytest.raises(openai.PermissionDeniedError, match="You need the right"):
            call()


def test_only_its_creator_or_an_operator_cancels_a_batch(client: openai.OpenAI, here: Connection) -> None:
    made = create(client, lines(1))
    other = User.objects.create_user("eve")
    grant(other, "Submitter")
    with pytest.raises(openai.PermissionDeniedError, match="operate"):
        key_with(here, other).batches.cancel(made.id)


@pytest.mark.parametrize("places", ["upload_prefixes", "input_prefixes", "output_prefixes"])
def test_places_are_asked(client: openai.OpenAI, here: Connection, places: str) -> None:
    file_id = upload(client, as_bytes(lines(1)))
    Connection.objects.filter(pk=here.pk).update(**{places: ["s3://elsewhere/"]})
    with pytest.raises(openai.PermissionDeniedError, match="s3://elsewhere/"):
        client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")


def test_a_connection_without_a_place_or_a_role_says_what_is_missing(client: openai.OpenAI, here: Connection) -> None:
    file_id = upload(client, as_bytes(lines(1)))
    Connection.objects.filter(pk=here.pk).update(openai_role_arn="")
    with pytest.raises(openai.BadRequestError, match="no service role"):
        client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")
    Connection.objects.filter(pk=here.pk).update(openai_folder="")
    with pytest.raises(openai.BadRequestError, match="no S3 folder"):
        upload(client, b"{}")


@pytest.mark.parametrize("path", ["/unknown", "/files/%00", "/batches/batch_none", "/batches?after=%00&limit=1"])
def test_what_is_not_there_is_said_in_openai_s_shape(client: openai.OpenAI, path: str) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.get(path, cast_to=object)
    assert raised.value.request_id


def test_a_method_that_is_not_taken_is_said_in_openai_s_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.delete("/batches", cast_to=object)
    assert (raised.value.status_code, raised.value.type) == (405, "invalid_request_error")
