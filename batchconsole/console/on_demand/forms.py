"""The form for a job on demand. Its cost is told before the button that runs it appears."""

import hashlib
import json
from typing import Any, ClassVar

from crispy_forms.layout import Layout
from django import forms
from django.conf import settings

from batchconsole.console.kit.fields import S3UriField
from batchconsole.console.kit.layout import Container, Field, Fragment
from batchconsole.console.kit.page_form import PageForm
from batchconsole.console.kit.sent_twice import GIVEN_OUT, new_token
from batchconsole.jobs.models import BatchJob, Connection, JobRequest
from batchconsole.jobs.on_demand.costs import Quote
from batchconsole.jobs.on_demand.creating import problems_of

CONFIRM = "confirm"  # its value is the digest of the fields whose cost was told
FIELDS = ("job_name", "model_id", "model_invocation_type", "input_s3_uri", "output_s3_uri")
TOLD = (*FIELDS[1:4], "records")


class OnDemandForm(PageForm):
    """The form for a job on demand on *connection*; ``quote`` is its cost, once that is known."""

    job_name = forms.CharField(label="Job name", max_length=63, error_messages={"required": "Job name is required."})
    model_id = forms.CharField(label="Model", max_length=2048, error_messages={"required": "Model is required."})
    model_invocation_type = forms.ChoiceField(
        label="Model invocation type",
        choices=BatchJob.InvocationType.choices,
        widget=forms.Select(attrs={"class": "input"}),
        help_text="The format of the records: the model's own, or that of the Converse API.",
    )
    input_s3_uri = S3UriField(
        label="Input", help_text="A .jsonl file, or a folder of them, as for a batch job.", required=True
    )
    output_s3_uri = S3UriField(label="Output", help_text="The folder for the answers.", required=True)
    records = forms.IntegerField(
        label="Number of records",
        min_value=1,
        max_value=settings.ON_DEMAND_RECORDS,
        required=False,
        help_text="The first records of the input, to try a prompt or a model. Empty for all.",
    )
    resend_of = forms.ModelChoiceField(BatchJob.objects.none(), required=False, widget=forms.HiddenInput)
    on_demand_token = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    error_labels: ClassVar = {}

    def __init__(self, data: Any = None, *, connection: Connection, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.connection = connection
        self.quote: Quote | None = None
        self.fields["resend_of"].queryset = BatchJob.objects.filter(connection=connection)  # type: ignore[attr-defined]
        self.fields["on_demand_token"].initial = new_token()
        self.helper.layout = Layout(
            Container(
                "Job on demand",
                Field("job_name"),
                Field("model_id", stretch=True),
                Field("model_invocation_type"),
                Field("input_s3_uri", stretch=True),
                Field("output_s3_uri", stretch=True),
                Field("records"),
            ),
            Fragment("console/on_demand/_cost.html", "resend_of", "on_demand_token"),
        )

    def clean_on_demand_token(self) -> str:
        """Return the token, or a new one if it is malformed or any job has it."""
        token: str = self.cleaned_data["on_demand_token"]
        is_used = BatchJob.objects.filter(connection=self.connection, client_request_token=token).exists()
        return token if GIVEN_OUT.fullmatch(token) and not is_used else new_token()

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if not self.errors:
            for problem in problems_of(self.connection, self.request):
                self.add_error(problem.field if problem.field in self.fields else None, problem.message)
        return values

    @property
    def request(self) -> JobRequest:
        asked = {name: self.cleaned_data[name] for name in FIELDS}
        return JobRequest.from_fields(asked | {"client_request_token": self.cleaned_data.get("on_demand_token", "")})

    @property
    def told(self) -> str:
        """A digest of the values that decide the cost."""
        values = [str(self.cleaned_data.get(name) or "") for name in TOLD]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

    @property
    def is_confirmed(self) -> bool:
        """Whether the button was pressed for just the cost that was told."""
        return bool(self.data.get(CONFIRM)) and self.data[CONFIRM] == self.told
