"""What is wrong with a form as a list, each line leading to its control."""

from typing import Any, NamedTuple

from django import forms
from django.forms import BaseForm, BaseFormSet, BoundField


class FormError(NamedTuple):
    """One line of the alert above the actions. ``target`` is the id of the control, empty when there is none."""

    target: str
    label: str
    message: str


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


def focus_id(field: BoundField) -> str:
    """The id of the element that takes the focus for this field: of a group of radio buttons, the first."""
    return f"{field.auto_id}_0" if isinstance(field.field.widget, forms.RadioSelect) else field.auto_id
