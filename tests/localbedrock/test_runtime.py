"""The calls of the runtime API: Converse, InvokeModel and CountTokens."""

import contextlib
import http.client
import json
import selectors
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localbedrock.stack import MODEL, SIGNED, Service, Workspace, json_lines

MESSAGES = [{"role": "user", "content": [{"text": "Hello there"}]}]


def test_converse_answers(runtime: Any) -> None:
    answer = runtime.converse(modelId=MODEL, messages=MESSAGES)
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": "Hello there"}]}
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {"inputTokens": 2, "outputTokens": 2, "totalTokens": 4}
    assert answer["metrics"]["latencyMs"] >= 0


def test_converse_refuses_a_model_that_gives_no_text(runtime: Any) -> None:
    embeddings, refusal = "amazon.titan-embed-text-v2:0", "This action doesn't support the model that you provided"
    with pytest.raises(ClientError, match=refusal):
        runtime.converse(modelId=embeddings, messages=MESSAGES)
    with pytest.raises(ClientError, match=refusal):
        runtime.count_tokens(modelId=embeddings, input={"converse": {"messages": MESSAGES}})


def test_converse_takes_system_several_turns_and_stop_sequences(runtime: Any) -> None:
    answer = runtime.converse(
        modelId=MODEL,
        system=[{"text": "Be brief."}],
        inferenceConfig={"maxTokens": 10, "stopSequences": ["END"]},
        messages=[
            *MESSAGES,
            {"role": "assistant", "content": [{"text": "Hello"}]},
            {"role": "user", "content": [{"text": "[[answer: one END two]]"}]},
        ],
    )
    assert answer["output"]["message"]["content"][0]["text"].strip() == "one"
    assert answer["stopReason"] == "stop_sequence"


def test_converse_calls_tools(runtime: Any) -> None:
    tools = {"tools": [{"toolSpec": {"name": "clock", "inputSchema": {"json": {"type": "object"}}}}]}
    messages = [{"role": "user", "content": [{"text": '[[tool: clock {"zone": "UTC"}]]'}]}]
    answer = runtime.converse(modelId=MODEL, messages=messages, toolConfig=tools)
    [block] = answer["output"]["message"]["content"]
    assert (block["toolUse"]["name"], block["toolUse"]["input"]) == ("clock", {"zone": "UTC"})
    assert answer["stopReason"] == "tool_use"


def test_converse_takes_images_as_bytes(runtime: Any) -> None:
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    messages = [{"role": "user", "content": [image, {"text": "[[answer: a picture]]"}]}]
    answer = runtime.converse(modelId=MODEL, messages=messages)
    assert answer["output"]["message"]["content"][0]["text"] == "a picture"


def test_invoke_model_tells_tokens_and_latency_in_headers(runtime: Any) -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "one two"}]}]}
    headers = runtime.invoke_model(modelId=MODEL, body=json.dumps(body))["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-bedrock-input-token-count"] == "2"
    assert headers["x-amzn-bedrock-output-token-count"] == "2"
    assert int(headers["x-amzn-bedrock-invocation-latency"]) >= 0


def test_an_inference_profile_may_be_named_by_its_arn(runtime: Any) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{MODEL}"
    assert runtime.converse(modelId=arn, messages=MESSAGES)["stopReason"] == "end_turn"


def test_an_unknown_model_is_refused(runtime: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*The provided model identifier is invalid"):
        runtime.converse(modelId="example.unknown-v1:0", messages=MESSAGES)


GUARDRAIL = {"guardrailIdentifier": "abcdefghijkl", "guardrailVersion": "1"}
NO_GUARDRAIL = r"ValidationException.*guardrail identifier or version provided in the request does not exist"


def test_a_guardrail_that_is_not_there_is_refused(runtime: Any) -> None:
    with pytest.raises(ClientError, match=NO_GUARDRAIL):
        runtime.converse(modelId=MODEL, messages=MESSAGES, guardrailConfig=GUARDRAIL)
    with pytest.raises(ClientError, match=NO_GUARDRAIL):
        runtime.invoke_model(modelId=MODEL, body=json.dumps({"messages": MESSAGES}), **GUARDRAIL)


@pytest.mark.parametrize("name", ["xx.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v9:0"])
def test_a_profile_that_is_not_there_is_refused(runtime: Any, name: str) -> None:
    for model_id in (name, f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{name}"):
        with pytest.raises(ClientError, match="The provided model identifier is invalid"):
            runtime.converse(modelId=model_id, messages=MESSAGES)


def test_an_application_inference_profile_that_is_not_there_is_refused(runtime: Any) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
    with pytest.raises(ClientError, match="The provided model identifier is invalid"):
        runtime.converse(modelId=arn, messages=MESSAGES)


def call(service: Service, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return the status and JSON of a call that the installed botocore cannot make."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    names = SIGNED | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), names)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


DEFAULT_PROJECT = "arn:aws:bedrock:us-east-1:123456789012:project/default"


@pytest.mark.parametrize(("project", "status"), [("default", 200), (DEFAULT_PROJECT, 200), ("proj_1", 404)])
def test_no_project_is_there_but_the_default_one(service: Service, project: str, status: int) -> None:
    converse, invoke = f"/model/{MODEL}/converse", f"/model/{MODEL}/invoke"
    json_type = {"content_type": "application/json"}
    assert (
        call(service, "POST", converse, {"messages": MESSAGES, "projectIdentifier": project}, **json_type)[0] == status
    )
    header = {"X_Amzn_Bedrock_ProjectIdentifier": project}
    assert call(service, "POST", invoke, {"messages": MESSAGES}, **header, **json_type)[0] == status
    for path in ("/foundation-models", f"/foundation-models/{MODEL}", "/inference-profiles"):
        assert call(service, "GET", f"{path}?projectIdentifier={project}")[0] == status


def test_members_that_are_not_known_are_left_out(service: Service) -> None:
    body = {"messages": MESSAGES, "somethingNew": {"a": 1}, "inferenceConfig": {"maxTokens": 5, "newer": 2}}
    assert call(service, "POST", f"/model/{MODEL}/converse", body, content_type="application/json")[0] == 200


def test_what_was_asked_for_is_said_back(runtime: Any) -> None:
    asked = {"serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "optimized"}}
    answer = runtime.converse(modelId=MODEL, messages=MESSAGES, **asked)
    assert {name: answer[name] for name in asked} == asked
    body = json.dumps({"messages": MESSAGES})
    said = runtime.invoke_model(modelId=MODEL, body=body, serviceTier="flex", performanceConfigLatency="optimized")
    assert (said["serviceTier"], said["performanceConfigLatency"]) == ("flex", "optimized")


CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"


def test_additional_response_fields_are_the_models_own(runtime: Any) -> None:
    paths = ["/stop_sequence", "/usage/input_tokens", "/content/0/type", "/not/there"]
    answer = runtime.converse(
        modelId=CLAUDE,
        messages=[{"role": "user", "content": [{"text": "one END"}]}],
        inferenceConfig={"stopSequences": ["END"]},
        additionalModelResponseFieldPaths=paths,
    )
    expected = {"stop_sequence": "END", "usage": {"input_tokens": 2}, "content": {"0": {"type": "text"}}}
    assert answer["additionalModelResponseFields"] == expected


@pytest.mark.parametrize("path", ["stop_sequence", "/a~2b"])
def test_a_path_that_is_no_json_pointer_is_refused(runtime: Any, path: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*not a valid JSON Pointer"):
        runtime.converse(modelId=CLAUDE, messages=MESSAGES, additionalModelResponseFieldPaths=[path])


def test_tokens_are_counted(runtime: Any) -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "a b c"}],
    }
    asked = [{"converse": {"messages": MESSAGES}}, {"invokeModel": {"body": json.dumps(body)}}]
    assert [runtime.count_tokens(modelId=CLAUDE, input=one)["inputTokens"] for one in asked] == [2, 3]


def test_a_record_is_answered_as_a_call_is(bedrock: Any, workspace: Workspace) -> None:
    messages = {"messages": MESSAGES}
    bodies = [
        messages | {"guardrailConfig": GUARDRAIL},
        messages | {"projectIdentifier": "proj_1"},
        messages | {"serviceTier": {"type": "flex"}, "additionalModelResponseFieldPaths": ["/stopReason"]},
    ]
    uri = workspace.put(json_lines({"recordId": str(n), "modelInput": body} for n, body in enumerate(bodies)))
    answers = sorted(workspace.answers(workspace.run(bedrock, uri)), key=lambda answer: str(answer["recordId"]))
    assert [answer.get("error", {}).get("errorCode") for answer in answers] == [400, 404, None]
    output = answers[2]["modelOutput"]
    assert (output["serviceTier"], output["additionalModelResponseFields"]) == (
        {"type": "flex"},
        {"stopReason": "end_turn"},
    )


def test_a_model_without_on_demand_throughput_needs_a_profile(runtime: Any) -> None:
    model_id = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    with pytest.raises(ClientError, match=r"ValidationException.*with on-demand throughput isn.t supported"):
        runtime.converse(modelId=model_id, messages=MESSAGES)
    assert runtime.converse(modelId=f"us.{model_id}", messages=MESSAGES)["stopReason"] == "end_turn"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"text"', b"[" * 10_000])
def test_a_body_that_is_no_json_object_is_malformed(runtime: Any, body: bytes) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*Malformed input request"):
        runtime.invoke_model(modelId=MODEL, body=body)


def test_a_body_the_model_refuses_is_a_validation_error(runtime: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*anthropic_version: Field required"):
        runtime.invoke_model(
            modelId="anthropic.claude-3-haiku-20240307-v1:0",
            body=json.dumps({"max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}),
        )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, "ValidationException"),
        (424, "ModelErrorException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_a_prompt_can_make_the_echo_model_fail(runtime: Any, code: int, error: str) -> None:
    messages = [{"role": "user", "content": [{"text": f"[[fail: {code} As ordered.]]"}]}]
    with pytest.raises(ClientError, match="As ordered") as caught:
        runtime.converse(modelId=MODEL, messages=messages)
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == code


def test_a_model_that_is_down_is_unavailable(service: Service, runtime: Any) -> None:
    with service.fault(kind="model_down"), pytest.raises(ClientError, match="ServiceUnavailableException"):
        runtime.converse(modelId=MODEL, messages=MESSAGES)


def test_slow_answers_hold_up_no_other_call(service: Service, bedrock: Any) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "[[sleep: 8]]"}]}]})
    with contextlib.ExitStack() as stack:
        answers = stack.enter_context(selectors.DefaultSelector())
        for _ in range(60):
            connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port)))
            connection.request("POST", f"/model/{MODEL}/converse", body, SIGNED)
            answers.register(connection.sock, selectors.EVENT_READ)
        assert bedrock.list_foundation_models()["modelSummaries"]
        assert not answers.select(timeout=0)
