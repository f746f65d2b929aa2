"""What AWS knows of a form's values: errors where the job could not work, warnings where AWS has the last word."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from batchconsole.aws.errors import AwsError
from batchconsole.console.create.aws_checks import check_form, warn_of_role
from batchconsole.console.create.forms import JobForm
from batchconsole.console.roles.access import RoleAccess
from batchconsole.jobs.models import BatchJob, Connection, ModelLimit
from tests.conftest import ACCOUNT
from tests.console.conftest import MODEL, filled_in


class TestChecks:
    """A form that the rules have passed, looked at with AWS."""

    @pytest.fixture(autouse=True)
    def a_place(self, local: Connection, bucket: str, role_arn: str, boto: Any) -> None:
        self.local, self.bucket, self.role_arn, self.boto = local, bucket, role_arn, boto
        self.s3 = boto("s3")

    def check(self, **changes: Any) -> JobForm:
        form = JobForm(filled_in(self.bucket, **{"role_arn": self.role_arn, **changes}), connection=self.local)
        assert form.is_valid(), form.errors
        assert check_form(form, None) == []
        return form

    def put(self, key: str, body: bytes = b"{}", **more: str) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)
        return f"s3://{self.bucket}/{key}"

    def test_a_folder_with_something_in_it_is_fine(self) -> None:
        form = self.check()
        assert not form.errors
        assert "input_s3_uri" not in form.warnings

    def test_the_start_of_a_name_is_no_place(self) -> None:
        form = self.check(input_s3_uri=f"s3://{self.bucket}/input/rec")
        assert "There is nothing at" in form.errors["input_s3_uri"][0]

    def test_a_folder_may_be_named_without_its_slash(self) -> None:
        self.put("input-2.jsonl")
        assert not self.check(input_s3_uri=f"s3://{self.bucket}/input").errors

    @pytest.mark.parametrize(
        ("key", "body", "words"),
        [
            ("notes.txt", b"x", "Not a .jsonl file."),
            ("empty.jsonl", b"", "Empty file."),
            ("a.jsonl.out", b"x", "Output of a job, not input."),
        ],
    )
    def test_a_file_that_no_job_can_read_is_refused(self, key: str, body: bytes, words: str) -> None:
        assert words in self.check(input_s3_uri=self.put(key, body)).errors["input_s3_uri"][0]

    def test_an_archived_file_must_be_restored_first(self) -> None:
        form = self.check(input_s3_uri=self.put("old.jsonl", StorageClass="GLACIER"))
        assert form.errors["input_s3_uri"] == [
            "Archived in Glacier Flexible Retrieval. Restore it in S3 first, or enter a copy."
        ]

    def test_a_file_over_the_models_limit_is_warned_of(self) -> None:
        ModelLimit.objects.create(connection=self.local, model_id=MODEL, bytes_per_file=1)
        form = self.check(input_s3_uri=self.put("large.jsonl"))
        assert not form.errors
        assert "Larger than the 1\xa0byte that a file may have." in form.warnings["input_s3_uri"][0]

    @pytest.mark.parametrize("place", ["input/", "input", "input/answers/"])
    def test_output_among_the_input_is_warned_of(self, place: str) -> None:
        form = self.check(output_s3_uri=f"s3://{self.bucket}/{place}")
        assert "This folder is inside the input folder" in form.warnings["output_s3_uri"][0]

    def test_output_beside_the_one_input_file_is_fine(self) -> None:
        form = self.check(
            input_s3_uri=f"s3://{self.bucket}/input/records.jsonl", output_s3_uri=f"s3://{self.bucket}/input/"
        )
        assert "output_s3_uri" not in form.warnings

    def test_output_that_is_a_file_is_warned_of(self) -> None:
        form = self.check(output_s3_uri=f"s3://{self.bucket}/out.jsonl")
        assert "This is a file." in form.warnings["output_s3_uri"][0]

    def test_a_bucket_of_another_region_is_warned_of(self) -> None:
        far = f"far-{uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        form = self.check(output_s3_uri=f"s3://{far}/out/")
        assert f"The bucket {far} is in eu-west-1" in form.warnings["output_s3_uri"][0]

    def test_the_wrong_owner_of_a_bucket_is_warned_of_at_its_field(self) -> None:
        form = self.check(input_bucket_owner="111122223333", output_bucket_owner=ACCOUNT)
        assert "does not belong to account 111122223333" in form.warnings["input_bucket_owner"][0]
        assert "output_bucket_owner" not in form.warnings

    def test_a_key_that_is_disabled_is_refused(self) -> None:
        key = self.boto("kms").create_key()["KeyMetadata"]["Arn"]
        assert not self.check(output_kms_key_id=key).errors
        self.boto("kms").disable_key(KeyId=key)
        assert "KMS says Disabled" in self.check(output_kms_key_id=key).errors["output_kms_key_id"][0]

    def test_a_key_that_cannot_encrypt_objects_is_refused(self) -> None:
        key = self.boto("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        assert "Choose a symmetric key" in self.check(output_kms_key_id=key).errors["output_kms_key_id"][0]

    def test_a_key_that_is_not_there_is_warned_of(self) -> None:
        form = self.check(output_kms_key_id="alias/nobody-has-this")
        assert "KMS knows no key alias/nobody-has-this" in form.warnings["output_kms_key_id"][0]

    def test_a_network_of_two_vpcs_is_refused(self) -> None:
        ec2 = self.boto("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        group = ec2.create_security_group(GroupName="other", Description="Other", VpcId=vpc)["GroupId"]
        form = self.check(subnet_ids=subnet, security_group_ids=group)
        assert f"{group} is in {vpc}" in form.errors["security_group_ids"][0]

    def test_a_role_that_is_not_there_is_warned_of(self) -> None:
        form = self.check(role_arn=f"arn:aws:iam::{ACCOUNT}:role/nobody")
        form.warnings.clear()
        gone = AwsError("Not found.", code="NoSuchEntity", operation="SimulatePrincipalPolicy")
        warn_of_role(form, RoleAccess(error=gone))  # MiniStack simulates whoever it is
        assert "IAM has no role nobody." in form.warnings["role_arn"][0]

    def test_what_the_role_lacks_is_said(self) -> None:
        words = self.check().warnings["role_arn"][0]
        assert f"s3:GetObject on arn:aws:s3:::{self.bucket}/input/" in words
        assert "unless a bucket policy allows it" in words


def test_the_warnings_stand_on_the_page_of_the_job(client: Client, bucket: str, role_arn: str) -> None:
    page = client.post("/local/jobs/create/", filled_in(bucket, role_arn=role_arn), follow=True).text
    assert BatchJob.objects.exists()
    assert f"Service role: The role {role_arn.rpartition('/')[2]} lacks s3:ListBucket" in page
    assert "To change this, stop the job and clone it." in page


def test_a_place_is_looked_up_when_its_field_is_left(client: Client, bucket: str) -> None:
    missing = f"missing-{uuid4().hex[:8]}"
    data = filled_in(bucket, input_s3_uri=f"s3://{missing}/", job_name="")
    page = client.post("/local/jobs/create/check/input_s3_uri/", data).text
    assert f"The bucket {missing} does not exist." in page
    assert 'id="id_input_s3_uri_error"' in page


def test_a_warning_at_a_field_is_no_error(client: Client, bucket: str) -> None:
    page = client.post(
        "/local/jobs/create/check/output_s3_uri/", filled_in(bucket, output_s3_uri=f"s3://{bucket}/input/")
    )
    assert 'id="id_output_s3_uri_warning"' in page.text
    assert "field-error" not in page.text.replace("field-error-slot", "")


def test_an_owner_is_looked_up_when_its_field_is_left(client: Client, bucket: str) -> None:
    data = filled_in(bucket, output_bucket_owner="111122223333")
    page = client.post("/local/jobs/create/check/output_bucket_owner/", data).text
    assert "does not belong to account 111122223333" in page


def test_with_aws_away_the_form_is_not_refused(away: Connection) -> None:
    form = JobForm(filled_in(output_kms_key_id="alias/prompts"), connection=away)
    assert form.is_valid()
    assert {doubt.code for doubt in check_form(form, None) if isinstance(doubt, AwsError)} == {"EndpointUnreachable"}
    assert not form.errors


def test_with_aws_away_the_field_says_that_it_could_not_be_checked(client: Client, away: Connection) -> None:
    page = client.post("/away/jobs/create/check/input_s3_uri/", filled_in()).text
    assert "This could not be checked now." in page
    assert "The endpoint could not be reached." in page


def test_an_address_that_was_pasted_is_given_back_as_a_uri(client: Client, bucket: str) -> None:
    data = filled_in(input_s3_uri=f"https://{bucket}.s3.us-east-1.amazonaws.com/input/records.jsonl")
    page = client.post("/local/jobs/create/check/input_s3_uri/", data).text
    assert f'data-taken="s3://{bucket}/input/records.jsonl"' in page


def test_an_arn_that_was_pasted_reaches_the_job_as_a_uri(client: Client, bucket: str, role_arn: str) -> None:
    client.post(
        "/local/jobs/create/", filled_in(bucket, role_arn=role_arn, input_s3_uri=f" arn:aws:s3:::{bucket}/input/* ")
    )
    assert BatchJob.objects.get().input_s3_uri == f"s3://{bucket}/input/"


def test_nobody_is_told_what_to_fill_in_before_asking(client: Client, local: Connection) -> None:
    assert "Fill in first" not in client.post("/local/roles/access/?quiet=1", {"service_role": "existing"}).text
