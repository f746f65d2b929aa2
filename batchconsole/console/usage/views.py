"""Usage and cost: totals of a range of days, their chart, and CSV exports."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.csv_download import csv_response
from batchconsole.console.usage.page import UsagePage
from batchconsole.console.usage.query import UsageQuery
from batchconsole.jobs.costs.spending import spendings
from batchconsole.jobs.costs.usage import UNREAD, cells, job_usages
from batchconsole.jobs.models import utc_today

Table = tuple[Iterable[str], Iterator[Iterable[Any]]]


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    context = {"usage": _page(request), "budgets": spendings(request.connection, request.user)}
    return show(request, "console/usage/usage.html", context)


def _page(request: ConsoleRequest) -> UsagePage:
    query = UsageQuery.read(request.GET, utc_today())
    return UsagePage(request.connection, query, page_size=request.preferences.page_size)


@require_safe
def export(request: ConsoleRequest, connection: str, kind: str) -> HttpResponseBase:
    """Export the page's range as CSV: ``totals`` by day and group, or all of its ``jobs``."""
    if kind not in EXPORTS:
        raise Http404(f"There is no export {kind}.")
    page = _page(request)
    header, rows = EXPORTS[kind](page)
    days = page.query.days
    return csv_response(f"{connection}-{kind}-{days.first}-to-{days.last}.csv", header, rows)


def _totals(page: UsagePage) -> Table:
    header = ("day_utc", *(() if page.query.is_by_day else (page.group_title,)), *TOTALS)
    return header, (
        (
            cell.day,
            *(() if page.query.is_by_day else (cell.group.name,)),
            cell.totals.jobs,
            cell.totals.input_tokens,
            cell.totals.output_tokens,
            _usd(cell.totals.cost_usd),
            cell.totals.unpriced,
            cell.totals.uncounted,
        )
        for cell in cells(page.connection, page.query.days, by=page.query.by, tag=page.tag)
    )


def _jobs(page: UsagePage) -> Table:
    return JOBS, (
        (
            job.ended_at.isoformat(),
            job.job_name,
            job.job_arn,
            job.model_id,
            job.person,
            job.status,
            UNREAD.name if job.tags_unread else "; ".join(f"{tag['key']}={tag.get('value', '')}" for tag in job.tags),
            job.input_tokens,
            job.output_tokens,
            _usd(job.cost_usd),
        )
        for job in job_usages(page.connection, page.query.days)
    )


def _usd(amount: Any) -> str:
    """Format an amount with six decimals; an empty cell for None."""
    return "" if amount is None else f"{amount:.6f}"


TOTALS = ("jobs", "input_tokens", "output_tokens", "cost_usd", "jobs_without_price", "jobs_without_token_count")
JOBS = (
    "ended_at",
    "job_name",
    "job_arn",
    "model_id",
    "created_by",
    "status",
    "tags",
    "input_tokens",
    "output_tokens",
    "cost_usd",
)
EXPORTS: dict[str, Callable[[UsagePage], Table]] = {"totals": _totals, "jobs": _jobs}
