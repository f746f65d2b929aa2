"""The shipped table of batch prices."""

from decimal import Decimal

import pytest

from batchconsole.records import catalogue
from batchconsole.records.prices import find_price, without_public_price


def test_every_batch_model_has_a_price_or_is_known_to_have_none() -> None:
    unpriced = {model.model_id for model in catalogue.models() if model.batch and find_price(model.model_id) is None}
    assert unpriced == without_public_price()


@pytest.mark.parametrize(
    ("model_id", "input_price", "output_price"),
    [
        ("us.amazon.nova-premier-v1:0", "1.25", "6.25"),
        ("deepseek.v3.2", "0.31", "0.925"),
        ("google.gemma-3-4b-it", "0.02", "0.04"),
        ("meta.llama3-1-8b-instruct-v1:0", "0.11", "0.11"),
        ("meta.llama3-1-70b-instruct-v1:0", "0.36", "0.36"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "0.36", "0.36"),
        ("minimax.minimax-m2", "0.15", "0.60"),
        ("mistral.ministral-3-3b-instruct", "0.05", "0.05"),
        ("mistral.mistral-small-2402-v1:0", "0.50", "1.50"),
        ("moonshotai.kimi-k2.5", "0.30", "1.50"),
        ("nvidia.nemotron-nano-9b-v2", "0.03", "0.12"),
        ("nvidia.nemotron-nano-12b-v2", "0.10", "0.30"),
        ("qwen.qwen3-coder-30b-a3b-v1:0", "0.075", "0.30"),
    ],
)
def test_a_published_batch_price_is_known(model_id: str, input_price: str, output_price: str) -> None:
    price = find_price(model_id)
    assert price is not None
    assert (price.input_usd_per_million, price.output_usd_per_million) == (Decimal(input_price), Decimal(output_price))
    assert not price.inferred
