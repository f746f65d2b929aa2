"""Bodies written in each shape are read by the family they are for, with the same words in them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.bodies import SHAPES, write
from batchconsole.records.body_parts import Untranslatable
from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Request

EMBEDDINGS = [shape.name for shape in SHAPES.values() if not shape.takes_system]
CHATS = [shape.name for shape in SHAPES.values() if shape.takes_system]
MULTI_TURN = [name for name in CHATS if name != "titan_text"]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def question(**settings: Any) -> Request:
    return Request(messages=[{"role": "system", "content": "Be brief."}, user("Why is the sky blue?")], **settings)


def read(shape: str, body: dict[str, Any]) -> Request:
    return FAMILIES[SHAPES[shape].family].read_request(body)


@pytest.mark.parametrize("shape", CHATS)
def test_a_question_with_a_system_prompt_is_read_back(shape: str) -> None:
    body = write(shape, question(max_tokens=100, temperature=0.5))
    found = read(shape, body)
    said = " ".join(message["content"] for message in found.messages)
    assert "Be brief." in said
    assert "Why is the sky blue?" in said
    assert (found.max_tokens, found.temperature) == (100, 0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_but_a_text_is_enough(shape: str) -> None:
    found = read(shape, write(shape, Request(messages=[user("Hello")])))
    assert "Hello" in (found.embed or found.messages[-1]["content"])


@pytest.mark.parametrize("shape", MULTI_TURN)
def test_a_conversation_keeps_its_turns(shape: str) -> None:
    turns = [user("One"), {"role": "assistant", "content": "Two"}, user("Three")]
    found = read(shape, write(shape, Request(messages=turns)))
    assert [(turn["role"], turn["content"]) for turn in found.messages] == [
        ("user", "One"),
        ("assistant", "Two"),
        ("user", "Three"),
    ]


@pytest.mark.parametrize("shape", ["titan_text", *EMBEDDINGS])
def test_one_text_takes_no_conversation(shape: str) -> None:
    with pytest.raises(Untranslatable, match="several turns"):
        write(shape, Request(messages=[user("One"), user("Two")]))


@pytest.mark.parametrize("shape", ["converse", "nova", "anthropic", "openai_chat"])
def test_an_image_given_as_data_is_carried(shape: str) -> None:
    body = write(shape, Request(messages=[user([{"type": "text", "text": "What is it?"}, IMAGE])]))
    found = read(shape, body)
    assert any(part.get("type") == "image_url" for part in found.messages[0]["content"])


@pytest.mark.parametrize("shape", ["llama", "mistral", "titan_text"])
def test_a_prompt_has_no_place_for_images(shape: str) -> None:
    with pytest.raises(Untranslatable, match="no place"):
        write(shape, Request(messages=[user([IMAGE])]))


def test_an_image_on_the_web_is_not_fetched() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    with pytest.raises(Untranslatable, match="does not fetch"):
        write("converse", Request(messages=[user([image])]))


def test_tools_are_not_carried() -> None:
    with pytest.raises(Untranslatable, match="tools"):
        write("converse", Request(messages=[user("Hello")], tools=[{"type": "function"}]))


def test_claude_gets_the_bound_it_must_have() -> None:
    assert write("anthropic", Request(messages=[user("Hello")]))["max_tokens"] > 0


def test_only_converse_records_are_for_converse() -> None:
    assert {name for name, shape in SHAPES.items() if shape.invocation_type == "Converse"} == {"converse"}


@given(st.text().filter(str.strip), st.sampled_from(["converse", "nova", "anthropic", "openai_chat"]))
def test_any_text_comes_back_as_it_was(text: str, shape: str) -> None:
    assert read(shape, write(shape, Request(messages=[user(text)]))).messages[-1]["content"] == text
