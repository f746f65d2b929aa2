"""Splitting the input of the create form: instead of one job, a worker creates a job for each part."""

from dataclasses import replace
from uuid import uuid4

from batchconsole.console.create.forms import JobForm
from batchconsole.console.create.new_role import with_role
from batchconsole.console.frame.middleware import ConsoleRequest
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
    checks = InputCheck.objects.select_related("connection")
    splitting.require_offer(checks.filter(connection=request.connection, pk=key).first(), form.request)
