"""Usage takes the best counts there are; what is not known is unknown."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec import structs

from batchconsole.records.prices import Price, cache_rates, cost, find_price
from batchconsole.records.results import Manifest, Totals
from batchconsole.records.usage import Usage, cost_usd, usage

PRICE = Price(
    input_usd_per_million=Decimal("2"), output_usd_per_million=Decimal("8"), as_of=date(2026, 10, 1), source=""
)
COUNTED = Totals(records=2, succeeded=2, input_tokens=10, output_tokens=4)


def test_the_manifest_counts_first() -> None:
    manifest = Manifest(input_token_count=100, output_token_count=50)
    assert usage(COUNTED, manifest) == Usage(input_tokens=100, output_tokens=50)


def test_else_the_records_count() -> None:
    assert usage(COUNTED, Manifest(total_record_count=2)) == Usage(input_tokens=10, output_tokens=4)


def test_records_without_counts_make_it_incomplete() -> None:
    assert not usage(Totals(succeeded=2, without_tokens=1, input_tokens=5), None).complete


def test_without_any_counts_usage_and_cost_are_unknown() -> None:
    unknown = usage(Totals(succeeded=2, without_tokens=2), None)
    assert unknown.input_tokens is None
    assert cost_usd(unknown, PRICE) is None


def test_cost_is_exact() -> None:
    assert cost_usd(usage(COUNTED, None), PRICE) == Decimal("0.000052")


def test_an_unknown_price_is_an_unknown_cost() -> None:
    assert cost_usd(usage(COUNTED, None), None) is None


def test_cached_tokens_cost_their_part_of_an_input_token() -> None:
    used = usage(
        Totals(succeeded=1, input_tokens=1, output_tokens=1, cache_read_tokens=100, cache_write_tokens=8), None
    )
    price = structs.replace(PRICE, cache_rates=cache_rates("anthropic.claude-opus-5"))
    assert cost_usd(used, price) == Decimal("0.000050")


@pytest.mark.parametrize(
    ("model_id", "input_tokens"),
    [
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 135),
        ("amazon.nova-micro-v1:0", 125),
        ("openai.gpt-oss-20b-1:0", 200),
    ],
)
def test_cache_prices_are_those_of_the_model(model_id: str, input_tokens: int) -> None:
    price = find_price(model_id)
    assert price is not None
    assert cost(price, 0, 0, cache_read_tokens=100, cache_write_tokens=100) == cost(price, input_tokens, 0)
