"""Editing the tags of a job that exists: the attribute editor with Remove and Undo, and one button that saves all."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.urls import reverse

from batchconsole.console.kit.layout import AttributeEditor, FormActions, Fragment
from batchconsole.console.kit.tags import BaseTagFormSet, tag_formset
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.tags import tags_in_use

Rows = list[dict[str, str]]


class JobTagsForm(forms.Form):
    """The tags of *job* as *rows*: the tags it has, or with *bound* what was posted."""

    use_required_attribute = False
    shown_order = ("tags",)

    def __init__(self, rows: Rows, *, job: BatchJob, bound: bool = False) -> None:
        super().__init__({} if bound else None)
        self.tags = tag_formset(rows, bound=bound, saved=True)
        self.suggestions = tags_in_use(job.connection)
        address = reverse("job-tags", args=[job.connection.name, job.pk])
        self.helper = FormHelper()
        self.helper.form_id = "job-tags-form"
        self.helper.form_action = address
        self.helper.attrs = {"hx-post": address, "hx-target": "#job-tags", "hx-swap": "outerHTML"}
        self.helper.layout = Layout(
            Fragment("cloudscape/layout/default_submit.html"),
            AttributeEditor("tags"),
            FormActions("Save changes", cancel_url=f"{job.get_absolute_url()}?tab=tags"),
        )

    @classmethod
    def of(cls, job: BatchJob, tags: Rows) -> "JobTagsForm":
        """The form as it is opened."""
        return cls([tag | {"existing": "1"} for tag in tags] or [{"key": "", "value": ""}], job=job)

    @property
    def formsets(self) -> dict[str, BaseTagFormSet]:
        return {"tags": self.tags}

    def focus(self, html_name: str) -> None:
        """Let the control of that name have the focus when the form opens."""
        for row in self.tags.forms:
            row.autofocus = html_name

    def is_valid(self) -> bool:
        return bool(super().is_valid() and self.tags.is_valid())

    def applied_to(self, tags: Rows) -> Any:
        """The tags the job is to have, given those it has now."""
        return self.tags.applied_to(tags)
