"""Template tags of the ``cloudscape`` crispy pack: a field's control with the ids that assistive technology follows."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django import forms, template
from django.forms import BaseForm, BaseFormSet, BoundField
from django.utils.safestring import SafeString

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


class FormError(NamedTuple):
    """One line of the alert above the actions. ``target`` is the id of the control, empty when there is none."""

    target: str
    label: str
    message: str


@register.filter
def error_list(form: BaseForm) -> list[FormError]:
    """All errors of the form and of its formsets in the order of the page, those of no field last."""
    formsets = getattr(form, "formsets", {})
    found: list[FormError] = []
    for name in getattr(form, "shown_order", form.fields):
        if name in formsets:
            found += _formset_errors(formsets[name], name.capitalize())
        elif name in form.fields:
            label = getattr(form, "error_labels", {}).get(name, "")
            found += [FormError(focus_id(form[name]), label, str(message)) for message in form[name].errors]
    return found + [FormError("", "", str(message)) for message in form.non_field_errors()]


def _formset_errors(formset: "BaseFormSet[Any]", label: str) -> list[FormError]:
    rows = [
        FormError(focus_id(row[name]), label, str(message))
        for row in formset.forms
        for name in row.fields
        for message in row[name].errors
    ]
    return rows + [FormError(_last_row(formset), label, str(message)) for message in formset.non_form_errors()]


def _last_row(formset: "BaseFormSet[Any]") -> str:
    """Where what is wrong with all rows together can be mended: at the last one."""
    row = formset.forms[-1] if formset.forms else None
    return focus_id(row[next(iter(row.fields))]) if row else ""


@register.filter
def focus_id(field: BoundField) -> str:
    """The id of the element that takes the focus for this field: of a group of radio buttons, the first."""
    return f"{field.auto_id}_0" if isinstance(field.field.widget, forms.RadioSelect) else field.auto_id
