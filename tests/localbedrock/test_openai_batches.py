"""OpenAI's SDK creates, retrieves, lists and cancels batches in S3, as on Bedrock's runtime endpoint."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.conftest import ACCOUNT, REGION
from tests.localbedrock.stack import Service, Workspace, json_lines, role_of_another_account, running

MODEL = "openai.gpt-oss-20b-1:0"
ENDED = {"completed", "failed", "expired", "cancelled"}


def line(number: int, prompt: str = "", **members: Any) -> dict[str, Any]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt or f"Prompt {number}"}], "max_tokens": 50}
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body} | members


@pytest.fixture
def client(service: Service, workspace: Workspace) -> Iterator[openai.OpenAI]:
    with connect(service, workspace) as client:
        yield client


def connect(service: Service, workspace: Workspace, **headers: str) -> openai.OpenAI:
    named = {"X-Amzn-Bedrock-RoleArn": workspace.role_arn, "X-Amzn-Bedrock-ModelId": MODEL} | headers
    url = f"{service.url}/openai/v1"
    return openai.OpenAI(base_url=url, api_key="an-api-key", default_headers=named, max_retries=0)


def create(client: openai.OpenAI, uri: str, **options: Any) -> openai.types.Batch:
    return client.batches.create(
        input_file_id=f"{uri}input.jsonl", endpoint="/v1/chat/completions", completion_window="24h", **options
    )


def wait(client: openai.OpenAI, batch_id: str, until: set[str] = ENDED) -> openai.types.Batch:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        batch = client.batches.retrieve(batch_id)
        if batch.status in until:
            return batch
        time.sleep(0.02)
    raise AssertionError(f"The batch is {batch.status}.")


def read(workspace: Workspace, uri: str | None) -> list[dict[str, Any]]:
    assert uri is not None
    content = workspace.read(uri.removeprefix(f"s3://{workspace.bucket}/"))
    return [json.loads(text) for text in content.split(b"\n") if text]


def test_a_batch_runs_and_its_files_lie_where_aws_puts_them(client: openai.OpenAI, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([line(1), line(2), line(3, "[[fail: 400 too long]]")]))
    made = create(client, uri, metadata={"description": "a test"})
    batch = wait(client, made.id)
    assert (made.status, made.object, made.metadata) == ("validating", "batch", {"description": "a test"})
    assert (batch.status, batch.input_file_id, batch.model) == ("completed", f"{uri}input.jsonl", MODEL)
    assert batch.output_file_id == f"{uri}{batch.id}/input.jsonl.out"
    assert batch.error_file_id == f"{uri}{batch.id}/input.jsonl.err"
    counts, usage = batch.request_counts, batch.usage
    assert counts is not None
    assert usage is not None
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0
    assert batch.created_at <= (batch.in_progress_at or 0) <= (batch.completed_at or 0) < (batch.expires_at or 0)


def test_answers_and_errors_have_openai_s_shape(client: openai.OpenAI, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([line(1, "[[answer: Blue.]]"), line(2, "[[fail: 429 too many]]"), line(3, body={})]))
    batch = wait(client, create(client, uri).id)
    [answer] = read(workspace, batch.output_file_id)
    assert (answer["custom_id"], answer["error"], answer["response"]["status_code"]) == ("r1", None, 200)
    completion = openai.types.chat.ChatCompletion.model_validate(answer["response"]["body"])
    assert completion.choices[0].message.content == "Blue."
    errors = {error["custom_id"]: error["response"] for error in read(workspace, batch.error_file_id)}
    assert (errors["r2"]["status_code"], errors["r2"]["body"]["error"]["type"]) == (429, "rate_limit_error")
    assert errors["r3"]["status_code"] == 400
    assert "messages" in errors["r3"]["body"]["error"]["message"]


def test_a_schema_is_obeyed(client: openai.OpenAI, workspace: Workspace) -> None:
    schema = {
        "type": "object",
        "properties": {"mood": {"enum": ["good"]}},
        "required": ["mood"],
        "additionalProperties": False,
    }
    request = line(1)
    request["body"]["response_format"] = {"type": "json_schema", "json_schema": {"name": "m", "schema": schema}}
    batch = wait(client, create(client, workspace.put(json_lines([request]))).id)
    [answer] = read(workspace, batch.output_file_id)
    assert json.loads(answer["response"]["body"]["choices"][0]["message"]["content"]) == {"mood": "good"}


def test_without_errors_there_is_no_error_file(client: openai.OpenAI, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([line(1)]))
    batch = wait(client, create(client, uri).id)
    prefix = uri.removeprefix(f"s3://{workspace.bucket}/")
    keys = [item["Key"] for item in workspace.s3.list_objects_v2(Bucket=workspace.bucket, Prefix=prefix)["Contents"]]
    assert (batch.error_file_id, len(keys)) == (None, 2)


def test_batches_are_listed_newest_first_in_pages(service: Service, workspace: Workspace) -> None:
    with connect(service, workspace) as client:
        uri = workspace.put(json_lines([line(1)]))
        made = [create(client, uri).id for _ in range(3)]
        page = client.batches.list(limit=2)
        assert ([batch.id for batch in page.data], page.has_more) == (made[:0:-1], True)
        assert [batch.id for batch, _ in zip(client.batches.list(limit=2), range(3), strict=False)] == made[::-1]


def test_batches_and_jobs_have_lists_of_their_own(client: openai.OpenAI, bedrock: Any, workspace: Workspace) -> None:
    batch = create(client, workspace.put(json_lines([line(1)])))
    jobs = bedrock.list_model_invocation_jobs(nameContains="batch-")["invocationJobSummaries"]
    assert jobs == []
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(workspace.run(bedrock, workspace.put_records(1))["jobArn"].rpartition("/")[2])
    assert batch.id.startswith("batch_")


def test_a_batch_is_cancelled_and_keeps_what_it_has(
    service: Service, client: openai.OpenAI, workspace: Workspace
) -> None:
    with service.settings(record_seconds=0.05):
        batch = create(client, workspace.put(json_lines(map(line, range(500)))))
        while not (counts := client.batches.retrieve(batch.id).request_counts) or not counts.completed:
            time.sleep(0.02)
        assert client.batches.cancel(batch.id).status == "cancelling"
        ended = wait(client, batch.id)
    assert (ended.status, ended.cancelled_at is not None, ended.request_counts is not None) == ("cancelled", True, True)
    assert 0 < len(read(workspace, ended.output_file_id)) < 500


def test_what_is_left_when_the_window_ends_is_an_error_each(
    service: Service, client: openai.OpenAI, workspace: Workspace
) -> None:
    with service.settings(record_seconds=0.2, hour_seconds=0.15):
        batch = wait(client, create(client, workspace.put(json_lines(map(line, range(400))))).id)
    answered, left = read(workspace, batch.output_file_id), read(workspace, batch.error_file_id)
    assert (batch.status, batch.expired_at is not None) == ("expired", True)
    assert {request["error"]["code"] for request in left} == {"batch_expired"}
    assert sorted(request["custom_id"] for request in answered + left) == sorted(f"r{n}" for n in range(400))


def test_a_killed_service_loses_and_repeats_nothing(aws_endpoint: str, workspace: Workspace, tmp_path: Path) -> None:
    prompts = [line(n, "[[fail: 400 no]]" if n % 5 == 0 else "") for n in range(400)]
    options = ("--min-records-per-job", "1", "--record-seconds", "0.01")
    with running(Service(tmp_path, aws_endpoint, *options)) as service, connect(service, workspace) as client:
        made = create(client, workspace.put(json_lines(prompts)))
        time.sleep(0.5)
        service.kill()
        service.start_again()
        batch = wait(client, made.id)
    answered, failed = read(workspace, batch.output_file_id), read(workspace, batch.error_file_id)
    assert (batch.status, len(failed)) == ("completed", 80)
    assert sorted(request["custom_id"] for request in answered + failed) == sorted(f"r{n}" for n in range(400))


# Refused batches


def failed_with(client: openai.OpenAI, workspace: Workspace, content: bytes) -> tuple[str | None, int | None, str]:
    batch = wait(client, create(client, workspace.put(content)).id)
    assert batch.status == "failed"
    assert batch.errors is not None
    [error] = batch.errors.data or []
    return error.code, error.line, error.message or ""


@pytest.mark.parametrize(
    ("second", "code", "says"),
    [
        (b"{", "invalid_json_line", "not valid JSON"),
        (b'{"custom_id": "r2"}', "missing_required_parameter", "missing required field `method`"),
        (json.dumps(line(2, method="GET")).encode(), "invalid_method", "must be 'POST'"),
        (json.dumps(line(2, url="/v1/embeddings")).encode(), "invalid_url", "must be '/v1/chat/completions'"),
        (json.dumps(line(2, body=[])).encode(), "invalid_request", "body is not a JSON object"),
        (json.dumps(line(1)).encode(), "duplicate_custom_id", "custom_id 'r1'"),
    ],
)
def test_a_line_that_is_no_request_fails_the_batch(
    client: openai.OpenAI, workspace: Workspace, second: bytes, code: str, says: str
) -> None:
    found, number, message = failed_with(client, workspace, json_lines([line(1)]) + second + b"\n")
    assert (found, number) == (code, 2)
    assert says in message


def test_too_few_requests_fail_the_batch(service: Service, client: openai.OpenAI, workspace: Workspace) -> None:
    with service.settings(min_records_per_job=100):
        _, number, message = failed_with(client, workspace, json_lines([line(1)]))
    assert (number, "less records (1) than the required minimum of: 100" in message) == (None, True)


def refused(client: openai.OpenAI, body: Any = None, **headers: str) -> dict[str, Any]:
    sound = {"input_file_id": "s3://bucket/in.jsonl", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    with pytest.raises(openai.APIStatusError) as raised:
        client.post(
            "/batches",
            body=sound | body if isinstance(body, dict) else sound,
            cast_to=object,
            options={"headers": headers},
        )
    error = raised.value
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    return {"status": error.status_code} | error.body


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input_file_id": "file-abc123"}, "input_file_id"),
        ({"input_file_id": "s3://bucket/folder/"}, "input_file_id"),
        ({"input_file_id": "s3://bucket"}, "input_file_id"),
        ({"input_file_id": "s3://bucket/a b.jsonl"}, "input_file_id"),
        ({"input_file_id": 7}, "input_file_id"),
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
    ],
)
def test_a_parameter_that_is_refused_is_named(client: openai.OpenAI, body: dict[str, Any], param: str) -> None:
    found = refused(client, body)
    assert (found["status"], found["type"], found["param"]) == (400, "invalid_request_error", param)


@pytest.mark.parametrize(
    ("name", "value", "status", "says"),
    [
        ("X-Amzn-Bedrock-RoleArn", "", 400, "Missing required header: X-Amzn-Bedrock-RoleArn"),
        ("X-Amzn-Bedrock-RoleArn", "nobody", 400, "Value 'nobody' at 'roleArn' failed to satisfy constraint"),
        ("X-Amzn-Bedrock-RoleArn", role_of_another_account(), 403, "Cross-account pass role is not allowed."),
        ("X-Amzn-Bedrock-ModelId", "", 400, "Missing required header: X-Amzn-Bedrock-ModelId"),
        ("X-Amzn-Bedrock-ModelId", "amazon.nova-lite-v1:0", 400, "Batch inference is not supported"),
        ("X-Amzn-Bedrock-ModelId", "openai.gpt-1", 400, "Batch inference is not supported"),
        ("X-Amzn-Bedrock-Tags", "team=nlp", 400, "must be a JSON object"),
        ("X-Amzn-Bedrock-OutputEncryptionKeyId", "a key", 400, "s3EncryptionKeyId"),
    ],
)
def test_a_header_that_is_refused_is_named(
    client: openai.OpenAI, name: str, value: str, status: int, says: str
) -> None:
    found = refused(client, **{name: value})
    assert found["status"] == status
    assert says in found["message"]


def test_the_quota_is_that_of_jobs(service: Service, client: openai.OpenAI) -> None:
    with service.settings(max_jobs_per_model=0):
        found = refused(client)
    assert (found["status"], "exceeds the quota" in found["message"]) == (400, True)


@pytest.mark.parametrize(
    ("kind", "error"), [("throttle", openai.RateLimitError), ("error", openai.InternalServerError)]
)
def test_faults_strike_in_openai_s_shape(
    service: Service, client: openai.OpenAI, kind: str, error: type[openai.APIStatusError]
) -> None:
    with service.fault(kind=kind, operation="ListBatches"), pytest.raises(error) as raised:
        client.batches.list()
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["message"]


def test_a_lost_answer_is_a_broken_connection(service: Service, client: openai.OpenAI) -> None:
    with service.fault(kind="lost", operation="ListBatches"), pytest.raises(openai.APIConnectionError):
        client.batches.list()


def test_a_batch_that_is_not_there_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="No batch found with id 'batch_none'"):
        client.batches.retrieve("batch_none")
    with pytest.raises(openai.NotFoundError):
        client.batches.cancel("batch_none")


def test_a_batch_that_has_ended_cannot_be_cancelled(client: openai.OpenAI, workspace: Workspace) -> None:
    batch = wait(client, create(client, workspace.put(json_lines([line(1)]))).id)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a batch with status 'completed'"):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"after": "batch_none"}])
def test_a_bad_page_is_refused(client: openai.OpenAI, query: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError, match="Invalid value"):
        client.batches.list(**query)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_refused(client: openai.OpenAI, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError):
        client.post(
            "/batches", content=content, cast_to=object, options={"headers": {"content-type": "application/json"}}
        )


def test_a_call_without_a_key_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError, match="Missing Authentication Token"):
        client.get("/batches", cast_to=object, options={"headers": {"Authorization": openai.Omit()}})


def test_what_is_not_there_is_said_in_openai_s_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="only batches are here"):
        client.models.list()


def test_tags_are_those_of_the_job(service: Service, workspace: Workspace) -> None:
    uri = workspace.put(json_lines([line(1)]))
    with connect(service, workspace, **{"X-Amzn-Bedrock-Tags": '{"team": "nlp"}'}) as client:
        batch = create(client, uri)
    arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{batch.id.removeprefix('batch_')}"
    found = service.client().list_tags_for_resource(resourceARN=arn)
    assert found["tags"] == [{"key": "team", "value": "nlp"}]
