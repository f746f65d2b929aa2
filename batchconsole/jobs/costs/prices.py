"""What a job's tokens cost: an administrator's price, then AWS's Price List, then the shipped table.

A job keeps the cost that was computed when its tokens were counted, so a later price does not change the past. A job
without a known price has no cost, never a cost of zero, and can get one once a price is known.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import reduce
from operator import add, or_

from django.db.models import DecimalField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Round

from batchconsole.jobs.models import BatchJob, ModelPrice, base_model_id
from batchconsole.records import prices
from batchconsole.records.catalogue import is_global
from batchconsole.records.prices import MILLION, Price

MICRO_USD = Decimal("0.000001")
MOST_USD = Decimal("99999999.999999")  # the most that the columns of costs hold
USD = DecimalField(max_digits=30, decimal_places=12)


def price_of(job: BatchJob) -> Price | None:
    """Return the price of *job*'s model in its region and lane, or None if it is unknown."""
    return price_in_lane(job.model_id, job.connection.region, job.lane)


def price_in_lane(model_id: str, region: str, lane: str) -> Price | None:
    """Return the price of *model_id* in *region* for jobs of *lane*; None if unknown.

    That for jobs on demand is an administrator's or, without one, derived from the batch price.
    """
    price = price_for(model_id, region)
    if lane != BatchJob.Lane.ON_DEMAND:
        return price
    return _own_price(model_id, region, lane) or (prices.on_demand_price(price) if price else None)


def on_demand_at_most(usd: Decimal | None, model_id: str, region: str) -> Decimal | None:
    """Return what records cost at most on demand that cost at most *usd* as a batch; None if that is unknown.

    How much of *usd* is for input tokens is not known, so the greater ratio of both prices counts.
    """
    batch = price_for(model_id, region)
    here = price_in_lane(model_id, region, BatchJob.Lane.ON_DEMAND)
    if usd is None or batch is None or here is None:
        return None
    pairs = (
        (here.input_usd_per_million, batch.input_usd_per_million),
        (here.output_usd_per_million, batch.output_usd_per_million),
    )
    if any(asked and not known for asked, known in pairs):
        return None
    ratio = max((asked / known for asked, known in pairs if known), default=Decimal(0))
    return min((usd * ratio).quantize(MICRO_USD), MOST_USD)


def cost_of(
    job: BatchJob, input_tokens: int, output_tokens: int, *, cache_read_tokens: int = 0, cache_write_tokens: int = 0
) -> Decimal | None:
    """Return the USD for these tokens of *job*, to the millionth, or None if its price is unknown."""
    price = price_of(job)
    if price is None:
        return None
    cached = {"cache_read_tokens": cache_read_tokens, "cache_write_tokens": cache_write_tokens}
    return prices.cost(price, input_tokens, output_tokens, **cached).quantize(MICRO_USD)


def price_for(model_id: str, region: str) -> Price | None:
    """Return the batch price of *model_id*, in any form that the API accepts, in *region*, or None if it is unknown."""
    return _own_price(model_id, region, BatchJob.Lane.BATCH) or prices.find_price(model_id, region)


def _own_price(model_id: str, region: str, lane: str) -> Price | None:
    """Return the price that the best of the stored rows tells for *lane*, or None without one."""
    base, profile = base_model_id(model_id), profile_of(model_id)
    rows = ModelPrice.objects.filter(model_id=base, region__in=["", region], profile__in=["", profile], lane=lane)
    best = max(rows, key=_weight, default=None)
    return _price(best) if best else None


def profile_of(model_id: str) -> str:
    """Return which prices apply to *model_id*: those of global inference profiles, or those of everything else."""
    return str(ModelPrice.Profile.GLOBAL if is_global(model_id) else ModelPrice.Profile.OTHER)


def _weight(row: ModelPrice) -> tuple[bool, bool, bool]:
    """Return the sort key; the greatest row wins: an administrator's, then a named region, then a named profile."""
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
    """Compute the cost of every job that lacked a price and has one now; return how many jobs got a cost."""
    waiting = BatchJob.objects.filter(cost_usd=None, input_token_count__isnull=False)
    kinds = waiting.order_by().values_list("model_id", "connection__region", "lane").distinct()
    priced = 0
    for model_id, region, lane in list(kinds):
        price = price_in_lane(model_id, region, lane)
        if price:
            mine = waiting.filter(model_id=model_id, connection__region=region, lane=lane)
            priced += mine.update(cost_usd=_cost_in_sql(price))
    return priced


def jobs_with_cost(models: Mapping[str, Collection[str]]) -> QuerySet[BatchJob]:
    """Return the jobs that have a cost, of *models*: for each region its models, and for an empty one those of all."""
    of_models = [Q(base_model_id__in=ids, connection__region=region) for region, ids in models.items() if region]
    of_models += [Q(base_model_id__in=models[""])] if "" in models else []
    jobs = BatchJob.objects.filter(cost_usd__isnull=False, input_token_count__isnull=False)
    return jobs.filter(reduce(or_, of_models)) if of_models else jobs.none()


def recompute_costs(models: Mapping[str, Collection[str]]) -> int:
    """Compute the cost of :func:`jobs_with_cost` again by the prices of now; return how many jobs it is for."""
    jobs, count = jobs_with_cost(models), 0
    kinds = jobs.order_by().values_list("model_id", "connection__region", "lane").distinct()
    for model_id, region, lane in list(kinds):
        price = price_in_lane(model_id, region, lane)
        if price:
            mine = jobs.filter(model_id=model_id, connection__region=region, lane=lane)
            count += mine.update(cost_usd=_cost_in_sql(price))
    return count


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
