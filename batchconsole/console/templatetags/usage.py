"""How usage is written: costs and token counts."""

from django import template

from batchconsole.console.kit import amounts
from batchconsole.jobs.usage import Totals

register = template.Library()


@register.filter
def cost(totals: Totals, decimals: int | None = None) -> str:
    """What the jobs cost as far as it is known: a hyphen when they used nothing."""
    if totals.cost_usd is None and not totals.unpriced and not totals.uncounted:
        return "-"
    return amounts.usd(totals.cost_usd, decimals)


@register.filter
def gaps(totals: Totals) -> str:
    """Which jobs the cost leaves out: ``3 jobs without a known price``. Empty when it is complete."""
    parts = [
        f"{count:,} job{'' if count == 1 else 's'} without {what}"
        for count, what in ((totals.unpriced, "a known price"), (totals.uncounted, "a token count"))
        if count
    ]
    return " and ".join(parts)
