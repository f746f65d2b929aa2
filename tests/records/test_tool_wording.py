"""Tools that do not fit together are refused in the words of the caller's own format."""

from typing import Any

import pytest

from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Refusal

CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"


def use(name: str = "t1") -> dict[str, Any]:
    return {"toolUse": {"toolUseId": name, "name": "f", "input": {}}}


def result(name: str = "t1") -> dict[str, Any]:
    return {"toolResult": {"toolUseId": name, "content": [{"text": "4"}]}}


def converse(*turns: list[dict[str, Any]], tools: int = 1) -> str:
    """What Converse says to *turns*, the user's and the model's by turns, with so many tools named ``f``."""
    roles = ["user", "assistant"] * len(turns)
    spec = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
    messages = [{"role": role, "content": content} for role, content in zip(roles, turns, strict=False)]
    body = {"messages": messages, "toolConfig": {"tools": [spec] * tools}}
    with pytest.raises(Refusal) as refused:
        FAMILIES["converse"].read_request(body, model_id=CLAUDE, batch=False)
    return str(refused.value)


ASK = [{"text": "Ask"}]
EXPECTED = "Expected toolResult blocks at messages.2.content for the following Ids: t1"
EXCEEDS = (
    "The number of toolResult blocks at messages.{}.content exceeds the number of toolUse blocks of previous turn."
)


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ((ASK, [use()], ASK), EXPECTED),
        ((ASK, [use()], [result("t2")]), EXPECTED),
        ((ASK, [use()]), EXPECTED),
        ((ASK, [use(), use("t2")], ASK), f"{EXPECTED}, t2"),
        (([result()],), EXCEEDS.format(0)),
        ((ASK, ASK, [result()]), EXCEEDS.format(2)),
        ((ASK, [use()], [result(), result()]), EXCEEDS.format(2)),
        ((ASK, [use()], [result(), result("t2")]), EXCEEDS.format(2)),
        ((ASK, [use(), use()], [result()]), "The toolUse blocks at messages.1.content contain duplicate Ids: t1"),
    ],
)
def test_converse_says_what_does_not_fit_together(turns: tuple[list[dict[str, Any]], ...], says: str) -> None:
    assert says in converse(*turns)
    assert "`" not in converse(*turns)


def test_converse_says_which_tool_is_there_twice() -> None:
    assert "The tool f is already defined at toolConfig.tools.1." in converse(ASK, tools=2)


def test_claude_says_it_in_its_own_words() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    messages = [{"role": "user", "content": "Ask"}, {"role": "assistant", "content": [call]}]
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 5,
        "messages": messages,
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    with pytest.raises(Refusal, match="`tool_use` ids were found without `tool_result` blocks immediately after: t1"):
        FAMILIES["anthropic"].read_request(body, model_id=CLAUDE)
