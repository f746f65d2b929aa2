"""The page of one job: its tabs, what it says of the job, and how it keeps itself up to date."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.console.job.stages import Pace
from batchconsole.jobs.models import BatchJob, Connection, Event, JobNote
from batchconsole.jobs.states import Status
from tests.console.conftest import Answer, MakeJob, arn
from tests.console.job_list.test_jobs import poll, version

QUERIES = 12


def page(client: Client, job: BatchJob, tab: str = "") -> Answer:
    return client.get(job.get_absolute_url(), {"tab": tab} if tab else {})


def test_it_works(client: Client, make_job: MakeJob) -> None:
    job = make_job(job_arn=arn(), total_record_count=100, processed_record_count=100, output_kms_key_id="alias/mine")
    text = page(client, job).text
    for part in (
        ">welcome</span>",
        arn(),
        "Nova Lite",
        "100 of 100",
        "s3://prompts/output/abcdefghijkl/",
        "alias/mine",
    ):
        assert part in text


def test_the_page_of_a_job_reads_the_connection_once(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    with CaptureQueriesContext(database) as queries:
        assert page(client, job).status_code == 200
    assert not any('JOIN "jobs_connection"' in query["sql"] for query in queries)


def test_the_page_names_the_job_that_it_was_cloned_from_and_that_it_resends(client: Client, make_job: MakeJob) -> None:
    first, other = make_job(job_name="the-first"), make_job(job_name="the-other")
    text = page(client, make_job(job_name="the-third", clone_of=first, resend_of=other)).text
    assert all(f'<a href="{job.get_absolute_url()}">{job.job_name}</a>' in text for job in (first, other))


@pytest.mark.parametrize("tab", ["details", "results", "errors", "activity", "definition", "tags"])
@pytest.mark.parametrize("status", Status.values)
def test_every_tab_opens_in_every_status(client: Client, make_job: MakeJob, status: str, tab: str) -> None:
    response = page(client, make_job(status=status), tab)
    assert response.status_code == 200
    assert response.context["tab"] == tab


def test_an_unknown_tab_is_the_first(client: Client, make_job: MakeJob) -> None:
    assert page(client, make_job(), "nonsense").context["tab"] == "details"


def test_a_job_of_another_connection_is_not_found(client: Client, make_job: MakeJob, other: Connection) -> None:
    job = make_job(connection=other)
    assert client.get(f"/local/jobs/{job.pk}/").status_code == 404
    assert client.get("/local/jobs/999999/").status_code == 404


def test_a_failure_shows_message_hint_and_code(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Failed", message="No access.", hint="Add s3:GetObject.", error_code="ValidationException")
    text = page(client, job).text
    for part in ("No access.", "Add s3:GetObject.", "ValidationException", 'data-type="error"'):
        assert part in text


def test_why_a_job_waits_is_information(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued", message="20 of 20 jobs of this model are running.")
    assert 'class="alert" data-type="info"' in page(client, job).text


def test_stop_is_offered_only_while_there_is_something_to_stop(client: Client, make_job: MakeJob) -> None:
    assert "data-dialog>Stop job" in page(client, make_job(status="InProgress")).text
    assert 'aria-disabled="true">Stop job' in page(client, make_job(status="Completed")).text


def test_the_activity_tells_who_did_what(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    job.transition(Status.CANCELLED, verb="cancelled", actor=job.created_by)
    text = page(client, job, "activity").text
    assert "Cancelled before submission" in text
    assert ">ada</td>" in text


def test_tags_are_a_table(client: Client, make_job: MakeJob) -> None:
    text = page(client, make_job(tags=[{"key": "team", "value": "nlp"}, {"key": "empty", "value": ""}]), "tags").text
    assert ">team</th><td>nlp</td>" in text
    assert ">empty</th><td>-</td>" in text


def test_an_unknown_cost_is_not_zero(client: Client, make_job: MakeJob) -> None:
    assert "<dt>Cost</dt><dd>-</dd>" in page(client, make_job(input_token_count=10)).text
    assert "<dt>Cost</dt><dd>$0.0214</dd>" in page(client, make_job(input_token_count=10, cost_usd="0.0214")).text


def test_polling_answers_nothing_while_nothing_changed(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    assert poll(client, job.get_absolute_url(), version(page(client, job))).status_code == 204


def test_polling_sees_a_new_event(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    seen = version(page(client, job))
    job.record("stop_requested", actor=job.created_by)
    assert poll(client, job.get_absolute_url(), seen).status_code == 200


def test_it_asks_often_until_the_results_are_read(client: Client, make_job: MakeJob) -> None:
    assert "data-busy" in page(client, make_job(status="InProgress")).text
    assert "data-busy" in page(client, make_job(results="pending")).text
    assert "data-busy" not in page(client, make_job(results="ready")).text


def test_queries_do_not_grow_with_the_events(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job()
    Event.objects.bulk_create(
        Event(job=job, connection=job.connection, actor=job.created_by, verb="reported") for _ in range(50)
    )
    page(client, job)
    for tab in ("details", "activity"):
        with django_assert_max_num_queries(QUERIES):
            page(client, job, tab)


def test_the_pace_of_a_running_job_is_told(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress", total_record_count=1000, processed_record_count=500)
    begun = timezone.now() - timedelta(minutes=10)
    Event.objects.create(
        job=job, connection=job.connection, verb="reported", from_status="Scheduled", to_status="InProgress", at=begun
    )
    text = page(client, job).text
    assert "About 50 records per minute" in text
    assert "time left: 10 min" in text or "time left: 9 min" in text


@pytest.mark.parametrize(
    ("per_minute", "rate"),
    [(1234.4, "1,234 records per minute"), (1.2, "1 record per minute"), (0.2, "12 records per hour")],
)
def test_a_slow_pace_is_told_by_the_hour(per_minute: float, rate: str) -> None:
    assert Pace(per_minute=per_minute, left=timedelta(0), ends_at=timezone.now()).rate == rate


def test_a_running_job_is_not_said_to_have_no_errors(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress", error_record_count=3)
    assert "No errors yet" in page(client, job, "errors").text


def test_a_cost_of_next_to_nothing_is_not_shown_as_none(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Completed", input_token_count=1, cost_usd=Decimal("0.00001"))
    assert "$0.000010" in page(client, job).text


def test_a_rejected_job_can_be_submitted_anyway(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Rejected")
    assert "Submit anyway" in page(client, job).text
    client.post(f"{job.get_absolute_url()}release/")
    job.refresh_from_db()
    assert job.status == "Queued"


def test_only_a_post_submits_a_rejected_job(client: Client, make_job: MakeJob) -> None:
    assert client.get(f"{make_job(status='Rejected').get_absolute_url()}release/").status_code == 405


def test_an_output_file_is_handed_on(client: Client, make_job: MakeJob) -> None:
    job = make_job(job_arn=arn())
    response = client.get(f"{job.get_absolute_url()}output/", {"key": "prompts/output/abcdefghijkl/manifest.json.out"})
    wanted = "/local/s3/download/?uri=s3%3A%2F%2Fprompts%2Foutput%2Fabcdefghijkl%2Fmanifest.json.out"
    assert response["Location"] == wanted


@pytest.mark.parametrize("key", ["", "prompts/secret", "other/output/abcdefghijkl/a.out"])
def test_only_its_own_output_is_handed_on(client: Client, make_job: MakeJob, key: str) -> None:
    job = make_job(job_arn=arn())
    assert client.get(f"{job.get_absolute_url()}output/", {"key": key}).status_code == 404


def test_a_job_not_yet_on_aws_has_no_output(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    assert client.get(f"{job.get_absolute_url()}output/", {"key": "prompts/output//a.out"}).status_code == 404


def test_a_queued_job_says_why_it_waits(client: Client, make_job: MakeJob) -> None:
    assert "Next in the queue." in page(client, make_job(status="Queued")).text
    for number in range(20):
        make_job(f"running-{number}", status="InProgress", job_arn=arn(f"running{number:05}"))
    job = make_job("second", status="Queued")
    assert "Model quota in use (20 of 20). 1 job ahead in the queue." in page(client, job).text


def test_a_job_whose_check_cannot_read_the_input_says_so_as_a_warning(client: Client, make_job: MakeJob) -> None:
    said = {"message": "No such bucket.", "error_code": "NoSuchBucket", "hint": "Check its name."}
    text = page(client, make_job(status="Checking", check_input=True, **said), "details").text
    assert 'data-type="warning" id="job-message"' in text
    for part in (
        "The input cannot be read at the moment",
        "Check its name. The console retries automatically",
        *said.values(),
    ):
        assert part in text


def test_a_running_job_says_how_fast_and_when_it_ends(client: Client, make_job: MakeJob) -> None:
    job = make_job(
        status="InProgress",
        job_arn=arn(),
        total_record_count=1000,
        processed_record_count=500,
        created_at=timezone.now(),
    )
    Event.objects.create(
        connection=job.connection,
        job=job,
        verb="reported",
        from_status="Submitted",
        to_status="InProgress",
        at=timezone.now() - timedelta(minutes=10),
    )
    assert "About 50 records per minute. Estimated time left:" in page(client, job, "activity").text


def test_a_clone_and_its_original_know_each_other(client: Client, make_job: MakeJob) -> None:
    original = make_job("original")
    clone = make_job("again", clone_of=original)
    assert f'<a href="{original.get_absolute_url()}">original</a>' in page(client, clone).text
    assert f'<a href="{clone.get_absolute_url()}">again</a>' in page(client, original).text


def test_every_id_can_be_copied(client: Client, make_job: MakeJob) -> None:
    ids = {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"], "input_bucket_owner": "210987654321"}
    job = make_job(job_arn=arn(), output_kms_key_id="alias/mine", **ids)
    text = page(client, job).text
    copied = [arn(), "abcdefghijkl", job.model_id, job.role_arn, job.input_s3_uri, job.client_request_token]
    for value in (*copied, "subnet-1", "subnet-2", "sg-1", "210987654321", "alias/mine"):
        assert f'data-copy="{value}"' in text


def test_the_activity_tells_a_change_of_tags_in_words(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    after = [{"key": "team", "value": "nlp"}, {"key": "urgent", "value": ""}]
    Event.objects.create(connection=job.connection, job=job, verb="tags_changed", data={"before": [], "after": after})
    text = page(client, job, "activity").text
    assert "Before: none" in text
    assert "After: team = nlp, urgent" in text


def test_a_job_that_ended_here_has_an_end_too(client: Client, make_job: MakeJob) -> None:
    text = page(client, make_job(status="Cancelled")).text
    assert "-" not in text.partition("<dt>Job ended</dt><dd>")[2].partition("<")[0]


def test_an_arn_breaks_after_its_separators(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress", job_arn="arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abc")
    assert "us-east-1:<wbr>123456789012:<wbr>model-invocation-job/<wbr>abc<wbr>" in page(client, job).text


def test_a_note_is_added_shown_and_removed(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    text = client.post(f"{job.get_absolute_url()}notes/", {"text": "Ask <b>Grace</b>\nfirst"}, follow=True).text
    assert "The note was added." in text
    assert "Ask &lt;b&gt;Grace&lt;/b&gt;\nfirst" in text
    note = JobNote.objects.get()
    text = client.post(f"{job.get_absolute_url()}notes/{note.pk}/remove/", follow=True).text
    assert "The note was removed." in text
    assert "No notes." in text
    assert client.post(f"{job.get_absolute_url()}notes/{note.pk}/remove/").status_code == 404


def test_an_empty_note_is_refused(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    assert "The note is empty." in client.post(f"{job.get_absolute_url()}notes/", {"text": " "}, follow=True).text
