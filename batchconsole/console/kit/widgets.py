"""Controls that offer what AWS lists and still take anything typed, so that a form works when AWS does not answer."""

import re
from typing import Any

from django import forms

SEPARATORS = re.compile(r"[\s,;]+")


def posted(data: Any, name: str) -> list[str]:
    """All values posted under *name*, without blanks around them; *data* may be a plain dict."""
    values = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
    return [str(value).strip() for value in ([values] if isinstance(values, str) else values)]


class SelectOrType(forms.Select):
    """A drop-down with a text input of the same name beside it; what is typed wins. Without choices only the input."""

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
        if typed and any(listed):  # the error belongs to what was typed, not to the list
            context["widget"]["is_invalid"] = context["widget"]["attrs"].pop("aria-invalid", None)
        return context


class PickOrType(forms.CheckboxSelectMultiple):
    """Check boxes for what AWS lists and a text input of the same name for other ids, separated by commas."""

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
        """The text input has the field's own id; each box has it with its index."""
        return id_ if index is None else f"{id_}_{index}"
