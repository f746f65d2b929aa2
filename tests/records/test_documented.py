"""Forms that the families' own documentation shows pass, and refusals it tells of are found."""

from typing import Any

import pytest

from batchconsole.records.families import FAMILIES
from batchconsole.records.families.base import Completion
from tests.records.test_rules import (
    ANSWER,
    CALL,
    HAIKU,
    PNG,
    SONNET_46,
    TEXT,
    TOOL,
    claude,
    codes,
    converse,
    document,
    talk,
)

TITAN, LLAMA, MISTRAL = (
    "amazon.titan-text-express-v1",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
)
GPT, NOVA_2, OPUS_46 = "openai.gpt-oss-20b-1:0", "us.amazon.nova-2-lite-v1:0", "us.anthropic.claude-opus-4-6-v1"
EMBED, MULTIMODAL = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"
CHAT = [{"role": "user", "content": "Hi"}]
BLOCKS: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "Hi"}]}]
REASONING: dict[str, Any] = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}
HIGH: dict[str, Any] = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}
RESULTS = ["web_search", "web_fetch", "code_execution", "bash_code_execution", "text_editor_code_execution"]
CACHED = TEXT | {"cache_control": {"type": "ephemeral"}}

THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
ANY_OF = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def formatted(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}}


SHOWN: list[tuple[dict[str, Any], str]] = [
    ({"inputText": "Hi", "textGenerationConfig": {"maxTokenCount": 9, "stopSequences": ["|", "User:"]}}, TITAN),
    ({"prompt": "Hi", "max_gen_len": 512, "temperature": 0.5, "top_p": 0.9}, LLAMA),
    ({"prompt": "Hi", "images": ["aGVsbG8="]}, "us.meta.llama3-2-11b-instruct-v1:0"),
    ({"prompt": "<s>[INST] Hi [/INST]", "max_tokens": 9, "stop": ["x"], "top_p": 0.9, "top_k": 50}, MISTRAL),
    ({"messages": CHAT, "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, MISTRAL),
    ({"messages": CHAT} | formatted(CITY), GPT),
    ({"messages": CHAT} | formatted(CITY), MISTRAL),
    ({"messages": CHAT, "max_completion_tokens": 9, "reasoning_effort": "low", "seed": 1, "logprobs": True}, GPT),
    ({"messages": [*CHAT, {"role": "assistant", "content": ""}, *CHAT]}, GPT),
    ({"messages": BLOCKS, "inferenceConfig": {"max_new_tokens": 9, "top_k": 20}}, NOVA_2),
    ({"messages": BLOCKS, "inferenceConfig": {"maxTokens": 9}} | REASONING, NOVA_2),
    ({"inputText": "Hi", "dimensions": 512, "normalize": True, "embeddingTypes": ["binary"]}, EMBED),
    ({"inputText": "Hi", "inputImage": "aGVsbG8=", "embeddingConfig": {"outputEmbeddingLength": 384}}, MULTIMODAL),
]  # fmt: skip
MINISTRAL, KIMI = "mistral.ministral-3-8b-instruct", "moonshotai.kimi-k2.5"
DATA_URL = f"data:image/png;base64,{PNG}"
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def part(**member: Any) -> list[dict[str, Any]]:
    """A question with a part of the kind that *member* names."""
    return [{"role": "user", "content": [{"type": next(iter(member)), **member}, {"type": "text", "text": "What?"}]}]


def echoed(**members: Any) -> list[dict[str, Any]]:
    """A conversation that says back an answer with *members*."""
    return [*CHAT, {"role": "assistant", "content": None, **members}, *CHAT]


def called(**call: Any) -> dict[str, Any]:
    turns = [{"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "name": "f", "content": "1"}]
    return {"messages": [*CHAT, *turns], "tools": [FUNCTION]}


# Forms of chat completions: https://docs.mistral.ai/api/, https://platform.openai.com/docs/api-reference/chat,
# https://docs.vllm.ai/en/latest/features/multimodal_inputs.html, https://huggingface.co/Qwen.
SHOWN += [
    ({"messages": part(image_url=DATA_URL)}, MINISTRAL),
    ({"messages": part(image_url={"url": DATA_URL, "detail": "high"})}, MINISTRAL),
    ({"messages": part(document_url="data:application/pdf;base64,aGk=")}, MINISTRAL),
    ({"messages": part(input_audio="aGk=")}, "mistral.voxtral-mini-3b-2507"),
    ({"messages": part(input_audio={"data": "aGk=", "format": "wav"})}, KIMI),
    ({"messages": part(video_url={"url": "data:video/mp4;base64,aGk="})}, KIMI),
    ({"messages": part(video=["data:image/png;base64,aGk="])}, "qwen.qwen3-vl-235b-a22b"),
    ({"messages": echoed(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}])}, MINISTRAL),
    ({"messages": echoed(content=[{"type": "reference", "reference_ids": [1]}])}, MINISTRAL),
    ({"messages": echoed(refusal="No.")}, GPT),
    ({"messages": echoed(audio={"id": "a"})}, GPT),
    ({"messages": echoed(reasoning_content="Hm.")}, KIMI),
    ({"messages": echoed(function_call={"name": "f", "arguments": "{}"})}, GPT),
    ({"messages": [*CHAT, {"role": "function", "name": "f", "content": "1"}]}, GPT),
    (called(function={"name": "f", "arguments": {"a": 1}}), MINISTRAL),
    (called(id="c1", type="custom", custom={"name": "f", "input": "x"}), GPT),
    ({"messages": CHAT, "tools": [{"function": {"name": "f", "parameters": {}}}]}, MINISTRAL),
    ({"messages": CHAT, "tools": [{"type": "custom", "custom": {"name": "f"}}]}, GPT),
    ({"messages": CHAT, "tools": [{"type": "web_search"}]}, MINISTRAL),
    ({"prompt": "Hi", "max_tokens": 512, "temperature": 0.5, "top_p": 0.9, "stop": ["x"]}, "us.deepseek.r1-v1:0"),
    ({"prompt": "Hi", "max_tokens": 512}, "deepseek.v3-v1:0"),
    ({"messages": CHAT, "max_tokens": 512}, "deepseek.v3-v1:0"),
    # https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-invoke-api.html
    ({"messages": BLOCKS, "inferenceConfig": {"maxTokens": 9, **REASONING}}, NOVA_2),
    # https://docs.aws.amazon.com/nova/latest/nova2-userguide/embeddings.html, and what Nova makes beside text
    ({"taskType": "SINGLE_EMBEDDING", "schemaVersion": "nova-multimodal-embed-v1"},
     "amazon.nova-2-multimodal-embeddings-v1:0"),
    ({"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "A cat."}}, "amazon.nova-canvas-v1:0"),
]  # fmt: skip
TOLD: list[tuple[dict[str, Any], str, str]] = [
    ({"inputText": "Hi", "textGenerationConfig": {"stopSequences": ["\n"]}}, TITAN, "stop-sequence-refused"),
    ({"inputText": " "}, TITAN, "blank-text"),
    ({"prompt": "Hi", "max_gen_len": 9, "top_k": 5}, LLAMA, "unknown-field"),
    ({"prompt": "Hi", "images": ["aGVsbG8="]}, LLAMA, "modality-refused"),
    ({"prompt": "Hi", "messages": CHAT}, MISTRAL, "prompt-or-messages"),
    ({"messages": CHAT, "stream": True}, GPT, "stream"),
    ({"messages": CHAT} | formatted({"type": "string", "minLength": 1}), GPT, "schema-unsupported"),
    ({"messages": CHAT} | formatted({"type": "array", "maxItems": 5}), GPT, "schema-unsupported"),
    ({"messages": CHAT, "modelId": GPT}, GPT, "unknown-field"),
    ({"messages": BLOCKS, "inferenceConfig": {"topP": 1.5}}, NOVA_2, "wrong-value"),
    ({"messages": BLOCKS, "reasoningConfig": {"type": "on"}}, NOVA_2, "reasoning-type"),
    ({"inputText": "Hi", "dimensions": 300}, EMBED, "wrong-value"),
    ({"embeddingConfig": {"outputEmbeddingLength": 256}}, MULTIMODAL, "no-input"),
    ({"messages": CHAT, "tools": [{"name": "f", "input_schema": {}}]}, GPT, "tool-without-function"),
    (called(id="c1"), GPT, "call-without-function"),
    ({"messages": echoed()}, GPT, "no-content"),
    ({"messages": CHAT, "system": "Be brief."}, GPT, "foreign-setting"),
    ({"messages": CHAT, "anthropic_version": "bedrock-2023-05-31"}, GPT, "foreign-setting"),
    ({"messages": CHAT, "prompt": "Hi"}, "deepseek.v3-v1:0", "prompt-or-messages"),
    ({"prompt": " "}, "deepseek.v3-v1:0", "blank-text"),
    ({"max_tokens": 9}, "deepseek.v3-v1:0", "no-messages"),
    ({"messages": BLOCKS, "inferenceConfig": {"maxTokens": 9, **HIGH}}, NOVA_2, "beside-high-effort"),
    # https://github.com/zed-industries/zed/issues/31815
    ({"messages": BLOCKS, "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {
        "type": "object", "definitions": {}}}}}]}}, "us.amazon.nova-premier-v1:0", "tool-schema-definitions"),
]  # fmt: skip


def thought(**members: Any) -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": members}}


def said(*content: dict[str, Any], model_id: str = HAIKU) -> set[str]:
    """The codes of a Converse body whose assistant says *content*, the user asking before and after."""
    asked = {"role": "user", "content": [{"text": "a"}]}
    turns = [asked, {"role": "assistant", "content": [*content, {"text": "b"}]}, asked]
    return converse(messages=turns, model_id=model_id)


def nova_tool(schema: dict[str, Any]) -> set[str]:
    config = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": schema}}}]}
    return codes({"messages": BLOCKS, "toolConfig": config}, NOVA_2)


@pytest.mark.parametrize(("body", "model_id"), SHOWN)
def test_a_form_that_is_shown_passes(body: dict[str, Any], model_id: str) -> None:
    assert codes(body, model_id) <= {"model-without-batch", "unknown-format"}


@pytest.mark.parametrize(("body", "model_id", "code"), TOLD)
def test_a_refusal_that_is_told_of_is_found(body: dict[str, Any], model_id: str, code: str) -> None:
    assert code in codes(body, model_id)


@pytest.mark.parametrize(
    "found",
    [
        lambda: claude(tools=[{"type": "mcp_toolset", "mcp_server_name": "x"}, TOOL]),
        lambda: claude(thinking={"type": "adaptive"}, tools=[TOOL], tool_choice={"type": "any"}, model_id=OPUS_46),
        lambda: claude(thinking={"type": "between_tools"}, model_id=SONNET_46),
        lambda: claude(output_config={"effort": "max"}, model_id=OPUS_46),
        lambda: talk("a", ""),
        lambda: talk("a", [CALL], [ANSWER, TEXT], tools=[TOOL]),
        lambda: claude(*[CACHED] * 4),
        lambda: talk("a", [THINKING, TEXT], "b"),
        lambda: talk("a", [THINKING | {"thinking": ""}, TEXT], "b"),
        lambda: claude(tools=[{"type": "bash_20250124", "name": "bash"}], anthropic_beta=["computer-use-2025-01-24"]),
        lambda: claude(tools=[TOOL | {"input_schema": {"type": "object", "properties": {"a": ANY_OF}}}]),
        lambda: said(thought(text="x", signature="s")),
        lambda: said(thought(text="", signature="s")),
        lambda: said(thought(text="x"), model_id=GPT),
        lambda: said({"reasoningContent": {"redactedContent": "aGk="}}),
        lambda: converse({"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}}),
        lambda: nova_tool({"type": "object"} | ANY_OF),
        lambda: codes({"prompt": "<s>[INST] Hi [/INST]", "max_tokens": 9}, "mistral.mistral-large-2402-v1:0"),
        *(
            lambda kind=kind: talk(
                "a", [TEXT, {"type": f"{kind}_tool_result", "tool_use_id": "s1", "content": []}], "b"
            )
            for kind in RESULTS
        ),
        lambda: converse(additionalModelRequestFields=REASONING, model_id=NOVA_2),
        lambda: converse(additionalModelRequestFields={"anthropic_beta": ["context-1m-2025-08-07"], "top_k": 5}),
    ],
)
def test_a_form_of_claude_and_converse_that_is_shown_passes(found: Any) -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (lambda: claude(output_config={"effort": "xhigh"}, model_id=OPUS_46), "effort-refused"),
        (lambda: claude(output_config={"effort": "great"}), "effort-unknown"),
        (lambda: talk("a", [CALL], [TEXT, ANSWER], tools=[TOOL]), "tool-result-order"),
        (lambda: claude(*[CACHED] * 5), "too-many-cache-controls"),
        (lambda: claude(TEXT | {"cache_control": {"type": "ephemeral", "ttl": "2h"}}), "wrong-value"),
        (lambda: claude({"type": "image", "source": {"type": "url", "url": "https://x"}}, TEXT), "source-type"),
        (lambda: claude(tools=[{"input_schema": {"type": "object"}}]), "tool-name"),
        (lambda: claude(container="c"), "not-documented-for-bedrock"),
        # https://github.com/can1357/oh-my-pi/pull/10486 and, through Converse, https://github.com/maximhq/bifrost/pull/6942
        (lambda: talk("a", [THINKING | {"signature": ""}, TEXT], "b"), "unsigned-thinking"),
        (lambda: said(thought(text="x")), "unsigned-thinking"),
        (lambda: said(thought(text="x", signature="")), "unsigned-thinking"),
        # https://github.com/danny-avila/LibreChat/pull/13888
        (lambda: said(thought(text=None, signature="s")), "reasoning-text"),
        # https://github.com/aws-samples/bedrock-chat/issues/637
        (lambda: converse({"guardContent": {"text": {"text": " "}}}, {"text": "a"}), "blank-text"),
        # https://github.com/trycua/cua/issues/3303
        (lambda: claude(tools=[TOOL | {"input_schema": {"type": "object"} | ANY_OF}]), "tool-schema-combined"),
        # https://github.com/code-yeongyu/senpi/issues/1947
        (lambda: nova_tool(ANY_OF), "tool-schema"),
        # https://github.com/dirac-run/dirac/issues/57
        (lambda: claude(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]), "tool-type"),
        (lambda: converse(*[document(f"d{n}") for n in range(6)], {"text": "a"}), "too-many-documents"),
        (lambda: converse(additionalModelRequestFields={"topK": 5}, model_id=HAIKU), "unknown-additional-field"),
        (
            lambda: converse(inferenceConfig={"maxTokens": 9}, additionalModelRequestFields=HIGH, model_id=NOVA_2),
            "beside-high-effort",
        ),
    ],
)
def test_a_refusal_of_claude_and_converse_that_is_told_of_is_found(found: Any, code: str) -> None:
    assert code in found()


def test_what_mistral_writes_otherwise_is_read_as_openai_has_it() -> None:
    turns = [*part(image_url=DATA_URL), *called(function={"name": "f", "arguments": {"a": 1}})["messages"][1:]]
    question, call, _ = FAMILIES["openai_chat"].read_request({"messages": turns, "tools": [FUNCTION]}).messages
    assert question["content"][0] == {"type": "image_url", "image_url": {"url": DATA_URL}}
    function = {"name": "f", "arguments": '{"a":1}'}
    assert call["tool_calls"] == [{"id": "call_1_0", "type": "function", "function": function}]


def test_the_turns_of_a_prompt_for_deepseek_are_read_and_answered_in_its_shape() -> None:
    prompt = "<\uff5cbegin\u2581of\u2581sentence\uff5c>Be brief.<\uff5cUser\uff5c>Hi<\uff5cAssistant\uff5c><think>\n"
    family = FAMILIES["deepseek"]
    turns = family.read_request({"prompt": prompt}).messages
    assert turns == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    answer = family.write_response({"prompt": prompt}, Completion(text="Hello"), model_id="deepseek.r1-v1:0")
    assert answer == {"choices": [{"text": "Hello", "stop_reason": "stop"}]}
