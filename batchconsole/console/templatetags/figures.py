"""Counts, progress, amounts of money, and the cells of answers."""

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
    """How far a job is, in records."""

    processed: int
    total: int
    errors: int

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return self.processed * 100 // self.total


@register.filter
def progress(job: BatchJob) -> RecordProgress | None:
    """The job's progress, ``None`` while AWS has counted nothing."""
    if not job.total_record_count:
        return None
    return RecordProgress(job.processed_record_count or 0, job.total_record_count, job.error_record_count or 0)


@register.filter
def figure(value: float | None) -> str:
    """A count with separators, a hyphen for none."""
    return "-" if value is None else f"{value:,}"


@register.filter
def usd(value: Decimal | None, decimals: int | None = None) -> str:
    """What a job cost, by its size or with so many decimals; a hyphen where it is not known, never a zero."""
    return "-" if value is None else amounts.usd(value, decimals)


@register.filter
def price(value: Decimal | None, decimals: int) -> str:
    """A price in US dollars with as many *decimals* as the rest of its column, a hyphen for none."""
    return "-" if value is None else f"${value:,.{decimals}f}"


@register.filter
def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@register.filter
def cell_text(value: Any) -> str:
    """A field of an answer as its cell shows it: numbers and truth values as JSON has them, nothing as nothing."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
