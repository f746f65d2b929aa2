"""Rules on content, tools and settings: what a model refuses is found, and what it takes is not complained of."""

import base64
import json
from typing import Any

import pytest

from batchconsole.records import files, preflight
from batchconsole.records.limits import Limits
from batchconsole.records.report import Report

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS_5 = "us.anthropic.claude-opus-5"
SONNET_46 = "us.anthropic.claude-sonnet-4-6"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
PDF = base64.b64encode(b"%PDF-1.7\n%\xe2\xe3").decode()
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
ANSWER = {"type": "tool_result", "tool_use_id": "t1", "content": "2"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
OBJECT = {"type": "object", "properties": {}, "additionalProperties": False}
ANY_SIZE = Limits(min_records_per_job=0)


def checked(body: dict[str, Any], model_id: str, invocation_type: str = "InvokeModel") -> Report:
    line = json.dumps({"recordId": "r1", "modelInput": body}).encode() + b"\n"
    file = files.from_bytes("input.jsonl", line)
    return preflight.check([file], model_id=model_id, invocation_type=invocation_type, limits=ANY_SIZE)


def codes(body: dict[str, Any], model_id: str, invocation_type: str = "InvokeModel") -> set[str]:
    return {problem.code for problem in checked(body, model_id, invocation_type).problems}


def claude(*content: Any, model_id: str = HAIKU, **fields: Any) -> set[str]:
    """The codes of what is wrong with a Claude body of one user message."""
    messages = fields.pop("messages", [{"role": "user", "content": list(content) or "Hi"}])
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4000, "messages": messages}
    return codes(body | fields, model_id)


def talk(*turns: Any, **fields: Any) -> set[str]:
    """The same for turns that begin with the user."""
    roles = ("user", "assistant")
    return claude(messages=[{"role": roles[n % 2], "content": turn} for n, turn in enumerate(turns)], **fields)


def converse(*content: Any, model_id: str = HAIKU, **fields: Any) -> set[str]:
    messages = fields.pop("messages", [{"role": "user", "content": list(content) or [{"text": "Hi"}]}])
    return codes({"messages": messages} | fields, model_id, "Converse")


def image(data: str = PNG, media_type: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def pdf(data: str = PDF, media_type: str = "application/pdf") -> dict[str, Any]:
    return {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}}


TEXT = {"type": "text", "text": "What is it?"}
BLANK = {"type": "text", "text": " \n"}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (lambda: claude(BLANK), "blank-text"),
        (lambda: claude({"type": "text", "text": ""}), "blank-text"),
        (lambda: claude(messages=[{"role": "user", "content": " "}]), "blank-text"),
        (lambda: talk("a", [BLANK], "b"), "blank-text"),
        (lambda: claude(system=" \t"), "blank-text"),
        (lambda: claude(system=[{"type": "text", "text": " "}]), "blank-text"),
        (lambda: talk("a", [CALL], [ANSWER | {"content": [BLANK]}], tools=[TOOL]), "blank-text"),
        (lambda: talk("a", [CALL], [ANSWER | {"content": "  "}], tools=[TOOL]), "blank-text"),
        (lambda: claude(stop_sequences=["\n"]), "blank-stop-sequence"),
        (lambda: claude(stop_sequences=["END", ""]), "blank-stop-sequence"),
        (lambda: talk("a", "The answer is "), "prefill-ends-blank"),
        (lambda: talk("a", [{"type": "text", "text": "{\n"}]), "prefill-ends-blank"),
        (lambda: talk("a", "{", model_id=SONNET_46), "prefill-refused"),
        (lambda: talk("a", "{", model_id=OPUS_5), "prefill-refused"),
        (lambda: claude(temperature=0, model_id=OPUS_5), "temperature-refused"),
        (lambda: claude(top_p=1, model_id=OPUS_5), "top_p-refused"),
        (lambda: claude(top_k=5, model_id=OPUS_5), "top_k-refused"),
        (lambda: claude(output_config={"effort": "low"}), "effort-refused"),
        (lambda: claude(image(media_type="image/jpg"), TEXT), "media-type"),
        (lambda: claude(image(media_type="image/tiff"), TEXT), "media-type"),
        (lambda: claude(image(media_type="image/jpeg"), TEXT), "image-type-differs"),
        (lambda: claude(image("aGVsbG8="), TEXT), "not-an-image"),
        (lambda: claude(image(PNG[:-4] + "A" * 5_300_000), TEXT), "image-too-large"),
        (lambda: claude(pdf(media_type="text/csv"), TEXT), "media-type"),
        (lambda: claude(pdf("aGVsbG8="), TEXT), "not-a-pdf"),
        (
            lambda: talk("a", [CALL], [ANSWER | {"content": [image(media_type="image/gif")]}], tools=[TOOL]),
            "image-type-differs",
        ),
        (lambda: claude(tools=[TOOL | {"name": "awslabs.docs"}]), "tool-name"),
        (lambda: claude(tools=[TOOL | {"name": "a" * 129}]), "tool-name"),
        (lambda: claude(tools=[TOOL, TOOL]), "repeated-tool-name"),
        (lambda: claude(tools=[{"name": "f"}]), "tool-schema"),
        (lambda: claude(tools=[{"name": "f", "type": "custom"}]), "tool-schema"),
        (lambda: claude(tools=[{"name": "f", "input_schema": {}}]), "tool-schema"),
        (lambda: claude(tools=[{"name": "f", "input_schema": {"type": "array"}}]), "tool-schema"),
        (lambda: claude(tools=[TOOL], tool_choice={"type": "all"}), "wrong-value"),
        (lambda: claude(tools=[TOOL], tool_choice={"type": "tool", "name": "g"}), "tool-choice-unknown"),
        (lambda: claude(tool_choice={"type": "any"}), "tool-choice-without-tools"),
        (lambda: talk("a", [CALL], [ANSWER]), "tool-blocks-without-tools"),
        (lambda: talk("a", [CALL], "b", tools=[TOOL]), "tool-use-without-result"),
        (lambda: talk("a", [CALL], tools=[TOOL]), "tool-use-without-result"),
        (lambda: talk("a", "b", [ANSWER], tools=[TOOL]), "tool-result-without-use"),
        (lambda: talk("a", [CALL, CALL], [ANSWER], tools=[TOOL]), "repeated-tool-use-id"),
        (lambda: talk("a", [CALL], [ANSWER, ANSWER], tools=[TOOL]), "repeated-tool-result"),
        (lambda: talk("a", [CALL | {"id": "t.1"}], [ANSWER | {"tool_use_id": "t.1"}], tools=[TOOL]), "tool-use-id"),
        (lambda: claude(thinking={"type": "enabled", "budget_tokens": 4000}), "thinking-budget"),
        (lambda: claude(thinking={"type": "enabled", "budget_tokens": 1000}), "thinking-budget"),
        (lambda: claude(thinking={"type": "enabled"}), "thinking-budget"),
        (lambda: claude(thinking={"type": "enabled", "budget_tokens": "2000"}), "thinking-budget"),
        (lambda: claude(thinking={"type": "on"}), "unknown-thinking"),
        (lambda: thinking(temperature=0.5), "beside-thinking"),
        (lambda: thinking(top_k=5), "beside-thinking"),
        (lambda: thinking(top_p=0.5), "beside-thinking"),
        (lambda: thinking(tools=[TOOL], tool_choice={"type": "any"}), "beside-thinking"),
        (lambda: thinking(tools=[TOOL], tool_choice={"type": "tool", "name": "f"}), "beside-thinking"),
        (lambda: talk("a", "b", thinking={"type": "enabled", "budget_tokens": 1024}), "prefill-beside-thinking"),
        (lambda: claude(output_format={"type": "json_schema", "schema": OBJECT}), "old-output-format"),
        (lambda: claude(output_config={"format": {"type": "json"}}), "output-format-type"),
        (lambda: claude(output_config={"format": {"type": "json_schema"}}), "output-format-schema"),
        (lambda: claude(output_config=formatted({"type": "integer", "minimum": 1})), "schema-unsupported"),
        (
            lambda: claude(pdf() | {"citations": {"enabled": True}}, TEXT, output_config=formatted(OBJECT)),
            "output-format-with-citations",
        ),
        (
            lambda: claude(
                tools=[
                    TOOL
                    | {
                        "strict": True,
                        "input_schema": {
                            "type": "object",
                            "properties": {"a": {"type": "string", "maxLength": 3}},
                            "additionalProperties": False,
                        },
                    }
                ]
            ),
            "schema-unsupported",
        ),
    ],
)
def test_what_claude_refuses_is_found(found: Any, code: str) -> None:
    assert code in found()


def thinking(**fields: Any) -> set[str]:
    return claude(thinking={"type": "enabled", "budget_tokens": 1024}, **fields)


def formatted(schema: dict[str, Any]) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "schema": schema}}


SEARCH = {"type": "search_result", "source": "https://example.org", "title": "t", "content": [TEXT]}


@pytest.mark.parametrize(
    "found",
    [
        lambda: claude(image(), TEXT),
        lambda: claude(pdf(), TEXT),
        lambda: claude(SEARCH, TEXT),
        lambda: claude({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}, TEXT),
        lambda: claude({"type": "document", "source": {"type": "content", "content": [TEXT]}}, TEXT),
        lambda: claude(TEXT | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        lambda: talk("a", [CALL], [ANSWER], tools=[TOOL]),
        lambda: talk("a", [CALL], [ANSWER | {"content": [SEARCH]}], tools=[TOOL]),
        lambda: talk("a", [CALL], [ANSWER | {"content": [image()]}], tools=[TOOL]),
        lambda: talk("a", [CALL], [{"type": "tool_result", "tool_use_id": "t1"}], tools=[TOOL]),
        lambda: talk("a", [CALL], [ANSWER | {"content": ""}], tools=[TOOL]),
        lambda: talk("a", [CALL, CALL | {"id": "t2"}], [ANSWER | {"tool_use_id": "t2"}, ANSWER], tools=[TOOL]),
        lambda: talk("a", "{"),
        lambda: talk("a", "b", "c", system="Be brief.", stop_sequences=["END", " ."]),
        lambda: thinking(temperature=1),
        lambda: thinking(top_p=0.95),
        lambda: claude(
            thinking={"type": "enabled", "budget_tokens": 9000}, anthropic_beta=["interleaved-thinking-2025-05-14"]
        ),
        lambda: claude(thinking={"type": "disabled"}, temperature=0.5, top_k=3),
        lambda: claude(thinking={"type": "adaptive"}, model_id=SONNET_46),
        lambda: thinking(tools=[TOOL], tool_choice={"type": "auto"}),
        lambda: claude(output_config=formatted(OBJECT)),
        lambda: claude(output_config={"effort": "medium"}, model_id=OPUS_5),
        lambda: claude(tools=[{"name": "bash", "type": "bash_20250124"}]),
        lambda: claude(tools=[TOOL | {"name": "a" * 128}], tool_choice={"type": "tool", "name": "a" * 128}),
        lambda: claude(tools=[TOOL | {"strict": True, "input_schema": OBJECT}]),
        lambda: talk(
            "a",
            [{"type": "thinking", "thinking": "hm", "signature": "x"}, CALL],
            [ANSWER],
            tools=[TOOL],
            thinking={"type": "enabled", "budget_tokens": 1024},
        ),
    ],
)
def test_what_claude_takes_is_not_complained_of(found: Any) -> None:
    assert found() == set()


def document(name: str = "report", data: str = "aGVsbG8=", form: str = "txt") -> dict[str, Any]:
    return {"document": {"format": form, "name": name, "source": {"bytes": data}}}


USE = {"toolUse": {"toolUseId": "t1", "name": "w", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
ASK = {"text": "sum"}
PICTURE = {"image": {"format": "png", "source": {"bytes": PNG}}}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (lambda: converse(document("report.pdf"), ASK), "document-name"),
        (lambda: converse(document("a  b"), ASK), "document-name"),
        (lambda: converse(document("a" * 201), ASK), "wrong-value"),
        (lambda: converse(document(), document(), ASK), "repeated-document-name"),
        (lambda: converse(document(form="pdf"), ASK), "not-a-pdf"),
        (lambda: converse(document(data="A" * 6_300_000), ASK), "document-too-large"),
        (lambda: converse({"image": {"format": "jpeg", "source": {"bytes": PNG}}}, ASK), "image-type-differs"),
        (lambda: converse({"image": {"format": "jpg", "source": {"bytes": PNG}}}, ASK), "wrong-value"),
        (
            lambda: converse({"image": {"format": "png", "source": {"bytes": PNG[:-4] + "A" * 5_300_000}}}, ASK),
            "image-too-large",
        ),
        (lambda: converse(PICTURE, ASK, model_id="amazon.nova-micro-v1:0"), "modality-refused"),
        (lambda: converse(ASK, system=[{"text": " "}]), "blank-text"),
        (lambda: dialogue([ASK], [USE], [RESULT]), "tool-blocks-without-tools"),
        (lambda: dialogue([ASK], [USE], [ASK]), "tool-use-without-result"),
        (lambda: dialogue([ASK], [ASK], [RESULT]), "tool-result-without-use"),
        (
            lambda: dialogue([ASK], [USE], [{"toolResult": {"toolUseId": "t1", "content": [{"text": " "}]}}]),
            "blank-text",
        ),
        (lambda: dialogue([ASK], [{"text": "The "}]), "prefill-ends-blank"),
        (lambda: dialogue([ASK], [{"text": "The"}], model_id=OPUS_5), "prefill-refused"),
        (
            lambda: converse(inferenceConfig={"maxTokens": 1024}, additionalModelRequestFields=THINKING),
            "thinking-budget",
        ),
        (
            lambda: converse(
                inferenceConfig={"maxTokens": 4000, "temperature": 0}, additionalModelRequestFields=THINKING
            ),
            "beside-thinking",
        ),
        (lambda: converse(inferenceConfig={"stopSequences": [" "]}), "blank-stop-sequence"),
        (lambda: converse(additionalModelRequestFields={"top_k": 5}, model_id=OPUS_5), "top_k-refused"),
        (lambda: converse(additionalModelRequestFields={"top_k": 5}, model_id="amazon.nova-lite-v1:0"), "nova-top-k"),
        (lambda: converse(outputConfig=text_format("{")), "schema-unsupported"),
        (lambda: converse(outputConfig=text_format('{"type":"string","minLength":1}')), "schema-unsupported"),
        (lambda: converse(outputConfig={"textFormat": {"type": "json_schema"}}), "output-format-schema"),
    ],
)
def test_what_converse_refuses_is_found(found: Any, code: str) -> None:
    assert code in found()


def dialogue(*turns: Any, **fields: Any) -> set[str]:
    roles = ("user", "assistant")
    messages = [{"role": roles[number % 2], "content": turn} for number, turn in enumerate(turns)]
    return converse(messages=messages, **fields)


def text_format(schema: str) -> dict[str, Any]:
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}}


@pytest.mark.parametrize(
    "found",
    [
        lambda: converse(document("report (1) [a-b]"), document("other"), ASK),
        lambda: converse(document(form="pdf", data=PDF), ASK),
        lambda: converse(PICTURE, ASK),
        lambda: converse(ASK, projectIdentifier="default"),
        lambda: converse(inferenceConfig={"maxTokens": 4000}, additionalModelRequestFields=THINKING),
        lambda: converse(additionalModelRequestFields={"top_k": 5}),
        lambda: converse(
            additionalModelRequestFields={"inferenceConfig": {"topK": 20}}, model_id="amazon.nova-lite-v1:0"
        ),
        lambda: converse(outputConfig=text_format('{"type":"object","properties":{"a":{"type":"string"}}}')),
        lambda: dialogue([ASK], [{"text": "The"}]),
    ],
)
def test_what_converse_takes_is_not_complained_of(found: Any) -> None:
    assert found() == set()


def nova(model_id: str = "us.amazon.nova-2-lite-v1:0", **fields: Any) -> set[str]:
    return codes({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]} | fields, model_id)


HIGH = {"type": "enabled", "maxReasoningEffort": "high"}


def test_nova_2_reasons() -> None:
    assert (
        nova(reasoningConfig={"type": "enabled", "maxReasoningEffort": "low"}, inferenceConfig={"maxTokens": 9})
        == set()
    )
    assert nova(reasoningConfig=HIGH) == set()


@pytest.mark.parametrize("config", [{"maxTokens": 9}, {"temperature": 0}, {"topP": 0.5}, {"max_new_tokens": 9}])
def test_a_high_effort_of_nova_2_takes_no_settings(config: dict[str, Any]) -> None:
    assert nova(reasoningConfig=HIGH, inferenceConfig=config) == {"beside-high-effort"}


def test_nova_1_does_not_reason() -> None:
    assert nova("amazon.nova-lite-v1:0", reasoningConfig=HIGH) >= {"reasoning-refused"}


def test_a_large_top_k_of_nova_is_only_a_warning() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"topK": 250}}
    assert checked(body, "amazon.nova-lite-v1:0").ok
    assert codes(body, "amazon.nova-lite-v1:0") == {"top-k-above-guide"}


def test_a_text_to_embed_has_a_bound() -> None:
    assert codes({"inputText": "a" * 50_001}, "amazon.titan-embed-text-v2:0") == {"text-too-long"}
    assert codes({"inputText": "a" * 50_000}, "amazon.titan-embed-text-v2:0") == set()


@pytest.mark.parametrize("model_id", ["openai.gpt-oss-20b-1:0", "qwen.qwen3-32b-v1:0"])
def test_an_image_for_an_open_weight_model_of_text_is_found(model_id: str) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    body = {"messages": [{"role": "user", "content": [part, {"type": "text", "text": "a"}]}]}
    assert codes(body, model_id) == {"modality-refused"}
    assert codes(body, "google.gemma-3-27b-it") == set()


def test_a_schema_of_an_open_weight_model_is_checked() -> None:
    def chat(schema: dict[str, Any]) -> set[str]:
        form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
        body = {"messages": [{"role": "user", "content": "Hi"}], "response_format": form}
        return codes(body, "openai.gpt-oss-20b-1:0")

    assert chat({"type": "object", "patternProperties": {"a": {}}}) == {"schema-unsupported"}
    assert chat(OBJECT) == set()


def line_codes(line: bytes) -> set[str]:
    file = files.from_bytes("input.jsonl", line + b"\n")
    found = preflight.check([file], model_id=HAIKU, invocation_type="InvokeModel", limits=ANY_SIZE)
    return {problem.code for problem in found.problems}


BODY = (
    b'"modelInput":{"anthropic_version":"bedrock-2023-05-31","max_tokens":10,'
    b'"messages":[{"role":"user","content":"%s"}]}'
)


@pytest.mark.parametrize("text", [rb"hi \ud83d", rb"\udc00 hi", rb"\ud83d\ud83d\ude00"])
def test_half_a_surrogate_pair_is_called_that(text: bytes) -> None:
    assert line_codes(b'{"recordId":"a",' + BODY % text + b"}") == {"lone-surrogate"}


@pytest.mark.parametrize("text", [rb"\ud83d\ude00", rb"\\ud83d"])
def test_whole_pairs_and_escaped_backslashes_are_fine(text: bytes) -> None:
    assert line_codes(b'{"recordId":"a",' + BODY % text + b"}") == set()


@pytest.mark.parametrize("record_id", [b"", b" ", rb"\t"])
def test_a_blank_record_id_is_warned_of(record_id: bytes) -> None:
    assert line_codes(b'{"recordId":"' + record_id + b'",' + BODY % b"hi" + b"}") == {"blank-record-id"}
