"""Records of rows and of other providers' batches."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import bodies
from batchconsole.records.families import FAMILIES
from batchconsole.records.making import (
    Recipe,
    RecipeError,
    check_recipe,
    convert_records,
    fill,
    foreign_title,
    is_batch_input,
    make_records,
    placeholders,
)
from batchconsole.records.tables import TableError
from tests.records.strategies import mutations

ROWS = [{"id": "a", "question": "Why?"}, {"id": "b", "question": "How?"}]
OPENAI = {
    "custom_id": "r1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
        "max_tokens": 50,
    },
}
ANTHROPIC = {
    "custom_id": "r2",
    "params": {"model": "claude-x", "max_tokens": 50, "messages": [{"role": "user", "content": "Why?"}]},
}


def recipe(template: str = "{question}", **parts: Any) -> Recipe:
    return Recipe(template=template, **parts)


def made(template: str = "{question}", **parts: Any) -> list[dict[str, Any]]:
    return [json.loads(record.line) for record in make_records(ROWS, recipe(template, **parts))]


def test_a_record_is_made_of_each_row() -> None:
    first, second = made("Answer: {question}", record_id_column="id")
    assert first == {
        "recordId": "a",
        "modelInput": {"messages": [{"role": "user", "content": [{"text": "Answer: Why?"}]}]},
    }
    assert second["recordId"] == "b"


def test_without_an_id_column_records_are_numbered() -> None:
    assert [record["recordId"] for record in made()] == ["row-0000001", "row-0000002"]


def test_settings_and_the_system_prompt_go_into_the_body() -> None:
    body = made(system="For {id}.", max_tokens=64, temperature=0.0)[0]["modelInput"]
    assert body["system"] == [{"text": "For a."}]
    assert body["inferenceConfig"] == {"maxTokens": 64, "temperature": 0.0}


def test_a_record_may_be_in_a_model_s_own_shape() -> None:
    body = made(shape="anthropic", max_tokens=10)[0]["modelInput"]
    assert FAMILIES["anthropic"].read_request(body).max_tokens == 10


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{a} and { b } and {a}", ["a", "b"]),
        ('Answer as {"label": "x"}: {text}', ["text"]),
        ('{"a": {"b": 1}} {Customer name}', ["Customer name"]),
        ("{{literal}} {}", []),
        ("{ }", []),
    ],
)
def test_only_names_are_placeholders(template: str, names: list[str]) -> None:
    assert placeholders(template) == names


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{a}", "1"),
        ("{ a }!", "1!"),
        ("{{a}}", "{a}"),
        ('{"k": {"a": {a}}}', '{"k": {"a": 1}}'),
        ("{ } {}", "{ } {}"),
    ],
)
def test_a_template_is_filled(template: str, text: str) -> None:
    assert fill(template, {"a": "1"}) == text


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert fill("{a}{b}", {"a": "{b}", "b": "x"}) == "{b}x"


@pytest.mark.parametrize(
    ("parts", "part", "words"),
    [
        ({"template": " "}, "template", "required"),
        ({"template": "Why?"}, "template", "names no column"),
        ({"template": "{answer}"}, "template", "no column answer"),
        ({"system": "{x}"}, "system", "no column x"),
        ({"record_id_column": "key"}, "record_id_column", "no column key"),
        ({"shape": "tea"}, "shape", "no record format tea"),
        ({"shape": "titan_embeddings", "system": "Be brief."}, "system", "takes no system prompt"),
        ({"shape": "titan_embeddings", "max_tokens": 5}, "max_tokens", "takes no limit"),
        ({"shape": "titan_embeddings", "temperature": 0.5}, "temperature", "takes no temperature"),
    ],
)
def test_a_recipe_that_does_not_fit_says_what_to_change(parts: dict[str, Any], part: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        check_recipe(Recipe(**{"template": "{question}", **parts}), ["id", "question"])
    assert caught.value.part == part


def test_an_unknown_column_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RecipeError) as caught:
        check_recipe(recipe("{answer}"), ["id", "question"])
    assert "id, question" in caught.value.hint
    assert "{{answer}}" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": " ", "id": "c"}, "Row 2: Its prompt is blank"),
        ({"id": "c"}, "Row 2: It has no question"),
        ({"question": "Why?", "id": ""}, "Row 2: Its id is blank"),
    ],
)
def test_a_row_that_makes_no_record_is_named(row: dict[str, str], words: str) -> None:
    with pytest.raises(TableError, match=words):
        list(make_records([ROWS[0], row], recipe(record_id_column="id")))


@pytest.mark.parametrize(
    ("line", "title"), [(OPENAI, "OpenAI batch"), (ANTHROPIC, "Anthropic batch"), ({"question": "Why?"}, "")]
)
def test_other_providers_batches_are_recognised(line: dict[str, Any], title: str) -> None:
    assert foreign_title(line) == title


def test_batch_input_is_recognised() -> None:
    assert is_batch_input({"recordId": "1", "modelInput": {}})
    assert not is_batch_input(OPENAI)


@pytest.mark.parametrize("line", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("shape", ["converse", "anthropic", "nova", "openai_chat", "llama", "mistral"])
def test_other_providers_lines_are_converted(line: dict[str, Any], shape: str) -> None:
    [record] = convert_records([line], shape=shape)
    assert record.record_id == line["custom_id"]
    assert "model" not in record.body
    assert "Why?" in json.dumps(record.body)


def test_a_body_that_stays_in_its_shape_keeps_its_tools() -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    line = {**OPENAI, "body": {**OPENAI["body"], "tools": tools}}  # type: ignore[dict-item] # a dict of dicts
    [record] = convert_records([line], shape="openai_chat")
    assert record.body["tools"] == tools


def test_an_embedding_s_input_is_converted() -> None:
    line = {"custom_id": "e", "url": "/v1/embeddings", "body": {"model": "m", "input": "A text."}}
    [record] = convert_records([line], shape="titan_embeddings")
    assert record.body == {"inputText": "A text."}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"question": "Why?"}, "Row 2: It is no line"),
        ({"custom_id": "x", "body": {"messages": []}}, "Row 2"),
        ({"custom_id": "x", "params": {"messages": [{"role": "user", "content": "Hi"}]}}, "Row 2"),
    ],
)
def test_a_line_that_cannot_be_converted_is_named(line: dict[str, Any], words: str) -> None:
    with pytest.raises(TableError, match=words):
        list(convert_records([OPENAI, line], shape="converse"))


def test_a_template_is_bounded() -> None:
    with pytest.raises(RecipeError, match="longer than 100,000") as caught:
        check_recipe(recipe("{question}" + "x" * 100_000), ["question"])
    assert caught.value.part == "template"


def test_a_prompt_that_would_be_too_long_is_refused_before_it_is_made() -> None:
    with pytest.raises(TableError, match="Row 1: It would be 300,000,000 characters long"):
        list(make_records([{"a": "x" * 10**6}], recipe("{a}" * 300)))


SHAPES = sorted(bodies.SHAPES)
TOOL = {"type": "function", "function": {"name": "marker", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"marker": {"type": "string"}}, "additionalProperties": False}
OPENAI_SETTINGS: dict[str, Any] = {
    "audio": {"voice": "marker"}, "dimensions": 256, "frequency_penalty": 0.25, "function_call": "marker",
    "functions": [{"name": "marker"}], "logit_bias": {"7": 50}, "logprobs": True, "max_completion_tokens": 77,
    "max_tokens": 77, "metadata": {"marker": "x"}, "modalities": ["text", "audio"], "n": 2,
    "parallel_tool_calls": False, "prediction": {"type": "content"}, "presence_penalty": 0.25,
    "prompt_cache_key": "marker", "reasoning_effort": "low", "safety_identifier": "marker", "seed": 77, "store": True,
    "stream": True, "stream_options": {"include_usage": True}, "stop": ["marker"], "temperature": 0.25, "top_k": 77,
    "top_logprobs": 7, "top_p": 0.25, "user": "marker", "verbosity": "low", "web_search_options": {"marker": 1},
    "service_tier": "flex", "unheard_of": "marker", "tools": [TOOL],
    "response_format": {"type": "json_schema", "json_schema": {"name": "marker", "schema": SCHEMA}},
}  # fmt: skip
ANTHROPIC_SETTINGS: dict[str, Any] = {
    "container": "marker", "context_management": {"edits": []}, "mcp_servers": [{"name": "marker"}],
    "metadata": {"user_id": "marker"}, "output_config": {"effort": "low"}, "service_tier": "priority",
    "stop_sequences": ["marker"], "stream": True, "temperature": 0.25, "thinking": {"type": "enabled"}, "top_k": 77,
    "top_p": 0.25, "tools": [{"name": "marker", "input_schema": {"type": "object"}}], "unheard_of": "marker",
}  # fmt: skip
SETTINGS = [(OPENAI, "body", name, value) for name, value in OPENAI_SETTINGS.items()]
SETTINGS += [(ANTHROPIC, "params", name, value) for name, value in ANTHROPIC_SETTINGS.items()]
KEYS = {"function", "json_schema", "name", "parameters", "input_schema"}
NAMES = {
    "stop_sequences": "stop",
    "max_completion_tokens": "max_tokens",
    "thinking": "budget",
    "context_management": "edit",
}


def values_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {found for inner in (*value, *value.values()) for found in values_of(inner)}
    return {found for inner in value for found in values_of(inner)} if isinstance(value, list) else {str(value)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("line", "where", "name", "value"), SETTINGS, ids=[f"{s[1]}.{s[2]}" for s in SETTINGS])
def test_a_setting_is_carried_or_refused_by_name(line: Any, where: str, name: str, value: Any, shape: str) -> None:
    body = {key: inner for key, inner in line[where].items() if key != "max_tokens" or where == "params"}
    try:
        [record] = convert_records([{**line, where: body | {name: value}}], shape=shape)
    except TableError as error:
        said = str(error)
        assert name in said or NAMES.get(name, name) in said or "max_tokens" in said or "stream" in said
    else:
        assert {str(inner) for inner in values_of(value)} - KEYS <= values_of(
            json.loads(json.dumps(record.body).replace("\\", "").replace('"{', "{").replace('}"', "}"))
        )


@pytest.mark.parametrize("name", ["model", "n", "stream", "logprobs", "store", "seed", "tools", "response_format"])
def test_a_member_that_says_nothing_is_no_hindrance(name: str) -> None:
    silent = {"model": "m", "n": 1, "stream": False, "logprobs": False, "store": False, "seed": None, "tools": []}
    body = OPENAI["body"] | {name: silent.get(name, {"type": "text"})}  # type: ignore[operator] # a dict of dicts
    [record] = convert_records([{**OPENAI, "body": body}], shape="converse")
    assert record.body == next(convert_records([OPENAI], shape="converse")).body


def test_turns_of_one_role_become_one_where_the_model_wants_them_to_alternate() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    [record] = convert_records([{"custom_id": "c", "body": {"messages": turns}}], shape="converse")
    assert record.body["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]


@pytest.mark.parametrize("shape", ["anthropic", "nova"])
def test_a_conversation_with_tools_is_carried(shape: str) -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "marker", "arguments": '{"a":1}'}}
    turns = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": "Found."},
        {"role": "user", "content": "So?"},
    ]
    line = {"custom_id": "c", "body": {"messages": turns, "tools": [TOOL], "tool_choice": "required", "max_tokens": 9}}
    [record] = convert_records([line], shape=shape)
    assert [turn["role"] for turn in record.body["messages"]] == ["user", "assistant", "user"]
    assert "Found." in json.dumps(record.body["messages"][2])
    request = FAMILIES[shape].read_request(record.body)
    assert request.messages[1]["tool_calls"][0]["function"] == call["function"]
    assert (request.tools[0]["function"]["name"], request.tool_choice) == ("marker", "required")


def test_a_body_is_converted_as_what_it_is_whatever_the_line_around_it() -> None:
    params = {**OPENAI["body"], "tools": [TOOL]}  # type: ignore[dict-item] # a dict of dicts
    [record] = convert_records([{"custom_id": "c", "params": params}], shape="anthropic")
    assert (record.body["system"], record.body["tools"][0]["name"]) == ("Be brief.", "marker")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": ["a", "b"]}, "body.input holds 2 texts"),
        ({"input": [1, 2]}, "body.input is not a text"),
        ({"messages": []}, "body.messages is missing or empty"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            r"body.messages\[0\].content\[0\] is of type",
        ),
        ({"messages": [{"role": "user", "content": "a", "name": "Ann"}]}, r"body.messages\[0\] has name"),
        ({"messages": [{"role": "user", "content": " "}]}, "would be refused"),
        ({"messages": "x"}, "body.messages is not a list"),
    ],
)
def test_what_cannot_be_converted_is_said_of_the_source_line(body: Any, words: str) -> None:
    shape = "titan_embeddings" if "input" in body else "converse"
    with pytest.raises(TableError, match=f"Row 1: .*{words}"):
        list(convert_records([{"custom_id": "c", "body": body}], shape=shape))


def test_an_embedding_of_a_list_of_one_text_keeps_its_dimensions() -> None:
    line = {"custom_id": "e", "url": "/v1/embeddings", "body": {"input": ["A text."], "dimensions": 256}}
    assert next(convert_records([line], shape="titan_embeddings")).body == {"inputText": "A text.", "dimensions": 256}


@given(data=st.data(), shape=st.sampled_from(SHAPES), source=st.sampled_from([OPENAI, ANTHROPIC]))
def test_what_is_written_passes_the_check(data: st.DataObject, shape: str, source: dict[str, Any]) -> None:
    where = "body" if "body" in source else "params"
    line = {**source, where: data.draw(mutations(source[where]).filter(lambda body: isinstance(body, dict)))}
    try:
        [record] = convert_records([line], shape=shape)
    except TableError:
        return
    FAMILIES[bodies.SHAPES[shape].family].read_request(record.body)
