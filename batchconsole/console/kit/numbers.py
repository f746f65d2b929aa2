"""Whole numbers that people and scripts send, read in one place: no length or alphabet of digits breaks a page."""

from collections.abc import Iterable

MOST_DIGITS = 18  # below the largest key of a row, and far below what Python refuses to read


def read_number(text: str, default: int = 0) -> int:
    """The whole number of ASCII digits that *text* is, at most 18 of them; *default* for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else default


def read_numbers(texts: Iterable[str]) -> list[int]:
    """The numbers among *texts*, in their order."""
    return [number for text in texts if (number := read_number(text, -1)) >= 0]
