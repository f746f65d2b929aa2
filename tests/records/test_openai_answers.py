"""Lines of OpenAI's batches as records, and answers of every family as OpenAI's API gives them."""

import json
from typing import Any

import msgspec
import pytest

from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Completion
from batchconsole.records.openai_answers import answered, chat_completion, embedding_list, status_of, usage_of
from batchconsole.records.openai_lines import CHAT, EMBEDDINGS, BadLine, Line, make_record, read_line
from batchconsole.records.output_lines import read_line as read_output

CALLED = [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"city":"Oslo"}'}}]
CHATTING = ["converse", "anthropic", "nova", "openai_chat", "llama", "mistral", "titan_text"]


def completed(output: Any) -> Any:
    return chat_completion(output, answer_id="chatcmpl-1", model_id="a.model", usage=usage_of(output), created=7)


@pytest.mark.parametrize("name", CHATTING)
def test_the_answer_of_each_family_is_a_chat_completion(name: str) -> None:
    family = FAMILIES[name]
    completion = Completion(text="Blue.", stop_reason="max_tokens", input_tokens=5, output_tokens=2)
    found = completed(family.write_response(family.sample(), completion, model_id="a.model"))
    (choice,) = found["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Blue.", "length")
    assert found["object"] == "chat.completion"
    assert found["usage"]["total_tokens"] == (0 if name == "mistral" else 7)  # Mistral's bodies have no counts


@pytest.mark.parametrize("name", ["converse", "anthropic", "nova", "openai_chat"])
def test_tool_calls_keep_their_ids_and_stand_apart_from_the_text(name: str) -> None:
    family = FAMILIES[name]
    completion = Completion(text="Let me look.", stop_reason="tool_use", tool_calls=CALLED)
    (choice,) = completed(family.write_response(family.sample(), completion, model_id="a.model"))["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Let me look.", "tool_calls")
    assert call["function"]["name"] == "look"
    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
    assert call["id"]


def test_reasoning_and_cached_tokens_are_told() -> None:
    body = {
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}],
        "stop_reason": "refusal",
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 2},
    }
    found = completed(body)
    message = found["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Yes.", "Hm.")
    assert found["choices"][0]["finish_reason"] == "content_filter"
    assert found["usage"]["prompt_tokens"] == 13
    assert found["usage"]["prompt_tokens_details"] == {"cached_tokens": 10}


@pytest.mark.parametrize("output", [None, "text", 7, [], {}, {"output": None}, {"choices": [{}]}, {"content": "x"}])
def test_an_odd_answer_is_a_completion_all_the_same(output: Any) -> None:
    assert completed(output)["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize(
    "output", [{"embedding": [0.5, 1]}, {"embeddingsByType": {"float": [0.5, 1]}}, {"embedding": None}]
)
def test_vectors_are_told_as_numbers_or_base64(output: Any) -> None:
    plain, packed = (
        embedding_list(output, model_id="m", usage=usage_of(output), is_base64=each)["data"][0]["embedding"]
        for each in (False, True)
    )
    assert (plain, packed) in [([0.5, 1.0], "AAAAPwAAgD8="), ([], "")]


@pytest.mark.parametrize(("code", "status"), [(429, 429), ("503", 503), ("ThrottlingException", 429), (None, 400)])
def test_the_code_of_an_error_is_a_status(code: Any, status: int) -> None:
    assert status_of(code) == status


def chat(**values: Any) -> Line:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]} | values
    return read_line(msgspec.json.encode({"custom_id": "a", "method": "POST", "url": CHAT, "body": body}), CHAT)


def test_an_answer_with_half_of_a_surrogate_pair_is_written() -> None:
    raw = b'{"recordId":"a","modelOutput":{"generation":"\\ud800"}}'
    reply = answered(chat(), read_output(raw, None), model_id="m", batch_id="b", created=0)
    assert json.loads(reply.line)["custom_id"] == "a"


@pytest.mark.parametrize(
    ("model_id", "values", "shape"),
    [
        ("amazon.nova-lite-v1:0", {}, "nova"),
        ("us.amazon.nova-lite-v1:0", {"response_format": {"type": "text"}}, "nova"),
        (
            "amazon.nova-lite-v1:0",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
            "converse",
        ),
        ("anthropic.claude-3-haiku-20240307-v1:0", {"max_tokens": 5}, "anthropic"),
        ("openai.gpt-oss-20b-1:0", {"seed": 3}, "openai_chat"),
        ("meta.llama3-1-8b-instruct-v1:0", {}, "converse"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", {}, "converse"),
    ],
)
def test_the_format_has_a_place_for_everything_in_the_line(model_id: str, values: Any, shape: str) -> None:
    found, record = make_record(chat(**values), model_id)
    assert (found, record.record_id, "model" in record.body) == (shape, "a", False)


@pytest.mark.parametrize(
    ("model_id", "values", "says"),
    [
        ("amazon.nova-lite-v1:0", {"seed": 3}, "seed"),
        ("amazon.nova-lite-v1:0", {"n": 2}, "n"),
        ("amazon.titan-embed-text-v2:0", {}, "takes no requests to"),
        ("openai.gpt-oss-20b-1:0", {"stream": True}, "stream"),
    ],
)
def test_what_has_no_place_is_named(model_id: str, values: Any, says: str) -> None:
    with pytest.raises(BadLine, match=says):
        make_record(chat(**values), model_id)


def test_an_embedding_asks_for_base64() -> None:
    body = {"model": "m", "input": "Hi", "encoding_format": "base64", "dimensions": 256}
    line = read_line(
        msgspec.json.encode({"custom_id": "a", "method": "POST", "url": EMBEDDINGS, "body": body}), EMBEDDINGS
    )
    shape, record = make_record(line, "amazon.titan-embed-text-v2:0")
    assert (line.is_base64, shape, record.body) == (True, "titan_embeddings", {"inputText": "Hi", "dimensions": 256})
    with pytest.raises(BadLine, match="takes no requests to /v1/embeddings"):
        make_record(line, "amazon.nova-lite-v1:0")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xff", "invalid_json_line"),
        (b"[]", "invalid_json_line"),
        (b"[" * 5000, "invalid_json_line"),
        (b"{}", "missing_required_parameter"),
        (b'{"custom_id":7,"method":"POST","url":"/v1/chat/completions","body":{}}', "invalid_custom_id"),
        (b'{"custom_id":" ","method":"POST","url":"/v1/chat/completions","body":{}}', "invalid_custom_id"),
        (b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}', "missing_required_parameter"),
    ],
)
def test_a_line_that_is_no_request_says_why(data: bytes, code: str) -> None:
    with pytest.raises(BadLine) as raised:
        read_line(data, CHAT)
    assert raised.value.code == code
