"""Form controls of the ``cloudscape`` pack, with the ids that assistive technology uses."""

from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.safestring import SafeString

from batchconsole.console.kit.layout import Field
from batchconsole.console.kit.page_form import PageForm

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, "checkbox"),
    (forms.FileInput, "file"),
    (forms.Select, "input"),
    (forms.Textarea, "input"),
    (forms.widgets.Input, "input"),
)
PLAIN = Field("")  # the part of a field that no layout part holds


def form_of(field: BoundField) -> PageForm:
    if not isinstance(field.form, PageForm):
        raise TypeError(f"The cloudscape pack draws a PageForm; {type(field.form).__name__} is none.")
    return field.form


def field_part(part: object) -> Field:
    """Return the layout part of a field. Templates pass an empty string for *part* if there is none."""
    return part if isinstance(part, Field) else PLAIN


def warnings(field: BoundField) -> list[str]:
    """Return the warnings of the field."""
    return form_of(field).warnings.get(field.name, [])


def described_by(field: BoundField, part: object = None) -> str:
    """Return the ids of the error, warning, description and constraint that the field has, in reading order."""
    shown = field_part(part)
    ids = [
        ("error", field.errors),
        ("warning", warnings(field)),
        ("helptext", field.help_text),
        ("constraint", shown.constraint or shown.counter),
    ]
    return " ".join(f"{field.auto_id}_{name}" for name, present in ids if present)


def control(field: BoundField, part: object = None) -> SafeString:
    """Render the field's control with the attributes of *part*, its layout part, if there is one."""
    widget, shown = field.field.widget, field_part(part)
    attrs: dict[str, Any] = dict(shown.attrs)
    own = [widget.attrs.get("class"), next((name for kind, name in CLASSES if isinstance(widget, kind)), None)]
    attrs["class"] = " ".join(filter(None, own))
    if not widget.use_fieldset:
        attrs |= _aria(field, shown)
    if isinstance(widget, forms.TextInput):  # these hold names and addresses, not prose
        attrs |= {"autocomplete": widget.attrs.get("autocomplete", "off"), "spellcheck": "false"}
    if field.html_name == form_of(field).autofocus:
        attrs["autofocus"] = True
    if shown.counter:
        attrs["data-counter"] = f"{field.auto_id}_count"
    return field.as_widget(attrs=attrs)


def _aria(field: BoundField, part: Field) -> dict[str, str]:
    """Return the ARIA attributes of a control; for a group of controls, the fieldset has them."""
    ids = described_by(field, part)
    is_required = field.field.required and not isinstance(field.field.widget, forms.CheckboxInput)
    return ({"aria-describedby": ids} if ids else {}) | ({"aria-required": "true"} if is_required else {})


def is_optional(field: BoundField, part: object = None) -> bool:
    """Whether the label says "optional": for fields that may be empty, unless the layout part overrides it."""
    said = field_part(part).optional
    return not field.field.required if said is None else said


def is_plain_choice(field: BoundField) -> bool:
    """Whether the control is Django's own group of radio buttons or check boxes, listed vertically."""
    return type(field.field.widget) in (forms.RadioSelect, forms.CheckboxSelectMultiple)


def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)
