"""Batch prices of models and what a number of tokens costs. A shipped, dated table; an unknown price is never zero."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from batchconsole.records.catalogue import bare_id, is_global

MILLION = Decimal(1_000_000)


class CacheRates(msgspec.Struct, frozen=True):
    """What tokens read from a prompt cache, and written into one, cost as a part of the price of input tokens."""

    read: Decimal = Decimal(1)
    write: Decimal = Decimal(1)


# What a token read from a prompt cache or written into one (for five minutes) costs, as a part of the price of an input
# token, by the beginning of the model's id. Batches have no cache prices of their own: these are the ratios of
# on-demand, https://aws.amazon.com/bedrock/pricing (2026-10). Elsewhere a cached token costs as much as any.
CACHE_RATES = {
    "anthropic.": CacheRates(Decimal("0.1"), Decimal("1.25")),
    "amazon.nova": CacheRates(Decimal("0.25"), Decimal(1)),
}


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens, batch, as of a day.

    ``inferred`` marks what was worked out of another price of the model and is not AWS's own row.
    """

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    as_of: date
    source: str
    inferred: bool = False
    cache_rates: CacheRates = CacheRates()


class _Row(msgspec.Struct):
    """``profile`` is ``global`` or ``other`` where the ``global.`` inference profile has a price of its own."""

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
    """The shipped batch price of *model_id* (any form :func:`catalogue.find_model` takes); ``None`` when unknown.

    Claude from 4.5 on costs a tenth less through its ``global.`` inference profile than through all others
    (https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html).

    The table is us-east-1's. AWS's prices differ a little by region, so for another region the price's ``source`` still
    names us-east-1 and is marked ``inferred``.
    """
    home, prices = _shipped()
    model, profile = bare_id(model_id), "global" if is_global(model_id) else "other"
    price = prices.get((model, profile)) or prices.get((model, ""))
    if price is None or region == home:
        return price
    return msgspec.structs.replace(price, inferred=True)


def without_public_price() -> frozenset[str]:
    """The ids of the catalogue's batch models for which AWS publishes no batch price."""
    return _data().no_public_price


def cache_rates(model_id: str) -> CacheRates:
    """What the model of that bare id charges for a prompt cache."""
    return next((rates for start, rates in CACHE_RATES.items() if model_id.startswith(start)), CacheRates())


def cost(
    price: Price, input_tokens: int, output_tokens: int, *, cache_read_tokens: int = 0, cache_write_tokens: int = 0
) -> Decimal:
    """USD for so many tokens, exact (not rounded). Cached tokens are not among the *input_tokens*."""
    cached = Decimal(0)
    if cache_read_tokens or cache_write_tokens:  # a zero times a rate would lengthen the figure by zeros
        cached = cache_read_tokens * price.cache_rates.read + cache_write_tokens * price.cache_rates.write
    total = (input_tokens + cached) * price.input_usd_per_million + output_tokens * price.output_usd_per_million
    return total / MILLION
