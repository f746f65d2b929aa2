"""What others have changed since a page was opened: a hidden field says what the page showed."""

import json
from collections.abc import Mapping

from django import forms


def seen_field() -> forms.CharField:
    """The field that says what the page showed, by name; :func:`written` writes it and :func:`read` reads it."""
    return forms.CharField(required=False, widget=forms.HiddenInput)


def written(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values))


def read(text: str) -> dict[str, str] | None:
    """What the page showed; ``None`` for one that does not say."""
    try:
        seen = json.loads(text)
    except ValueError:
        return None
    return seen if isinstance(seen, dict) else None


def changed(seen: Mapping[str, str] | None, now: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """The names in *here* whose value is neither the one that was seen nor the one to be saved."""
    if seen is None:
        return []
    return [name for name, value in here.items() if now.get(name) not in (seen.get(name), value)]
