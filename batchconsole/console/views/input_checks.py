"""Input checks: asked for from the create form, followed while they run, and their whole report as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from batchconsole.aws.errors import AwsError
from batchconsole.console.amounts import usd
from batchconsole.console.csv_download import csv_response
from batchconsole.console.forms.job import JobForm
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.templatetags.cloudscape import FormError, focus_id
from batchconsole.jobs import input_checks
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.limits import Limits, limits_for
from batchconsole.jobs.models import Connection, InputCheck
from batchconsole.records.families import FAMILIES
from batchconsole.records.report import Finding, Problem, Report

ASKED = ("model_id", "model_invocation_type", "input_s3_uri")
# Of the kinds of problem, so many show their examples; a person mends those first.
DETAILED = 20
COLUMNS = ("severity", "problem", "file", "line", "record_id", "path", "found", "expected", "bedrock_says", "code")


@dataclass(frozen=True)
class CheckView:
    """An input check as a page shows it. ``polls`` says that the fragment asks for itself until it is finished."""

    check: InputCheck
    polls: bool = True

    @cached_property
    def report(self) -> Report | None:
        return self.check.report

    @property
    def verdict(self) -> str:
        return input_checks.verdict(self.report) if self.report else ""

    @property
    def kind(self) -> str:
        """The look of the verdict."""
        if self.report is None or not self.report.problems:
            return "success"
        return "error" if self.report.errors else "warning"

    @property
    def detailed(self) -> list[Problem]:
        return self.report.problems[:DETAILED] if self.report else []

    @property
    def others(self) -> list[Problem]:
        """The kinds of problem without examples."""
        return self.report.problems[DETAILED:] if self.report else []

    @property
    def family(self) -> str:
        """The name of the format the records were read as; empty when it is not known."""
        return FAMILIES[self.report.family].title if self.report and self.report.family else ""

    @property
    def limits(self) -> Limits:
        return limits_for(self.check.connection, self.check.model_id)

    @property
    def is_estimated(self) -> bool:
        """Whether any record could be measured."""
        return self.report is not None and self.report.estimated_input_tokens > 0

    @property
    def input_cost(self) -> str:
        cost = self.report.cost if self.report else None
        return usd(cost.input_usd if cost else None)

    @property
    def total_cost(self) -> str:
        """What input and output cost together at most."""
        cost = self.report.cost if self.report else None
        return usd(cost.input_usd + cost.output_usd_at_most if cost and cost.output_usd_at_most is not None else None)

    @property
    def spoken(self) -> str:
        """What is read out when it changes; progress is not, or it would never end."""
        if self.report:
            return f"Input check: {self.verdict}."
        if self.check.is_finished:
            return "The input could not be checked."
        return "The input is being checked."


@require_POST
def start(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Check the input that the create form names now, and show how that goes."""
    form = JobForm(request.POST, connection=request.connection)
    return render(request, "console/_input_check.html", begin(form, request.user))


def begin(form: JobForm, actor: Any) -> dict[str, Any]:
    """What the region of the form shows after "Check input": the check, or what is missing for one.

    Only the fields that a check depends on need be right.
    """
    form.full_clean()
    wrong = [
        FormError(focus_id(form[name]), form.error_labels.get(name, ""), str(message))
        for name in ASKED
        for message in form.errors.get(name, ())
    ]
    if wrong:
        return {"check_errors": wrong}
    asked = {name: form.cleaned_data[name] for name in ASKED}
    try:
        check = input_checks.start(form.connection, actor=actor, **asked)
    except UserError as error:
        return {"check_errors": [FormError("id_input_s3_uri", "Input data", error.message)]}
    return {"shown": CheckView(check)}


def shown_before(connection: Connection, key: str) -> dict[str, Any]:
    """The check that the form showed when it was posted, so that a step without script does not lose it."""
    if not key.isdecimal() or len(key) >= 19:
        return {}
    check = InputCheck.objects.select_related("connection").filter(connection=connection, pk=int(key)).first()
    return {"shown": CheckView(check)} if check else {}


def find(request: ConsoleRequest, pk: int) -> InputCheck:
    checks = InputCheck.objects.select_related("connection", "created_by")
    check: InputCheck = get_object_or_404(checks, connection=request.connection, pk=pk)
    return check


@require_safe
@vary_on_headers("HX-Request")
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """One check, as a page that can be shared, or as the region of a page that follows it."""
    template = "console/_input_check.html" if request.htmx else "console/input_check.html"
    return render(request, template, {"shown": CheckView(find(request, pk))})


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int) -> HttpResponseBase:
    """Every problem of a check as CSV: the objects are read once more, and rows are sent as they are found."""
    check = find(request, pk)
    try:
        if check.report is None:
            raise UserError("The check is not done, so there is no report of it yet.")
        found = input_checks.find_all(check)
    except (AwsError, UserError) as error:
        messages.error(request, f"{error.message} {error.hint}".strip())
        return redirect(check)
    name = check.input_s3_uri.rstrip("/").rpartition("/")[2]
    return csv_response(f"{name}-problems.csv", COLUMNS, rows(found))


def rows(found: Iterator[Finding]) -> Iterator[tuple[Any, ...]]:
    """*found* as rows of :data:`COLUMNS`."""
    for finding in found:
        place = finding.example
        yield (
            finding.severity,
            finding.message,
            place.file,
            place.line or None,
            place.record_id,
            place.path,
            place.found,
            place.expected,
            finding.bedrock_says,
            finding.code,
        )
