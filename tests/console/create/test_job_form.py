"""Every rule of the create form: what it takes, and each refusal in its words. No page and no AWS."""

from typing import Any

import pytest

from batchconsole.console.create.forms import JobForm
from batchconsole.jobs.cloning import free_name, name_of_clone, name_of_resend
from batchconsole.jobs.models import BatchJob, Connection, Status
from tests.console.conftest import MODEL, filled_in

NAME = "Job name must be 1 to 63 characters."
S3_CHARACTERS = "Bedrock does not accept"
BATCH = "Batch inference is not supported for the requested model"

REFUSALS = [
    ("job_name", "", "Job name is required."),
    ("job_name", "   ", "Job name is required."),
    ("job_name", "my_job", NAME),
    ("job_name", "my job", NAME),
    ("job_name", "-job", NAME),
    ("job_name", "jöb", NAME),
    ("job_name", "x" * 64, "The name has too many characters. Character count: 64/63"),
    ("job_name", "a" + "-" * 61 + "_", NAME),
    ("model_id", "", "Model is required."),
    ("model_id", "not a model", "Enter a valid model ID or ARN."),
    ("model_id", "x" * 2049, "Enter a valid model ID or ARN."),
    ("model_id", "anthropic.claude-opus-4-8", BATCH),
    ("model_id", "us.anthropic.claude-opus-4-8", BATCH),
    ("model_id", "anthropic.claude-haiku-4-5-20251001-v1:0", "only through an inference profile"),
    ("input_s3_uri", "https://example.com/x", "The path must begin with s3://"),
    ("input_s3_uri", "my-prompts/input", "The path must begin with s3://, as in s3://my-prompts/input."),
    (
        "model_id",
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "This inference profile cannot be called from us-east-1.",
    ),
    ("model_id", f"arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}", "This ARN is of eu-west-1"),
    ("model_invocation_type", "", "Model invocation type is required."),
    ("model_invocation_type", "Chat", "Choose InvokeModel or Converse."),
    ("input_s3_uri", "", "S3 URI is required."),
    ("input_s3_uri", "bucket/prefix", "The path must begin with s3://"),
    ("input_s3_uri", "s3://", "The bucket name length must be from 3 to 63 characters."),
    ("input_s3_uri", "s3://ab/x", "The bucket name length must be from 3 to 63 characters."),
    ("input_s3_uri", f"s3://{'b' * 64}/x", "The bucket name length must be from 3 to 63 characters."),
    ("input_s3_uri", "s3://Bucket/x", "The bucket name must not contain uppercase characters."),
    ("input_s3_uri", "s3://-bucket/x", "The bucket name must start with a lowercase character or number."),
    ("input_s3_uri", "s3://buck_et/x", "The bucket name must comply with DNS naming conventions."),
    ("input_s3_uri", "s3://buck..et/x", "The bucket name must comply with DNS naming conventions."),
    ("input_s3_uri", "s3://192.168.5.4/x", "The bucket name must comply with DNS naming conventions."),
    ("input_s3_uri", "s3://bucket/year=2026/", f"{S3_CHARACTERS} = in a path."),
    ("input_s3_uri", "s3://bucket/my file.jsonl", f"{S3_CHARACTERS} a space in a path."),
    ("input_s3_uri", "s3://bucket//x", "must not contain empty folders"),
    ("input_s3_uri", "s3://bucket/a//x", "must not contain empty folders"),
    ("input_s3_uri", f"s3://bucket/{'x' * 1024}", "Character count: 1036/1024"),
    ("output_s3_uri", "", "S3 URI is required."),
    ("output_s3_uri", "s3://Bucket/x", "The bucket name must not contain uppercase characters."),
    ("output_kms_key_id", "my-key", "Enter a valid key ID, key ARN, or alias."),
    ("service_role", "", "Service access is required."),
    ("service_role", "other", "Choose an existing or a new service role."),
    ("role_arn", "", "Service role is required."),
    ("start_at", "soon", "Enter a date and a time"),
    ("start_at", "2020-01-01T00:00", "This time has passed."),
    ("start_at", "2999-01-01T00:00", "Enter a time within the next 366 days."),
    ("role_arn", "arn:aws:iam::1:role/x", "Enter a valid service role ARN."),
    ("role_arn", "arn:aws:iam::123456789012:user/x", "Enter a valid service role ARN."),
    ("role_arn", "arn:aws:iam::444455556666:role/x", "This role belongs to account 444455556666."),
    ("timeout_duration_in_hours", "23", "Timeout must be a whole number from 24 to 168."),
    ("timeout_duration_in_hours", "169", "Timeout must be a whole number from 24 to 168."),
    ("timeout_duration_in_hours", "24.5", "Timeout must be a whole number from 24 to 168."),
    ("timeout_duration_in_hours", "a day", "Timeout must be a whole number from 24 to 168."),
    ("input_bucket_owner", "12345", "Enter a valid account ID: 12 digits."),
    ("output_bucket_owner", "1234567890123", "Enter a valid account ID: 12 digits."),
    ("subnet_ids", "subnet_1", "Enter valid subnet IDs. Not valid: subnet_1."),
    ("subnet_ids", ",".join(f"subnet-{n}" for n in range(17)), "Choose up to 16 subnets. You chose 17."),
    ("security_group_ids", ",".join(f"sg-{n}" for n in range(6)), "Choose up to 5 security groups. You chose 6."),
]

pytestmark = pytest.mark.django_db


def form_of(connection: Connection, **changes: Any) -> JobForm:
    return JobForm(filled_in(**changes), connection=connection)


def test_it_works(connection: Connection) -> None:
    form = form_of(connection)
    assert form.is_valid(), form.errors
    assert form.request.job_name == "support-triage"


@pytest.mark.parametrize(("field", "value", "message"), REFUSALS)
def test_a_bad_value_is_refused_beside_its_field(connection: Connection, field: str, value: str, message: str) -> None:
    form = form_of(connection, **{field: value})
    assert not form.is_valid()
    assert message in " ".join(map(str, form.errors[field]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_name", "a"),
        ("job_name", "My.job+1-2"),
        ("job_name", "9" * 63),
        ("model_id", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("model_id", f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"),
        ("model_id", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"),
        ("model_id", "someone.brand-new-model-v9:0"),
        ("input_s3_uri", "s3://bucket"),
        ("input_s3_uri", "s3://my.bucket-1/a/b_c/records(1)!.jsonl"),
        ("output_s3_uri", "s3://bucket/out"),
        ("output_kms_key_id", "alias/prompts"),
        ("output_kms_key_id", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("role_arn", "arn:aws-us-gov:iam::123456789012:role/service-role/x"),
        ("timeout_duration_in_hours", "24"),
        ("timeout_duration_in_hours", "168"),
        ("input_bucket_owner", "123456789012"),
    ],
)
def test_a_value_the_api_takes_is_taken(connection: Connection, field: str, value: str) -> None:
    form = form_of(connection, **{field: value})
    assert form.is_valid(), form.errors


def test_blanks_around_values_are_cut_off(connection: Connection) -> None:
    form = form_of(connection, job_name="  a-job ", role_arn=" arn:aws:iam::123456789012:role/x ")
    assert form.is_valid()
    assert (form.cleaned_data["job_name"], form.cleaned_data["role_arn"]) == (
        "a-job",
        "arn:aws:iam::123456789012:role/x",
    )


def test_a_name_in_use_is_refused(connection: Connection) -> None:
    BatchJob.objects.create(connection=connection, job_name="taken", status=Status.COMPLETED)
    form = form_of(connection, job_name="taken")
    assert form.errors["job_name"] == ["The job name taken is already in use. Enter another name, such as taken-2."]


def test_the_name_proposed_is_free_and_short_enough(connection: Connection) -> None:
    for name in ("nightly-7", "nightly-2", "x" * 63):
        BatchJob.objects.create(connection=connection, job_name=name, status=Status.COMPLETED)
    assert free_name(connection, "nightly-7") == "nightly-3"
    assert form_of(connection, job_name=free_name(connection, "x" * 63)).is_valid()
    assert form_of(connection, job_name=name_of_resend(connection, "x" * 63)).is_valid()


def test_the_name_of_a_resend_says_so_and_counts(connection: Connection) -> None:
    assert name_of_clone(connection, "reviews") == name_of_clone(connection, "reviews-clone-7") == "reviews-clone-2"
    assert name_of_resend(connection, "reviews") == "reviews-resend-2"
    BatchJob.objects.create(connection=connection, job_name="reviews-resend-2", status=Status.COMPLETED)
    assert name_of_resend(connection, "reviews-resend-2") == name_of_resend(connection, "reviews") == "reviews-resend-3"


def test_an_embedding_model_takes_no_converse_requests(connection: Connection) -> None:
    titan = "amazon.titan-embed-text-v2:0"
    assert form_of(connection, model_id=titan, model_invocation_type="InvokeModel").is_valid()
    form = form_of(connection, model_id=titan, model_invocation_type="Converse")
    assert "does not take Converse requests. Choose InvokeModel." in form.errors["model_invocation_type"][0]


@pytest.mark.parametrize(("typed", "meant"), [("amazon.nova-lite", "amazon.nova-lite-v1:0"), ("x.quite-new-v9:0", "")])
def test_a_model_not_known_is_taken_with_the_closest_that_is(connection: Connection, typed: str, meant: str) -> None:
    form = form_of(connection, model_id=typed)
    assert form.is_valid()
    assert meant in " ".join(form.warnings.get("model_id", []))
    assert bool(meant) == ("model_id" in form.warnings)


def test_a_place_written_as_an_address_is_shown_as_its_uri(connection: Connection) -> None:
    form = form_of(connection, input_s3_uri="https://bucket.s3.amazonaws.com/x y", job_name="")
    assert form["input_s3_uri"].value() == "s3://bucket/x y"


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.REJECTED, Status.SUBMIT_FAILED])
def test_a_name_that_never_reached_aws_is_free(connection: Connection, status: Status) -> None:
    BatchJob.objects.create(connection=connection, job_name="free", status=status)
    assert form_of(connection, job_name="free").is_valid()


def test_a_name_of_another_connection_is_free(connection: Connection, away: Connection) -> None:
    BatchJob.objects.create(connection=away, job_name="theirs", status=Status.COMPLETED)
    assert form_of(connection, job_name="theirs").is_valid()


def test_a_new_role_needs_a_name(connection: Connection) -> None:
    form = form_of(connection, service_role="new", role_arn=None)
    assert form.errors == {"role_name": ["Service role name is required."]}


@pytest.mark.parametrize("name", ["a role", "röle/x", "r" * 65])
def test_a_bad_name_of_a_new_role_is_refused(connection: Connection, name: str) -> None:
    form = form_of(connection, service_role="new", role_name=name)
    assert "Role name must be 1 to 64 characters." in form.errors["role_name"][0]


def test_the_choice_not_taken_does_not_matter(connection: Connection) -> None:
    form = form_of(connection, service_role="new", role_name="batch", role_arn="nonsense")
    assert form.is_valid(), form.errors
    assert form.request.role_arn == ""


def test_a_typed_role_wins_over_the_list(connection: Connection) -> None:
    arns = ["arn:aws:iam::123456789012:role/listed", "arn:aws:iam::123456789012:role/typed"]
    form = form_of(connection, role_arn=arns)
    assert form.is_valid()
    assert form.cleaned_data["role_arn"] == arns[1]


def test_subnets_need_security_groups(connection: Connection) -> None:
    form = form_of(connection, subnet_ids="subnet-1")
    assert form.errors == {"security_group_ids": ["Security groups are required together with Subnets."]}


def test_security_groups_need_subnets(connection: Connection) -> None:
    form = form_of(connection, security_group_ids="sg-1")
    assert form.errors == {"subnet_ids": ["Subnets are required together with Security groups."]}


def test_ids_are_picked_and_typed(connection: Connection) -> None:
    form = form_of(connection, subnet_ids=["subnet-1", "subnet-2 , subnet-1"], security_group_ids="sg-1;sg-2")
    assert form.is_valid(), form.errors
    asked = form.request
    assert (asked.subnet_ids, asked.security_group_ids) == (("subnet-1", "subnet-2"), ("sg-1", "sg-2"))


def test_all_errors_come_at_once(connection: Connection) -> None:
    form = JobForm({"tags-0-value": "x"}, connection=connection)
    assert not form.is_valid()
    required = {"job_name", "model_id", "model_invocation_type", "input_s3_uri", "output_s3_uri", "service_role"}
    assert required <= form.errors.keys()
    assert form.tags.total_error_count() == 1


def test_a_draft_keeps_what_was_typed_and_judges_nothing(connection: Connection) -> None:
    form = JobForm.draft(filled_in(job_name="bad name", subnet_ids="subnet-1"), connection=connection)
    assert not form.errors
    assert (form["job_name"].value(), form["subnet_ids"].value()) == ("bad name", ["subnet-1"])


def test_a_draft_keeps_an_unchecked_box(connection: Connection) -> None:
    assert not JobForm.draft(filled_in(), connection=connection)["check_input"].value()
    assert JobForm(connection=connection)["check_input"].value()
