"""The layout of the create-job form, with its fields in the order of the AWS console."""

from crispy_forms.layout import Layout
from django.urls import reverse

from batchconsole.aws.constraints import job_constraints
from batchconsole.console.kit.layout import (
    READ_FORMAT,
    AttributeEditor,
    AwsSelect,
    Container,
    ExpandableSection,
    Field,
    FormActions,
    Fragment,
    Group,
    ModelSelect,
    RadioGroup,
    RoleSelect,
    S3Location,
    Tiles,
)
from batchconsole.console.kit.page_form import Part

NAME_CONSTRAINT = (
    "Valid characters are a-z, A-Z, 0-9, plus signs, hyphens, and periods. It must start with a letter or a number."
)
ZONE_CONSTRAINT = "In your time zone, as set in the preferences."
RULE_EXAMPLE = "30 2 * * 1-5 is 02:30 from Monday to Friday."
PLACEHOLDERS = "Placeholders: {date:%Y-%m-%d}, {time:%H%M} and, for each new file, {file}."
ONE_INPUT = (
    "With Converse, any models can share the input. With InvokeModel, choose models of the same family, because each "
    "family has its own request format. The cost that Check input tells is that of the model above; each other job has "
    "a cost of its own. Job templates and schedules keep the model above only."
)
WRITE_FORMAT = "Use s3://bucket/prefix format."


def job_layout(connection: str) -> Layout:
    """Return the form's layout for the connection named *connection*."""
    return Layout(
        Fragment("cloudscape/layout/default_submit.html"),
        _job_details(connection, _job_name(), _other_models(connection)),
        _input_data(
            connection,
            check_url=reverse("input-check-start", args=[connection]),
            beside=[
                Fragment("console/create/_make_input.html"),
                Field("check_input", optional=False),
                Fragment("console/input_checks/_input_check_region.html"),
                Fragment("console/create/_test_run.html"),
            ],
        ),
        _output_data(connection),
        _service_access(connection),
        _tags(),
        _additional_settings(connection, Field("start_at", constraint=ZONE_CONSTRAINT, info="start-at")),
        _template(),
        Fragment("console/create/_job_preview.html"),
        Fragment("console/input_checks/_job_summary.html"),
        Fragment("console/create/_save_as_schedule.html"),
        FormActions("Create batch inference job", cancel_url=reverse("job-list", args=[connection])),
    )


def schedule_layout(connection: str, *, cancel_url: str) -> Layout:
    """Return the layout of a schedule's form: when it runs, then the fields of its jobs in the same order."""
    name = Field("job_name", constraint=PLACEHOLDERS, info="schedule", placeholder="nightly-{date:%Y%m%d}")
    return Layout(
        Fragment("cloudscape/layout/default_submit.html"),
        _times(),
        _job_details(connection, name),
        _input_data(connection, check_url="", beside=[Field("check_input", optional=False)]),
        _output_data(connection),
        Container(
            "Service access",
            RoleSelect("role_arn", refresh_url=_field_url(connection, "role_arn"), optional=False),
            info="service-access",
        ),
        _tags(),
        _additional_settings(connection),
        Field("seen"),
        FormActions("Save schedule", cancel_url=cancel_url),
    )


def _times() -> Container:
    return Container(
        "Schedule",
        Field("title"),
        RadioGroup(
            "kind",
            {
                "rule": Group(
                    Field("rule", optional=False, constraint=RULE_EXAMPLE, placeholder="30 2 * * 1-5"),
                    Field("zone", optional=False, constraint="A name such as Europe/Berlin, or UTC."),
                    Field("missed", optional=False),
                ),
                "folder": Group(
                    Field("interval_minutes", inputmode="numeric"),
                    Field("stable_seconds", inputmode="numeric"),
                    Field("min_records", inputmode="numeric"),
                    Field("takes_overwritten", optional=False),
                    Field("takes_existing", optional=False),
                ),
            },
        ),
        info="schedule",
    )


def _tags() -> Container:
    return Container(
        "Tags",
        AttributeEditor("tags"),
        description="A tag is a label that you assign to a resource. Use tags to search for jobs and track costs.",
        optional=True,
        info="tags",
    )


def _job_name() -> Field:
    return Field(
        "job_name",
        constraint=NAME_CONSTRAINT,
        counter=job_constraints()["jobName"].max or 0,
        info="job-name",
        placeholder="my-job",
    )


def _job_details(connection: str, name: Field, *beside: Part) -> Container:
    return Container(
        "Job details",
        name,
        ModelSelect(
            "model_id",
            picker_url=reverse("model-picker", args=[connection]),
            summary_url=reverse("model-summary", args=[connection]),
            info="model",
            placeholder="Model ID or ARN",
        ),
        Tiles("model_invocation_type", info="invocation-type"),
        *beside,
    )


def _other_models(connection: str) -> ExpandableSection:
    return ExpandableSection(
        "Compare with other models",
        AwsSelect(
            "other_model_ids",
            refresh_url=_field_url(connection, "other_model_ids"),
            noun="models",
            constraint=ONE_INPUT,
            info="comparison",
        ),
        variant="inline",
    )


def _input_data(connection: str, *, check_url: str, beside: list[Part]) -> Container:
    browse_url = reverse("s3-browse", args=[connection])
    return Container(
        "Input data",
        S3Location(
            "input_s3_uri",
            browse_url=browse_url,
            constraint=READ_FORMAT,
            of="input data",
            model="model_id",
            check_url=check_url,
        ),
        *beside,
        info="input-data",
    )


def _output_data(connection: str) -> Container:
    browse_url = reverse("s3-browse", args=[connection])
    return Container(
        "Output data",
        S3Location(
            "output_s3_uri",
            browse_url=browse_url,
            mode="write",
            constraint=WRITE_FORMAT,
            of="output data",
        ),
        ExpandableSection(
            "Customize encryption settings (advanced)",
            AwsSelect(
                "output_kms_key_id",
                refresh_url=_field_url(connection, "output_kms_key_id"),
                noun="keys",
                info="encryption-key",
            ),
            variant="inline",
        ),
        info="output-data",
    )


def _service_access(connection: str) -> Container:
    return Container(
        "Service access",
        RadioGroup(
            "service_role",
            {
                "existing": Group(
                    RoleSelect("role_arn", refresh_url=_field_url(connection, "role_arn"), optional=False),
                    Fragment("console/roles/_role_access.html"),
                ),
                "new": Group(
                    Field(
                        "role_name",
                        optional=False,
                        constraint="Up to 64 characters: letters, digits and + = , . @ - _",
                    ),
                    Fragment("console/roles/_role_policy.html"),
                ),
            },
            hide_label=True,
        ),
        info="service-access",
    )


def _additional_settings(connection: str, *beside: Part) -> ExpandableSection:
    return ExpandableSection(
        "Additional settings",
        Field("timeout_duration_in_hours", constraint="From 24 to 168 hours.", inputmode="numeric", info="timeout"),
        *beside,
        Field("input_bucket_owner", constraint="12 digits.", inputmode="numeric", info="bucket-owner"),
        Field("output_bucket_owner", constraint="12 digits.", inputmode="numeric", info="bucket-owner"),
        AwsSelect(
            "subnet_ids",
            refresh_url=_field_url(connection, "subnet_ids"),
            noun="subnets",
            constraint="Up to 16 subnets of one VPC.",
            info="vpc",
        ),
        AwsSelect(
            "security_group_ids",
            refresh_url=_field_url(connection, "security_group_ids"),
            noun="security groups",
            constraint="Up to 5 security groups of the same VPC.",
            info="vpc",
        ),
    )


def _template() -> ExpandableSection:
    return ExpandableSection(
        "Save as job template",
        Field("keep_as"),
        Fragment("console/create/_save_template.html"),
    )


def _field_url(connection: str, name: str) -> str:
    return reverse("job-field", args=[connection, name])
