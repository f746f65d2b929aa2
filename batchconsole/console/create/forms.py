"""The create-job form: its fields and their rules. Field names are those of the API, in snake case."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from batchconsole.console.create.layout import job_layout
from batchconsole.console.create.other_models import problems_of_other_models
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.fields import ApiTextField, HoursField, IdListField, S3UriField, required
from batchconsole.console.kit.layout import Choice
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.tags import TaggedForm
from batchconsole.console.kit.validators import ROLE_NAME, rule
from batchconsole.console.kit.widgets import PickOrType, SelectOrType
from batchconsole.console.models.choices import closest
from batchconsole.jobs.cloning import free_name, request_without_identity
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.model_rules import refusal, takes_converse
from batchconsole.jobs.models import BatchJob, Connection, JobRequest, JobTemplate
from batchconsole.jobs.models.job import new_client_request_token
from batchconsole.jobs.models.job_template import LONGEST_NAME
from batchconsole.jobs.outputs.comparing import MOST_MODELS
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.queue.waiting import start_problem
from batchconsole.jobs.rights.access import require_model, require_places, require_service_role
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.tags import tags_in_use
from batchconsole.records import catalogue
from batchconsole.records.limits import Limits

JOB_NAME_RULE = (
    "Job name must be 1 to 63 characters. Valid characters are a-z, A-Z, 0-9, hyphens (-), plus signs (+), and periods "
    "(.). It must start with a letter or a number."
)
ROLE_NAME_RULE = (
    "Role name must be 1 to 64 characters. Valid characters are a-z, A-Z, 0-9, and the following: + = , . @ - _"
)
EXISTING, NEW = "existing", "new"
GIVEN_OUT = re.compile("[0-9a-f]{32}")  # the format of this console's request tokens
# The fields that name the job's origin.
LINEAGE = ("resend_of", "clone_of")

INVOCATION_TYPES = [
    ("InvokeModel", Choice("InvokeModel", "Records hold the model's own request format.")),
    ("Converse", Choice("Converse", "Records hold Converse requests, for any model.")),
]
ROLE_KINDS = [
    (EXISTING, Choice("Use an existing service role", "A role that Amazon Bedrock may assume.")),
    (NEW, Choice("Create and use a new service role", "A role with only the permissions that this job needs.")),
]


def require_output(connection: Connection, uri: str) -> None:
    require_places(connection, output=uri)


# Functions that raise NotAllowed if the connection does not allow the field's value; they accept empty values.
ALLOWED: dict[str, Callable[[Connection, str], None]] = {
    "model_id": require_model,
    "input_s3_uri": require_input,
    "output_s3_uri": require_output,
    "role_arn": require_service_role,
}


class JobForm(TaggedForm):
    """The parameters of CreateModelInvocationJob and the console's own options, as a form.

    Parameters
    ----------
    data
        The posted data, or ``None`` for a form that is only shown: new, cloned, or partly filled in.
    connection
        The connection in which the job is created.
    """

    # For error messages: two fields have the label S3 URI, and the lineage fields are hidden.
    error_labels: ClassVar = {
        "input_s3_uri": "Input data",
        "output_s3_uri": "Output data",
        "resend_of": "Job to resend",
        "clone_of": "Job to clone",
    }

    job_name: forms.CharField = ApiTextField(
        "jobName",
        label="Job name",
        help_text="Unique in this account and region.",
        invalid=JOB_NAME_RULE,
        too_long="The name has too many characters. Character count: {count}/{max}",
    )
    resend_of = forms.ModelChoiceField(BatchJob.objects.none(), required=False, widget=forms.HiddenInput)
    clone_of = forms.ModelChoiceField(BatchJob.objects.none(), required=False, widget=forms.HiddenInput)
    # The job's client request token, so that submitting the form twice creates one job.
    request_token = forms.CharField(required=False, widget=forms.HiddenInput, initial=new_client_request_token)
    model_id = ApiTextField("modelId", label="Model", invalid="Enter a valid model ID or ARN.")
    model_invocation_type = forms.ChoiceField(
        label="Model invocation type",
        choices=INVOCATION_TYPES,
        initial="InvokeModel",
        widget=forms.RadioSelect,
        error_messages=required("Model invocation type")
        | {"invalid_choice": "Choose InvokeModel or Converse. %(value)s is neither."},
    )
    other_model_ids = IdListField(
        "modelId",
        label="Other models",
        noun="model",
        most=MOST_MODELS - 1,
        required=False,
        help_text="A job for each model reads the same input. A page shows their answers side by side.",
        widget=PickOrType(noun="model IDs or ARNs", placeholder="us.amazon.nova-lite-v1:0, …"),
    )
    input_s3_uri = S3UriField(help_text="A folder with .jsonl files, or one .jsonl file.")
    check_input = forms.BooleanField(
        label="Check the input before submitting",
        required=False,
        initial=True,
        help_text="Reads every record first. A job with records that the model would refuse is not submitted.",
    )
    output_s3_uri = S3UriField(help_text="Each job writes to a folder of its own in this location.")
    output_kms_key_id = ApiTextField(
        "s3EncryptionKeyId",
        label="AWS KMS key",
        required=False,
        help_text="Encrypts the output with a key of your own.",
        invalid="Enter a valid key ID, key ARN, or alias.",
        widget=SelectOrType(noun="key ARN or alias", placeholder="arn:aws:kms:… or alias/name"),
    )
    service_role = forms.ChoiceField(
        label="Service access",
        choices=ROLE_KINDS,
        initial=EXISTING,
        widget=forms.RadioSelect,
        error_messages=required("Service access") | {"invalid_choice": "Choose an existing or a new service role."},
    )
    role_arn = ApiTextField(
        "roleArn",
        label="Service role",
        required=False,
        invalid="Enter a valid service role ARN. It looks like arn:aws:iam::111122223333:role/name.",
        widget=SelectOrType(noun="role ARN", placeholder="arn:aws:iam::111122223333:role/name"),
    )
    role_name = forms.CharField(label="Service role name", required=False, validators=[rule(ROLE_NAME, ROLE_NAME_RULE)])
    timeout_duration_in_hours = HoursField(
        "timeoutDurationInHours",
        label="Timeout",
        required=False,
        help_text="The number of hours after which Amazon Bedrock stops the job. Default: 24 hours.",
    )
    start_at = forms.DateTimeField(
        label="Start at",
        required=False,
        help_text="The job waits in the queue until then. Empty: as soon as the model's quota has room.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Enter a date and a time, such as 2027-01-31T08:00."},
    )
    input_bucket_owner = ApiTextField(
        "s3BucketOwner",
        label="Input bucket owner",
        required=False,
        help_text="The account that owns the input bucket, if it is another one.",
        invalid="Enter a valid account ID: 12 digits.",
    )
    output_bucket_owner = ApiTextField(
        "s3BucketOwner",
        label="Output bucket owner",
        required=False,
        help_text="The account that owns the output bucket, if it is another one.",
        invalid="Enter a valid account ID: 12 digits.",
    )
    subnet_ids = IdListField(
        "subnetIds",
        label="Subnets",
        noun="subnet",
        required=False,
        widget=PickOrType(noun="subnet IDs", placeholder="subnet-…, subnet-…"),
    )
    security_group_ids = IdListField(
        "securityGroupIds",
        label="Security groups",
        noun="security group",
        required=False,
        widget=PickOrType(noun="security group IDs", placeholder="sg-…, sg-…"),
    )

    keep_as = forms.CharField(
        label="Template name",
        required=False,
        max_length=LONGEST_NAME,
        help_text="What this kind of job is for. The fields above are kept under it, as they are now.",
    )
    # The key and version of the template that the form was opened with.
    template_seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, connection: Connection, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        for name in LINEAGE:
            field = cast("forms.ModelChoiceField[BatchJob]", self.fields[name])
            field.queryset = BatchJob.objects.filter(connection=connection)
        self.connection = connection
        self.suggestions = tags_in_use(connection)
        self.focus("" if self.is_bound else "job_name")
        self.helper.form_id = "job-form"
        self.helper.render_hidden_fields = True
        self.helper.attrs = {"data-field-check": reverse("job-create", args=[connection.name]) + "check/"}
        self.helper.layout = job_layout(connection.name)

    def offer_no_new_role(self) -> None:
        """Remove the choice to create a role, for users who may not, or connections that restrict service roles."""
        kinds = cast("forms.ChoiceField", self.fields["service_role"])
        kinds.choices = [kind for kind in ROLE_KINDS if kind[0] != NEW]

    def use_role(self, arn: str) -> None:
        """Select the role that was just created, in case the form is shown again."""
        posted = self.data.copy()  # type: ignore[attr-defined] # a QueryDict: only a posted form makes a role
        posted["service_role"], posted["role_arn"] = EXISTING, arn
        self.data = posted

    def clean_job_name(self) -> str:
        name: str = self.cleaned_data["job_name"]
        if BatchJob.objects.using_name(self.connection.pk, name).exists():
            free = free_name(self.connection, name)
            raise ValidationError(
                f"The job name {name} is already in use. Enter another name, such as {free}.", code="in_use"
            )
        return name

    def clean_request_token(self) -> str:
        """Return the token, or an empty string if it is malformed or a job has it: the job then gets a new one."""
        token: str = self.cleaned_data["request_token"]
        is_used = BatchJob.objects.filter(connection=self.connection, client_request_token=token).exists()
        return token if GIVEN_OUT.fullmatch(token) and not is_used else ""

    def clean_model_id(self) -> str:
        model_id: str = self.cleaned_data["model_id"]
        reason = refusal(model_id, self.connection.region)
        if reason:
            raise ValidationError(reason, code="not_batchable")
        meant = closest(model_id) if catalogue.find_model(model_id) is None else ""
        if meant:
            self.warn("model_id", f"This version does not know {model_id}. Check it: the closest it knows is {meant}.")
        return model_id

    def clean_start_at(self) -> datetime | None:
        start_at: datetime | None = self.cleaned_data["start_at"]
        words = start_problem(start_at) if start_at else ""
        if words:
            raise ValidationError(words, code="start_at")
        return start_at

    def clean(self) -> dict[str, Any]:
        self._check_converse()
        self._check_role()
        self._check_allowed()
        self._check_other_models()
        self._require_both("subnet_ids", "security_group_ids")
        return self.cleaned_data

    def _check_converse(self) -> None:
        model = catalogue.find_model(self.cleaned_data.get("model_id", ""))
        if model and not takes_converse(model) and self.cleaned_data.get("model_invocation_type") == "Converse":
            words = f"{model.name} does not take Converse requests. Choose InvokeModel."
            self.add_error("model_invocation_type", ValidationError(words, code="no_converse"))

    def _check_other_models(self) -> None:
        for words in problems_of_other_models(self.connection, self.cleaned_data, makes_role=self.makes_role):
            self.add_error("other_model_ids", ValidationError(words, code="other_models"))

    def _check_role(self) -> None:
        """Require the field of the selected kind of role, and ignore the other field and its errors."""
        wanted, other = ("role_name", "role_arn") if self.makes_role else ("role_arn", "role_name")
        self.errors.pop(other, None)
        self.cleaned_data[other] = ""
        self._require(wanted)
        self._check_account(self.cleaned_data.get("role_arn", ""))

    def _check_account(self, role_arn: str) -> None:
        """Refuse a role of another account, as AWS does ("Cross-account pass role is not allowed")."""
        account, here = role_arn.split(":")[4] if role_arn else "", self.connection.account_id
        if account and here and account != here:
            words = f"This role belongs to account {account}. Choose a role of account {here}, in which the job runs."
            self.add_error("role_arn", ValidationError(words, code="cross_account"))

    def _check_allowed(self) -> None:
        """Add errors for values that the connection does not allow."""
        for name, require in ALLOWED.items():
            try:
                require(self.connection, self.cleaned_data.get(name, ""))
            except NotAllowed as error:
                self.add_error(name, ValidationError(sentences(error), code="not_allowed"))

    def _require(self, name: str) -> None:
        if not self.cleaned_data.get(name) and name not in self.errors:
            self.add_error(name, ValidationError(f"{self.fields[name].label} is required.", code="required"))

    def _require_both(self, *names: str) -> None:
        """Require all of the fields if any is filled in: a VPC configuration has subnets and security groups."""
        filled = [name for name in names if self.cleaned_data.get(name) or name in self.errors]
        for name in names if filled else ():
            if name not in filled:
                words = f"{self.fields[name].label} are required together with {self.fields[filled[0]].label}."
                self.add_error(name, ValidationError(words, code="required"))

    @property
    def limits(self) -> Limits:
        """The limits of the chosen model, or the general limits if none is chosen."""
        return limits_for(self.connection, self.cleaned_data.get("model_id") or "")

    @property
    def makes_role(self) -> bool:
        return bool(self.cleaned_data.get("service_role") == NEW)

    @property
    def request(self) -> JobRequest:
        """The job request of a cleaned form; invalid fields are empty."""
        tags = self.tags.tags if self.tags.is_valid() else ()
        return JobRequest.from_fields(self.cleaned_data | {"tags": tags})

    def keep_only_errors_for_template(self) -> bool:
        """Drop the errors of fields that a template may leave out, and of a name in use; return whether none is left.

        A template is filled in further with each job, under a name of its own.
        """
        tags_valid = self.tags.is_valid()
        for name, errors in list(self.errors.as_data().items()):
            if all(error.code in ("required", "in_use") for error in errors):
                del self.errors[name]
        return tags_valid and not self.errors

    @property
    def template_request(self) -> JobRequest:
        """The request to keep in a template, after :meth:`keep_only_errors_for_template`; its name may be in use."""
        return replace(self.request, job_name=str(self["job_name"].value() or "").strip())

    @property
    def draft_request(self) -> JobRequest:
        """The job request of a partly filled-in form, not validated: for display only, never for AWS."""
        values = {name: self[name].value() for name in self.fields}
        hours = str(values["timeout_duration_in_hours"])
        values["timeout_duration_in_hours"] = read_number(hours) or None
        if self["service_role"].value() == NEW:
            account = self.connection.account_id or "ACCOUNT"
            values["role_arn"] = f"arn:aws:iam::{account}:role/service-role/{self['role_name'].value() or 'NAME'}"
        tags = [row.initial for row in self.tags.forms if (row.initial or {}).get("key")]
        return JobRequest.from_fields(values | {"tags": tags})


def initial_of(job: BatchJob) -> dict[str, Any]:
    """Return the initial values for a new job with the same request as *job*, but without its name."""
    return request_without_identity(job) | {"check_input": job.check_input}


def initial_of_template(template: JobTemplate) -> dict[str, Any]:
    """Return the initial values for a new job from *template*, under its name for jobs or the next free one."""
    asked, connection = template.request.as_fields(), template.connection
    name = asked["job_name"]
    if name and BatchJob.objects.using_name(connection.pk, name).exists():
        asked["job_name"] = free_name(connection, name)
    seen = {"keep_as": template.name, "template_seen": f"{template.pk}-{template.version}"}
    return asked | {"check_input": template.check_input} | seen


def initial_of_correction(job: BatchJob) -> dict[str, Any]:
    """Return the initial values to correct *job*, which AWS never accepted.

    The name, ``resend_of`` and a start in the future are kept, and ``clone_of`` is *job*.
    """
    return initial_of(job) | {
        "job_name": job.job_name,
        "clone_of": job.pk,
        "resend_of": job.resend_of_id,
        "start_at": job.start_at if job.start_at and job.start_at > timezone.now() else None,
    }
