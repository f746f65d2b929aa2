"""Plain output lines: read the short way, they say what the long way says, and all others are left to it."""

import json
from typing import Any

import msgspec
import pytest

from batchconsole.records import files
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.answers import GUARDRAIL, read_answer
from batchconsole.records.plain_lines import plain_decoder
from batchconsole.records.results import MOST_NOT_PLAIN, scan

USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
CLAUDE_USAGE = {"input_tokens": 1, "output_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 0}}


def converse(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, **members}


def claude(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"content": list(blocks), "stop_reason": "end_turn", "usage": CLAUDE_USAGE, **members}


def chat(content: Any, **members: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": None, "tool_calls": [], **members}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def line(output: Any, **members: Any) -> bytes:
    return json.dumps({"modelInput": {}, "modelOutput": output, "recordId": "r", **members}).encode()


@pytest.mark.parametrize(
    ("family", "output"),
    [
        ("converse", converse({"text": "a", "image": None, "toolUse": None})),
        ("converse", converse({"text": "a"}, {"text": ""}, {"text": "b"})),
        ("converse", converse()),
        (
            "nova",
            converse({"text": "a"}, usage=USAGE | {"cacheReadInputTokenCount": 5, "cacheWriteInputTokenCount": 0}),
        ),
        ("nova", converse({"text": "a"}, usage=USAGE | {"cacheReadInputTokens": 5, "cacheWriteInputTokens": 6})),
        ("converse", converse({"text": "a"}, stopReason=None, usage={}, metrics={"latencyMs": 1})),
        ("anthropic", claude({"type": "text", "text": "a", "citations": [{"cited_text": "x"}]}, {"text": "b"})),
        ("anthropic", claude({"text": "a"}, stop_reason="refusal", stop_details={"explanation": "no"})),
        (
            "anthropic",
            claude(
                {"text": "a"}, usage={"cache_read_input_tokens": 4, "cache_creation_input_tokens": 5}, type="message"
            ),
        ),
        ("openai_chat", chat("Hello")),
        ("openai_chat", chat("<reasoning>Hm.</reasoning>Hello")),
        ("openai_chat", chat("Hm.\n</think>\n\nHello")),
        ("deepseek", chat("", usage={})),
    ],
)
def test_a_plain_answer_is_what_the_long_way_makes_of_it(family: str, output: Any) -> None:
    decode = plain_decoder(FAMILIES[family])
    assert decode is not None
    assert decode(line(output)).answer() == read_answer(output)


@pytest.mark.parametrize(
    ("family", "output"),
    [
        ("converse", converse({"text": None, "toolUse": {"name": "a", "input": {}}})),
        ("converse", converse({"reasoningContent": {}}, {"text": "a"})),
        ("converse", converse({"text": "a"}, **{GUARDRAIL: "INTERVENED"})),
        ("converse", converse({"text": "a"}, usage={"inputTokens": -1})),
        ("converse", converse({"text": "a"}, stopReason=5)),
        ("converse", {"output": [], "usage": {}}),
        ("anthropic", claude(stop_reason="refusal", stop_details={"explanation": "no"})),
        ("anthropic", claude({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"})),
        ("anthropic", claude({"type": "text", "text": "a"}, output={"message": {}})),
        ("anthropic", converse({"text": "a"})),
        ("openai_chat", chat("No.", refusal="No.")),
        ("openai_chat", chat("a", reasoning_content="Hm.")),
        ("openai_chat", chat("a", tool_calls=[{"function": {"name": "f", "arguments": "{}"}}])),
        ("openai_chat", chat([{"type": "text", "text": "a"}])),
        ("openai_chat", {"choices": chat("a")["choices"] * 2, "usage": {}}),
        ("deepseek", {"choices": [{"text": "a", "stop_reason": "stop"}]}),
    ],
)
def test_any_other_answer_is_left_to_the_long_way(family: str, output: Any) -> None:
    decode = plain_decoder(FAMILIES[family])
    assert decode is not None
    with pytest.raises(msgspec.DecodeError):
        decode(line(output))


def test_lines_of_all_kinds_are_counted_in_their_order() -> None:
    odd, plain = converse({"reasoningContent": {}}, {"text": "a"}), converse({"text": "a"})
    lines = [line(plain), *[line(odd)] * (MOST_NOT_PLAIN + 2), b"", b" \r", line(plain, error={}), b"{", line(plain)]
    found = scan([files.from_bytes("a.out", b"\n".join(lines))], FAMILIES["converse"])
    assert (found.totals.records, found.totals.failed) == (MOST_NOT_PLAIN + 6, 1)
    assert found.totals.output_tokens == 2 * (MOST_NOT_PLAIN + 5)
    assert found.index.place(MOST_NOT_PLAIN + 3).start == sum(len(each) + 1 for each in lines[: MOST_NOT_PLAIN + 5])
