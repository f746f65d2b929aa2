"""The form for the tags of an existing job: rows with Remove and Undo, saved together."""

import json
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.urls import reverse

from batchconsole.console.kit.layout import AttributeEditor, FormActions, Fragment
from batchconsole.console.kit.tags import TaggedForm
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.tags import tags_in_use

Rows = list[dict[str, str]]


class JobTagsForm(TaggedForm):
    """The form for the tags of *job*, filled from ``initial`` or from the posted data."""

    edits_saved = True

    seen = forms.CharField(required=False, widget=forms.HiddenInput)  # JSON: the values by key when the form was opened

    def __init__(self, data: Any = None, *, job: BatchJob, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.suggestions = tags_in_use(job.connection)
        address = reverse("job-tags", args=[job.connection.name, job.pk])
        self.helper.form_id = "job-tags-form"
        self.helper.render_hidden_fields = True
        self.helper.form_action = address
        self.helper.attrs = {"hx-post": address, "hx-target": "#job-tags", "hx-swap": "outerHTML"}
        self.helper.layout = Layout(
            Fragment("cloudscape/layout/default_submit.html"),
            AttributeEditor("tags"),
            FormActions("Save changes", cancel_url=f"{job.get_absolute_url()}?tab=tags"),
        )

    @classmethod
    def of(cls, job: BatchJob, tags: Rows) -> "JobTagsForm":
        """Return the form for opening the editor."""
        rows = [tag | {"existing": "1"} for tag in tags]
        return cls(job=job, initial={"tags": rows, "seen": json.dumps(_values(tags))})

    def conflicts(self, now: Rows) -> list[str]:
        """Return a message for each tag that others changed since the form was opened and saving would overwrite."""
        seen, there, here = self._seen(), _values(now), _values(self.tags.tags)
        rows = {row["key"].value() for row in self.tags.forms}
        return [
            f"{key}: {_said(there.get(key))} on the job now, {_said(here.get(key))} here."
            for key in sorted(rows)
            if seen is not None and there.get(key) not in (seen.get(key), here.get(key))
        ]

    def _seen(self) -> dict[str, str] | None:
        """Return the values by key when the form was opened, or None if the form does not say."""
        try:
            seen = json.loads(self.cleaned_data["seen"])
        except ValueError:
            return None
        return seen if isinstance(seen, dict) else None

    def take_as_seen(self, now: Rows) -> None:
        """Treat the job's current tags as seen, so that the next save may overwrite them."""
        posted = self.data.copy()  # type: ignore[attr-defined] # a QueryDict: only a posted form is saved
        posted["seen"] = json.dumps(_values(now))
        self.data = posted

    def applied_to(self, tags: Rows) -> Rows:
        """Return *tags*, the job's current ones, with the edits of this form applied."""
        return self.tags.applied_to(tags)


def _values(tags: Rows) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}


def _said(value: str | None) -> str:
    return "removed" if value is None else f'"{value}"' if value else "no value"
