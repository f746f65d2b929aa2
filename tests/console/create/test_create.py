"""The create-job page: opened, filled in without script, submitted, refused, and with AWS away."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from batchconsole.aws import iam
from batchconsole.jobs.models import BatchJob, Connection, Event, Status, Verb
from tests.console.conftest import MODEL, MakeJob, filled_in

URL = "/local/jobs/create/"


@pytest.fixture
def posted(bucket: str, role_arn: str) -> dict[str, Any]:
    """A form that everything speaks for."""
    return filled_in(bucket, role_arn=role_arn)


def test_it_works(client: Client, posted: dict[str, Any]) -> None:
    response = client.post(URL, posted | {"tags-0-key": "team", "tags-0-value": "nlp"})
    job = BatchJob.objects.get()
    assert response.headers["Location"] == job.get_absolute_url()
    assert (job.job_name, job.model_id, job.role_arn) == ("support-triage", MODEL, posted["role_arn"])
    assert job.tags == [{"key": "team", "value": "nlp"}]
    assert job.created_by == response.wsgi_request.user


TOKEN = "0123456789abcdef" * 2


def test_a_button_pressed_twice_makes_one_job(client: Client, posted: dict[str, Any]) -> None:
    answers = [client.post(URL, posted | {"request_token": TOKEN}) for _ in range(2)]
    job = BatchJob.objects.get()
    assert job.client_request_token == TOKEN
    assert {answer["Location"] for answer in answers} == {job.get_absolute_url()}


def test_each_form_that_is_opened_has_a_token_of_its_own(client: Client, local: Connection) -> None:
    tokens = {control(client.get(URL).text, "request_token") for _ in range(2)}
    assert len(tokens) == 2


def test_a_form_gone_back_to_makes_another_job_under_another_name(client: Client, posted: dict[str, Any]) -> None:
    for name in ("first", "second"):
        client.post(URL, posted | {"job_name": name, "request_token": TOKEN})
    assert {job.job_name for job in BatchJob.objects.all()} == {"first", "second"}
    assert len(set(BatchJob.objects.values_list("client_request_token", flat=True))) == 2


@pytest.mark.parametrize("token", ["", "short", "x" * 300, "0123456789ABCDEF" * 2])
def test_a_token_that_was_not_given_out_is_replaced(client: Client, posted: dict[str, Any], token: str) -> None:
    client.post(URL, posted | {"request_token": token})
    assert BatchJob.objects.get().client_request_token != token


@pytest.mark.parametrize("field", ["request_token", "job_name"])
def test_no_query_carries_a_character_that_postgresql_refuses(
    field: str, client: Client, connection: Connection
) -> None:
    with CaptureQueriesContext(database) as queries:
        client.post(URL, {"request_token": TOKEN, "job_name": "a", field: "a\0b"})
    assert not any("\0" in each["sql"] for each in queries)


def test_every_field_reaches_the_job(client: Client, posted: dict[str, Any]) -> None:
    optional = {
        "timeout_duration_in_hours": "48",
        "output_kms_key_id": "alias/prompts",
        "input_bucket_owner": "111122223333",
        "output_bucket_owner": "444455556666",
        "subnet_ids": "subnet-1,subnet-2",
        "security_group_ids": "sg-1",
        "check_input": "on",
        "model_invocation_type": "InvokeModel",
    }
    client.post(URL, posted | optional)
    job = BatchJob.objects.get()
    assert (job.timeout_duration_in_hours, job.output_kms_key_id) == (48, "alias/prompts")
    assert (job.input_bucket_owner, job.output_bucket_owner) == ("111122223333", "444455556666")
    assert (job.subnet_ids, job.security_group_ids) == (["subnet-1", "subnet-2"], ["sg-1"])
    assert (job.check_input, job.model_invocation_type) == (True, "InvokeModel")


def test_the_job_page_says_that_it_was_created(client: Client, posted: dict[str, Any]) -> None:
    response = client.post(URL, posted, follow=True)
    assert "The batch inference job support-triage was created." in response.content.decode()


def test_nobody_creates_a_job_without_signing_in(connection: Connection) -> None:
    response = Client().post(URL, filled_in())
    assert response.headers["Location"].startswith("/login/")
    assert not BatchJob.objects.exists()


def test_the_roles_bedrock_may_assume_come_after_the_page(client: Client, local: Connection, role_arn: str) -> None:
    page = client.get(URL).text
    assert 'hx-get="/local/jobs/create/field/role_arn/" hx-trigger="load"' in page
    page = client.get(f"{URL}field/role_arn/").text
    assert f'<option value="{role_arn}">' in page
    assert "Choose a service role" in page


def test_errors_stand_beside_their_fields_and_in_the_list_with_links(client: Client, local: Connection) -> None:
    page = client.post(URL, {}).content.decode()
    assert "<title>Error: Create batch inference job" in page
    assert 'id="id_job_name_error"' in page
    assert '<a href="#id_job_name">Job name is required.</a>' in page
    assert '<a href="#id_input_s3_uri">Input data: S3 URI is required.</a>' in page
    assert '<a href="#id_service_role_0">Service access is required.</a>' in page


def test_the_first_field_in_error_has_the_focus(client: Client, posted: dict[str, Any]) -> None:
    page = client.post(URL, posted | {"output_s3_uri": "x", "timeout_duration_in_hours": "1"}).content.decode()
    assert page.count("autofocus") == 1
    assert "autofocus" in control(page, "output_s3_uri")


def test_a_tag_in_error_has_the_focus_when_it_is_first(client: Client, posted: dict[str, Any]) -> None:
    page = client.post(URL, posted | {"tags-0-value": "nlp", "timeout_duration_in_hours": "1"}).content.decode()
    assert "autofocus" in control(page, "tags-0-key")


def test_one_tag_too_many_is_led_to_at_the_last_one(client: Client, posted: dict[str, Any]) -> None:
    tags = {f"tags-{number}-key": f"key-{number}" for number in range(51)}
    page = client.post(URL, posted | tags).text
    assert '<a href="#id_tags-50-key">Tags: You have exceeded the limit of 50 tags. Remove 1.</a>' in page
    assert "autofocus" in control(page, "tags-50-key")


def test_input_is_kept_after_errors(client: Client, posted: dict[str, Any]) -> None:
    kept = {"job_name": "bad name", "timeout_duration_in_hours": "99", "role_name": "unused", "tags-0-key": "team"}
    client.get(f"{URL}field/role_arn/")  # which a script asks for
    page = client.post(URL, posted | kept).content.decode()
    for name, value in (posted | kept).items():
        if value and name not in {"model_invocation_type", "service_role", "role_arn", "tags-INITIAL_FORMS"}:
            assert f'value="{value}"' in control(page, name), name
    assert f'<option value="{posted["role_arn"]}" selected>' in page
    page = client.post(URL, posted | {"subnet_ids": "subnet-7, bad_one"}).content.decode()
    assert 'value="subnet-7, bad_one"' in page
    assert not BatchJob.objects.exists()


def test_a_section_with_something_in_it_is_open(client: Client, posted: dict[str, Any]) -> None:
    page = client.post(URL, posted | {"timeout_duration_in_hours": "1"}).content.decode()
    assert '<details class="expandable container" id="additional-settings" open>' in page
    assert 'id="customize-encryption-settings-advanced">' in page


def test_a_bucket_that_does_not_exist_is_an_error_of_its_field(client: Client, posted: dict[str, Any]) -> None:
    missing = f"missing-{uuid4().hex[:12]}"
    page = client.post(URL, posted | {"output_s3_uri": f"s3://{missing}/out/"}).content.decode()
    assert f"Output data: The bucket {missing} does not exist." in page
    assert not BatchJob.objects.exists()


def test_an_input_location_with_nothing_in_it_is_refused(client: Client, posted: dict[str, Any], bucket: str) -> None:
    page = client.post(URL, posted | {"input_s3_uri": f"s3://{bucket}/nothing/"}).content.decode()
    assert f"There is nothing at s3://{bucket}/nothing/." in page


def test_a_name_in_use_is_an_error_of_its_field(client: Client, posted: dict[str, Any]) -> None:
    client.post(URL, posted)
    page = client.post(URL, posted).content.decode()
    assert "The job name support-triage is already in use." in page
    assert BatchJob.objects.count() == 1


def test_a_new_role_is_really_made_and_used(client: Client, posted: dict[str, Any], local: Connection) -> None:
    name = f"made-{uuid4().hex[:8]}"
    client.post(URL, posted | {"service_role": "new", "role_name": name})
    job = BatchJob.objects.get()
    assert job.role_arn.endswith(f":role/service-role/{name}")
    assert job.role_arn in {role.arn for role in iam.list_service_roles(local.target)}
    assert Event.objects.filter(verb=Verb.ROLE_CREATED, data__role_arn=job.role_arn).exists()


def test_a_role_that_exists_is_refused_with_what_iam_says(client: Client, posted: dict[str, Any]) -> None:
    name = posted["role_arn"].rpartition("/")[2]
    page = client.post(URL, posted | {"service_role": "new", "role_name": name}).content.decode()
    assert "already exists" in page.partition('id="id_role_name_error"')[2][:400]
    assert "autofocus" in control(page, "role_name")
    assert f'value="{name}"' in control(page, "role_name")
    assert not BatchJob.objects.exists()


def test_the_form_opens_with_aws_away(client: Client, away: Connection) -> None:
    page = client.get("/away/jobs/create/").text
    assert 'type="text" name="role_arn"' in page
    page = client.get("/away/jobs/create/field/role_arn/").text
    assert "The service roles could not be listed" in page
    assert "ListRoles · EndpointUnreachable" in page
    assert 'aria-label="Refresh service roles"' in page


def test_with_aws_away_the_job_is_saved_and_the_doubt_is_said(client: Client, away: Connection) -> None:
    response = client.post("/away/jobs/create/", filled_in(), follow=True)
    assert BatchJob.objects.get().connection == away
    assert "Not everything could be checked." in response.content.decode()


def test_a_new_role_with_iam_away_is_refused_in_place(client: Client, away: Connection) -> None:
    page = client.post("/away/jobs/create/", filled_in(service_role="new", role_name="batch")).content.decode()
    assert "EndpointUnreachable" in page
    assert 'value="batch"' in control(page, "role_name")
    assert not BatchJob.objects.exists()


def test_fields_can_be_filled_in_by_the_url(client: Client, local: Connection) -> None:
    page = client.get(URL, {"model_id": MODEL, "input_s3_uri": "s3://bucket/in/"}).content.decode()
    assert f'value="{MODEL}"' in control(page, "model_id")
    assert 'value="s3://bucket/in/"' in control(page, "input_s3_uri")


def test_a_clone_asks_for_the_same_under_another_name(client: Client, posted: dict[str, Any]) -> None:
    client.post(URL, posted | {"timeout_duration_in_hours": "48", "tags-0-key": "team", "tags-0-value": "nlp"})
    page = client.get(URL, {"clone": BatchJob.objects.get().pk}).content.decode()
    assert 'value="48"' in control(page, "timeout_duration_in_hours")
    assert 'value="team"' in control(page, "tags-0-key")
    assert 'value="support-triage-clone-2"' in control(page, "job_name")


REFUSED = [
    ("1 validation error detected: Value 'x' at 'roleArn' failed", "role_arn"),
    ("1 validation error: at 'outputDataConfig.s3OutputDataConfig.s3Uri' failed", "output_s3_uri"),
    ("The provided job name is currently in use", "job_name"),
    ("Batch inference is not supported for the requested model.", "model_id"),
    ("Could not assume the provided role", "role_arn"),
    ("Could not validate GetObject permissions to access Amazon S3 bucket: b", "input_s3_uri"),
    ("The subnet ID 'subnet-1' does not exist", "subnet_ids"),
]


@pytest.mark.parametrize(("message", "field"), REFUSED, ids=[field for _, field in REFUSED])
def test_what_aws_refused_stands_at_its_field(
    client: Client, connection: Connection, make_job: MakeJob, message: str, field: str
) -> None:
    job = make_job("nightly", Status.SUBMIT_FAILED, message=message, hint="Choose another.")
    form = client.get("/local/jobs/create/", {"correct": job.pk}).context["form"]
    assert form.warnings == {field: [f"{message.rstrip('.')}. Choose another."]}
    assert (form["job_name"].value(), form["clone_of"].value()) == ("nightly", job.pk)


def test_a_corrected_resend_is_still_a_resend(client: Client, make_job: MakeJob) -> None:
    source = make_job()
    job = make_job("again", Status.REJECTED, resend_of=source, message="3 of 100 records are wrong.")
    form = client.get("/local/jobs/create/", {"correct": job.pk}).context["form"]
    assert (form["resend_of"].value(), list(form.warnings)) == (source.pk, ["input_s3_uri"])


def test_a_job_that_aws_has_is_not_corrected(client: Client, make_job: MakeJob) -> None:
    assert client.get("/local/jobs/create/", {"correct": make_job().pk}).status_code == 404


@pytest.mark.parametrize("clone", ["0", "x", "99999999999999999999"])
def test_a_clone_of_no_job_is_not_found(client: Client, local: Connection, clone: str) -> None:
    assert client.get(URL, {"clone": clone}).status_code == 404


def test_a_job_of_another_connection_is_not_cloned(client: Client, local: Connection, away: Connection) -> None:
    job = BatchJob.objects.create(connection=away, job_name="theirs")
    assert client.get(URL, {"clone": job.pk}).status_code == 404


def test_an_unknown_connection_is_not_found(client: Client) -> None:
    assert client.get("/nowhere/jobs/create/").status_code == 404


def test_opening_the_form_asks_the_database_little(
    client: Client, local: Connection, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        BatchJob.objects.create(connection=local, job_name=f"job-{number}", tags=[{"key": "a", "value": str(number)}])
    with django_assert_max_num_queries(12):  # one of them reads the rights, two the budgets
        client.get(URL)


class TestWithoutScript:
    """Every button but the last one gives the form back as it was filled in."""

    @pytest.fixture(autouse=True)
    def keeps_the_input(self, client: Client, posted: dict[str, Any]) -> Iterator[None]:
        self.client, self.posted = client, posted | {"job_name": "bad name"}
        yield
        assert not BatchJob.objects.exists()

    def press(self, name: str, value: str = "1", **changes: str) -> str:
        page = self.client.post(URL, self.posted | changes | {name: value}).content.decode()
        assert 'value="bad name"' in control(page, "job_name")
        assert 'class="field-error"' not in page
        return page

    def test_add_a_tag(self) -> None:
        page = self.press("add_tag", **{"tags-0-key": "team"})
        assert 'value="team"' in control(page, "tags-0-key")
        assert "autofocus" in control(page, "tags-1-key")

    def test_remove_a_tag(self) -> None:
        page = self.press("remove_tag", "0", **{"tags-0-key": "team", "tags-1-key": "cost"})
        assert 'value="cost"' in control(page, "tags-0-key")
        assert 'name="tags-1-key"' not in page

    def test_browse_s3_from_the_buckets_to_a_choice(self, bucket: str) -> None:
        assert bucket in self.press("browse", "input_s3_uri", input_s3_uri="")
        page = self.press("s3_open", f"uri=s3%3A%2F%2F{bucket}%2F", s3_field="input_s3_uri")
        assert f'name="s3_pick" value="s3://{bucket}/input/"' in page
        page = self.press("s3_choose", s3_field="input_s3_uri", s3_pick=f"s3://{bucket}/input/", input_s3_uri="")
        assert f'value="s3://{bucket}/input/"' in control(page, "input_s3_uri")

    def test_find_in_s3(self, bucket: str) -> None:
        page = self.press("s3_search", f"uri=s3%3A%2F%2F{bucket}%2F", s3_field="input_s3_uri", s3_find="nothing")
        assert "No matches" in page

    def test_only_places_can_be_chosen_for_the_output(self, bucket: str) -> None:
        page = self.press("s3_open", f"uri=s3%3A%2F%2F{bucket}%2Finput%2F", s3_field="output_s3_uri")
        assert "records.jsonl" in page
        assert page.count('name="s3_pick"') == 1  # the folder itself

    def test_leave_the_chooser(self) -> None:
        assert "s3_pick" not in self.press("s3_leave", s3_field="input_s3_uri")

    def test_select_a_model(self) -> None:
        page = self.press("select_model", model_find="haiku", model_id="")
        assert f'name="model_pick" value="{MODEL}"' in page
        page = self.press("model_choose", model_pick=MODEL, model_id="")
        assert f'value="{MODEL}"' in control(page, "model_id")

    def test_list_the_keys(self, boto: Any) -> None:
        key = boto("kms").create_key()["KeyMetadata"]["Arn"]
        assert key in self.press("load", "output_kms_key_id")

    def test_list_the_subnets(self, boto: Any) -> None:
        subnet = boto("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        assert f'value="{subnet}"' in self.press("load", "subnet_ids")

    def test_see_the_permissions_of_a_new_role(self, bucket: str) -> None:
        page = self.press("show_policy", service_role="new")
        assert f"arn:aws:s3:::{bucket}/input/*" in page

    def test_check_what_the_role_may_do(self) -> None:
        assert "The role lacks permissions" in self.press("check_role")

    def test_see_the_command(self) -> None:
        assert "--job-name &#x27;bad name&#x27;" in self.press("show_command")

    def test_an_unknown_list_is_no_harm(self) -> None:
        self.press("load", "job_name")

    def test_an_unknown_field_to_browse_is_no_harm(self) -> None:
        assert "s3_pick" not in self.press("browse", "role_arn")


def test_a_field_is_given_alone_with_its_list(client: Client, local: Connection, role_arn: str) -> None:
    page = client.get("/local/jobs/create/field/role_arn/", {"role_arn": role_arn}).content.decode()
    assert f'<option value="{role_arn}" selected>' in page
    assert "<html" not in page


def test_a_field_without_a_list_is_not_found(client: Client, local: Connection) -> None:
    assert client.get("/local/jobs/create/field/job_name/").status_code == 404


@pytest.mark.parametrize(("name", "words"), [("job_name", "Job name must be"), ("model_id", ""), ("role_arn", "")])
def test_one_field_is_judged_alone(client: Client, away: Connection, name: str, words: str) -> None:
    page = client.post(f"/away/jobs/create/check/{name}/", filled_in(job_name="bad name")).content.decode()
    assert words in page
    assert bool(words) == ("field-error" in page.replace("field-error-slot", ""))


def test_a_field_that_is_not_there_is_not_judged(client: Client, away: Connection) -> None:
    assert client.post("/away/jobs/create/check/nothing/", filled_in()).status_code == 404


def control(page: str, name: str) -> str:
    """The tag of the first control of that name."""
    start = page.rindex("<", 0, page.index(f' name="{name}"'))
    return page[start : page.index(">", start)]
