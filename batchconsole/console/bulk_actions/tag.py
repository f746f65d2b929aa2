"""Change the tags of the jobs selected in the list: the form, its steps without script, and the bulk action."""

from functools import partial
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render

from batchconsole.console.bulk_actions.hold import request_once
from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.layout import AttributeEditor, Container, Field, FormActions, Fragment
from batchconsole.console.kit.links import back_to
from batchconsole.console.kit.steps import take_step
from batchconsole.console.kit.tags import TaggedForm
from batchconsole.jobs import bulk_actions
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.tags import tags_in_use

MOST_TEXT = 6500  # characters: fifty keys


class BulkTagsForm(TaggedForm):
    """The tags to set on many jobs, and the keys of tags to remove from them."""

    remove = forms.CharField(
        label="Keys to remove",
        required=False,
        max_length=MOST_TEXT,
        help_text="The keys of tags that the jobs shall no longer have.",
    )

    def __init__(self, data: Any = None, *, question: StopQuestion, back: str, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.suggestions = tags_in_use(question.connection)
        self.helper.layout = Layout(
            Fragment("cloudscape/layout/default_submit.html"),
            Fragment("console/bulk_actions/_tagged.html"),
            Container(
                "Tags to set",
                AttributeEditor("tags", empty="No tags to set."),
                description="Added to each job; where a job has the key, its value is replaced.",
            ),
            Container("Tags to remove", Field("remove", constraint="Separate keys by commas.", optional=True)),
            FormActions("Change tags", cancel_url=back),
        )

    def clean_remove(self) -> list[str]:
        """Return the keys to remove. A key contains no comma: AWS does not allow it."""
        keys = [key.strip() for key in self.cleaned_data["remove"].split(",")]
        own = [key for key in keys if key.lower().startswith("aws:")]
        if own:
            raise ValidationError(f"{own[0]} is a tag of AWS, which only AWS can remove.")
        return list(dict.fromkeys(key for key in keys if key))


def confirm_tags(request: ConsoleRequest, question: StopQuestion, *, back: str) -> HttpResponse:
    """Show the form or apply a step of filling it in; else create the bulk action and redirect to *back*."""
    back = back_to(request, back)
    if not question.count:
        message, hint = bulk_actions.NOTHING_TO_DO[bulk_actions.Kind.TAG]
        messages.warning(request, f"{message} {hint}")
        return redirect(back)
    if request.method != "POST":
        draft = drafts.restored(request)
        about: dict[str, Any] = {"question": question, "back": back}
        form = BulkTagsForm(**about) if draft is None else BulkTagsForm.draft(draft, **about)
        return _show(request, question, form, back=back)
    step = take_step(request.POST)
    if step:
        data, shown = step
        form = BulkTagsForm.draft(data, question=question, back=back)
        form.focus(shown.focus)
        return _show(request, question, form, back=back)
    form = BulkTagsForm(request.POST, question=question, back=back)
    if not form.is_valid() or not _requested(request, question, form):
        form.focus_first_error()
        return _show(request, question, form, back=back)
    return redirect(back)


def _requested(request: ConsoleRequest, question: StopQuestion, form: BulkTagsForm) -> bool:
    """Create the bulk action; return False if the form has an error now."""
    try:
        parameters = bulk_actions.tag_parameters(form.tags.tags, remove=form.cleaned_data["remove"])
        request_once(request, question, partial(bulk_actions.request_bulk_action, parameters=parameters))
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, sentences(error))
        return False
    return True


def _show(request: ConsoleRequest, question: StopQuestion, form: BulkTagsForm, *, back: str) -> HttpResponse:
    context = {"question": question, "form": form, "back": back}
    return render(request, "console/bulk_actions/job_tag.html", context)
