"""What a job on demand is created with, besides its request."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Order:
    """How a job runs on demand: see ``OnDemandRun``. ``usd_at_most`` is its highest cost, ``None`` if unknown."""

    record_limit: int | None = None
    takes_over: bool = False
    usd_at_most: Decimal | None = None
