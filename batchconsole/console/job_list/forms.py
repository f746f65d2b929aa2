"""The form for the preferences of the job table. It works without script."""

from dataclasses import dataclass
from typing import Any, Self

from django import forms
from django.http import QueryDict

from batchconsole.console.frame import preferences
from batchconsole.console.job_list import columns
from batchconsole.console.job_list.columns import JobColumn
from batchconsole.console.job_list.look import look_of, write_columns, write_rows

STEPS = {"up": -1, "down": 1}
CHOICES = [(column.name, column.title) for column in columns.COLUMNS]


@dataclass(frozen=True)
class ColumnRow:
    """One column as a row of the form."""

    column: JobColumn
    is_shown: bool
    pressed: str  # up or down if that button was just pressed, else empty

    @property
    def is_fixed(self) -> bool:
        return self.column.name == columns.ALWAYS


def radios() -> forms.RadioSelect:
    return forms.RadioSelect(attrs={"class": "radio"})


def checkbox() -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"class": "checkbox"})


class TableForm(forms.Form):
    """Page size, density, look and columns; ``order`` lists the names of all columns in display order."""

    page_size = forms.TypedChoiceField(
        choices=[(size, f"{size} jobs") for size in preferences.PAGE_SIZES], coerce=int, widget=radios()
    )
    density = forms.ChoiceField(choices=list(preferences.DENSITIES.items()), widget=radios())
    wrap_lines = forms.BooleanField(
        required=False,
        widget=checkbox(),
        help_text="Select to see up to three lines of text instead of truncated text.",
    )
    striped_rows = forms.BooleanField(required=False, widget=checkbox(), help_text="Select to shade alternating rows.")
    sticky_column = forms.BooleanField(
        required=False,
        widget=checkbox(),
        label="Sticky first column",
        help_text="Keep the first column visible while scrolling horizontally.",
    )
    columns = forms.MultipleChoiceField(choices=CHOICES, required=False)
    order = forms.MultipleChoiceField(choices=CHOICES, required=False, widget=forms.MultipleHiddenInput)

    @classmethod
    def of(cls, wanted: preferences.Preferences, data: QueryDict | None) -> Self:
        """Return the form with the posted *data*, or else with the user's current preferences *wanted*."""
        look = look_of(wanted)
        shown = [column.name for column in look.shown]
        initial = {
            "page_size": wanted.page_size,
            "density": wanted.density,
            "wrap_lines": look.wrap_lines,
            "striped_rows": look.striped_rows,
            "sticky_column": look.sticky_column,
            "columns": shown,
            "order": shown,
        }
        return cls(data, initial=initial)

    @property
    def moved(self) -> tuple[str, str]:
        """The column whose move button was pressed and the direction; both empty if none was pressed."""
        way, _, name = str(self.data.get("move", "")).partition("-")
        return (name, way) if way in STEPS and name in columns.BY_NAME else ("", "")

    @property
    def rows(self) -> list[ColumnRow]:
        """All columns in the posted order, with the requested move applied."""
        order = columns.arranged(self["order"].value() or ())
        shown = {columns.ALWAYS, *(self["columns"].value() or ())}
        name, way = self.moved
        if name:
            order = columns.moved(order, name, STEPS[way])
        return [ColumnRow(each, each.name in shown, way if each.name == name else "") for each in order]

    def kept(self) -> dict[str, str]:
        """Return the values to store by preference name. The form must be valid."""
        given: dict[str, Any] = self.cleaned_data
        wanted = {columns.ALWAYS, *given["columns"]}
        looks = {name: given[name] for name in ("wrap_lines", "striped_rows", "sticky_column")}
        return {
            "page-size": str(given["page_size"]),
            "density": given["density"],
            "columns": write_columns(each.name for each in columns.arranged(given["order"]) if each.name in wanted),
            "table": write_rows(**looks),
        }
