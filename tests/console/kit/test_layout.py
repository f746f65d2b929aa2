"""The cloudscape pack: the HTML of each layout object against golden files, and the ids that ARIA follows.

When a template is changed on purpose, delete its golden file, run the test once, and read the new file.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, ButtonHolder, Column, Div, Fieldset, Layout, MultiField, Row, Submit
from crispy_forms.utils import render_crispy_form
from django import forms
from django.forms import formset_factory
from django.template import Context, Template
from django.test.html import parse_html

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.layout import (
    AttributeEditor,
    AwsSelect,
    Choice,
    Container,
    ExpandableSection,
    Field,
    FormActions,
    Group,
    ModelSelect,
    RadioGroup,
    RoleSelect,
    S3Location,
    Tiles,
)
from batchconsole.console.kit.page_form import Offer, PageForm, Part, RowFormSet
from batchconsole.console.kit.tags import tag_formset
from batchconsole.console.kit.widgets import PickOrType, SelectOrType

GOLDEN = Path(__file__).parent / "golden"
CHOICES = [("a", Choice("Alpha", "The first.")), ("b", Choice("Beta", "The second."))]


class ExampleForm(PageForm):
    """One field of each kind."""

    name = forms.CharField(label="Name", help_text="What it is called.")
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    agree = forms.BooleanField(label="Agree", required=False, help_text="To it all.")
    kind = forms.ChoiceField(label="Kind", choices=CHOICES, initial="a", widget=forms.RadioSelect)
    size = forms.ChoiceField(label="Size", choices=[("s", "Small"), ("l", "Large")])
    role = forms.CharField(label="Role", required=False, widget=SelectOrType(noun="role ARN", placeholder="arn:…"))
    subnets = forms.Field(label="Subnets", required=False, widget=PickOrType(noun="subnet IDs", placeholder="subnet-…"))
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tags = tag_formset([{"key": "team", "value": "nlp"}], bound=False)
        self.fields["role"].widget.choices = [("", "Choose a role"), ("arn:1", "one")]
        self.fields["subnets"].widget.choices = [("vpc-1", [("subnet-1", "subnet-1 (a)")])]

    @property
    def formsets(self) -> dict[str, RowFormSet]:
        return {"tags": self.tags}


def rendered(*parts: Any, data: dict[str, Any] | None = None, form: PageForm | None = None) -> str:
    form = form or ExampleForm(data)
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*parts)
    return str(render_crispy_form(form, helper, {"connection": {"name": "local"}}))


def tidy(html: str) -> str:
    """One tag a line and no blanks around, so that a golden file can be read and compared."""
    text = re.sub(r">\s*<", ">\n<", html.strip())
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def check(name: str, html: str) -> None:
    path = GOLDEN / f"{name}.html"
    if not path.exists():
        path.write_text(tidy(html))
        pytest.fail(f"{path.name} was missing and has been written. Read it, then run again.")
    assert parse_html(tidy(html)) == parse_html(path.read_text())


S3_URL, PICKER, SUMMARY = "/local/s3/", "/local/models/picker/", "/local/models/summary/"
PARTS: dict[str, Part] = {
    "field": Field("name", constraint="Up to 63 characters.", info="job-name", counter=63, placeholder="my-job"),
    "field_optional": Field("note"),
    "field_checkbox": Field("agree", optional=False),
    "field_radio": Field("kind"),
    "field_select": Field("size", stretch=True),
    "tiles": Tiles("kind", info="invocation-type"),
    "radio_group": RadioGroup("kind", {"b": Group(Field("name"), Field("note"))}, hide_label=True),
    "s3_location": S3Location(
        "name", browse_url=S3_URL, constraint="Use s3://bucket/prefix/object format.", of="input"
    ),
    "model_select": ModelSelect("name", picker_url=PICKER, summary_url=SUMMARY),
    "role_select": RoleSelect("role", refresh_url="/field/role/", optional=False),
    "aws_select": AwsSelect("subnets", refresh_url="/field/subnets/", noun="subnets", constraint="Up to 16."),
    "attribute_editor": AttributeEditor("tags"),
    "container": Container("Job details", "name", description="What to run.", info="create-job"),
    "container_optional": Container("Tags", "note", optional=True),
    "expandable_section": ExpandableSection("Additional settings", "note", description="Rarely needed.", optional=True),
    "expandable_inline": ExpandableSection("Customize", Field("note"), variant="inline"),
    "form_actions": FormActions("Create", cancel_url="/local/jobs/"),
    "hidden": Field("secret"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_as_it_was(name: str) -> None:
    check(name, rendered(PARTS[name]))


@pytest.mark.parametrize("name", ["field", "tiles", "radio_group", "s3_location", "role_select", "form_actions"])
def test_a_part_in_error_is_as_it_was(name: str) -> None:
    form = ExampleForm({"name": "", "kind": "c"})
    form.full_clean()
    form.add_error("role", "Enter a valid service role ARN.")
    check(f"{name}_error", rendered(PARTS[name], form=form))


def test_an_attribute_editor_of_saved_rows_is_as_it_was() -> None:
    rows = [
        {"key": "team", "value": "nlp", "existing": "1"},
        {"key": "old", "value": "", "existing": "1", "removed": "1"},
        {"key": "new", "value": "1"},
    ]
    form = ExampleForm()
    form.tags = tag_formset(rows, bound=False, saved=True)
    check("attribute_editor_saved", rendered(PARTS["attribute_editor"], form=form))


def test_a_new_field_is_two_lines() -> None:
    """The example of the layout module itself."""

    class JobForm(PageForm):
        team = forms.CharField(label="Team", help_text="Who pays for it.")

    part = Container("Job details", Field("team", constraint="Up to 40 characters."))
    page = rendered(part, form=JobForm({"team": ""}))
    assert '<label for="id_team" id="id_team_label">Team</label>' in page
    assert 'aria-describedby="id_team_error id_team_helptext id_team_constraint"' in page
    assert "This field is required." in page


def test_a_list_that_aws_refused_is_as_it_was() -> None:
    form = ExampleForm()
    error = AwsError("No.", code="AccessDenied", operation="ListRoles", hint="Ask for iam:ListRoles.")
    form.offers["role"] = Offer([], error)
    form.fields["role"].widget.choices = []
    check("role_select_refused", rendered(PARTS["role_select"], form=form))


def test_crispys_own_objects_are_as_they_were() -> None:
    layout = [
        Fieldset("Who", "name"),
        MultiField("Why", "note"),
        Div(HTML("<p>So it is.</p>"), css_class="wide", css_id="so"),
        Row(Column("agree")),
        ButtonHolder(Submit("save", "Save")),
    ]
    check("crispy_objects", rendered(*layout))


def test_the_filters_of_crispy_work_without_a_layout() -> None:
    template = Template("{% load crispy_forms_tags %}{{ form|crispy }}")
    check("filter", template.render(Context({"form": ExampleForm({"name": ""})})))


def test_a_formset_works_without_a_layout() -> None:
    class TwoFields(PageForm):
        key = forms.CharField()
        value = forms.CharField(required=False)

    template = Template("{% load crispy_forms_tags %}{% crispy formset helper %}")
    helper = FormHelper()
    helper.disable_csrf = True
    formset = formset_factory(TwoFields, extra=2)()
    check("formset", template.render(Context({"formset": formset, "helper": helper})))


@pytest.mark.parametrize("name", [*PARTS])
@pytest.mark.parametrize("data", [None, {"name": "", "kind": "c", "tags-0-value": "x"}], ids=["shown", "in error"])
def test_no_reference_leads_nowhere_and_no_id_is_there_twice(name: str, data: dict[str, str] | None) -> None:
    page = rendered(PARTS[name], data=data)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    named = re.findall(r'aria-(?:describedby|labelledby)="([^"]+)"', page) + re.findall(r'\sfor="([^"]+)"', page)
    wanted = {one for reference in named for one in reference.split()}
    assert not wanted - set(ids)


def test_error_description_and_constraint_are_heard_in_this_order() -> None:
    page = rendered(Field("name", constraint="Up to 63 characters."), data={"name": ""})
    assert 'aria-describedby="id_name_error id_name_helptext id_name_constraint"' in page
    assert 'aria-invalid="true"' in page


def test_only_what_is_there_is_referred_to() -> None:
    assert 'aria-describedby="id_name_helptext"' in rendered(Field("name"))
    assert "aria-describedby" not in rendered(Field("note"))


def test_a_section_is_closed_until_something_in_it_needs_eyes() -> None:
    section = ExpandableSection("More", "note", Field("name"))
    assert " open" not in rendered(section)
    assert " open" in rendered(section, data={"name": "x", "note": "y"})
    assert " open" in rendered(section, data={"name": ""})


def test_text_from_outside_is_escaped() -> None:
    page = rendered(Field("name"), Container("<b>", "note"), data={"name": '"><script>', "note": "</textarea>"})
    assert "<script>" not in page
    assert "<b>" not in page
    assert page.count("</textarea>") == 1


def test_a_field_that_is_not_there_is_a_mistake_that_shows() -> None:
    with pytest.raises(Exception, match="Could not resolve form field 'nothing'"):
        rendered(Field("nothing"))
