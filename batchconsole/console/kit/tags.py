"""The tags of a job: a formset of keys and values, at most fifty, posted as ``tags-N-key`` and ``tags-N-value``.

When the tags of an existing job are edited, ``tags-N-existing`` marks a tag that the job already has, whose key can't
be changed, and ``tags-N-removed`` a tag to be removed.
"""

import re
from typing import Any, ClassVar, Self

from django import forms
from django.core.exceptions import ValidationError
from django.forms import formset_factory

from batchconsole.aws.constraints import MAX_TAGS, job_constraints
from batchconsole.console.kit.numbers import read_numbers
from batchconsole.console.kit.page_form import PageForm, RowFormSet

PREFIX = "tags"
# The API model's limit for one request: more rows than a user enters, and no input is lost below it.
MOST_ROWS = 200
MARKS = ("existing", "removed")
ROW = re.compile(rf"{PREFIX}-(\d+)-(?:key|value)")
VALID = "can only contain Unicode letters, digits, white space and any of the following: _.:/=+@-"


def tag_rows(data: Any) -> list[dict[str, str]]:
    """Return the posted rows in order, including empty ones. Their numbers may have gaps, as scripts leave them."""
    numbers = sorted(set(read_numbers(match[1] for match in map(ROW.fullmatch, data) if match)))
    return [_row(data, f"{PREFIX}-{number}-") for number in numbers]


def _row(data: Any, prefix: str) -> dict[str, str]:
    marks = [mark for mark in MARKS if data.get(prefix + mark)]
    return {part: data.get(prefix + part, "") for part in ("key", "value", *marks)}


class TagForm(PageForm):
    """One row. An empty row is not a tag."""

    key = forms.CharField(label="Key", required=False)
    value = forms.CharField(label="Value", required=False)

    @property
    def is_removed(self) -> bool:
        """Whether the tag is to be removed from the job."""
        return False

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        limit = job_constraints()["key"]
        if limit.max is not None and len(key) > limit.max:
            raise ValidationError(f"The maximum number of characters you can use in a tag key is {limit.max}.")
        if key.lower().startswith("aws:"):
            raise ValidationError("Cannot start with aws:")
        if not limit.matches(key):
            raise ValidationError(f"Invalid key. Keys {VALID}.")
        return key

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"]
        limit = job_constraints()["value"]
        if limit.max is not None and len(value) > limit.max:
            raise ValidationError(f"The maximum number of characters you can use in a tag value is {limit.max}.")
        if not limit.matches(value):
            raise ValidationError(f"Invalid value. Values {VALID}.")
        return value

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("value") and self.cleaned_data.get("key") == "":
            self.add_error("key", "You must specify a tag key")
        return self.cleaned_data


class SavedTagForm(TagForm):
    """A row of the editor of an existing job's tags."""

    existing = forms.BooleanField(required=False, widget=forms.HiddenInput)
    removed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self["existing"].value():
            self.fields["key"].widget.attrs["readonly"] = True
        if self.is_removed:
            self.fields["value"].widget.attrs["readonly"] = True

    @property
    def is_removed(self) -> bool:
        return bool(self["removed"].value())


class BaseTagFormSet(RowFormSet):
    """All rows: keys must be unique and within the limit. Rows marked as removed do not count."""

    @property
    def kept(self) -> list[TagForm]:
        """The rows that are not marked as removed."""
        return [form for form in self.forms if not form.is_removed]

    def clean(self) -> None:
        too_many = len(self.kept) - MAX_TAGS
        if too_many > 0:
            raise ValidationError(f"You have exceeded the limit of {MAX_TAGS} tags. Remove {too_many}.")
        seen: set[str] = set()
        for form in self.kept:
            key = form.cleaned_data.get("key", "") if hasattr(form, "cleaned_data") else ""
            if key and key in seen:
                form.add_error("key", "You must specify a unique tag key.")
            seen.add(key)

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tags in the format of the API. The formset must be valid."""
        rows = [form.cleaned_data for form in self.kept]
        return [{"key": row["key"], "value": row["value"]} for row in rows if row.get("key")]

    def applied_to(self, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Return *tags*, the job's current ones, with the edits applied; tags that others added meanwhile are kept."""
        gone = {form["key"].value() for form in self.forms} - {tag["key"] for tag in self.tags}
        changed = {tag["key"]: tag["value"] for tag in tags if tag["key"] not in gone}
        changed |= {tag["key"]: tag["value"] for tag in self.tags}
        return [{"key": key, "value": value} for key, value in changed.items()]


def _formset(row: type[TagForm]) -> Any:
    return formset_factory(row, formset=BaseTagFormSet, extra=0, max_num=MAX_TAGS, absolute_max=MOST_ROWS)


_TagFormSet, _SavedTagFormSet = _formset(TagForm), _formset(SavedTagForm)


def tag_formset(rows: list[dict[str, str]], *, bound: bool, saved: bool = False) -> BaseTagFormSet:
    """Return a formset of *rows*, to be validated if *bound*; *saved* is for editing the tags of an existing job."""
    kind = _SavedTagFormSet if saved else _TagFormSet
    made: BaseTagFormSet
    if not bound:
        made = kind(initial=rows, prefix=PREFIX)
        return made
    data = {f"{PREFIX}-TOTAL_FORMS": str(len(rows)), f"{PREFIX}-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        data |= {f"{PREFIX}-{number}-{part}": value for part, value in row.items()}
    made = kind(data, prefix=PREFIX)
    return made


class TaggedForm(PageForm):
    """A form with tags, which are validated, drafted and focused together with its own fields.

    ``initial["tags"]`` are the rows of an unbound form; without any, it starts with an empty row.
    """

    edits_saved: ClassVar[bool] = False  # whether the form edits tags that the job already has

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        rows = (initial or {}).get("tags", []) if data is None else _without_empty(tag_rows(data))
        self.tags = tag_formset(rows or [{"key": "", "value": ""}], bound=data is not None, saved=self.edits_saved)

    @classmethod
    def draft(cls, data: Any, *, initial: dict[str, Any] | None = None, **kwargs: Any) -> Self:
        return super().draft(data, initial={"tags": tag_rows(data), **(initial or {})}, **kwargs)

    @property
    def formsets(self) -> dict[str, RowFormSet]:
        return {"tags": self.tags}

    def is_valid(self) -> bool:
        """Whether the form and its tags are valid; both are always validated, so that all errors are shown at once."""
        tags_valid = self.tags.is_valid()
        return super().is_valid() and tags_valid


def _without_empty(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["key"].strip() or row["value"].strip()]
