"""Forms that the families' own documentation shows pass, and refusals it tells of are found."""

from typing import Any

import pytest

from tests.records.test_rules import ANSWER, CALL, HAIKU, SONNET_46, TEXT, TOOL, claude, codes, converse, document, talk

TITAN, LLAMA, MISTRAL = (
    "amazon.titan-text-express-v1",
    "us.meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
)
GPT, NOVA_2, OPUS_46 = "openai.gpt-oss-20b-1:0", "us.amazon.nova-2-lite-v1:0", "us.anthropic.claude-opus-4-6-v1"
EMBED, MULTIMODAL = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"
CHAT = [{"role": "user", "content": "Hi"}]
BLOCKS = [{"role": "user", "content": [{"text": "Hi"}]}]
REASONING = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}
HIGH = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}
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


SHOWN = [
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
TOLD = [
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
    assert codes(body, model_id) <= {"model-without-batch"}


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
