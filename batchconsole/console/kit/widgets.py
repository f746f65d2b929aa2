"""Controls that offer the values AWS lists but accept any typed value, so forms work even if AWS is unavailable."""

import re
from typing import Any

from django import forms

SEPARATORS = re.compile(r"[\s,;]+")


def posted(data: Any, name: str) -> list[str]:
    """Return all values posted as *name*, stripped; *data* may be a plain dict."""
    values = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
    return [str(value).strip() for value in ([values] if isinstance(values, str) else values)]


class SelectOrType(forms.Select):
    """A drop-down with a text input of the same name; a typed value wins. Without choices, only the input is shown."""

    template_name = "cloudscape/widgets/select_or_type.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, noun: str = "value", placeholder: str = "") -> None:
        super().__init__(attrs)
        self.noun = noun
        self.placeholder = placeholder

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return next((value for value in reversed(posted(data, name)) if value), "")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        listed = [option["value"] for _, options, _ in context["widget"]["optgroups"] for option in options]
        typed = value if value and value not in listed else ""
        context["widget"] |= {"typed": typed, "noun": self.noun, "placeholder": self.placeholder, "listed": any(listed)}
        if typed and any(listed):  # mark the typed value as invalid, not the list
            context["widget"]["is_invalid"] = context["widget"]["attrs"].pop("aria-invalid", None)
        return context


class PickOrType(forms.CheckboxSelectMultiple):
    """Check boxes for the values AWS lists, and a text input of the same name for other ids, separated by commas."""

    template_name = "cloudscape/widgets/pick_or_type.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, noun: str = "id", placeholder: str = "") -> None:
        super().__init__(attrs)
        self.noun = noun
        self.placeholder = placeholder

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        ids = [part for value in posted(data, name) for part in SEPARATORS.split(value) if part]
        return list(dict.fromkeys(ids))

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        listed = {str(option["value"]) for _, options, _ in context["widget"]["optgroups"] for option in options}
        typed = ", ".join(part for part in value or [] if part not in listed)
        context["widget"] |= {"typed": typed, "noun": self.noun, "placeholder": self.placeholder}
        context["widget"]["is_invalid"] = "aria-invalid" in (attrs or {})
        return context

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the field's own id for the text input, or with the index appended for a check box."""
        return id_ if index is None else f"{id_}_{index}"
