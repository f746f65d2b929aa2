"""Counts, progress, amounts of money, and cells of answers."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import template

from batchconsole.console.kit import amounts
from batchconsole.jobs.models import BatchJob

register = template.Library()


@dataclass(frozen=True)
class RecordProgress:
    """A job's progress in records."""

    processed: int
    total: int
    errors: int

    @property
    def percent(self) -> int:
        """The processed share, rounded down so that 100 means all."""
        return self.processed * 100 // self.total


@register.filter
def progress(job: BatchJob) -> RecordProgress | None:
    """Return the job's progress, or None before AWS has counted its records."""
    if not job.total_record_count:
        return None
    return RecordProgress(job.processed_record_count or 0, job.total_record_count, job.error_record_count or 0)


@register.filter
def figure(value: float | None) -> str:
    """Format a count with thousands separators; a hyphen for None."""
    return "-" if value is None else f"{value:,}"


@register.filter
def usd(value: Decimal | None, decimals: int | None = None) -> str:
    """Format a job's cost, with *decimals* or as many as its size needs; a hyphen for an unknown cost, never zero."""
    return "-" if value is None else amounts.usd(value, decimals)


@register.filter
def price(value: Decimal | None, decimals: int) -> str:
    """Format a price in US dollars with *decimals*, the same for its whole column; a hyphen for None."""
    return "-" if value is None else f"${value:,.{decimals}f}"


@register.filter
def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@register.filter
def cell_text(value: Any) -> str:
    """Format an answer field for its cell: numbers and booleans as JSON, None as an empty string."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
