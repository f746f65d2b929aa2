"""What the catalogue holds of a model is read by a rule, in its own body and through Converse, and has a source."""

import json
from typing import Any

import pytest

from batchconsole.records import catalogue, files, preflight
from batchconsole.records.catalogue import Model, Refused
from batchconsole.records.families.model_facts import EFFORTS, RULES
from batchconsole.records.limits import Limits
from batchconsole.records.wording import MESSAGES

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
FORMAT = {"type": "json_schema", "schema": SCHEMA}
CLAUDE: dict[Refused, dict[str, Any]] = {
    Refused.TEMPERATURE: {"temperature": 0},
    Refused.TOP_P: {"top_p": 1},
    Refused.TOP_K: {"top_k": 5},
    Refused.TEMPERATURE_AND_TOP_P: {"temperature": 1, "top_p": 1},
    Refused.PREFILL: {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    Refused.THINKING: {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    Refused.THINKING_ENABLED: {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    Refused.THINKING_ADAPTIVE: {"thinking": {"type": "adaptive"}},
    Refused.OUTPUT_SCHEMA: {"output_config": {"format": FORMAT}},
}
TEXT_FORMAT = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}}
REASONING = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}
CONVERSE: dict[Refused, dict[str, Any]] = {
    Refused.TEMPERATURE: {"inferenceConfig": {"temperature": 0}},
    Refused.TOP_P: {"inferenceConfig": {"topP": 1}},
    Refused.TOP_K: {"additionalModelRequestFields": {"top_k": 5}},
    Refused.TEMPERATURE_AND_TOP_P: {"inferenceConfig": {"temperature": 1, "topP": 1}},
    Refused.PREFILL: {
        "messages": [{"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"text": "b"}]}]
    },
    Refused.THINKING: {"additionalModelRequestFields": CLAUDE[Refused.THINKING]},
    Refused.THINKING_ENABLED: {"additionalModelRequestFields": CLAUDE[Refused.THINKING_ENABLED]},
    Refused.THINKING_ADAPTIVE: {"additionalModelRequestFields": CLAUDE[Refused.THINKING_ADAPTIVE]},
    Refused.REASONING_CONFIG: {"additionalModelRequestFields": REASONING},
    Refused.OUTPUT_SCHEMA: {"outputConfig": TEXT_FORMAT},
}
FACTS = [(model, word) for model in catalogue.models() for word in model.refuses]


def name_of(value: object) -> str:
    return value.model_id if isinstance(value, Model) else str(value)


def codes(body: dict[str, Any], model: Model, invocation_type: str = "InvokeModel") -> set[str]:
    line = json.dumps({"recordId": "r1", "modelInput": body}).encode()
    model_id = model.model_id if model.on_demand else model.inference_profiles[0]
    found = preflight.check(
        [files.from_bytes("input.jsonl", line)],
        model_id=model_id,
        invocation_type=invocation_type,
        limits=Limits(min_records_per_job=0),
    )
    return {problem.code for problem in found.problems}


def claude(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hi"}]
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4000, "messages": messages} | fields


def converse(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]} | fields


def test_every_word_has_a_rule_and_every_rule_a_sentence() -> None:
    assert set(RULES) == set(Refused)
    assert {told.code for told in RULES.values()} <= set(MESSAGES)


def test_every_word_is_in_use() -> None:
    assert {word for _, word in FACTS} == set(Refused)


@pytest.mark.parametrize(("model", "word"), FACTS, ids=name_of)
def test_what_a_model_refuses_is_found_through_converse(model: Model, word: Refused) -> None:
    assert RULES[word].code in codes(converse(**CONVERSE[word]), model, "Converse")


@pytest.mark.parametrize(("model", "word"), [fact for fact in FACTS if fact[0].family == "anthropic"], ids=name_of)
def test_what_claude_refuses_is_found_in_its_own_body(model: Model, word: Refused) -> None:
    assert RULES[word].code in codes(claude(**CLAUDE[word]), model)


@pytest.mark.parametrize("model", [model for model in catalogue.models() if model.effort is not None], ids=name_of)
def test_an_effort_is_found_where_the_model_takes_it_not(model: Model) -> None:
    for effort in EFFORTS:
        found = codes(claude(output_config={"effort": effort}), model)
        assert ("effort-refused" in found) == (effort not in (model.effort or ()))


@pytest.mark.parametrize("model", [m for m in catalogue.models() if "TEXT" in m.output_modalities], ids=name_of)
def test_an_image_is_found_where_the_model_takes_none(model: Model) -> None:
    block = {"image": {"format": "png", "source": {"bytes": PNG}}}
    found = codes(converse(messages=[{"role": "user", "content": [block, {"text": "a"}]}]), model, "Converse")
    assert ("modality-refused" in found) == ("IMAGE" not in model.input_modalities)


def test_every_fact_has_a_source_with_a_date() -> None:
    for model in catalogue.models():
        sources = dict(model.sources)
        wanted = {"model", *model.refuses} | ({"effort"} if model.effort is not None else set())
        assert wanted == set(sources)
        assert all(source.url.startswith("https://") and source.as_of and source.tells for source in sources.values())


@pytest.mark.parametrize("model", [m for m in catalogue.models() if not m.on_demand], ids=name_of)
def test_a_model_behind_profiles_asked_by_its_bare_id_is_warned_of(model: Model) -> None:
    for model_id, warned in ((model.model_id, True), (model.inference_profiles[0], False)):
        found = preflight.check([files.from_bytes("a.jsonl", b"{}")], model_id=model_id, invocation_type="InvokeModel")
        assert ("profile-needed" in {problem.code for problem in found.problems}) == warned


@pytest.mark.parametrize("model_id", ["amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"])
def test_converse_with_a_model_of_embeddings_is_found(model_id: str) -> None:
    model = catalogue.find_model(model_id)
    assert model is not None
    assert "model-without-converse" in codes(converse(), model, "Converse")
