"""Each family reads its own requests, refuses others in Bedrock's words, and reads back what it writes."""

import base64
import contextlib
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.families import FAMILIES, family_for
from batchconsole.records.families.base import Answer, Completion, Refusal, Request
from tests.records.strategies import json_values, mutations

NAMES = sorted(FAMILIES)
PNG = base64.b64encode(b"\x89PNG\r\n").decode()
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MALFORMED = "Malformed input request: %s, please reformat your input and try again."
TOOLS = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {"type": "object"}}}}]}
COMPLETION = Completion(text="Paris", embedding=[3.0, 4.0], input_tokens=7, output_tokens=2, id="abc")


def refusal(name: str, body: dict[str, Any], **options: Any) -> str:
    with pytest.raises(Refusal) as caught:
        FAMILIES[name].read_request(body, **options)
    return str(caught.value)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    return FAMILIES[name].sample() | changes


@pytest.mark.parametrize("name", NAMES)
def test_a_family_accepts_its_own_sample(name: str) -> None:
    request = FAMILIES[name].read_request(sample(name))
    assert request.messages or request.embed


@pytest.mark.parametrize("name", NAMES)
def test_a_family_shows_the_question_of_its_sample(name: str) -> None:
    assert "Paris" in (text := FAMILIES[name].prompt_text(sample(name))) or "France" in text or "bicycle" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_family_reads_back_the_response_it_writes(name: str) -> None:
    family = FAMILIES[name]
    answer = family.read_response(family.write_response(sample(name), COMPLETION, model_id=SONNET))
    assert answer.text in {"Paris", "[256 dimensions]"}
    assert answer.input_tokens in {7, None}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_object_is_read_or_refused(name: str, data: st.DataObject) -> None:
    family = FAMILIES[name]
    body = data.draw(st.dictionaries(st.text(max_size=8), json_values, max_size=4) | mutations(family.sample()))
    with contextlib.suppress(Refusal):
        assert isinstance(family.read_request(body, model_id=SONNET), Request)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_object_is_an_answer(name: str, data: st.DataObject) -> None:
    family = FAMILIES[name]
    body = family.write_response(family.sample(), Completion(text="hi"), model_id="x")
    if "embedding" in body:
        body = {"embedding": [0.5], "inputTextTokenCount": 3}
    assert isinstance(family.read_response(data.draw(mutations(body))), Answer)


@pytest.mark.parametrize("name", NAMES)
def test_a_body_deeper_than_the_stack_is_refused(name: str) -> None:
    body: dict[str, Any] = {}
    for _ in range(100_000):
        body = {"messages": [body]}
    refusal(name, body)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("anthropic", {"modelId": "x"}, "modelId: Extra inputs are not permitted"),
        ("anthropic", {"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        ("anthropic", {"messages": []}, "messages: at least one message is required"),
        ("nova", {"anthropic_version": "x"}, MALFORMED % "#: extraneous key [anthropic_version] is not permitted"),
        ("llama", {"max_gen_len": "2"}, MALFORMED % "#/max_gen_len: expected type: Integer, found: String"),
        ("converse", {"toolConfig": TOOLS}, "Tool use is not supported for Converse batch inference requests."),
        ("openai_chat", {"modelId": "x"}, "modelId: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_known_mistakes_are_refused_in_bedrocks_words(name: str, changes: dict[str, Any], message: str) -> None:
    assert refusal(name, sample(name, **changes)) == message


def test_anthropic_without_its_version_is_refused() -> None:
    body = sample("anthropic")
    del body["anthropic_version"]
    assert refusal("anthropic", body) == "anthropic_version: Field required"


def test_temperature_and_top_p_together_are_refused_where_the_model_refuses_them() -> None:
    body = sample("anthropic", temperature=0.5, top_p=0.5)
    assert "cannot both be specified" in refusal("anthropic", body, model_id=SONNET)
    assert FAMILIES["anthropic"].read_request(body, model_id="anthropic.claude-3-haiku-20240307-v1:0").top_p == 0.5


def test_max_tokens_above_the_models_limit_are_refused() -> None:
    message = refusal("anthropic", sample("anthropic", max_tokens=64_001), model_id=SONNET)
    assert message.startswith("max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens")


def test_converse_tools_are_taken_by_the_runtime_api() -> None:
    request = FAMILIES["converse"].read_request(sample("converse", toolConfig=TOOLS), batch=False)
    assert request.tools[0]["function"]["name"] == "t"


def test_converse_refuses_a_block_with_two_members() -> None:
    block = {"text": "a", "cachePoint": {"type": "default"}}
    assert "exactly one member" in refusal("converse", {"messages": [{"role": "user", "content": [block]}]})


def test_converse_takes_explicit_nulls_for_unset_members() -> None:
    block = {"text": "a", "image": None, "toolUse": None}
    request = FAMILIES["converse"].read_request({"messages": [{"role": "user", "content": [block]}]})
    assert request.messages == [{"role": "user", "content": "a"}]


def test_converse_must_begin_with_the_user_and_alternate() -> None:
    def message(role: str) -> dict[str, Any]:
        return {"role": role, "content": [{"text": "a"}]}

    assert "must start with a user" in refusal("converse", {"messages": [message("assistant")]})
    assert "must alternate" in refusal("converse", {"messages": [message("user"), message("user")]})


def test_image_bytes_become_a_data_url() -> None:
    block = {"image": {"format": "png", "source": {"bytes": PNG}}}
    request = FAMILIES["converse"].read_request({"messages": [{"role": "user", "content": [{"text": "a"}, block]}]})
    assert request.messages[0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{PNG}"},
    }


def test_an_image_in_s3_becomes_its_uri() -> None:
    block = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}
    request = FAMILIES["nova"].read_request({"messages": [{"role": "user", "content": [block]}]})
    assert request.messages[0]["content"][0]["image_url"]["url"] == "s3://bucket/a.png"


def test_anthropic_tool_use_goes_both_ways() -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "2"}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    request = FAMILIES["anthropic"].read_request(sample("anthropic", messages=messages, tools=tools))
    assert request.messages[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x":1}'}
    assert request.messages[3] == {"role": "tool", "tool_call_id": "t1", "content": "2"}
    completion = Completion(tool_calls=request.messages[2]["tool_calls"], stop_reason="tool_use")
    response = FAMILIES["anthropic"].write_response(sample("anthropic"), completion, model_id=SONNET)
    assert response["content"] == [use]


def test_llama_turns_are_read_out_of_the_prompt() -> None:
    prompt = (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>"
    )
    assert FAMILIES["llama"].read_request({"prompt": prompt}).messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_mistral_instructions_are_read_out_of_the_prompt() -> None:
    body = {"prompt": "<s>[INST] Hi [/INST] Hello</s>[INST] Bye [/INST]"}
    assert [message["content"] for message in FAMILIES["mistral"].read_request(body).messages] == ["Hi", "Hello", "Bye"]


def test_mistral_chat_is_answered_as_chat() -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    response = FAMILIES["mistral"].write_response(body, COMPLETION, model_id="x")
    assert response["choices"][0]["message"]["content"] == "Paris"


def test_an_embedding_has_the_dimensions_asked_for_and_length_one() -> None:
    response = FAMILIES["titan_embeddings"].write_response(sample("titan_embeddings"), COMPLETION, model_id="x")
    assert response["embedding"][:3] == [0.6, 0.8, 0.0]
    assert len(response["embedding"]) == 256


def test_the_answer_of_a_converse_output_with_nulls_is_its_text() -> None:
    blocks = [{"text": "a", "image": None, "toolUse": None}, {"text": None, "toolUse": {"name": "f"}}]
    response = {"output": {"message": {"content": blocks}}, "stopReason": "end_turn", "usage": None}
    assert FAMILIES["converse"].read_response(response) == Answer(text="a", stop_reason="end_turn")


@pytest.mark.parametrize("name", NAMES)
def test_responses_are_json(name: str) -> None:
    msgspec.json.encode(FAMILIES[name].write_response(sample(name), COMPLETION, model_id=SONNET))


@pytest.mark.parametrize(
    ("model_id", "invocation_type", "name"),
    [
        ("amazon.nova-lite-v1:0", "Converse", "converse"),
        ("amazon.nova-lite-v1:0", "InvokeModel", "nova"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama4-scout-17b-instruct-v1:0",
         "InvokeModel", "llama"),
        ("anthropic.claude-opus-9", "InvokeModel", "anthropic"),
        ("mistral.mistral-large-2407-v1:0", "InvokeModel", "mistral"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl", "InvokeModel", None),
    ],
)  # fmt: skip
def test_the_family_of_a_model(model_id: str, invocation_type: str, name: str | None) -> None:
    family = family_for(model_id, invocation_type)
    assert (family.name if family else None) == name


FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
from batchconsole.records.families import FAMILIES
together = threading.Barrier(16)
def parse():
    together.wait()
    FAMILIES["converse"].parse({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]})
threads = [threading.Thread(target=parse) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_threads_may_use_a_family_first_at_once() -> None:
    """msgspec crashes when two threads learn one type; about every second process of these did."""
    started = [subprocess.Popen([sys.executable, "-c", FIRST_USE]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4


@pytest.mark.parametrize(("family", "name", "kind"), [("converse", "image", "png"), ("nova", "video", "mp4")])
def test_media_in_s3_are_found_in_tool_results_too(family: str, name: str, kind: str) -> None:
    holder = {name: {"format": kind, "source": {"s3Location": {"uri": "s3://bucket/a"}}}}
    block = {"toolResult": {"toolUseId": "t1", "content": [{"text": "a"}, holder]}}
    found: Any = FAMILIES[family]
    body = found.parse({"messages": [{"role": "user", "content": [block]}]})
    path = f"$.messages[0].content[0].toolResult.content[1].{name}.source.s3Location.uri"
    assert list(found.media(body)) == [(path, "s3://bucket/a")]
