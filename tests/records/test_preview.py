"""The preview: the first records as the model will see them, whatever the bytes are."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.families import FAMILIES
from batchconsole.records.preview import MAX_CHARACTERS, MAX_TURNS, RecordPreview, preview

NOVA = "amazon.nova-lite-v1:0"
MODELS = {
    "converse": NOVA,
    "anthropic": "anthropic.claude-sonnet-4-6",
    "nova": NOVA,
    "llama": "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral": "mistral.mistral-large-2407-v1:0",
    "titan_text": "amazon.titan-text-express-v1",
    "titan_embeddings": "amazon.titan-embed-text-v2:0",
    "openai_chat": "openai.gpt-oss-20b-1:0",
    "deepseek": "deepseek.v3-v1:0",
    "titan_multimodal_embeddings": "amazon.titan-embed-image-v1",
}


def line(body: Any, record_id: str = "a") -> bytes:
    return json.dumps({"recordId": record_id, "modelInput": body}).encode() + b"\n"


def shown(data: bytes, *, whole: bool = True, model_id: str = NOVA, kind: str = "Converse") -> list[RecordPreview]:
    return preview(data, whole=whole, model_id=model_id, invocation_type=kind)


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


def test_it_works() -> None:
    body = user({"text": "Hello"}) | {
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 9, "topP": 0.5},
    }
    record = shown(line(body))[0]
    assert (record.line, record.record_id, record.error) == (1, "a", "")
    assert [(turn.role, turn.text) for turn in record.turns] == [("system", "Be brief."), ("user", "Hello")]
    assert record.settings == [("max_tokens", "9"), ("top_p", "0.5")]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_shows_its_sample(name: str) -> None:
    kind = "Converse" if name == "converse" else "InvokeModel"
    record = shown(line(FAMILIES[name].sample()), model_id=MODELS[name], kind=kind)[0]
    assert (record.error, bool(record.turns[-1].text)) == ("", True)


def test_only_the_first_records_are_shown_and_blank_lines_are_not() -> None:
    data = b"\n".join([b"", *(line(user({"text": "x"}), str(number)).strip() for number in range(9))])
    assert [(record.line, record.record_id) for record in shown(data)] == [(2, "0"), (3, "1"), (4, "2")]


def test_a_line_that_is_cut_off_is_not_shown() -> None:
    data = line(user({"text": "x"})) * 2
    assert len(shown(data[:-20], whole=False)) == 1
    assert shown(data[:20], whole=False) == []


def test_a_byte_order_mark_hides_nothing() -> None:
    assert shown(b"\xef\xbb\xbf" + line(user({"text": "x"})))[0].error == ""


@pytest.mark.parametrize("data", [b"{", b"[1]", b'{"recordId": "a"}', b'{"modelInput": 5}', b"a,b,c", b"\xff\x00"])
def test_what_is_no_record_is_shown_as_it_is(data: bytes) -> None:
    record = shown(data)[0]
    assert record.error
    assert record.turns[0].text == data.decode("utf-8", "replace")


def test_a_record_the_model_would_refuse_says_so_and_keeps_its_id() -> None:
    record = shown(line({"messages": []}, "r-1"))[0]
    assert record.error
    assert record.record_id == "r-1"


def test_an_unknown_format_shows_the_body() -> None:
    record = shown(line({"prompt": "x"}), model_id="somebody.new", kind="InvokeModel")[0]
    assert (record.error, record.turns[0].role) == ("", "modelInput")


def test_an_image_is_a_word() -> None:
    image = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/in/a.png"}}}}
    assert "[image s3://bucket/in/a.png]" in shown(line(user(image, {"text": "What is it?"})))[0].turns[0].text


def test_long_texts_and_long_conversations_are_cut() -> None:
    turns = [{"role": role, "content": [{"text": "x" * 5000}]} for role in ["user", "assistant"] * 20 + ["user"]]
    record = shown(line({"messages": turns}))[0]
    assert (len(record.turns), record.turns_left_out) == (MAX_TURNS, 41 - MAX_TURNS)
    assert (len(record.turns[0].text), record.turns[0].left_out) == (MAX_CHARACTERS, 5000 - MAX_CHARACTERS)


snippets = st.sampled_from(
    [b"\n", b"{", b"[" * 3000, b'{"recordId":1,"modelInput":{"messages":[{"role":"user",', b'"\\ud800"']
)


@given(
    data=st.lists(snippets | st.binary(max_size=20), max_size=9).map(b"".join),
    kind=st.sampled_from(["Converse", "InvokeModel"]),
)
def test_any_bytes_are_shown_somehow(data: bytes, kind: str) -> None:
    found = shown(data, kind=kind)
    assert msgspec.json.decode(msgspec.json.encode(found), type=list[RecordPreview]) == found
    assert len(found) <= 3
