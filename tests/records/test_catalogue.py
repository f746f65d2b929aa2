"""The catalogue finds a model by every form of its id; prices are never zero by accident."""

from decimal import Decimal

import pytest

from batchconsole.records import catalogue, prices
from batchconsole.records.families import FAMILIES


@pytest.mark.parametrize(
    "model_id",
    [
        "amazon.nova-lite-v1:0",
        "us.amazon.nova-lite-v1:0",
        "amazon.nova-lite-v1:0:300k",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/apac.amazon.nova-lite-v1:0",
        "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl",
    ],
)
def test_a_model_is_found_by_every_form_of_its_id(model_id: str) -> None:
    model = catalogue.find_model(model_id)
    assert model is not None
    assert model.name == "Nova Lite"


@pytest.mark.parametrize("model_id", ["", "x", "us.", "us.us.amazon.nova-lite-v1:0", "arn:aws:bedrock"])
def test_an_unknown_id_is_no_model(model_id: str) -> None:
    assert catalogue.find_model(model_id) is None


def test_every_model_names_a_family_we_have() -> None:
    assert {model.family for model in catalogue.models()} <= set(FAMILIES)


def test_profiles_are_full_ids() -> None:
    model = catalogue.find_model("anthropic.claude-sonnet-4-6")
    assert model is not None
    assert "us.anthropic.claude-sonnet-4-6" in model.inference_profiles
    assert not model.on_demand


@pytest.mark.parametrize("name", ["Claude Sonnet 5", "Claude Opus 4.7", "Claude Opus 4.8"])
def test_models_that_refuse_batch_jobs_say_so(name: str) -> None:
    assert [model.batch for model in catalogue.models() if model.name == name] == [False]


def test_a_price_is_found_through_a_profile() -> None:
    price = prices.find_price("us.amazon.nova-micro-v1:0")
    assert price is not None
    assert prices.cost(price, 2_000_000, 1_000_000) == Decimal("0.105")


def test_an_unknown_price_is_none() -> None:
    assert prices.find_price("mistral.mistral-large-2407-v1:0") is None


def test_a_price_of_another_region_is_marked_inferred() -> None:
    price = prices.find_price("amazon.nova-micro-v1:0", "eu-west-1")
    assert price is not None
    assert price.inferred


def test_every_price_belongs_to_a_model() -> None:
    priced = [model for model in catalogue.models() if prices.find_price(model.model_id)]
    assert len(priced) >= 25


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "0.50"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "0.55"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "0.55"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0",
            "0.50",
        ),
    ],
)
def test_the_global_profile_of_a_newer_claude_costs_less(model_id: str, expected: str) -> None:
    price = prices.find_price(model_id)
    assert price
    assert price.input_usd_per_million == Decimal(expected)


def test_every_price_of_a_global_profile_has_one_for_the_others() -> None:
    for model in catalogue.models():
        priced = prices.find_price(f"global.{model.model_id}")
        assert (priced is None) == (prices.find_price(model.model_id) is None)
