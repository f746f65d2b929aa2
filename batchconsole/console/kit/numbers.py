"""Whole numbers from users and scripts, parsed in one place so that no length or script of digits raises an error."""

from collections.abc import Iterable

MOST_DIGITS = 18  # below the largest primary key, and far below the most digits that Python parses


def read_number(text: str, default: int = 0) -> int:
    """Return *text* as a whole number if it is at most 18 ASCII digits; *default* for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else default


def read_numbers(texts: Iterable[str]) -> list[int]:
    """Return the valid numbers among *texts*, in order."""
    return [number for text in texts if (number := read_number(text, -1)) >= 0]
