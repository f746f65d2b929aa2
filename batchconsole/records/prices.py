"""Batch prices of models, from a shipped and dated table, and the cost of tokens. An unknown price is never zero."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from batchconsole.records.catalogue import bare_id, is_global

MILLION = Decimal(1_000_000)
ON_DEMAND_TIMES = 2  # the on-demand price, as a multiple of the batch price


class CacheRates(msgspec.Struct, frozen=True):
    """The prices of tokens read from and written to a prompt cache, as fractions of the price of input tokens."""

    read: Decimal = Decimal(1)
    write: Decimal = Decimal(1)


# The prices of tokens read from and written to a prompt cache (for five minutes), as fractions of the price of input
# tokens, by prefix of the model id. AWS lists no cache prices for batch, so these are the ratios of the on-demand
# prices: https://aws.amazon.com/bedrock/pricing (2026-10). For other models, cached tokens cost the same as others.
CACHE_RATES = {
    "anthropic.": CacheRates(Decimal("0.1"), Decimal("1.25")),
    "amazon.nova": CacheRates(Decimal("0.25"), Decimal(1)),
}


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A batch price in USD per million tokens, as of a date.

    ``inferred`` marks a price that was derived from another price of the model instead of taken from AWS's table.
    """

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    as_of: date
    source: str
    inferred: bool = False
    cache_rates: CacheRates = CacheRates()


class _Row(msgspec.Struct):
    """A table row. ``profile`` is ``global`` or ``other`` if the ``global.`` inference profile has its own price."""

    model_id: str
    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    inferred: bool
    profile: str = ""


class _Data(msgspec.Struct):
    as_of: date
    region: str
    source: str
    prices: list[_Row]
    no_public_price: frozenset[str]


@cache
def _data() -> _Data:
    return msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes(), type=_Data)


@cache
def _shipped() -> tuple[str, dict[tuple[str, str], Price]]:
    data = _data()
    return data.region, {
        (row.model_id, row.profile): Price(
            input_usd_per_million=row.input_usd_per_million,
            output_usd_per_million=row.output_usd_per_million,
            as_of=data.as_of,
            source=f"{data.source}, {data.region}" + (", inferred" if row.inferred else ""),
            inferred=row.inferred,
            cache_rates=cache_rates(row.model_id),
        )
        for row in data.prices
    }


def find_price(model_id: str, region: str = "us-east-1") -> Price | None:
    """Return the shipped batch price of *model_id* (any form that :func:`catalogue.find_model` takes), if known.

    From Claude 4.5 on, the ``global.`` inference profile is 10 % cheaper than all others
    (https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html).

    The table holds the prices of us-east-1. AWS's prices differ slightly by region, so for another *region* the result
    is marked ``inferred``; its ``source`` still names us-east-1.
    """
    home, prices = _shipped()
    model, profile = bare_id(model_id), "global" if is_global(model_id) else "other"
    price = prices.get((model, profile)) or prices.get((model, ""))
    if price is None or region == home:
        return price
    return msgspec.structs.replace(price, inferred=True)


def on_demand_price(batch: Price) -> Price:
    """Return the on-demand price that belongs to the price of a *batch*: twice as much, and marked ``inferred``.

    AWS sells batches at half the on-demand price (https://aws.amazon.com/bedrock/pricing, "Batch"), rounded.
    """
    return msgspec.structs.replace(
        batch,
        input_usd_per_million=batch.input_usd_per_million * ON_DEMAND_TIMES,
        output_usd_per_million=batch.output_usd_per_million * ON_DEMAND_TIMES,
        source=f"derived: twice the batch price ({batch.source})",
        inferred=True,
    )


def without_public_price() -> frozenset[str]:
    """Return the ids of the catalogue's batch models for which AWS publishes no batch price."""
    return _data().no_public_price


def cache_rates(model_id: str) -> CacheRates:
    """Return the prompt cache rates of the model with the bare id *model_id*."""
    return next((rates for start, rates in CACHE_RATES.items() if model_id.startswith(start)), CacheRates())


def cost(
    price: Price, input_tokens: int, output_tokens: int, *, cache_read_tokens: int = 0, cache_write_tokens: int = 0
) -> Decimal:
    """Return the exact cost in USD, not rounded. *input_tokens* must not include the cached tokens."""
    cached = Decimal(0)
    if cache_read_tokens or cache_write_tokens:  # 0 times a rate would add trailing zeros to the result
        cached = cache_read_tokens * price.cache_rates.read + cache_write_tokens * price.cache_rates.write
    total = (input_tokens + cached) * price.input_usd_per_million + output_tokens * price.output_usd_per_million
    return total / MILLION
