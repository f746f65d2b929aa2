"""Lines of Gemini's and Vertex AI's batches: converted, or refused by the name of what has no place."""

import json
from typing import Any

import pytest

from batchconsole.records.making import convert_records, foreign_title
from batchconsole.records.tables import TableError

ASK = {"role": "user", "parts": [{"text": "Why?"}]}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}
TOOLS = {"tools": [{"functionDeclarations": [WEATHER]}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Rome"}}}]}
ANSWER = {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"sky": "blue"}}}]}


def converted(request: dict[str, Any], shape: str = "anthropic", **around: Any) -> Any:
    return next(convert_records([{"request": request, **around}], shape=shape))


def refusal(request: dict[str, Any], shape: str = "anthropic", **around: Any) -> str:
    with pytest.raises(TableError) as caught:
        converted(request, shape, **around)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "title", "record_id"),
    [
        ({"key": "k-1", "request": {"contents": [ASK]}}, "Gemini batch", "k-1"),
        ({"request": {"contents": [ASK]}}, "Gemini batch", "row-0000001"),
        ({"id": 7, "request": {"contents": [ASK]}}, "Gemini batch", "7"),
        (
            {
                "custom_id": "v",
                "request": {
                    "anthropic_version": "vertex-2023-10-16",
                    "max_tokens": 9,
                    "messages": [{"role": "user", "content": "Why?"}],
                },
            },
            "Vertex AI batch",
            "v",
        ),
        ({"custom_id": 5, "body": {"messages": [{"role": "user", "content": "Why?"}]}}, "OpenAI batch", "5"),
        (
            {
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"messages": [{"role": "user", "content": "Why?"}]},
            },
            "OpenAI batch",
            "row-0000001",
        ),
    ],
)
def test_lines_with_and_without_an_id_are_recognised_and_converted(line: Any, title: str, record_id: str) -> None:
    assert foreign_title(line) == title
    for shape in ("converse", "anthropic", "nova", "openai_chat", "llama", "mistral"):
        [record] = convert_records([line], shape=shape)
        assert (record.record_id, "Why?" in json.dumps(record.body)) == (record_id, True)
    assert next(convert_records([line], shape="anthropic")).body["anthropic_version"] == "bedrock-2023-05-31"


@pytest.mark.parametrize("line", [{"request": {"a": 1}}, {"request": "x"}, {"id": 1, "body": {"a": 1}}, {"key": "x"}])
def test_a_row_of_a_table_is_no_such_line(line: dict[str, Any]) -> None:
    assert foreign_title(line) == ""


@pytest.mark.parametrize("is_snake", [False, True])
def test_all_settings_that_have_a_place_are_carried(is_snake: bool) -> None:
    config = {"maxOutputTokens": 77, "temperature": 0.5, "topP": 0.25, "topK": 40.0, "stopSequences": ["END"]}
    request = {"contents": [ASK], "systemInstruction": {"parts": [{"text": "Be brief."}]}, "generationConfig": config}
    if is_snake:
        config = {"max_output_tokens": 77, "temperature": 0.5, "top_p": 0.25, "top_k": 40, "stop_sequences": ["END"]}
        request = {"contents": [ASK], "system_instruction": "Be brief.", "generation_config": config}
    assert converted(request).body == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 77,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Why?"}],
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 40,
        "stop_sequences": ["END"],
    }


def test_settings_of_open_weight_models_are_carried_to_them() -> None:
    config = {"seed": 5, "presencePenalty": 0.5, "frequencyPenalty": 0.25, "candidateCount": 1}
    body = converted({"contents": [ASK], "generationConfig": config}, "openai_chat").body
    assert (body["seed"], body["presence_penalty"], body["frequency_penalty"], "n" in body) == (5, 0.5, 0.25, False)


def test_an_output_schema_becomes_json_schema_closed_and_in_its_order() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "age": {"type": "INTEGER", "format": "int32", "nullable": True},
            "tags": {"type": "ARRAY", "items": {"type": "STRING", "format": "enum", "enum": ["a"]}, "minItems": "1"},
        },
        "propertyOrdering": ["tags", "age"],
        "required": ["tags"],
    }
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    found = converted({"contents": [ASK], "generationConfig": config}).body["output_config"]["format"]["schema"]
    assert list(found["properties"]) == ["tags", "age"]
    assert found["properties"]["age"] == {"type": ["integer", "null"]}
    assert found["properties"]["tags"]["items"] == {"type": "string", "enum": ["a"]}
    assert (found["properties"]["tags"]["minItems"], found["additionalProperties"]) == (1, False)


@pytest.mark.parametrize("shape", ["anthropic", "nova", "openai_chat"])
def test_tools_calls_and_their_answers_are_carried(shape: str) -> None:
    choice = {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    body = json.dumps(converted({"contents": [ASK, CALL, ANSWER], **TOOLS, **choice}, shape).body).replace("\\", "")
    for words in ('"city": {"type": "string"}', '"call_1"', "Rome", '"sky":"blue"'):
        assert words in body


def test_an_image_given_as_data_is_carried() -> None:
    contents = [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}, {"text": "What?"}]}]
    source = converted({"contents": contents}).body["messages"][0]["content"][0]["source"]
    assert source == {"type": "base64", "media_type": "image/png", "data": PNG}


def test_an_embedding_is_carried() -> None:
    request = {"content": {"parts": [{"text": "A text."}]}, "output_dimensionality": 256}
    assert converted(request, "titan_embeddings", key="e").body == {"inputText": "A text.", "dimensions": 256}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"safetySettings": [{"category": "x"}]}, "safetySettings"),
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"labels": {"a": "b"}}, "labels"),
        ({"tools": [{"googleSearch": {"x": 1}}]}, "googleSearch"),
        ({"tools": [{"codeExecution": {}}]}, "codeExecution"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, "thinkingConfig"),
        ({"generationConfig": {"seed": 5}}, "seed"),
        ({"generationConfig": {"candidateCount": 2}}, "sets n"),
        ({"generationConfig": {"topK": 1.5}}, "topK is not a whole number"),
        ({"generationConfig": {"maxOutputTokens": "9"}}, "maxOutputTokens is not"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "responseMimeType is text/x.enum"),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, "responseModalities"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://a/b"}}]}]}, r"contents[0].parts[0] has fileData"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": "x"}}]}]}, "application/pdf"),
        ({"contents": [{"parts": [{"text": "a", "videoMetadata": {"fps": 1}}]}]}, "videoMetadata"),
        ({"contents": [{"role": "model", "parts": [{"text": "a", "thought": True}]}]}, "is a thought"),
        ({"contents": [{"role": "system", "parts": []}]}, "role is system"),
        ({"contents": [ASK, ANSWER]}, "was not called before"),
        ({"contents": []}, "contents is missing or empty"),
        ({"contents": "Why?"}, "contents is not a list"),
    ],
)
def test_what_has_no_place_is_refused_by_name(request_: dict[str, Any], words: str) -> None:
    assert words in refusal({"contents": [ASK], **request_})


@pytest.mark.parametrize("wrapper", ["request", "body", "params"])
@pytest.mark.parametrize("shape", ["anthropic", "openai_chat"])
def test_what_stands_beside_a_request_is_refused_by_name(wrapper: str, shape: str) -> None:
    messages = {"messages": [{"role": "user", "content": "Why?"}], "max_tokens": 9}
    line = {"custom_id": "a", wrapper: messages, "label": "x"}
    with pytest.raises(TableError, match="label beside its request"):
        list(convert_records([line], shape=shape))
