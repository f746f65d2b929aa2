"""Every request format, in a batch job and in a runtime call: the response has the provider's own shape."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.localbedrock.stack import Workspace, converse_record, json_lines

PROMPT = "[[answer: Blue, it seems.]] Which colour is the sky?"
Body = dict[str, Any]

ANTHROPIC = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 64,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": PROMPT}],
}
NOVA = {
    "schemaVersion": "messages-v1",
    "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
    "inferenceConfig": {"maxTokens": 64},
}
CHAT = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 64}
CASES: list[tuple[str, Body, Callable[[Body], tuple[Any, ...]], tuple[Any, ...]]] = [
    (
        "anthropic.claude-3-haiku-20240307-v1:0",
        ANTHROPIC,
        lambda out: (
            out["type"],
            out["role"],
            out["content"][0]["text"],
            out["stop_reason"],
            out["usage"]["output_tokens"],
        ),
        ("message", "assistant", "Blue, it seems.", "end_turn", 3),
    ),
    (
        "amazon.nova-micro-v1:0",
        NOVA,
        lambda out: (out["output"]["message"]["content"][0]["text"], out["stopReason"], out["usage"]["outputTokens"]),
        ("Blue, it seems.", "end_turn", 3),
    ),
    (
        "meta.llama3-1-8b-instruct-v1:0",
        {"prompt": PROMPT, "max_gen_len": 64},
        lambda out: (out["generation"], out["stop_reason"], out["generation_token_count"]),
        ("Blue, it seems.", "stop", 3),
    ),
    (
        "mistral.mistral-large-2407-v1:0",
        {"messages": CHAT["messages"], "max_tokens": 64},
        lambda out: (out["choices"][0]["message"]["content"],),
        ("Blue, it seems.",),
    ),
    (
        "mistral.mistral-small-2402-v1:0",
        {"prompt": f"<s>[INST] {PROMPT} [/INST]", "max_tokens": 64},
        lambda out: (out["outputs"][0]["text"],),
        ("Blue, it seems.",),
    ),
    (
        "openai.gpt-oss-20b-1:0",
        CHAT,
        lambda out: (
            out["object"],
            out["choices"][0]["message"]["content"],
            out["choices"][0]["finish_reason"],
            out["usage"]["completion_tokens"],
        ),
        ("chat.completion", "Blue, it seems.", "stop", 3),
    ),
    ("qwen.qwen3-32b-v1:0", CHAT, lambda out: (out["choices"][0]["message"]["content"],), ("Blue, it seems.",)),
    (
        "amazon.titan-embed-text-v2:0",
        {"inputText": "The sky is blue.", "dimensions": 256, "normalize": True},
        lambda out: (len(out["embedding"]), round(sum(x * x for x in out["embedding"]), 6), out["inputTextTokenCount"]),
        (256, 1.0, 4),
    ),
    (
        "amazon.titan-embed-image-v1",
        {"inputText": "The sky is blue.", "embeddingConfig": {"outputEmbeddingLength": 384}},
        lambda out: (len(out["embedding"]), out["inputTextTokenCount"]),
        (384, 4),
    ),
]
TITAN_TEXT = (
    "amazon.titan-text-express-v1",
    {"inputText": PROMPT, "textGenerationConfig": {"maxTokenCount": 64}},
    lambda out: (
        out["results"][0]["outputText"],
        out["results"][0]["completionReason"],
        out["results"][0]["tokenCount"],
    ),
    ("Blue, it seems.", "FINISH", 3),
)


@pytest.mark.parametrize(("model_id", "body", "pick", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_batch_record_is_answered_in_the_providers_shape(
    bedrock: Any, workspace: Workspace, model_id: str, body: Body, pick: Any, expected: Any
) -> None:
    uri = workspace.put(json_lines([{"recordId": "1", "modelInput": body}]))
    job = workspace.run(bedrock, uri, modelId=model_id, modelInvocationType="InvokeModel")
    [answer] = workspace.answers(job)
    assert "error" not in answer
    assert pick(answer["modelOutput"]) == expected


@pytest.mark.parametrize(
    ("model_id", "body", "pick", "expected"), [*CASES, TITAN_TEXT], ids=[case[0] for case in (*CASES, TITAN_TEXT)]
)
def test_invoke_model_answers_in_the_providers_shape(
    runtime: Any, model_id: str, body: Body, pick: Any, expected: Any
) -> None:
    answer = runtime.invoke_model(modelId=model_id, body=json.dumps(body))
    assert answer["contentType"] == "application/json"
    assert pick(json.loads(answer["body"].read())) == expected


@pytest.mark.parametrize(
    "model_id",
    [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "meta.llama3-1-8b-instruct-v1:0",
        "openai.gpt-oss-20b-1:0",
        "amazon.nova-micro-v1:0",
    ],
)
def test_converse_is_the_same_for_every_model(bedrock: Any, workspace: Workspace, model_id: str) -> None:
    job = workspace.run(bedrock, workspace.put(json_lines([converse_record(1, PROMPT)])), modelId=model_id)
    [answer] = workspace.answers(job)
    assert answer["modelOutput"]["output"]["message"]["content"] == [{"text": "Blue, it seems."}]
    assert answer["modelOutput"]["usage"] == {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12}


def refused(bedrock: Any, workspace: Workspace, body: Body, model_id: str, kind: str) -> dict[str, Any]:
    """Run a job with one record of *body*, check that it is Completed, and return the record's error."""
    uri = workspace.put(json_lines([{"recordId": "1", "modelInput": body}]))
    job = workspace.run(bedrock, uri, modelId=model_id, modelInvocationType=kind)
    assert (job["status"], job["errorRecordCount"]) == ("Completed", 1)
    [answer] = workspace.answers(job)
    assert "modelOutput" not in answer
    error: dict[str, Any] = answer["error"]
    return error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"anthropic_version": None}, "anthropic_version: Field required"),
        ({"modelId": "anthropic.claude-3-haiku-20240307-v1:0"}, "modelId: Extra inputs are not permitted"),
        ({"max_tokens": None}, "max_tokens: Field required"),
    ],
)
def test_a_body_the_model_refuses_gets_an_error_line_in_its_words(
    bedrock: Any, workspace: Workspace, change: Body, message: str
) -> None:
    body = {name: value for name, value in (ANTHROPIC | change).items() if value is not None}
    error = refused(bedrock, workspace, body, "anthropic.claude-3-haiku-20240307-v1:0", "InvokeModel")
    assert error == {"errorCode": 400, "errorMessage": message}


def test_a_claude_body_sent_to_nova_is_refused(bedrock: Any, workspace: Workspace) -> None:
    assert refused(bedrock, workspace, ANTHROPIC, "amazon.nova-lite-v1:0", "InvokeModel")["errorCode"] == 400


def test_temperature_and_top_p_together_are_refused_by_newer_claude_models(bedrock: Any, workspace: Workspace) -> None:
    body = ANTHROPIC | {"temperature": 0.5, "top_p": 0.5}
    error = refused(bedrock, workspace, body, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "InvokeModel")
    assert "`temperature` and `top_p` cannot both be specified" in error["errorMessage"]


def test_tools_are_refused_in_a_converse_batch(bedrock: Any, workspace: Workspace) -> None:
    body = {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "clock", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    assert refused(bedrock, workspace, body, "amazon.nova-lite-v1:0", "Converse")["errorCode"] == 400


def test_tools_work_with_invoke_model(bedrock: Any, workspace: Workspace) -> None:
    body = ANTHROPIC | {
        "tools": [{"name": "clock", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": '[[tool: clock {"zone": "UTC"}]]'}],
    }
    uri = workspace.put(json_lines([{"modelInput": body}]))
    job = workspace.run(
        bedrock, uri, modelId="anthropic.claude-3-haiku-20240307-v1:0", modelInvocationType="InvokeModel"
    )
    output = workspace.answers(job)[0]["modelOutput"]
    [call] = [block for block in output["content"] if block["type"] == "tool_use"]
    assert (output["stop_reason"], call["name"], call["input"]) == ("tool_use", "clock", {"zone": "UTC"})


def test_stop_sequences_and_the_bound_on_tokens_are_kept(bedrock: Any, workspace: Workspace) -> None:
    bodies = [converse_record(1, "[[answer: one two STOP three]]"), converse_record(2, "[[answer: one two three]]")]
    bodies[0]["modelInput"]["inferenceConfig"] = {"stopSequences": ["STOP"]}
    bodies[1]["modelInput"]["inferenceConfig"] = {"maxTokens": 2}
    answers = workspace.answers(workspace.run(bedrock, workspace.put(json_lines(bodies))))
    found = {answer["recordId"]: answer["modelOutput"] for answer in answers}
    assert found["record-1"]["stopReason"] == "stop_sequence"
    assert found["record-2"]["stopReason"] == "max_tokens"
    assert found["record-2"]["output"]["message"]["content"][0]["text"] == "one two"
