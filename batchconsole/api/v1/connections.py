"""Connections, with their models and prices, usage and cost."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from batchconsole.api.v1.schemas import BudgetOut, ConnectionOut, ModelOut, UsagesOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.costs.prices import price_for
from batchconsole.jobs.costs.spending import Spending, spendings
from batchconsole.jobs.costs.usage import Days, Usage, cells
from batchconsole.jobs.models import Right, utc_today
from batchconsole.jobs.rights.access import connections_with, rights_on
from batchconsole.records import catalogue

router = Router(tags=["Connections"])
MOST_DAYS = 366
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


@router.get("/", response=list[ConnectionOut], operation_id="list_connections", summary="Connections you may see")
def list_connections(request: HttpRequest) -> list[dict[str, Any]]:
    user = caller_of(request)
    return [
        {
            "name": each.name,
            "title": each.title,
            "region": each.region,
            "account_id": each.account_id,
            "rights": sorted(rights_on(user, each)),
        }
        for each in connections_with(user)
    ]


@router.get("/{connection}/models", response=list[ModelOut], operation_id="list_models", summary="Models and prices")
def list_models(request: HttpRequest, connection: ConnectionName) -> list[dict[str, Any]]:
    """The catalogue's models, with their prices per million tokens for batch jobs in the connection's region."""
    here = find_connection(request, connection, Right.VIEW)
    return [_model(model, here.region) for model in catalogue.models()]


def _model(model: catalogue.Model, region: str) -> dict[str, Any]:
    price = price_for(model.model_id, region)
    return {
        "model_id": model.model_id,
        "name": model.name,
        "provider": model.provider,
        "batch": model.batch,
        "inference_profiles": list(model.inference_profiles),
        "input_usd_per_million": price.input_usd_per_million if price else None,
        "output_usd_per_million": price.output_usd_per_million if price else None,
    }


@router.get(
    "/{connection}/usage", response=UsagesOut, operation_id="get_usage", summary="Tokens and cost of a range of days"
)
def get_usage(
    request: HttpRequest,
    connection: ConnectionName,
    first: date | None = None,
    last: date | None = None,
    by: Annotated[Literal["day", "model", "person", "tag"], Query()] = "model",
    tag: Annotated[str, Query(max_length=128, description="With `by=tag`: the key whose values are the groups.")] = "",
) -> dict[str, Any]:
    """Tokens and cost from the day `first` to the day `last`, both included, in UTC.

    `last` is today by default, and `first` is 29 days before `last`. The range has at most 366 days.
    """
    here = find_connection(request, connection, Right.VIEW)
    end = last or utc_today()
    if not EARLIEST <= (first or end) <= LATEST or not EARLIEST <= end <= LATEST:
        raise HttpError(422, f"Days are from {EARLIEST} to {LATEST}.")
    days = Days(first or end - timedelta(days=29), end)
    if not days.first <= end <= days.first + timedelta(days=MOST_DAYS - 1):
        raise HttpError(422, f"The range must have 1 to {MOST_DAYS} days, the first before the last.")
    groups = Usage.of(cells(here, days, by=by, tag=tag)).by_group
    rows = [
        {
            "group": group.name,
            "jobs": totals.jobs,
            "input_tokens": totals.input_tokens,
            "output_tokens": totals.output_tokens,
            "cost_usd": totals.cost_usd,
        }
        for group, totals in groups.items()
    ]
    return {"first": days.first, "last": days.last, "groups": rows}


@router.get(
    "/{connection}/budgets", response=list[BudgetOut], operation_id="list_budgets", summary="Budgets of this month"
)
def list_budgets(request: HttpRequest, connection: ConnectionName) -> list[dict[str, Any]]:
    """The budgets that your jobs on the connection count toward, with what is spent and committed of each."""
    here = find_connection(request, connection, Right.VIEW)
    return [_budget(each) for each in spendings(here, caller_of(request))]


def _budget(used: Spending) -> dict[str, Any]:
    return {
        "title": str(used.budget),
        "usd_per_month": used.budget.usd_per_month,
        "above": used.budget.above,
        "used_usd": used.used_usd,
        "percent": used.percent,
    }
