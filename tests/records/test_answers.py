"""The answer is built part by part, whatever shape the body has."""

from typing import Any

import pytest

from batchconsole.records.families.answers import read_answer
from batchconsole.records.families.base import Answer


def converse(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"output": {"message": {"role": "assistant", "content": list(blocks)}}, "stopReason": "end_turn", **members}


def claude(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "message", "content": list(blocks), "stop_reason": "end_turn", **members}


def chat(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]}


def text(value: str, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **members}


CALL = {"id": "c", "type": "function", "function": {"name": "Dog", "arguments": '{"age":5}'}}
CITED = {"citationsContent": {"content": [{"text": "in 1889"}], "citations": [{"title": "A"}]}}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (claude(text("Built "), text("in 1889", citations=[{"type": "char_location"}]), text(".")), "Built in 1889."),
        (
            claude(text("Look:"), {"type": "tool_use", "id": "t", "name": "Dog", "input": {"age": 5}}),
            'Look:\n{"age":5}',
        ),
        (claude({"type": "tool_use", "input": {}}, {"type": "tool_use", "input": [1]}), "{}\n[1]"),
        (claude(), ""),
        ({"message": {"role": "assistant", "content": [text("Hi")]}, "finish_reason": "COMPLETE"}, "Hi"),
        ({"message": {"tool_calls": [CALL]}, "finish_reason": "TOOL_CALL"}, '{"age":5}'),
        ({"content": "plain"}, "plain"),
        (converse({"text": "Built "}, CITED, {"text": "."}), "Built in 1889."),
        (converse({"toolUse": {"toolUseId": "t", "name": "Dog", "input": {"age": 5}}}), '{"age":5}'),
        (converse({"text": None, "toolUse": {"input": 1}, "image": None}), "1"),
        (converse({"image": {"format": "png", "source": {"bytes": "AA=="}}}), "[image png]"),
        (converse({"guardContent": {"text": {"text": "guarded"}}}), "guarded"),
        (chat(content="Hi"), "Hi"),
        (chat(content=[{"type": "text", "text": "a"}, {"type": "output_text", "text": "b"}]), "ab"),
        (chat(content=None, tool_calls=[CALL]), '{"age":5}'),
        (chat(content="", function_call={"name": "f", "arguments": "{}"}), "{}"),
        ({"choices": [{"text": "old"}]}, "old"),
        ({"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}, "a\n\nb"),
        ({"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]}, "Hi"),
        ({"output": [{"type": "function_call", "arguments": '{"a":1}'}]}, '{"a":1}'),
        ({"outputs": [{"text": "Hi", "stop_reason": "stop"}]}, "Hi"),
        ({"generation": "Hi"}, "Hi"),
        ({"results": [{"outputText": "Hi"}]}, "Hi"),
        ({"generations": [{"text": "Hi"}]}, "Hi"),
        ({"text": "Hi"}, "Hi"),
        ({"images": ["AA==", "AA=="]}, "[2 images]"),
        ({}, ""),
        ({"new": {"shape": 1}}, '{"new":{"shape":1}}'),
        ("just words", "just words"),
        ([1, 2], "[1,2]"),
    ],
)
def test_the_words_of_an_answer(body: Any, answer: str) -> None:
    assert read_answer(body).text == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"embedding": [0.5] * 256}, "[256 dimensions]"),
        ({"embedding": [0.5] * 2, "embeddingsByType": {"float": [0.5] * 2}}, "[2 dimensions]"),
        (
            {"embedding": [0.5] * 2, "embeddingsByType": {"float": [0.5] * 2, "binary": [1, 0]}},
            "[2 dimensions]\n[2 dimensions, binary]",
        ),
        ({"embeddingsByType": {"binary": [1, 0]}}, "[2 dimensions, binary]"),
        (
            {"embedding": None, "message": "The image is too large."},
            '{"embedding":null,"message":"The image is too large."}',
        ),
        ({"embeddings": [[0.5, 0.5], [0.5, 0.5]]}, "[2 dimensions]\n[2 dimensions]"),
        ({"embeddings": {"int8": [[1, 2, 3]]}}, "[3 dimensions, int8]"),
        ({"embeddings": [{"embeddingType": "TEXT", "embedding": [0.5]}]}, "[1 dimensions, TEXT]"),
        ({"data": [{"embedding": [0.5, 0.5]}]}, "[2 dimensions]"),
        ({"data": {"embedding": [0.5, 0.5]}}, "[2 dimensions]"),
    ],
)
def test_an_embedding_is_told_by_its_size(body: dict[str, Any], answer: str) -> None:
    assert read_answer(body).text == answer


@pytest.mark.parametrize(
    ("body", "reasoning"),
    [
        (claude({"type": "thinking", "thinking": "Hm.", "signature": "x"}, text("Hi")), "Hm."),
        (claude({"type": "redacted_thinking", "data": "x"}, text("Hi")), "[redacted]"),
        (converse({"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "Hi"}), "Hm."),
        (converse({"reasoningContent": {"redactedContent": "eA=="}}, {"text": "Hi"}), "[redacted]"),
        (chat(content="Hi", reasoning_content="Hm."), "Hm."),
        (chat(content="Hi", reasoning="Hm."), "Hm."),
        (chat(content="<reasoning>Hm.</reasoning>Hi"), "Hm."),
        (chat(content="<think>\nHm.\n</think>\n\nHi"), "Hm."),
        (chat(content=[{"type": "thinking", "thinking": [text("Hm.")]}, text("Hi")]), "Hm."),
    ],
)
def test_reasoning_is_kept_apart(body: dict[str, Any], reasoning: str) -> None:
    answer = read_answer(body)
    assert (answer.text, answer.reasoning) == ("Hi", reasoning)


@pytest.mark.parametrize(
    ("body", "stop_reason"),
    [
        (chat(content=None, refusal="I will not."), "refusal"),
        (claude(stop_reason="refusal"), "refusal"),
        (claude(text("Blocked."), **{"amazon-bedrock-guardrailAction": "INTERVENED"}), "guardrail_intervened"),
        (claude(text("Fine."), **{"amazon-bedrock-guardrailAction": "NONE"}), "end_turn"),
        (converse({"text": "Blocked."}, stopReason="guardrail_intervened"), "guardrail_intervened"),
        ({"results": [{"outputText": "", "completionReason": "CONTENT_FILTERED"}]}, "CONTENT_FILTERED"),
    ],
)
def test_refusals_and_guardrails_are_stop_reasons(body: dict[str, Any], stop_reason: str) -> None:
    assert read_answer(body).stop_reason == stop_reason


def test_a_refusal_is_read() -> None:
    assert read_answer(chat(content=None, refusal="I will not.")).text == "I will not."
    refused = claude(stop_reason="refusal", stop_details={"explanation": "Not this."})
    assert read_answer(refused).text == "Not this."


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4},
        {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4},
        {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokenCount": 3, "cacheWriteInputTokenCount": 4},
    ],
)
def test_cached_tokens_are_counted_apart(usage: dict[str, int]) -> None:
    assert read_answer({"usage": usage, "content": []}) == Answer(
        input_tokens=1, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4
    )


@pytest.mark.parametrize("count", [-1, 1.5, "7", True, 10**20, None])
def test_a_count_that_is_none_is_not_counted(count: Any) -> None:
    assert read_answer({"usage": {"input_tokens": count}}).input_tokens is None


@pytest.mark.parametrize(
    ("content", "reasoning", "answer"),
    [
        ("<reasoning>Hm. </div>", "Hm. </div>", ""),  # cut off at its bound of tokens, as gpt-oss does
        ("First, this.\nThen that.\n</think>\n\nYes.", "First, this.\nThen that.", "Yes."),  # as DeepSeek does
        ("The tag </think> ends it.", "", "The tag </think> ends it."),
        ("<b>Yes</b>", "", "<b>Yes</b>"),
    ],
)
def test_thoughts_without_their_beginning_or_end_are_kept_apart(content: str, reasoning: str, answer: str) -> None:
    found = read_answer(chat(content=content))
    assert (found.reasoning, found.text) == (reasoning, answer)


def test_cohere_s_tokens_stand_deeper() -> None:
    usage = {"billed_units": {"input_tokens": 3}, "tokens": {"input_tokens": 5, "output_tokens": 6}}
    answer = read_answer({"message": {"content": []}, "usage": usage})
    assert (answer.input_tokens, answer.output_tokens) == (5, 6)


@pytest.mark.parametrize("reason", [True, False])
def test_a_boolean_is_no_stop_reason(reason: bool) -> None:
    assert read_answer({"generation": "Hi", "stop_reason": reason}).stop_reason is None
