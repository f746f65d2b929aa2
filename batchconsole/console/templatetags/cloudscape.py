"""Template tags of the ``cloudscape`` crispy pack: a field's control with the ids that assistive technology follows."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.utils.safestring import SafeString

from batchconsole.console.kit.form_errors import error_list, focus_id

register = template.Library()

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, "checkbox"),
    (forms.FileInput, "file"),
    (forms.Select, "input"),
    (forms.Textarea, "input"),
    (forms.widgets.Input, "input"),
)


@register.filter
def warnings(field: BoundField) -> list[str]:
    """What is to be said of the field that is no error: what its form keeps in ``warnings``, if it does."""
    return list(getattr(field.form, "warnings", {}).get(field.name, ()))


def described_by(field: BoundField, part: Any = None) -> str:
    """The ids of error, warning, description and constraint, those there are, in the order they should be heard."""
    ids = [
        ("error", field.errors),
        ("warning", warnings(field)),
        ("helptext", field.help_text),
        ("constraint", getattr(part, "constraint", "") or getattr(part, "counter", False)),
    ]
    return " ".join(f"{field.auto_id}_{name}" for name, present in ids if present)


register.simple_tag(described_by, name="described_by")


@register.simple_tag
def control(field: BoundField, part: Any = None) -> SafeString:
    """The field's control. *part* is the layout object, whose attributes it gets; there may be none."""
    widget = field.field.widget
    attrs: dict[str, Any] = dict(getattr(part, "attrs", {}))
    own = [widget.attrs.get("class"), next((name for kind, name in CLASSES if isinstance(widget, kind)), None)]
    attrs["class"] = " ".join(filter(None, own))
    if not widget.use_fieldset:
        attrs |= _aria(field, part)
    if isinstance(widget, forms.TextInput):  # names and addresses of things, not prose
        attrs |= {"autocomplete": "off", "spellcheck": "false"}
    if field.html_name == getattr(field.form, "autofocus", ""):
        attrs["autofocus"] = True
    if getattr(part, "counter", False):
        attrs["data-counter"] = f"{field.auto_id}_count"
    return field.as_widget(attrs=attrs)


def _aria(field: BoundField, part: Any) -> dict[str, str]:
    """What a fieldset says for its controls, and a control that has none for itself."""
    ids = described_by(field, part)
    is_required = field.field.required and not isinstance(field.field.widget, forms.CheckboxInput)
    return ({"aria-describedby": ids} if ids else {}) | ({"aria-required": "true"} if is_required else {})


@register.filter
def is_optional(field: BoundField, part: Any = None) -> bool:
    """Whether the label says so: a field that may be empty, unless its part says that something else decides."""
    said = getattr(part, "optional", None)
    return not field.field.required if said is None else bool(said)


@register.filter
def newest_first(messages: Iterable[Any]) -> list[Any]:
    """Django's messages from the newest to the oldest; their storage itself cannot be reversed."""
    return list(messages)[::-1]


@register.filter
def item(mapping: Mapping[str, Any], key: str) -> Any:
    """The value of *key*, which a template cannot ask for when the key is a variable."""
    return mapping[key]


@register.filter
def is_plain_choice(field: BoundField) -> bool:
    """Whether the control is Django's own set of radio buttons or check boxes, one under the other."""
    return type(field.field.widget) in (forms.RadioSelect, forms.CheckboxSelectMultiple)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


register.filter(error_list)
register.filter(focus_id)
