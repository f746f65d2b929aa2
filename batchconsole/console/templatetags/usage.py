"""Formatting of usage: costs, and what they leave out."""

from django import template

from batchconsole.console.kit import amounts
from batchconsole.jobs.costs.usage import Totals

register = template.Library()


@register.filter
def cost(totals: Totals, decimals: int | None = None) -> str:
    """Format the known cost of the jobs: ``unknown`` if all of it is missing, a hyphen if the jobs used nothing."""
    if totals.cost_usd is None and not totals.unpriced and not totals.uncounted:
        return "-"
    return amounts.usd(totals.cost_usd, decimals)


@register.filter
def gaps(totals: Totals) -> str:
    """Return which jobs the cost leaves out, such as ``3 jobs without a known price``; empty if it is complete."""
    parts = [
        f"{count:,} job{'' if count == 1 else 's'} without {what}"
        for count, what in ((totals.unpriced, "a known price"), (totals.uncounted, "a token count"))
        if count
    ]
    return " and ".join(parts)
