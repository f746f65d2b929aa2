"""Dollar amounts and large numbers for display. An unknown amount is shown as a word, never as zero."""

import math
from collections.abc import Iterable
from decimal import Decimal

UNKNOWN = "unknown"
# The number of decimals to show from each amount on.
DECIMALS = ((Decimal("1"), 2), (Decimal("0.01"), 4), (Decimal("0"), 6))
SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def decimals_for(amounts: Iterable[Decimal | None]) -> int:
    """Return the number of decimals for a column of *amounts*, chosen by the largest."""
    largest = max((amount for amount in amounts if amount is not None), default=Decimal(1))
    return next(decimals for limit, decimals in DECIMALS if largest >= limit)


def exact_decimals(amounts: Iterable[Decimal | None]) -> int:
    """Return the number of decimals, at least two, that shows every price of a column exactly."""
    known = [amount.normalize() for amount in amounts if amount is not None]
    return max([2, *(-int(amount.as_tuple().exponent) for amount in known)])


def usd(amount: Decimal | None, decimals: int | None = None) -> str:
    """``$1,234.50``; ``$0.00``; ``<$0.01`` for an amount that would round to zero; ``unknown`` for None."""
    if amount is None:
        return UNKNOWN
    places = (decimals_for([amount]) if amount else 2) if decimals is None else decimals
    least = Decimal(1).scaleb(-places)
    return f"<${least}" if 0 < amount < least / 2 else f"${amount:,.{places}f}"


def usd_ticks(values: list[float]) -> list[str]:
    """Return the labels of an axis in dollars, all with the decimals that its steps need."""
    step = values[1]
    decimals = 0 if step >= 1 else max(2, -math.floor(math.log10(step)))
    return [f"${value:,.{decimals}f}" for value in values]


def compact(value: float) -> str:
    """``1.2M``, ``340k``, ``12``."""
    for scale, letter in SCALES:
        if value >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.3g}"
