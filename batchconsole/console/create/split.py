"""Splitting the input of the create form: instead of one job, a worker creates a job for each part."""

from dataclasses import replace
from uuid import uuid4

from batchconsole.console.create.forms import JobForm
from batchconsole.console.create.new_role import with_role
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import ASKED
from batchconsole.console.kit.numbers import read_number
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.models import InputCheck, InputSplit

BUTTON = "split"  # its value is the key of the check that offered the split


def is_split(request: ConsoleRequest) -> bool:
    """Whether the form was submitted to split its input."""
    return BUTTON in request.POST


def start_split(request: ConsoleRequest, form: JobForm) -> InputSplit:
    """Start the split of a valid form's input, as the check offered it. Raises :class:`UserError` and AwsError."""
    _require_offer(request, form)
    if form.cleaned_data["other_model_ids"]:
        words = "An input that is split into several jobs is sent to one model."
        raise UserError(words, "other_model_ids", "Remove the other models, then split the input.")
    form.warnings.pop("input_s3_uri", None)  # of its size, which is what the split is for
    place = splitting.place_of_parts(request.connection, form.request, mark=uuid4().hex[:8])
    of_parts = with_role(request, form, replace(form.request, input_s3_uri=place))
    return splitting.start_split(
        request.connection,
        request.user,
        replace(form.request, role_arn=of_parts.role_arn),
        place=place,
        check_input=form.cleaned_data["check_input"],
        start_at=form.cleaned_data["start_at"],
        clone_of=form.cleaned_data["clone_of"],
        resend_of=form.cleaned_data["resend_of"],
        request_token=form.cleaned_data["request_token"],
    )


def _require_offer(request: ConsoleRequest, form: JobForm) -> None:
    """Raise :class:`UserError` unless the check offers to split the form's input for its model."""
    key = read_number(request.POST[BUTTON])
    check = InputCheck.objects.select_related("connection").filter(connection=request.connection, pk=key).first()
    if check is None or any(getattr(check, name) != form.cleaned_data[name] for name in ASKED):
        raise UserError(
            "The form has changed since its input was checked.", "input_s3_uri", "Check the input, then split it."
        )
    if splitting.offer_of(check) is None:
        raise UserError("One job takes this input, so it is not split.", "input_s3_uri", "Create the job as it is.")
