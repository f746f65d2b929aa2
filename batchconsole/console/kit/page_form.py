"""The interface of forms that layout parts and template tags rely on.

Forms on a page derive from :class:`PageForm`, layout parts from :class:`Part`, and formsets with a place in the layout
from :class:`RowFormSet`. Rendering a form of another class raises an error.
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
    """The values that AWS lists for a field as Django choices, or the error that it returned."""

    choices: Choices
    error: AwsError | UserError | None = None


@dataclass(frozen=True)
class FormError:
    """One line of the error list. ``field`` is where to correct it, None if the error concerns the form as a whole."""

    field: BoundField | None
    label: str
    message: str

    @property
    def target(self) -> str:
        """The id of the control to link to; empty if there is no visible one."""
        return focus_id(self.field) if self.field and not self.field.is_hidden else ""


def focus_id(field: BoundField) -> str:
    """Return the id of the element to focus for *field*; in a group of radio buttons, the first one."""
    return f"{field.auto_id}_0" if isinstance(field.field.widget, forms.RadioSelect) else field.auto_id


class PageForm(forms.Form):
    """A form on a page.

    Attributes
    ----------
    error_labels
        Names, by field name, for fields whose own label is unclear outside their section.
    autofocus
        The ``html_name`` of the control that has the focus when the page opens; set by :meth:`focus`.
    offers
        The AWS lists loaded so far, by field name.
    warnings
        Remarks on fields that do not make the form invalid, by field name.
    suggestions
        Suggested values for the rows of a formset, by the name of the row's field.
    helper
        Crispy's settings of the form, which include the layout.
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
        """Return the form as filled in so far, without validation: for buttons other than the primary one."""
        typed = {
            name: field.widget.value_from_datadict(data, {}, name)
            for name, field in cls.base_fields.items()
            if name in data or isinstance(field.widget, forms.CheckboxInput)
        }
        return cls(initial=typed | (initial or {}), **kwargs)

    @property
    def formsets(self) -> dict[str, "RowFormSet"]:
        """The formsets in the layout, by their names there."""
        return {}

    def parts(self) -> "Iterator[Part]":
        """Yield all parts of the layout, nested ones included."""
        for part in self.helper.layout.fields if self.helper.layout else ():
            yield from part.walk()

    @property
    def shown_order(self) -> list[str]:
        """The names of fields and formsets in page order, then the fields that the layout does not place."""
        shown = [name for part in self.helper.layout.fields for name in part.names()] if self.helper.layout else []
        return [*shown, *(name for name in self.fields if name not in shown)]

    @property
    def seen_lists(self) -> set[str]:
        """The names of all fields and formsets in sections that are open from the start."""
        return {name for part in self.parts() if part.is_opened(self) for name in part.names()}

    def error_list(self) -> list[FormError]:
        """Return all errors of the form and its formsets in page order, errors of the form as a whole last."""
        formsets = self.formsets
        found: list[FormError] = []
        for name in self.shown_order:
            found += formsets[name].error_list(name.capitalize()) if name in formsets else self.errors_of(name)
        return found + [FormError(None, "", str(message)) for message in self.non_field_errors()]

    def errors_of(self, name: str) -> list[FormError]:
        """Return the errors of one field; none if this form does not have it, since its layout may name more fields."""
        if name not in self.fields:
            return []
        label = self.error_labels.get(name, "")
        return [FormError(self[name], label, str(message)) for message in self[name].errors]

    def focus(self, html_name: str) -> None:
        """Give the control with that name the focus when the page opens; it may be in a row of a formset."""
        self.autofocus = html_name
        for formset in self.formsets.values():
            for row in formset.forms:
                row.autofocus = html_name

    def focus_first_error(self) -> None:
        """Give the first control with an error the focus."""
        self.focus(next((error.field.html_name for error in self.error_list() if error.field and error.target), ""))

    def name_of(self, name: str) -> str:
        """Return the name of a field for use outside its section."""
        return self.error_labels.get(name, str(self.fields[name].label))

    def warn(self, name: str, words: str) -> None:
        """Add a warning to a field; it does not make the form invalid."""
        known = self.warnings.setdefault(name, [])
        if words not in known:
            known.append(words)

    def take_offer(self, name: str, offer: Offer) -> None:
        """Show the values that AWS lists for the field *name*."""
        self.offers[name] = offer
        self.fields[name].widget.choices = offer.choices


class RowFormSet(BaseFormSet):  # type: ignore[type-arg] # generic for mypy only
    """The rows of a form, each a :class:`PageForm`."""

    @property
    def kept(self) -> Sequence[PageForm]:
        """The rows that count towards the limit; here, all of them."""
        return self.forms

    def error_list(self, label: str) -> list[FormError]:
        """Return the errors of the rows. Errors of the formset as a whole link to the last row."""
        found = [
            FormError(row[name], label, str(message))
            for row in self.forms
            for name in row.fields
            for message in row[name].errors
        ]
        last = next(iter(self.forms[-1])) if self.forms else None
        return found + [FormError(last, label, str(message)) for message in self.non_form_errors()]


class Part(LayoutObject):  # type: ignore[misc] # crispy-forms ships no types
    """A part of a layout that renders ``template`` around the fields it holds."""

    template: ClassVar[str]

    def __init__(self, *fields: "str | Part") -> None:
        self.fields = list(fields)

    def names(self) -> Iterator[str]:
        """Yield the names of all form fields in this part, nested ones included."""
        for field in self.fields:
            if isinstance(field, str):
                yield field
            else:
                yield from field.names()

    def walk(self) -> "Iterator[Part]":
        """Yield this part and all parts inside it."""
        yield self
        for field in self.fields:
            if isinstance(field, Part):
                yield from field.walk()

    def is_opened(self, form: PageForm) -> bool:
        """Whether this part is a collapsible section that is open from the start for *form*."""
        return False

    def context(self, form: PageForm) -> dict[str, Any]:
        """Return what the template needs besides the part itself."""
        return {}

    def render(self, form: PageForm, context: Context, template_pack: Any = TEMPLATE_PACK, **kwargs: Any) -> SafeString:
        body = self.get_rendered_fields(form, context, template_pack)
        around: dict[str, Any] = context.flatten()  # type: ignore[assignment] # its keys are names
        own = {"part": self, "body": body, "form": form, **self.context(form)}
        return render_to_string(self.get_template_name(template_pack), around | own)
