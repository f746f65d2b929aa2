"""The panel of an input check: what pages show of it, and starting a check from a form."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from batchconsole.console.kit.amounts import usd
from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.page_form import FormError, PageForm
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.inputs.splitting import Offer, offer_of
from batchconsole.jobs.models import Actor, BatchJob, Connection, InputCheck, Status
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.records.families import FAMILIES
from batchconsole.records.limits import Limits
from batchconsole.records.report import Problem, Report

ASKED = ("model_id", "model_invocation_type", "input_s3_uri")
# In the URL of the panel inside the create form, where its buttons submit that form.
IN_FORM = "in_form"
FORM_QUERY = f"?{IN_FORM}=1"
# The number of kinds of problem that are shown with examples.
DETAILED = 20


@dataclass(frozen=True)
class CheckView:
    """An input check as a page shows it.

    ``is_alone`` is False inside a part that updates itself anyway, ``is_in_form`` is True inside the create form, and
    ``job`` is the job whose page it is.
    """

    check: InputCheck
    is_alone: bool = True
    is_in_form: bool = False
    job: BatchJob | None = None

    @property
    def is_followed(self) -> bool:
        """Whether the panel polls for updates by itself."""
        return self.is_alone and not self.check.is_finished

    @property
    def url(self) -> str:
        """The URL to poll, which keeps the panel as it is here."""
        return f"{self.check.get_absolute_url()}{FORM_QUERY if self.is_in_form else ''}"

    @cached_property
    def offer(self) -> Offer | None:
        """The offer to split an input that is too large for one job, where a job may still be created with it."""
        is_settled = self.job is not None and self.job.status != Status.REJECTED
        return None if is_settled else offer_of(self.check)

    @property
    def is_too_small(self) -> bool:
        """Whether the input has records, but fewer than a job with this model needs."""
        return self.report is not None and 0 < self.report.records < self.limits.min_records_per_job

    @property
    def merge_url(self) -> str:
        """The page that merges this input with other files."""
        query = urlencode({"folder": self.check.input_s3_uri})
        return f"{reverse('input-merge', args=[self.check.connection.name])}?{query}"

    @property
    def on_demand_url(self) -> str:
        """The page that runs this input on demand, with the name and output of the job whose page it is."""
        asked = {"clone": self.job.pk} if self.job else {}
        query = urlencode({**asked, **{name: getattr(self.check, name) for name in ASKED}})
        return f"{reverse('job-on-demand', args=[self.check.connection.name])}?{query}"

    @property
    def split_url(self) -> str:
        """The create form with this input and the offer: the form of the rejected job, or a new one."""
        asked = {name: getattr(self.check, name) for name in ASKED}
        values = {"correct": self.job.pk} if self.job else asked
        query = urlencode(values | {"input_check": self.check.pk})
        return f"{reverse('job-create', args=[self.check.connection.name])}?{query}#split-offer"

    @property
    def version(self) -> str:
        """A digest of everything the panel shows."""
        check = self.check
        return version_of(str(check.state), check.bytes_done, check.records, check.problems, check.due_at, check.error)

    @cached_property
    def report(self) -> Report | None:
        return self.check.report

    @property
    def verdict(self) -> str:
        return input_checks.verdict(self.report) if self.report else ""

    @property
    def kind(self) -> str:
        """The type of alert for the verdict: success, warning or error."""
        if self.report is None or not self.report.problems:
            return "success"
        return "error" if self.report.errors else "warning"

    @property
    def detailed(self) -> list[Problem]:
        return self.report.problems[:DETAILED] if self.report else []

    @property
    def others(self) -> list[Problem]:
        """The kinds of problem that are shown without examples."""
        return self.report.problems[DETAILED:] if self.report else []

    @property
    def family(self) -> str:
        """The name of the format that the records were read as; empty if unknown."""
        return FAMILIES[self.report.family].title if self.report and self.report.family else ""

    @property
    def limits(self) -> Limits:
        return limits_for(self.check.connection, self.check.model_id)

    @property
    def is_estimated(self) -> bool:
        """Whether there is an estimate of the input tokens."""
        return self.report is not None and self.report.estimated_input_tokens > 0

    @property
    def input_cost(self) -> str:
        cost = self.report.cost if self.report else None
        return usd(cost.input_usd if cost else None)

    @property
    def total_cost(self) -> str:
        """The maximum cost of input and output together, as text."""
        cost = self.report.cost if self.report else None
        return usd(cost.input_usd + cost.output_usd_at_most if cost and cost.output_usd_at_most is not None else None)

    @property
    def spoken(self) -> str:
        """The status that screen readers announce; without progress, which would be announced all the time."""
        if self.report:
            return f"Input check: {self.verdict}."
        if self.check.state == InputCheck.State.CANCELLED:
            return "The check was cancelled."
        if self.check.is_finished:
            return "The input could not be checked."
        return "The input is being checked."


def begin(form: PageForm, connection: Connection, *, actor: Actor) -> dict[str, Any]:
    """Start a check after "Check input" and return its context, or the errors that prevent the check.

    Only the fields in :data:`ASKED` must be valid.
    """
    form.full_clean()
    wrong = [error for name in ASKED for error in form.errors_of(name)]
    if wrong:
        return {"check_errors": wrong}
    asked = {name: form.cleaned_data[name] for name in ASKED}
    try:
        check = input_checks.start_check(connection, actor=actor, **asked)
    except UserError as error:
        return {"check_errors": [FormError(form["input_s3_uri"], form.name_of("input_s3_uri"), sentences(error))]}
    return {"shown": CheckView(check, is_in_form=True)}


def shown_before(connection: Connection, key: str) -> dict[str, Any]:
    """Return the context for the check *key* that the form shows, so that steps without JavaScript keep it."""
    number = read_number(key)
    if not number:
        return {}
    check = InputCheck.objects.select_related("connection").filter(connection=connection, pk=number).first()
    return {"shown": CheckView(check, is_in_form=True)} if check else {}
