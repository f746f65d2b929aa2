"""What a job's tokens cost: an administrator's price over AWS's Price List over the shipped table.

A job keeps the cost it was given when its tokens were counted, so that a later price does not rewrite the past. A job
without a known price has no cost, never a cost of zero, and is given one as soon as there is a price.
"""

from decimal import Decimal
from functools import reduce
from operator import add

from django.db.models import DecimalField, ExpressionWrapper, F, Value
from django.db.models.functions import Coalesce, Round

from batchconsole.jobs.models import BatchJob, ModelPrice, base_model_id
from batchconsole.records import prices
from batchconsole.records.catalogue import is_global
from batchconsole.records.prices import MILLION, Price

MICRO_USD = Decimal("0.000001")
USD = DecimalField(max_digits=30, decimal_places=12)


def price_of(job: BatchJob) -> Price | None:
    """The batch price of *job*'s model in its region, ``None`` when nobody knows it."""
    return price_for(job.model_id, job.connection.region)


def cost_of(
    job: BatchJob, input_tokens: int, output_tokens: int, *, cache_read_tokens: int = 0, cache_write_tokens: int = 0
) -> Decimal | None:
    """USD for so many tokens of *job*, to the millionth; ``None`` when its price is not known."""
    price = price_of(job)
    if price is None:
        return None
    cached = {"cache_read_tokens": cache_read_tokens, "cache_write_tokens": cache_write_tokens}
    return prices.cost(price, input_tokens, output_tokens, **cached).quantize(MICRO_USD)


def price_for(model_id: str, region: str) -> Price | None:
    """The batch price of *model_id*, in any form the API takes, in *region*."""
    base, profile = base_model_id(model_id), profile_of(model_id)
    rows = ModelPrice.objects.filter(model_id=base, region__in=["", region], profile__in=["", profile])
    best = max(rows, key=_weight, default=None)
    return _price(best) if best else prices.find_price(model_id, region)


def profile_of(model_id: str) -> str:
    """Which prices hold for *model_id*: those of a global inference profile, or those of all the others."""
    return str(ModelPrice.Profile.GLOBAL if is_global(model_id) else ModelPrice.Profile.OTHER)


def _weight(row: ModelPrice) -> tuple[bool, bool, bool]:
    """The heavier row wins: a person's word first, then the named region, then the named profile."""
    return row.source == ModelPrice.Source.ADMIN, bool(row.region), bool(row.profile)


def _price(row: ModelPrice) -> Price:
    where = f", {row.region}" if row.region else ""
    return Price(
        input_usd_per_million=row.input_usd_per_million,
        output_usd_per_million=row.output_usd_per_million,
        as_of=row.as_of,
        source=f"{row.get_source_display()}{where}",
        cache_rates=prices.cache_rates(row.model_id),
    )


def price_the_unpriced() -> int:
    """Give a cost to every job that has none for want of a price; returns how many got one."""
    waiting = BatchJob.objects.filter(cost_usd=None, input_token_count__isnull=False)
    kinds = waiting.order_by().values_list("model_id", "connection__region").distinct()
    priced = 0
    for model_id, region in list(kinds):
        price = price_for(model_id, region)
        if price:
            mine = waiting.filter(model_id=model_id, connection__region=region)
            priced += mine.update(cost_usd=_cost_in_sql(price))
    return priced


def _cost_in_sql(price: Price) -> Round:
    per_input = price.input_usd_per_million
    parts = {
        "input_token_count": per_input,
        "cache_read_token_count": per_input * price.cache_rates.read,
        "cache_write_token_count": per_input * price.cache_rates.write,
        "output_token_count": price.output_usd_per_million,
    }
    total = reduce(add, (Coalesce(F(name), 0) * Value(rate, USD) for name, rate in parts.items()))
    return Round(ExpressionWrapper(total / Value(MILLION, USD), USD), precision=6)
