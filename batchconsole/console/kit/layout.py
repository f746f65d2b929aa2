"""Layout objects of the ``cloudscape`` crispy pack: the parts that forms are built from, without rules or data.

A new field takes two lines, one in the form and one in its layout::

    class JobForm(PageForm):
        team = forms.CharField(label="Team", help_text="Who pays for it.")

    Layout(Container("Job details", Field("team", constraint="Up to 40 characters.")))

Every field shows, in this order, its label, its description (``help_text``), the control, the error, the warning and
the constraint; ``aria-describedby`` lists error, warning, description and constraint in reading order. Error and
description have Django's own ids (``<auto_id>_error``, ``<auto_id>_helptext``); the others are ``<auto_id>_warning``
and ``<auto_id>_constraint``.

==================== ==================================================================================================
object               what it renders
==================== ==================================================================================================
Container            a section with a heading that holds fields
ExpandableSection    a collapsible section, open if a field in it has an error, a warning or a non-default value
Field                any field; ``constraint``, ``info`` (a help topic) and ``counter`` add to it
Tiles                a choice as tiles; pass the choices as :class:`Choice` to give each a description
RadioGroup           a choice as radio buttons, each with the part that belongs to it
S3Location           an S3 URI with View and Browse S3; its page needs ``s3.css``, ``s3-chooser.js``, ``#dialog``
ModelSelect          a model id or ARN with Select model, and a line about the chosen model
AwsSelect            a value listed by AWS or typed (:class:`~batchconsole.console.kit.widgets.SelectOrType`)
RoleSelect           the same for service roles
AttributeEditor      a formset of rows with Remove and Add
FormActions          the alert that lists the errors, Cancel, and the primary button
==================== ==================================================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crispy_forms.utils import TEMPLATE_PACK
from django.template import Context
from django.utils.safestring import SafeString

from batchconsole.console.kit.page_form import PageForm, Part

READ_FORMAT = "Use s3://bucket/prefix/object format."  # the constraint text of an S3 location to read from


@dataclass(frozen=True)
class Choice:
    """A choice's label with a description below it, used as the label in ``choices``."""

    label: str
    description: str = ""

    def __str__(self) -> str:
        return self.label


class Container(Part):
    """A section of the form. With an empty ``title`` it is only the box."""

    template = "%s/layout/container.html"

    def __init__(
        self, title: str, *fields: str | Part, description: str = "", optional: bool = False, info: str = ""
    ) -> None:
        super().__init__(*fields)
        self.title = title
        self.description = description
        self.optional = optional
        self.info = info


class ExpandableSection(Part):
    """Fields that most users leave unchanged. ``variant`` is ``container``, or ``inline`` inside another container."""

    template = "%s/layout/expandable_section.html"

    def __init__(
        self, title: str, *fields: str | Part, description: str = "", optional: bool = False, variant: str = "container"
    ) -> None:
        super().__init__(*fields)
        self.title = title
        self.description = description
        self.optional = optional
        self.variant = variant

    def is_opened(self, form: PageForm) -> bool:
        return any(self._needs_eyes(form, name) for name in self.names())

    def context(self, form: PageForm) -> dict[str, Any]:
        return {"open": self.is_opened(form)}

    @staticmethod
    def _needs_eyes(form: PageForm, name: str) -> bool:
        if name in form.formsets:
            return bool(form.formsets[name].has_changed())
        return bool(form[name].errors or form.warnings.get(name)) or form[name].value() not in (
            None,
            "",
            [],
            form.fields[name].initial,
        )


class Field(Part):
    """One field.

    ``counter`` is the maximum length, shown with the number of characters used; ``optional`` overrides the "optional"
    mark of the label; ``stretch`` gives the field the full width. ``attrs`` are attributes of the control, with
    underscores turned into hyphens.
    """

    template = "%s/field.html"

    def __init__(
        self,
        name: str,
        *,
        constraint: str = "",
        info: str = "",
        counter: int = 0,
        optional: bool | None = None,
        stretch: bool = False,
        **attrs: str,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.constraint = constraint
        self.info = info
        self.counter = counter
        self.optional = optional
        self.stretch = stretch
        self.attrs = {key.replace("_", "-"): value for key, value in attrs.items()}

    def render(self, form: PageForm, context: Context, template_pack: Any = TEMPLATE_PACK, **kwargs: Any) -> SafeString:
        rendered: SafeString = self.get_rendered_fields(
            form,
            context,
            template_pack,
            template=self.get_template_name(template_pack),
            extra_context={"part": self, **self.context(form)},
        )
        return rendered

    def context(self, form: PageForm) -> dict[str, Any]:
        return {"count": len(str(form[self.name].value() or ""))} if self.counter else {}


class Tiles(Field):
    """A choice between two to seven options with a description each; one is preselected."""

    template = "%s/layout/tiles.html"


class RadioGroup(Field):
    """A choice as radio buttons. ``parts`` maps a choice's value to the part shown with it."""

    template = "%s/layout/radio_group.html"

    def __init__(self, name: str, parts: dict[str, Part] | None = None, *, hide_label: bool = False, **kwargs: Any):
        super().__init__(name, **kwargs)
        self.parts = parts or {}
        self.hide_label = hide_label

    def names(self) -> Iterator[str]:
        yield self.name
        for part in self.parts.values():
            yield from part.names()

    def walk(self) -> Iterator[Part]:
        yield self
        for part in self.parts.values():
            yield from part.walk()

    def render(self, form: PageForm, context: Context, template_pack: Any = TEMPLATE_PACK, **kwargs: Any) -> SafeString:
        inner = {value: part.render(form, context, template_pack) for value, part in self.parts.items()}
        rendered: SafeString = self.get_rendered_fields(
            form,
            context,
            template_pack,
            template=self.get_template_name(template_pack),
            extra_context={"part": self, "choices": _choices(form, self.name, inner)},
        )
        return rendered


def _choices(form: PageForm, name: str, inner: dict[str, SafeString]) -> list[tuple[Any, SafeString | str]]:
    """Return each radio button of the field with the HTML of its part."""
    return [(radio, inner.get(str(radio.data["value"]), "")) for radio in form[name]]


class Columns(Part):
    """Parts side by side."""

    template = "%s/layout/columns.html"


class Fragment(Part):
    """A piece of the page: *template*, rendered with the form's context. It renders *fields*, if any, itself."""

    def __init__(self, template: str, *fields: str) -> None:
        super().__init__()
        self.template = template  # type: ignore[misc] # unlike other parts, each instance has its own template
        self.drawn = fields

    def names(self) -> Iterator[str]:
        yield from self.drawn


class Group(Part):
    """Several parts below each other, where a single part is expected."""

    template = "%s/layout/group.html"


class S3Location(Field):
    """An S3 URI. ``mode`` is ``read`` or ``write``; ``browse_url`` lists buckets and objects.

    With ``check_url``, a button beside the field checks the input at that location. With ``model``, the name of the
    form's model field, the chooser marks objects that can't be the input of a job for that model.
    """

    template = "%s/layout/s3_location.html"

    def __init__(
        self,
        name: str,
        *,
        browse_url: str,
        mode: str = "read",
        of: str = "",
        check_url: str = "",
        model: str = "",
        **kwargs: Any,
    ) -> None:
        example = "s3://bucket/prefix" + ("/object" if mode == "read" else "")
        super().__init__(name, **{"placeholder": example, **kwargs})
        self.browse_url = browse_url
        self.mode = mode
        self.of = of
        self.check_url = check_url
        self.model = model


class ModelSelect(Field):
    """A model. ``picker_url`` returns the dialog's body, ``summary_url`` the line about a typed id."""

    template = "%s/layout/model_select.html"

    def __init__(self, name: str, *, picker_url: str, summary_url: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.picker_url = picker_url
        self.summary_url = summary_url


class AwsSelect(Field):
    """A value from a list of AWS (a key, a subnet), or typed. ``refresh_url`` returns the control with a new list."""

    template = "%s/layout/aws_select.html"

    def __init__(self, name: str, *, refresh_url: str, noun: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.refresh_url = refresh_url
        self.noun = noun

    def context(self, form: PageForm) -> dict[str, Any]:
        """Return the form's offer for this field, and the event on which a script loads the list.

        The list loads when its section is opened, or at once if the section is open from the start. The list of a field
        with an error does not load automatically, because the response would replace the error.
        """
        asks = "" if form[self.name].errors else self.asked_on(form)
        return {"offer": form.offers.get(self.name), "asked_on": asks}

    def asked_on(self, form: PageForm) -> str:
        """Return the htmx event that shows that the list is visible."""
        return "load" if self.name in form.seen_lists else "toggle from:closest details once"


class RoleSelect(AwsSelect):
    """A service role that Bedrock can assume."""

    def __init__(self, name: str, *, refresh_url: str, **kwargs: Any) -> None:
        super().__init__(name, refresh_url=refresh_url, noun="service roles", **kwargs)

    def asked_on(self, form: PageForm) -> str:
        return "load"


class AttributeEditor(Part):
    """The rows of ``form.formsets[name]``, each with ``key`` and ``value`` and a Remove button, and Add below.

    ``form.suggestions`` holds suggested values for both.
    """

    template = "%s/layout/attribute_editor.html"

    def __init__(self, name: str, *, add: str = "Add new tag", item: str = "tag", empty: str = "") -> None:
        super().__init__()
        self.name = name
        self.add = add
        self.item = item
        self.empty = empty or f"No {item}s associated with the resource."
        self.controls = {
            part: Field(part, placeholder=f"Enter {part}", list=f"{name}-{part}-suggestions")
            for part in ("key", "value")
        }

    def names(self) -> Iterator[str]:
        yield self.name

    def context(self, form: PageForm) -> dict[str, Any]:
        formset = form.formsets[self.name]
        left = formset.max_num - len(formset.kept)
        limit = limit_text(left, formset.max_num, self.item)
        return {"formset": formset, "left": left, "limit_text": limit, "suggestions": form.suggestions}


def limit_text(left: int, limit: int, item: str) -> str:
    """Return the line below the Add button: how many more rows can be added."""
    if left < 0:
        return f"You have exceeded the limit of {limit} {item}s."
    if left == 0:
        return f"You have reached the limit of {limit} {item}s."
    if left == limit:
        return f"You can add up to {limit} {item}s."
    return f"You can add up to {left} more {item}{'' if left == 1 else 's'}."


class FormActions(Part):
    """The end of the form: the errors with links to their fields, Cancel, and the primary button."""

    template = "%s/layout/form_actions.html"

    def __init__(self, submit: str, *, cancel_url: str) -> None:
        super().__init__()
        self.submit = submit
        self.cancel_url = cancel_url
