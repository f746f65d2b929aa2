"""What every form of a page can be asked: its order, its errors, where the focus goes, a draft that is not judged."""

from typing import Any

import pytest
from crispy_forms.layout import Layout
from django import forms
from django.template import Context, Template

from batchconsole.console.kit.layout import AttributeEditor, Container, ExpandableSection, Field, Fragment
from batchconsole.console.kit.tags import TaggedForm


class TeamForm(TaggedForm):
    """Laid out in another order than its fields, and with one that has no place on the page."""

    size = forms.IntegerField(label="Size")
    name = forms.CharField(label="Name", widget=forms.RadioSelect(choices=[("a", "A"), ("b", "B")]))
    drawn = forms.CharField(label="Drawn", required=False)
    is_open = forms.BooleanField(label="Open", required=False, initial=True)
    parent = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.helper.layout = Layout(
            Container("Who", Field("name"), Fragment("drawn.html", "drawn")),
            AttributeEditor("tags"),
            ExpandableSection("More", Field("size")),
        )


def posted(**values: str) -> dict[str, str]:
    return {"name": "a", "size": "1", **values}


def test_the_order_is_that_of_the_page_and_loses_no_field() -> None:
    assert TeamForm().shown_order == ["name", "drawn", "tags", "size", "is_open", "parent"]


def test_errors_come_in_the_order_of_the_page() -> None:
    form = TeamForm(posted(name="", size="x") | {"tags-0-key": "", "tags-0-value": "nlp"})
    form.is_valid()
    form.add_error(None, "As a whole.")
    assert [error.target for error in form.error_list()] == ["id_name_0", "id_tags-0-key", "id_size", ""]


def test_an_error_of_a_hidden_field_is_told_too() -> None:
    form = TeamForm(posted(parent="x"))
    assert [(error.target, error.message) for error in form.error_list()] == [("", "Enter a whole number.")]


@pytest.mark.parametrize(
    ("wrong", "focused"),
    [({"name": "", "size": "x"}, "name"), ({"tags-0-value": "nlp", "size": "x"}, "tags-0-key"), ({"parent": "x"}, "")],
)
def test_the_first_control_in_error_has_the_focus(wrong: dict[str, str], focused: str) -> None:
    form = TeamForm(posted(**{"tags-0-key": ""}) | wrong)
    form.is_valid()
    form.focus_first_error()
    assert form.autofocus == focused
    assert {row.autofocus for row in form.tags.forms} <= {focused}


def test_a_form_with_a_wrong_tag_is_not_valid() -> None:
    assert TeamForm(posted()).is_valid()
    assert not TeamForm(posted() | {"tags-0-key": "aws:x", "tags-0-value": ""}).is_valid()


def test_a_draft_holds_what_was_typed_and_judges_nothing() -> None:
    form = TeamForm.draft({"size": "many", "tags-0-key": "aws:x", "tags-0-value": ""})
    assert form["size"].value() == "many"
    assert form.tags.forms[0]["key"].value() == "aws:x"
    assert not form.is_bound
    assert not form["is_open"].value()  # a box that is not ticked is not posted


def test_the_lists_that_are_seen_are_those_of_open_sections() -> None:
    assert not TeamForm().seen_lists
    assert TeamForm.draft({"size": "1"}).seen_lists == {"size"}


def test_a_warning_is_said_once() -> None:
    form = TeamForm()
    form.warn("size", "That is many.")
    form.warn("size", "That is many.")
    assert form.warnings == {"size": ["That is many."]}


def test_another_class_of_form_is_a_mistake_that_shows() -> None:
    class Plain(forms.Form):
        name = forms.CharField()

    with pytest.raises(TypeError, match="Plain is none"):
        Template("{% load cloudscape %}{% control form.name %}").render(Context({"form": Plain()}))
