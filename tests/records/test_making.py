"""Records of rows and of other providers' batches."""

import json
from typing import Any

import pytest

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
