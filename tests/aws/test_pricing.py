"""The Price List as rows: read over HTTP through real boto3, from products in the shape AWS documents."""

from decimal import Decimal

import pytest

from batchconsole.aws.errors import AwsError
from batchconsole.aws.pricing import TokenPrice, list_batch_prices, read_product
from batchconsole.aws.session import Target
from tests.aws.price_list import claude, price_list, product


def only(row: dict[str, object]) -> TokenPrice:
    [price] = read_product(row)
    return price


def target(url: str) -> Target:
    return Target(region="eu-central-1", endpoint_url=url, credentials="local")


def test_every_page_of_both_services_is_read() -> None:
    with price_list() as url:
        found = list(list_batch_prices(target(url), "us-east-1"))
    assert {price.model for price in found} >= {"Nova Micro", "Claude Haiku 4.5", "Unheard Of 1"}


def test_only_the_region_asked_for_is_read() -> None:
    with price_list() as url:
        assert list(list_batch_prices(target(url), "eu-west-3")) == []


def test_a_price_for_a_thousand_tokens_is_told_for_a_million() -> None:
    price = only(product("USE1-NovaMicro-input-tokens-batch", "0.0000175", model="Nova Micro"))
    assert (price.usd_per_million, price.direction) == (Decimal("0.0175"), "input")


def test_a_price_for_a_million_tokens_stays_as_it_is() -> None:
    assert only(claude("OutputTokenCount_Batch", "2.75")).usd_per_million == Decimal("2.75")


def test_marketplace_units_are_millions() -> None:
    row = product("USE1-MP:USE1_MillionBatchInputTokens-Units", "1.5", "Units", servicename="Claude 3.5 Sonnet")
    assert only(row).usd_per_million == Decimal("1.5")


def test_a_marketplace_name_loses_its_edition() -> None:
    assert only(claude("InputTokenCount_Batch", "0.55")).model == "Claude Haiku 4.5"


@pytest.mark.parametrize(
    ("usagetype", "expected"), [("InputTokenCount_Global_Batch", True), ("InputTokenCount_Batch", False)]
)
def test_the_global_profile_has_prices_of_its_own(usagetype: str, expected: bool) -> None:
    assert only(claude(usagetype, "0.5")).is_global is expected


def test_the_usage_type_may_carry_the_model_id() -> None:
    price = only(product("EUC1-qwen.qwen3-32b-mantle-input-tokens-batch", "0.0001", model="Qwen3 32B"))
    assert (price.model_id, price.usage_name) == ("qwen.qwen3-32b", "qwen.qwen3-32b")


def test_the_direction_may_stand_in_the_inference_type_only() -> None:
    row = product("USE1-Model-Tok-Batch", "0.001", model="Model", inferenceType="Output tokens batch")
    assert only(row).direction == "output"


@pytest.mark.parametrize(
    "usagetype",
    [
        "USE1-NovaPro-input-tokens",
        "USE1-NovaPro-cache-read-input-token-count-batch",
        "USE1-Nova2.0Lite-input-tokens-flex",
        "USE1-NovaPro-input-tokens-batch-custom-model",
        "USE1-Nova2.0Omni-input-audio-token-count-batch",
        "USE1-MP:USE1_input_tokens_long_ctx_batch-Units",
        "USE1-MP:USE1_InputTokenCount_LCtx_Batch-Units",
        "USE1-MP:USE1_Reserved_1Month_InputTPM_Batch-Units",
        "USE1-Guardrail-TextUnits-batch",
    ],
)
def test_rows_of_another_kind_are_left_out(usagetype: str) -> None:
    assert list(read_product(product(usagetype, "0.001", model="Some"))) == []


@pytest.mark.parametrize(
    "row", [{}, product("USE1-A-input-tokens-batch", "free"), product("a-input-tokens-batch", "1", "Hrs")]
)
def test_a_row_without_a_usable_price_is_left_out(row: dict[str, object]) -> None:
    assert list(read_product(row)) == []


def test_no_permission_is_told_with_its_name() -> None:
    with price_list({}) as url, pytest.raises(AwsError) as caught:
        list(list_batch_prices(target(url), "us-east-1"))
    assert caught.value.code == "AccessDeniedException"
    assert "pricing:GetProducts" in caught.value.hint
