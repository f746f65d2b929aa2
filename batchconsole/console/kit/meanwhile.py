"""Detect what others changed after a page was opened: a hidden field holds the values that the page showed."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms


def seen_field() -> forms.CharField:
    """Return the hidden field for the values that the page showed; see :func:`written` and :func:`read`."""
    return forms.CharField(required=False, widget=forms.HiddenInput)


def written(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values))


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Return *values* as strings that are equal where the values are, for :func:`written` and :func:`changed`."""
    return {name: json.dumps(value, sort_keys=True, default=str) for name, value in values.items()}


def spoken(value: Any) -> str:
    """Return *value* as a sentence about a conflict words it."""
    if isinstance(value, bool):
        return "selected" if value else "not selected"
    if isinstance(value, list):
        return f"“{', '.join(map(spoken_part, value))}”" if value else "empty"
    return "empty" if value in (None, "") else f"“{value}”"


def spoken_part(value: Any) -> str:
    """Return one item of a list; of a tag, its key and value."""
    return f"{value['key']}={value['value']}" if isinstance(value, dict) and "key" in value else str(value)


def read(text: str) -> dict[str, str] | None:
    """Return the values that the page showed, or None if *text* does not say."""
    try:
        seen = json.loads(text)
    except ValueError:
        return None
    return seen if isinstance(seen, dict) else None


def changed(seen: Mapping[str, str] | None, now: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return the names in *here* whose current value is neither the one the page showed nor the one to be saved."""
    if seen is None:
        return []
    return [name for name, value in here.items() if now.get(name) not in (seen.get(name), value)]
