"""Editing the tags of a job that exists: the attribute editor with Remove and Undo, and one button that saves all."""

from typing import Any

from crispy_forms.layout import Layout
from django.urls import reverse

from batchconsole.console.kit.layout import AttributeEditor, FormActions, Fragment
from batchconsole.console.kit.tags import TaggedForm
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.tags import tags_in_use

Rows = list[dict[str, str]]


class JobTagsForm(TaggedForm):
    """The tags of *job*: as they are, in ``initial``, or as they were posted."""

    edits_saved = True

    def __init__(self, data: Any = None, *, job: BatchJob, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.suggestions = tags_in_use(job.connection)
        address = reverse("job-tags", args=[job.connection.name, job.pk])
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
        return cls(job=job, initial={"tags": [tag | {"existing": "1"} for tag in tags]})

    def applied_to(self, tags: Rows) -> Rows:
        """The tags the job is to have, given those it has now."""
        return self.tags.applied_to(tags)
