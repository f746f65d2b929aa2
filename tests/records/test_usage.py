"""Usage takes the best counts there are; what is not known is unknown."""

from datetime import date
from decimal import Decimal

from batchconsole.records.prices import Price
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
