"""The contract of a form: what the parts of its layout and the template tags may ask of it.

Forms that a page shows derive from :class:`PageForm`, parts of a layout from :class:`Part`, and formsets with a place
in a layout from :class:`RowFormSet`. A form of another class is an error where it is drawn, not an empty default.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from crispy_forms.helper import FormHelper
from crispy_forms.layout import LayoutObject
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.forms import BaseFormSet, BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import UserError

Choices = list[tuple[str, Any]]


@dataclass(frozen=True)
class Offer:
    """What AWS offers for a field: Django choices, or the error that came instead."""

    choices: Choices
    error: AwsError | UserError | None = None


@dataclass(frozen=True)
class FormError:
    """One line of what is wrong. ``field`` is where it can be mended, ``None`` when it is the form as a whole."""

    field: BoundField | None
    label: str
    message: str

    @property
    def target(self) -> str:
        """The id of the control to lead to, empty when there is none to be seen."""
        return focus_id(self.field) if self.field and not self.field.is_hidden else ""


def focus_id(field: BoundField) -> str:
    """The id of the element that takes the focus for this field: of a group of radio buttons, the first."""
    return f"{field.auto_id}_0" if isinstance(field.field.widget, forms.RadioSelect) else field.auto_id


class PageForm(forms.Form):
    """A form that a page shows.

    Attributes
    ----------
    error_labels
        What to call fields whose own label says little without their section, by name.
    autofocus
        The ``html_name`` of the control that has the focus when the page opens; :meth:`focus` sets it.
    offers
        What AWS offers for fields, as far as it was asked.
    warnings
        What is to be said of fields that is no reason to refuse the form.
    suggestions
        What people may want to enter into the rows of a formset, by the name of the row's field.
    helper
        Crispy's settings of the form; a form with parts has its layout there.
    """

    use_required_attribute = False
    error_labels: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autofocus = ""
        self.offers: dict[str, Offer] = {}
        self.warnings: dict[str, list[str]] = {}
        self.suggestions: dict[str, list[str]] = {}
        self.helper = FormHelper()

    @classmethod
    def draft(cls, data: Any, *, initial: dict[str, Any] | None = None, **kwargs: Any) -> Self:
        """The form as filled in so far, not judged: what a button other than the last one comes back to."""
        typed = {
            name: field.widget.value_from_datadict(data, {}, name)
            for name, field in cls.base_fields.items()
            if name in data or isinstance(field.widget, forms.CheckboxInput)
        }
        return cls(initial=typed | (initial or {}), **kwargs)

    @property
    def formsets(self) -> dict[str, "RowFormSet"]:
        """The formsets that stand in the layout under a name like a field's."""
        return {}

    def parts(self) -> "Iterator[Part]":
        """All parts of the layout, however deep."""
        for part in self.helper.layout.fields if self.helper.layout else ():
            yield from part.walk()

    @property
    def shown_order(self) -> list[str]:
        """The names of fields and formsets as they stand on the page, then those of fields without a place on it."""
        shown = [name for part in self.helper.layout.fields for name in part.names()] if self.helper.layout else []
        return [*shown, *(name for name in self.fields if name not in shown)]

    @property
    def seen_lists(self) -> set[str]:
        """The names of what stands in sections that are open from the start."""
        return {name for part in self.parts() if part.is_opened(self) for name in part.names()}

    def error_list(self) -> list[FormError]:
        """All errors of the form and of its formsets in the order of the page, those of no field last."""
        formsets = self.formsets
        found: list[FormError] = []
        for name in self.shown_order:
            found += formsets[name].error_list(name.capitalize()) if name in formsets else self.errors_of(name)
        return found + [FormError(None, "", str(message)) for message in self.non_field_errors()]

    def errors_of(self, name: str) -> list[FormError]:
        """What is wrong with one field; a layout may name some that a kind of the form lacks."""
        if name not in self.fields:
            return []
        label = self.error_labels.get(name, "")
        return [FormError(self[name], label, str(message)) for message in self[name].errors]

    def focus(self, html_name: str) -> None:
        """Let the control of that name, one in a row too, have the focus when the page opens."""
        self.autofocus = html_name
        for formset in self.formsets.values():
            for row in formset.forms:
                row.autofocus = html_name

    def focus_first_error(self) -> None:
        """Let the first control in error have the focus."""
        self.focus(next((error.field.html_name for error in self.error_list() if error.field and error.target), ""))

    def name_of(self, name: str) -> str:
        """What people call a field, where it does not stand in its section."""
        return self.error_labels.get(name, str(self.fields[name].label))

    def warn(self, name: str, words: str) -> None:
        """Say something of a field that is no reason to refuse the form."""
        known = self.warnings.setdefault(name, [])
        if words not in known:
            known.append(words)

    def take_offer(self, name: str, offer: Offer) -> None:
        """Show what AWS offers for the field *name*."""
        self.offers[name] = offer
        self.fields[name].widget.choices = offer.choices


class RowFormSet(BaseFormSet):  # type: ignore[type-arg] # generic for mypy only
    """Rows of a form, each a :class:`PageForm`."""

    @property
    def kept(self) -> Sequence[PageForm]:
        """The rows that count."""
        return self.forms

    def error_list(self, label: str) -> list[FormError]:
        """What is wrong with the rows; what is wrong with all together can be mended at the last one."""
        found = [
            FormError(row[name], label, str(message))
            for row in self.forms
            for name in row.fields
            for message in row[name].errors
        ]
        last = next(iter(self.forms[-1])) if self.forms else None
        return found + [FormError(last, label, str(message)) for message in self.non_form_errors()]


class Part(LayoutObject):  # type: ignore[misc] # crispy-forms ships no types
    """Something in a layout that renders ``template`` around the fields it holds."""

    template: ClassVar[str]

    def __init__(self, *fields: "str | Part") -> None:
        self.fields = list(fields)

    def names(self) -> Iterator[str]:
        """The names of all form fields in this part, however deep."""
        for field in self.fields:
            if isinstance(field, str):
                yield field
            else:
                yield from field.names()

    def walk(self) -> "Iterator[Part]":
        """This part and those inside it, however deep."""
        yield self
        for field in self.fields:
            if isinstance(field, Part):
                yield from field.walk()

    def is_opened(self, form: PageForm) -> bool:
        """Whether it is a section that can be folded away, and *form* opens it from the start."""
        return False

    def context(self, form: PageForm) -> dict[str, Any]:
        """What the template needs beside the part itself."""
        return {}

    def render(self, form: PageForm, context: Context, template_pack: Any = TEMPLATE_PACK, **kwargs: Any) -> SafeString:
        body = self.get_rendered_fields(form, context, template_pack)
        around: dict[str, Any] = context.flatten()  # type: ignore[assignment] # its keys are names
        own = {"part": self, "body": body, "form": form, **self.context(form)}
        return render_to_string(self.get_template_name(template_pack), around | own)
