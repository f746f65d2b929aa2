"""The fields of an answer as rows of a formset, posted as ``fields-N-name`` and so on.

Each row has a name, a type, a description and whether the field is required.
"""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import formset_factory
from django.http import QueryDict

from batchconsole.console.kit.numbers import read_number, read_numbers
from batchconsole.console.kit.page_form import PageForm, RowFormSet
from batchconsole.records.schema_fields import TYPES, SchemaField

PREFIX = "fields"
MOST_FIELDS = 100
PARTS = ("name", "kind", "description", "required")
ROW = re.compile(rf"{PREFIX}-(\d+)-(?:{'|'.join(PARTS)})")
NEW_ROW = {"name": "", "kind": "string", "description": "", "required": "on"}


class AnswerFieldForm(PageForm):
    """One row. A row without name and description is ignored."""

    name = forms.CharField(label="Name", required=False, max_length=64)
    kind = forms.ChoiceField(label="Type", choices=[(kind, title) for kind, (title, _) in TYPES.items()])
    description = forms.CharField(label="Description", required=False, max_length=1000)
    required = forms.BooleanField(label="Required", required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("description") and self.cleaned_data.get("name") == "":
            self.add_error("name", "Name is required.")
        return self.cleaned_data


class AnswerFieldFormSet(RowFormSet):
    """All rows: names must be unique, and at least one is required."""

    def clean(self) -> None:
        seen: set[str] = set()
        for form in self.forms:
            name = getattr(form, "cleaned_data", {}).get("name", "")
            if name and name in seen:
                form.add_error("name", "Another field has this name.")
            seen.add(name)
        if not seen - {""} and not any(form.errors for form in self.forms):
            raise ValidationError("Name at least one field.")

    @property
    def fields_of_answer(self) -> list[SchemaField]:
        """The fields of the valid rows."""
        rows = [form.cleaned_data for form in self.forms if form.is_valid() and form.cleaned_data.get("name")]
        return [SchemaField(**{part: row[part] for part in PARTS}) for row in rows]


_FormSet: Any = formset_factory(
    AnswerFieldForm, formset=AnswerFieldFormSet, extra=0, max_num=MOST_FIELDS, absolute_max=MOST_FIELDS
)


def field_rows(data: Any) -> list[dict[str, str]]:
    """Return the posted rows in order, including empty ones; a single new row if there are none."""
    numbers = sorted(set(read_numbers(match[1] for match in map(ROW.fullmatch, data) if match)))
    rows = [{part: data.get(f"{PREFIX}-{number}-{part}", "") for part in PARTS} for number in numbers]
    return rows[:MOST_FIELDS] or [NEW_ROW]


def field_formset(rows: list[dict[str, str]]) -> AnswerFieldFormSet:
    data = {f"{PREFIX}-TOTAL_FORMS": str(len(rows)), f"{PREFIX}-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        data |= {f"{PREFIX}-{number}-{part}": value for part, value in row.items() if value}
    made: AnswerFieldFormSet = _FormSet(data, prefix=PREFIX)
    return made


def edit_rows(data: QueryDict) -> str:
    """Add or remove a row if that button was pressed. Return the name of the control to focus, or an empty string."""
    if "add_field" not in data and "remove_field" not in data:
        return ""
    rows = field_rows(data)
    if "add_field" in data:
        rows = [*rows, NEW_ROW][:MOST_FIELDS]
    elif (number := read_number(str(data["remove_field"]), len(rows))) < len(rows):
        del rows[number]
    write_rows(data, rows)
    return f"{PREFIX}-{max(len(rows) - 1, 0)}-name"


def write_rows(data: QueryDict, rows: list[dict[str, str]]) -> None:
    """Replace the rows in the posted *data*."""
    for name in [name for name in data if name.startswith(f"{PREFIX}-")]:
        del data[name]
    for number, row in enumerate(rows):
        for part, value in row.items():
            data[f"{PREFIX}-{number}-{part}"] = value
