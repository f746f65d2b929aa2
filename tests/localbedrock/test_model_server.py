"""A model server behind the service: the requests it gets, how its answers are returned, and its failures."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import free_port
from tests.localbedrock.model_server import CHAT, EMBEDDINGS, ModelServer, chat, serving
from tests.localbedrock.stack import Service, Workspace, converse_record, create, json_lines, running

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving() as started:
        yield started


@pytest.fixture(autouse=True)
def fresh(server: ModelServer) -> None:
    server.requests.clear()
    server.models = ["the-model"]
    server.reply = lambda path, body: chat()


@pytest.fixture(scope="module")
def modelled(aws_endpoint: str, server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that uses *server*, whose URL ends in ``/v1`` as people often write it."""
    options = ("--min-records-per-job", "1", "--model-api-key", "secret", "--model-timeout-seconds", "2")
    folder = tmp_path_factory.mktemp("modelled")
    with running(Service(folder, aws_endpoint, *options, model=f"{server.url}/v1")) as started:
        yield started


def run(modelled: Service, workspace: Workspace, *records: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Run a job with *records* and return the answers by record id."""
    bedrock = modelled.client()
    job = workspace.run(bedrock, workspace.put(json_lines(records)), **members)
    assert job["status"] == "Completed"
    return {answer["recordId"]: answer for answer in workspace.answers(job)}


def test_a_request_is_sent_in_openais_words(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    record = {
        "recordId": "1",
        "modelInput": {
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "One"}]},
                {"role": "assistant", "content": [{"text": "Two"}]},
                {"role": "user", "content": [{"text": "Three"}]},
            ],
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
            "additionalModelRequestFields": {"top_k": 4, "min_p": 0.1},
        },
    }
    run(modelled, workspace, record, modelId="openai.gpt-oss-20b-1:0")
    [(_, body, headers)] = server.requests
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ]
    wanted = {
        "model": "the-model",
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "stop": ["END"],
        "min_p": 0.1,
    }
    assert {name: body[name] for name in body if name != "messages"} == wanted
    assert headers["authorization"] == "Bearer secret"


HI = [{"role": "user", "content": "Hi"}]
PARAMETERS = {
    "seed": 7,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.25,
    "reasoning_effort": "low",
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50256": -100},
    "n": 2,
}


def test_what_an_open_weight_body_may_hold_reaches_the_server(modelled: Service, server: ModelServer) -> None:
    body = {"messages": HI, **PARAMETERS, "metadata": {"not": "the model's"}}
    runtime = modelled.client("bedrock-runtime")
    runtime.invoke_model(modelId="openai.gpt-oss-20b-1:0", body=json.dumps(body))
    assert server.bodies()[0] == {"model": "the-model", "messages": HI, **PARAMETERS}


def test_every_answer_comes_back_with_its_log_probabilities(modelled: Service, server: ModelServer) -> None:
    status, reply = chat("Fine.", logprobs={"content": []})
    server.reply = lambda path, body: (status, reply | {"choices": reply["choices"] * 2})
    runtime = modelled.client("bedrock-runtime")
    answer = runtime.invoke_model(modelId="openai.gpt-oss-20b-1:0", body=json.dumps({"messages": HI} | PARAMETERS))
    choices = json.loads(answer["body"].read())["choices"]
    assert [(choice["index"], choice["logprobs"]) for choice in choices] == [(0, {"content": []}), (1, {"content": []})]


@pytest.mark.parametrize(
    ("model_id", "fields", "top_k"),
    [
        ("amazon.nova-lite-v1:0", {"inferenceConfig": {"topK": 250}}, 250),
        ("anthropic.claude-3-haiku-20240307-v1:0", {"top_k": 250}, 250),
        ("openai.gpt-oss-20b-1:0", {"top_k": 250}, 250),
    ],
)
def test_additional_fields_are_those_of_the_models_family(
    modelled: Service, server: ModelServer, model_id: str, fields: dict[str, Any], top_k: int | None
) -> None:
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    runtime = modelled.client("bedrock-runtime")
    runtime.converse(modelId=model_id, messages=messages, additionalModelRequestFields=fields)
    assert server.bodies()[0].get("top_k") == top_k


def test_top_k_in_the_body_of_claude_is_an_extraneous_key_for_nova(modelled: Service) -> None:
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    with pytest.raises(ClientError, match=r"extraneous key \[top_k\] is not permitted"):
        modelled.client("bedrock-runtime").converse(
            modelId="amazon.nova-lite-v1:0", messages=messages, additionalModelRequestFields={"top_k": 5}
        )


def test_nova_takes_a_top_k_above_its_guides_bound(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    record = converse_record(1)
    record["modelInput"]["inferenceConfig"] = {"topK": 250}
    assert "modelOutput" in run(modelled, workspace, record, modelInvocationType="InvokeModel")["record-1"]
    assert server.bodies()[0]["top_k"] == 250


@pytest.mark.parametrize(
    ("finish", "members", "expected"),
    [
        ("stop", {}, "end_turn"),
        ("length", {}, "max_tokens"),
        ("content_filter", {}, "content_filtered"),
        ("stop", {"stop_reason": "END"}, "stop_sequence"),
    ],
)
def test_finish_reasons_become_stop_reasons(
    modelled: Service, server: ModelServer, workspace: Workspace, finish: str, members: Any, expected: str
) -> None:
    server.reply = lambda path, body: chat("Fine.", finish, **members)
    output = run(modelled, workspace, converse_record(1))["record-1"]["modelOutput"]
    assert (output["stopReason"], output["usage"]["inputTokens"]) == (expected, 7)


def test_embeddings_come_from_the_servers_embeddings(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    vector = {"data": [{"index": 0, "embedding": [3.0, 4.0]}], "usage": {"prompt_tokens": 5}}
    server.reply = lambda path, body: (200, vector)
    record = {"recordId": "1", "modelInput": {"inputText": "The sky", "dimensions": 256}}
    answers = run(
        modelled, workspace, record, modelId="amazon.titan-embed-text-v2:0", modelInvocationType="InvokeModel"
    )
    output = answers["1"]["modelOutput"]
    assert (output["embedding"][:3], len(output["embedding"]), output["inputTextTokenCount"]) == (
        [0.6, 0.8, 0.0],
        256,
        5,
    )
    assert [body["input"] for body in server.bodies(EMBEDDINGS)] == ["The sky"]


def test_tool_calls_come_back(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "UTC"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    server.reply = lambda path, body: chat(finish_reason="tool_calls", message=message)
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Time?"}],
        "tools": [{"name": "clock", "description": "Tells the time", "input_schema": {"type": "object"}}],
    }
    answers = run(
        modelled, workspace, {"recordId": "1", "modelInput": body}, modelId=CLAUDE, modelInvocationType="InvokeModel"
    )
    assert answers["1"]["modelOutput"]["content"][-1]["input"] == {"zone": "UTC"}
    assert server.bodies()[0]["tools"][0]["function"]["name"] == "clock"


def image_record(uri: str) -> dict[str, Any]:
    image = {"image": {"format": "png", "source": {"s3Location": {"uri": uri}}}}
    return {
        "recordId": "1",
        "modelInput": {"messages": [{"role": "user", "content": [image, {"text": "What is it?"}]}]},
    }


def test_an_image_in_s3_is_passed_on(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    folder = workspace.put(b"\x89PNG", "cat.png").split("/")[3]
    workspace.put(json_lines([image_record(f"s3://{workspace.bucket}/{folder}/cat.png")]), "a.jsonl", folder)
    workspace.run(modelled.client(), f"s3://{workspace.bucket}/{folder}/")
    parts = server.bodies()[0]["messages"][0]["content"]
    assert {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}} in parts


@pytest.mark.parametrize("uri", ["s3://{bucket}/no/such/cat.png", "s3://another-bucket/cat.png"])
def test_an_image_that_cannot_be_read_is_an_error_line(modelled: Service, workspace: Workspace, uri: str) -> None:
    answer = run(modelled, workspace, image_record(uri.format(bucket=workspace.bucket)))["1"]
    assert answer["error"]["errorCode"] == 400
    assert "cat.png" in answer["error"]["errorMessage"]


def test_an_image_outside_the_input_folder_is_an_error_line(modelled: Service, workspace: Workspace) -> None:
    image = workspace.put(b"\x89PNG", "cat.png") + "cat.png"
    answer = run(modelled, workspace, image_record(image))["1"]
    assert "does not lie in the input folder" in answer["error"]["errorMessage"]


def test_what_the_server_cannot_do_is_an_error_line(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    server.reply = lambda path, body: (501, {"error": {"code": 501, "message": "no embeddings here"}})
    answer = run(modelled, workspace, converse_record(1))["record-1"]
    assert answer["error"] == {"errorCode": 400, "errorMessage": "no embeddings here"}


def test_what_the_server_refuses_is_an_error_line(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    server.reply = lambda path, body: (400, {"error": {"code": 400, "message": "the request exceeds the context size"}})
    answer = run(modelled, workspace, converse_record(1))["record-1"]
    assert answer["error"] == {"errorCode": 400, "errorMessage": "the request exceeds the context size"}


def test_a_kind_of_input_the_server_does_not_take_is_an_error_line(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    server.reply = lambda path, body: (500, {"error": {"code": 500, "message": "image input is not supported"}})
    answer = run(modelled, workspace, converse_record(1))["record-1"]
    assert answer["error"] == {"errorCode": 400, "errorMessage": "image input is not supported"}
    assert len(server.bodies()) == 1


def test_a_tool_without_a_description_has_none(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "default": None}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    body = {"messages": [{"role": "user", "content": "Weather?"}], "tools": [tool]}
    run(modelled, workspace, {"modelInput": body}, modelId="openai.gpt-oss-20b-1:0", modelInvocationType="InvokeModel")
    assert server.bodies()[0]["tools"] == [tool]


def test_a_record_that_fails_a_server_in_health_is_an_error_line(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    def reply(path: str, body: Any) -> tuple[int, Any]:
        poison = "poison" in json.dumps(body["messages"])
        return (500, {"error": {"message": "the template cannot be applied"}}) if poison else chat()

    server.reply = reply
    answers = run(modelled, workspace, converse_record(1, "poison"), converse_record(2))
    assert answers["record-1"]["error"]["errorCode"] == 500
    assert "the template cannot be applied" in answers["record-1"]["error"]["errorMessage"]
    assert "modelOutput" in answers["record-2"]


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {"error": {"message": "Loading model"}}),
        (429, {"error": "busy"}),
        (500, b"out of memory"),
        (200, b"{"),
        (200, {"choices": []}),
        (401, b""),
        (502, b"<html>"),
    ],
)
def test_a_server_in_trouble_costs_nothing_but_time(
    modelled: Service, server: ModelServer, workspace: Workspace, trouble: tuple[int, Any]
) -> None:
    replies = iter([trouble] * 4)
    server.reply = lambda path, body: next(replies, chat())
    answers = run(modelled, workspace, converse_record(1), converse_record(2))
    assert all("modelOutput" in answer for answer in answers.values())


def test_an_answer_that_takes_too_long_is_asked_for_again(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    hold = threading.Event()
    asked = iter([True])

    def reply(path: str, body: Any) -> tuple[int, Any]:
        if next(asked, False):
            hold.wait(4)
        return chat()

    server.reply = reply
    assert "modelOutput" in run(modelled, workspace, converse_record(1))["record-1"]
    hold.set()
    assert len(server.bodies()) == 2


def test_an_answer_behind_a_slow_record_is_kept_when_the_job_is_stopped(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    hold = threading.Event()

    def reply(path: str, body: Any) -> tuple[int, Any]:
        if "slow" in json.dumps(body["messages"]):
            hold.wait(2)
        return chat()

    server.reply = reply
    bedrock = modelled.client()
    records = [converse_record(0, "slow"), *(converse_record(number) for number in range(1, 6))]
    arn = create(bedrock, workspace.request(workspace.put(json_lines(records))))
    while len(server.requests) < 6:
        time.sleep(0.05)
    time.sleep(0.3)
    bedrock.stop_model_invocation_job(jobIdentifier=arn)
    job = workspace.wait(bedrock, arn, until=["Stopped"])
    hold.set()
    assert len(workspace.answers(job)) == job["successRecordCount"] == 5


def test_a_job_waits_for_a_server_that_is_not_there_and_can_be_stopped(
    aws_endpoint: str, workspace: Workspace, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with running(Service(tmp_path, aws_endpoint, "--min-records-per-job", "1", model=url)) as alone:
        bedrock = alone.client()
        arn = create(bedrock, workspace.request(workspace.put_records(20)))
        workspace.wait(bedrock, arn, until=["InProgress"])
        bedrock.stop_model_invocation_job(jobIdentifier=arn)
        job = workspace.wait(bedrock, arn, until=["Stopped"], seconds=5)
    assert (job["processedRecordCount"], job["errorRecordCount"]) == (0, 0)


def test_a_server_that_drops_connections_costs_nothing_but_time(
    aws_endpoint: str, workspace: Workspace, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, serving() as real:
        port = listener.getsockname()[1]
        with running(
            Service(tmp_path, aws_endpoint, "--min-records-per-job", "1", model=f"http://127.0.0.1:{port}")
        ) as service:
            bedrock = service.client()
            arn = create(bedrock, workspace.request(workspace.put_records(1)))
            for _ in range(3):
                listener.accept()[0].close()
            connection = listener.accept()[0]
            pump(connection, real)
            job = workspace.wait(bedrock, arn)
    assert (job["status"], job["successRecordCount"]) == ("Completed", 1)


def pump(connection: socket.socket, real: ModelServer) -> None:
    """Answer the requests of one connection as *real* would, in a new thread."""

    def work() -> None:
        with connection, connection.makefile("rb") as reader:
            while line := reader.readline():
                length = 0
                while (header := reader.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                status, body = real.answer(line.split()[1].decode(), reader.read(length), {})
                connection.sendall(b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))

    threading.Thread(target=work, daemon=True).start()


def test_what_the_server_has_no_path_for_is_an_error_line(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    server.reply = lambda path, body: (404, {"detail": "Not Found"})
    record = {"recordId": "1", "modelInput": {"inputText": "The sky"}}
    members = {"modelId": "amazon.titan-embed-text-v2:0", "modelInvocationType": "InvokeModel"}
    answer = run(modelled, workspace, record, **members)["1"]
    assert answer["error"]["errorMessage"].startswith("The model server has no embeddings: ")


def test_a_server_restarted_with_another_model_is_asked_for_that_one(
    modelled: Service, server: ModelServer, workspace: Workspace
) -> None:
    run(modelled, workspace, converse_record(1))
    server.models = ["another-model"]
    not_found = (404, {"error": {"message": "the model does not exist", "code": 404}})
    server.reply = lambda path, body: chat() if body["model"] == "another-model" else not_found
    assert "modelOutput" in run(modelled, workspace, converse_record(2))["record-2"]


def test_a_server_without_a_model_yet_is_waited_for(server: ModelServer, aws_endpoint: str, tmp_path: Path) -> None:
    server.models = []
    with running(Service(tmp_path, aws_endpoint, model=server.url)) as service:
        ask = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
        with pytest.raises(ClientError, match=r"ServiceUnavailable.*The model server lists no model"):
            service.client("bedrock-runtime").converse(**ask)
        server.models = ["pulled-meanwhile"]
        service.client("bedrock-runtime").converse(**ask)
    assert [body["model"] for body in server.bodies()] == ["pulled-meanwhile"]


def test_the_path_of_the_calls_is_openais(modelled: Service, server: ModelServer, workspace: Workspace) -> None:
    run(modelled, workspace, converse_record(1))
    assert [path for path, _, _ in server.requests] == [CHAT]
