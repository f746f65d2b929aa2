"""The pages of the on-demand lane: the ways there, the cost told first, and the job that comes of it."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Budget, Connection, InputCheck, Status
from batchconsole.records import report as reports
from batchconsole.records.report import Report
from tests.console.conftest import MakeJob, arn, filled_in
from tests.jobs.conftest import converse_lines

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/local/jobs/on-demand/"
CREATE = "/local/jobs/create/"
MODEL = "amazon.nova-micro-v1:0"
RECORDS = 3


@pytest.fixture
def asked(local: Connection, bucket: str) -> dict[str, Any]:
    """The fields of the form, for an input of too few records for a batch job."""
    s3.put_object(local.target, bucket, "few/converse.jsonl", converse_lines(RECORDS))
    return {
        "job_name": "few",
        "model_id": MODEL,
        "model_invocation_type": "Converse",
        "input_s3_uri": f"s3://{bucket}/few/",
        "output_s3_uri": f"s3://{bucket}/output/",
    }


def confirmed(client: Client, asked: dict[str, Any]) -> dict[str, Any]:
    """What the page posts when the button under the cost is pressed."""
    page = client.get(URL, asked).content.decode()
    values = dict(re.findall(r'name="(confirm|on_demand_token)" value="(\w+)"', page))
    assert set(values) == {"confirm", "on_demand_token"}, page
    return asked | values


def test_it_works(client: Client, asked: dict[str, Any], person: User) -> None:
    answer = client.post(URL, confirmed(client, asked))
    job = BatchJob.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, job.get_absolute_url())
    assert (job.lane, job.status, job.created_by, job.role_arn) == ("on_demand", Status.QUEUED, person, "")
    assert job.estimate_usd
    page = client.get(job.get_absolute_url()).content.decode()
    assert "<dt>Type</dt><dd>On demand" in page
    assert '<span class="badge">On demand</span>' in client.get("/local/jobs/").content.decode()


def test_the_cost_is_told_first(client: Client, asked: dict[str, Any]) -> None:
    page = client.get(URL, asked).content.decode()
    assert "derived: twice the batch price" in page
    assert f"<dt>Records</dt><dd>{RECORDS}</dd>" in page
    page = client.post(URL, asked).content.decode()
    assert "Total cost" in page
    assert not BatchJob.objects.exists()


def test_another_input_than_the_one_told_is_told_first(client: Client, asked: dict[str, Any]) -> None:
    page = client.post(URL, confirmed(client, asked) | {"records": "2"}).content.decode()
    assert "<dt>Records</dt><dd>2</dd>" in page
    assert not BatchJob.objects.exists()


def test_the_form_sent_twice_makes_one_job(client: Client, asked: dict[str, Any]) -> None:
    form = confirmed(client, asked)
    first, second = client.post(URL, form), client.post(URL, form)
    assert first["Location"] == second["Location"]
    assert BatchJob.objects.count() == 1


@pytest.mark.parametrize("token", ["a-b", "A" * 32, "0" * 32], ids=["odd", "not ours", "of a batch job"])
def test_a_token_that_is_not_its_own_gets_a_new_one(
    client: Client, asked: dict[str, Any], make_job: MakeJob, token: str
) -> None:
    make_job("other", client_request_token=token)
    form = confirmed(client, asked) | {"on_demand_token": token}
    assert [client.post(URL, form).status_code for _ in range(2)] == [302, 422]  # the name is taken by then
    assert BatchJob.objects.get(lane="on_demand").client_request_token != token


def test_a_budget_refuses_it_in_words(client: Client, asked: dict[str, Any], make_job: MakeJob) -> None:
    form = confirmed(client, asked)
    Budget.objects.create(usd_per_month=1, above=Budget.Above.REFUSE)
    make_job("costly", status="InProgress", job_arn=arn(), estimate_usd=2)
    answer = client.post(URL, form)
    assert (answer.status_code, BatchJob.objects.filter(lane="on_demand").count()) == (422, 0)
    assert "No job is created above it" in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_s3_uri": "s3://{bucket}/none/"}, "There is no .jsonl object at"),
        ({"job_name": "not a name"}, "Must match"),
        ({"records": "0"}, "greater than or equal to 1"),
        ({"records": "99999999999999999999"}, "less than or equal to 5000"),
        ({"on_demand_token": "\0"}, "Null characters"),
        ({"model_id": ""}, "Model is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: Client, asked: dict[str, Any], bucket: str, changes: dict[str, str], words: str
) -> None:
    values = asked | {name: value.format(bucket=bucket) for name, value in changes.items()}
    answer = client.post(URL, values)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_a_test_run_from_the_create_form(client: Client, local: Connection) -> None:
    answer = client.post(CREATE, filled_in(on_demand="test"))
    assert urlsplit(answer["Location"]).path == URL
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["records"], query["job_name"]) == (["5"], ["support-triage-test-2"])
    assert 'value="support-triage"' in client.get(f"{CREATE}?resume=1").content.decode()


def test_a_job_of_too_few_records_is_offered_on_demand(client: Client, local: Connection, person: User) -> None:
    report = Report(model_id=MODEL, invocation_type="Converse", records=3)
    check = InputCheck.objects.create(
        connection=local,
        created_by=person,
        input_s3_uri="s3://prompts/in/",
        model_id=MODEL,
        model_invocation_type="Converse",
        state=InputCheck.State.DONE,
        report_json=reports.encode(report).decode(),
    )
    page = client.get(check.get_absolute_url()).content.decode()
    assert 'href="/local/jobs/on-demand/?model_id=amazon.nova-micro-v1%3A0' in page
    page = client.get(f"{check.get_absolute_url()}?in_form=1").content.decode()
    assert 'name="on_demand" value="all"' in page
    answer = client.post(CREATE, filled_in(on_demand="all"))
    assert "records" not in parse_qs(urlsplit(answer["Location"]).query)


def test_the_rest_of_a_stuck_job_is_asked_for_first(
    client: Client, asked: dict[str, Any], make_job: MakeJob, person: User
) -> None:
    named = {name: asked[name] for name in ("model_id", "input_s3_uri", "output_s3_uri")}
    job = make_job("stuck", status="InProgress", job_arn=arn(), **named)
    url = f"{job.get_absolute_url()}on-demand/"
    page = client.get(url).content.decode()
    assert "is stopped first" in page
    assert "At most" in page
    first, second = client.post(url), client.post(url)
    made = BatchJob.objects.get(resend_of=job)
    assert first["Location"] == second["Location"] == made.get_absolute_url()
    assert (made.lane, made.on_demand_run.takes_over, made.job_name) == ("on_demand", True, "stuck-resend-2")
    job.refresh_from_db()
    assert job.status == Status.IN_PROGRESS


def test_nothing_is_read_where_the_connection_allows_no_input(
    client: Client, asked: dict[str, Any], make_job: MakeJob, local: Connection
) -> None:
    job = make_job("stuck", status="InProgress", job_arn=arn(), input_s3_uri=asked["input_s3_uri"], model_id=MODEL)
    Connection.objects.filter(pk=local.pk).update(input_prefixes=["s3://other/"])
    url = f"{job.get_absolute_url()}on-demand/"
    for answer in (client.get(url), client.get(URL, asked), client.post(url)):
        page = answer.content.decode()
        assert "s3://other/" in page
        assert "Total cost" not in page
    assert not BatchJob.objects.filter(lane="on_demand").exists()


def test_a_job_that_has_ended_has_no_rest_to_take_over(client: Client, local: Connection, make_job: MakeJob) -> None:
    job = make_job("ended", job_arn=arn())
    answer = client.post(f"{job.get_absolute_url()}on-demand/")
    assert (answer.status_code, "is not running on AWS" in answer.content.decode()) == (422, True)
