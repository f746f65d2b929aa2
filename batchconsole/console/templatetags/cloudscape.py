"""Template tags of the ``cloudscape`` crispy pack, implemented in :mod:`batchconsole.console.kit.controls`."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template

from batchconsole.console.kit import controls

register = template.Library()

register.simple_tag(controls.control)
register.simple_tag(controls.described_by)
register.filter(controls.warnings)
register.filter(controls.is_optional)
register.filter(controls.is_plain_choice)
register.filter(controls.is_checkbox)


@register.filter
def newest_first(messages: Iterable[Any]) -> list[Any]:
    """Return Django's messages, newest first; the message storage itself can't be reversed."""
    return list(messages)[::-1]


@register.filter
def item(mapping: Mapping[str, Any], key: str) -> Any:
    """Return the value of *key*; templates have no syntax for a key that is a variable."""
    return mapping[key]
