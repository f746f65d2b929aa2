"""Output schemas: how requests specify them, what the model server gets, what echo answers, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from batchconsole.localbedrock.modelservers.instances import make_instance
from tests.localbedrock.model_server import ModelServer, chat, serving
from tests.localbedrock.stack import MODEL, Service, Workspace, json_lines, running

CLAUDE, GPT = "anthropic.claude-3-haiku-20240307-v1:0", "openai.gpt-oss-20b-1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}, "score": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["mood", "score", "why"],
    "additionalProperties": False,
}
LIMITED = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1}}, "additionalProperties": False}


def converse_body(schema: Any, prompt: str = "Rate it.") -> dict[str, Any]:
    named = {"schema": json.dumps(schema), "name": "rating"}
    text_format = {"type": "json_schema", "structure": {"jsonSchema": named}}
    messages = [{"role": "user", "content": [{"text": prompt}]}]
    return {"messages": messages, "outputConfig": {"textFormat": text_format}}


def converse_fields(schema: Any, prompt: str = "Rate it.") -> dict[str, Any]:
    fields = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    return {"messages": [{"role": "user", "content": [{"text": prompt}]}], "additionalModelRequestFields": fields}


def claude_body(schema: Any, prompt: str = "Rate it.", **members: Any) -> dict[str, Any]:
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100}
    messages = [{"role": "user", "content": prompt}]
    return (
        body | {"messages": messages, "output_config": {"format": {"type": "json_schema", "schema": schema}}} | members
    )


def old_claude_body(schema: Any, prompt: str = "Rate it.") -> dict[str, Any]:
    body = claude_body(schema, prompt) | {"output_format": {"type": "json_schema", "schema": schema}}
    del body["output_config"]
    return body


def chat_body(schema: Any, prompt: str = "Rate it.") -> dict[str, Any]:
    named = {"name": "rating", "schema": schema}
    messages = [{"role": "user", "content": prompt}]
    return {"messages": messages, "response_format": {"type": "json_schema", "json_schema": named}}


FORMS = [
    pytest.param(converse_body, "Converse", MODEL, id="Converse"),
    pytest.param(converse_fields, "Converse", CLAUDE, id="Claude through Converse"),
    pytest.param(claude_body, "InvokeModel", CLAUDE, id="Claude"),
    pytest.param(old_claude_body, "InvokeModel", CLAUDE, id="Claude, old name"),
    pytest.param(chat_body, "InvokeModel", GPT, id="gpt-oss"),
    pytest.param(chat_body, "InvokeModel", MISTRAL, id="Mistral"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving() as started:
        yield started


@pytest.fixture(scope="module")
def over_server(aws_endpoint: str, server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("schemas")
    with running(Service(folder, aws_endpoint, "--min-records-per-job", "1", model=server.url)) as started:
        yield started


def ask(service: Service, form: str, model_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the response of the runtime call *form* to *body*."""
    runtime = service.client("bedrock-runtime")
    if form == "Converse":
        return dict(runtime.converse(modelId=model_id, **body))
    return dict(json.loads(runtime.invoke_model(modelId=model_id, body=json.dumps(body))["body"].read()))


def text(answer: dict[str, Any]) -> str:
    if "output" in answer:
        return str(answer["output"]["message"]["content"][0]["text"])
    return str(answer["content"][0]["text"] if "content" in answer else answer["choices"][0]["message"]["content"])


def run(workspace: Workspace, bedrock: Any, form: str, model_id: str, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a job and return its answers in the order of *bodies*."""
    uri = workspace.put(json_lines({"recordId": str(n), "modelInput": body} for n, body in enumerate(bodies)))
    job = workspace.run(bedrock, uri, modelId=model_id, modelInvocationType=form)
    return sorted(workspace.answers(job), key=lambda answer: int(answer["recordId"]))


@pytest.mark.parametrize(("make", "form", "model_id"), FORMS)
def test_the_schema_reaches_the_model_server(
    over_server: Service, server: ModelServer, make: Any, form: str, model_id: str
) -> None:
    server.requests.clear()
    ask(over_server, form, model_id, make(SCHEMA))
    sent = server.bodies()[0]["response_format"]
    assert (sent["type"], sent["json_schema"]["schema"]) == ("json_schema", SCHEMA)
    assert sent["json_schema"]["name"]


@pytest.mark.parametrize(("make", "form", "model_id"), FORMS)
def test_echo_answers_every_record_with_an_instance(
    bedrock: Any, workspace: Workspace, make: Any, form: str, model_id: str
) -> None:
    answers = run(workspace, bedrock, form, model_id, *(make(SCHEMA, f"Rate number {n}.") for n in range(6)))
    instances = [json.loads(text(answer["modelOutput"])) for answer in answers]
    assert all(instance.keys() == SCHEMA["properties"].keys() for instance in instances)
    assert {instance["mood"] for instance in instances} == {"good", "bad"}


@pytest.mark.parametrize(("make", "form", "model_id"), FORMS)
def test_a_schema_outside_the_subset_is_the_records_error(
    bedrock: Any, workspace: Workspace, make: Any, form: str, model_id: str
) -> None:
    bad, good = run(workspace, bedrock, form, model_id, make(LIMITED), make(SCHEMA))
    assert bad["error"]["errorCode"] == 400
    assert "minimum" in bad["error"]["errorMessage"]
    assert "modelOutput" in good


def test_an_order_in_the_prompt_wins_over_the_schema(service: Service) -> None:
    body = converse_body(SCHEMA, "[[answer: no JSON]]")
    assert text(ask(service, "Converse", MODEL, body)) == "no JSON"


def test_json_without_a_schema_is_an_object(service: Service) -> None:
    body = {"messages": [{"role": "user", "content": "Hello"}], "response_format": {"type": "json_object"}}
    assert json.loads(text(ask(service, "InvokeModel", GPT, body))) == {"text": "Hello"}


def claude_tools(count: int, choice: dict[str, str]) -> dict[str, Any]:
    tools = [
        {"name": f"rate{n}", "description": "Rates.", "input_schema": SCHEMA, "strict": True} for n in range(count)
    ]
    return {"output_config": None, "tools": tools, "tool_choice": choice}


def test_a_strict_tool_that_must_be_called_reaches_the_server_as_schema(
    over_server: Service, server: ModelServer
) -> None:
    server.requests.clear()
    arguments = {"mood": "good", "score": 1, "why": "it is"}
    server.reply = lambda path, body: chat(json.dumps(arguments))
    body = claude_body(None, **claude_tools(1, {"type": "tool", "name": "rate0"}))
    answer = ask(over_server, "InvokeModel", CLAUDE, body)
    server.reply = lambda path, body: chat()
    assert server.bodies()[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert "rate0" in server.bodies()[0]["messages"][0]["content"]
    [call] = answer["content"]
    assert (call["name"], call["input"], answer["stop_reason"]) == ("rate0", arguments, "tool_use")


def test_one_of_several_strict_tools_is_called_by_its_name(over_server: Service, server: ModelServer) -> None:
    server.reply = lambda path, body: chat('{"name": "rate1", "arguments": {"score": 2}}')
    answer = ask(over_server, "InvokeModel", CLAUDE, claude_body(None, **claude_tools(2, {"type": "any"})))
    server.reply = lambda path, body: chat()
    assert (answer["content"][0]["name"], answer["content"][0]["input"]) == ("rate1", {"score": 2})


def test_a_strict_tool_that_may_be_called_is_strict_at_the_server(over_server: Service, server: ModelServer) -> None:
    server.requests.clear()
    ask(over_server, "InvokeModel", CLAUDE, claude_body(None, **claude_tools(1, {"type": "auto"})))
    assert server.bodies()[0]["tools"][0]["function"]["strict"] is True


def test_echo_calls_the_tool_it_must_call(service: Service) -> None:
    body = claude_body(None, **claude_tools(2, {"type": "tool", "name": "rate1"}))
    [call] = ask(service, "InvokeModel", CLAUDE, body)["content"]
    assert (call["name"], call["input"].keys()) == ("rate1", SCHEMA["properties"].keys())


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"const": 3}, 3),
        ({"enum": ["only"]}, "only"),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "a b"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"type": "array", "items": {"const": 1}, "minItems": 1}, [1]),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": "y"}}}, "y"),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"properties": {"a": {"$ref": "#/definitions/d"}}, "definitions": {"d": {"const": 4}}}, {"a": 4}),
        ({"type": "object"}, {}),
        ({}, "a b"),
    ],
)  # fmt: skip
def test_an_instance_keeps_to_its_schema(schema: dict[str, Any], instance: Any) -> None:
    assert make_instance(schema, "a b") == instance


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    schema = {"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"x": {"$ref": "#/$defs/x"}}}}}
    assert make_instance(schema, "a").keys() == {"x"}
