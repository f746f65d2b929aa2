"""The on-demand lane: records sent one by one by a worker, over the local Bedrock's runtime and real S3."""

import json
from collections.abc import Iterator
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.invocation import invoke
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import lifecycle, sync, warnings
from batchconsole.jobs.clock import STEPS
from batchconsole.jobs.costs import prices
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs.making import make_input
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import (
    BatchJob,
    Budget,
    Connection,
    InputCheck,
    MadeInput,
    OnDemandAnswer,
    OnDemandRun,
    Status,
    Verb,
)
from batchconsole.jobs.on_demand import running
from batchconsole.jobs.on_demand.costs import READ_BYTES, quote, quote_of_rest
from batchconsole.jobs.on_demand.creating import take_over
from batchconsole.jobs.on_demand.order import Order
from batchconsole.jobs.on_demand.output import write_output
from batchconsole.jobs.on_demand.running import answer_records
from batchconsole.jobs.on_demand.sending import ATTEMPTS, Sending, outcome_of
from batchconsole.jobs.outputs import results
from batchconsole.jobs.outputs.result_pages import output_files
from batchconsole.jobs.queue import scheduling, waiting
from batchconsole.records.on_demand import read_records
from tests.jobs.conftest import MODEL, LocalBedrock, Sample, arn, converse_lines, die, held, make_job
from tests.jobs.receiver import Receiver, receiving
from tests.jobs.test_lifecycle import follow

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = 6


@pytest.fixture
def few(connection: Connection, sample_input: Sample) -> Sample:
    """The sample with so few records that AWS would refuse a batch job of them."""
    s3.put_object(connection.target, sample_input.bucket, "in/converse.jsonl", converse_lines(RECORDS))
    return sample_input


def order(connection: Connection, sample: Sample, *, actor: User | None = None, **more: Any) -> BatchJob:
    """A job on demand of *sample*, as the form makes it."""
    usd = more.pop("usd_at_most", None)
    limit, takes_over = more.pop("record_limit", None), more.pop("takes_over", False)
    resend_of = more.pop("resend_of", None)
    fields = {
        "job_name": f"job-{uuid4().hex[:12]}",
        "model_id": "amazon.nova-micro-v1:0",
        "model_invocation_type": "Converse",
        "input_s3_uri": sample.input_s3_uri,
        "output_s3_uri": sample.output_s3_uri,
        **more,
    }
    asked = Order(record_limit=limit, takes_over=takes_over, usd_at_most=usd)
    request = JobRequest.from_fields(fields)
    return lifecycle.create_job(
        connection=connection, actor=actor, request=request, resend_of=resend_of, on_demand=asked
    )


@pytest.fixture
def job(connection: Connection, few: Sample) -> BatchJob:
    return order(connection, few)


def run(job: BatchJob) -> BatchJob:
    answer_records(job)
    job.refresh_from_db()
    return job


def lines_of(job: BatchJob, name: str = "converse.jsonl.out") -> list[dict[str, Any]]:
    bucket, folder = results.output_folder(job)
    data = s3.get_range(job.connection.target, bucket, folder + name)
    return [json.loads(line) for line in data.splitlines()]


def put(job: BatchJob, *records: bytes) -> None:
    bucket = job.input_s3_uri.split("/")[2]
    s3.put_object(job.connection.target, bucket, "in/converse.jsonl", b"\n".join(records) + b"\n")


def test_it_works(job: BatchJob) -> None:
    job = run(job)
    assert (job.status, job.job_arn) == (Status.COMPLETED, None)
    assert (job.total_record_count, job.success_record_count, job.error_record_count) == (RECORDS, RECORDS, 0)
    lines = lines_of(job)
    assert [line["recordId"] for line in lines] == [f"rec-{number:05}" for number in range(RECORDS)]
    assert all(line["modelOutput"]["output"]["message"]["content"][0]["text"] for line in lines)
    assert not OnDemandAnswer.objects.exists()


def test_jobs_of_the_same_token_have_folders_of_their_own(nowhere: Connection) -> None:
    elsewhere = Connection.objects.create(name="elsewhere", title="Elsewhere", account_id=nowhere.account_id)
    same = {"lane": BatchJob.Lane.ON_DEMAND, "client_request_token": "same", "submit_time": timezone.now()}
    first, second = make_job(nowhere, **same), make_job(elsewhere, **same)
    assert first.output_folder != second.output_folder
    assert first.output_folder == BatchJob.objects.get(pk=first.pk).output_folder


def test_its_output_is_read_like_a_batch_jobs(job: BatchJob) -> None:
    job = run(job)
    results.collect_results(job)
    job.refresh_from_db()
    assert (job.results, [file.name for file in output_files(job)]) == ("ready", ["converse.jsonl.out"])
    assert (job.manifest or {})["totalRecordCount"] == RECORDS
    assert job.input_token_count


def test_its_tokens_cost_the_on_demand_price(job: BatchJob, connection: Connection) -> None:
    batch = make_job(connection)
    job = run(job)
    results.collect_results(job)
    job.refresh_from_db()
    at_batch = prices.cost_of(batch, job.input_token_count or 0, job.output_token_count or 0)
    assert at_batch
    assert job.cost_usd == pytest.approx(2 * at_batch, abs=Decimal("0.000002"))


def test_a_bad_record_becomes_an_error_line(job: BatchJob) -> None:
    put(job, b"nonsense", b"", b'{"recordId": "b", "modelInput": {"messages": []}}', converse_lines(1).strip())
    job = run(job)
    assert (job.status, job.success_record_count, job.error_record_count) == (Status.COMPLETED, 1, 2)
    bad, empty, good = lines_of(job)
    assert bad["recordId"] == "REC00000001"
    assert "not a JSON object" in bad["error"]["errorMessage"]
    assert (empty["recordId"], empty["error"]["errorCode"]) == ("b", 400)
    assert "error" not in good


def test_a_test_run_sends_only_the_first_records(connection: Connection, few: Sample) -> None:
    job = run(order(connection, few, record_limit=2))
    assert [line["recordId"] for line in lines_of(job)] == ["rec-00000", "rec-00001"]
    assert job.total_record_count == 2


def test_an_invoke_model_body_goes_unchanged(connection: Connection, few: Sample) -> None:
    job = order(connection, few, model_invocation_type="InvokeModel")
    body = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}], "schemaVersion": "messages-v1"}
    put(job, json.dumps({"modelInput": body}).encode())
    [line] = lines_of(run(job))
    assert line["modelInput"] == body
    assert line["modelOutput"]["output"]["message"]["content"] == [{"text": "Hello"}]


def test_throttling_is_waited_out(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("throttle", "Converse", count=RECORDS)
    job = run(job)
    assert (job.status, job.error_code) == (Status.IN_PROGRESS, "ThrottlingException")
    assert job.due_at
    assert job.due_at > timezone.now()
    assert not job.lease
    local_bedrock.reset()
    job = run(job)
    assert (job.status, job.success_record_count, job.message) == (Status.COMPLETED, RECORDS, "")


def test_pauses_grow_while_aws_answers_nothing(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("throttle", "Converse", count=1000)
    for _ in range(3):
        run(job)
    assert OnDemandRun.objects.get(job=job).pauses == 3
    assert job.due_at
    assert (job.due_at - timezone.now()).total_seconds() > scheduling.THROTTLED[0] * 2


@pytest.fixture
def model_server(job: BatchJob) -> Iterator[Receiver]:
    """What answers instead of the runtime API, with a status and headers to set."""
    with receiving() as receiver:
        Connection.objects.filter(pk=job.connection_id).update(bedrock_runtime_endpoint_url=receiver.url)
        yield receiver


@pytest.mark.parametrize(("asked", "least", "most"), [("120", 119, 121), ("86400", 899, 901)])
@pytest.mark.parametrize(("status", "code"), [(429, "ThrottlingException"), (503, "ServiceUnavailableException")])
def test_it_waits_as_long_as_aws_asks_for(
    job: BatchJob, model_server: Receiver, status: int, code: str, asked: str, least: int, most: int
) -> None:
    model_server.status, model_server.headers = status, {"Retry-After": asked, "x-amzn-ErrorType": f"{code}:http://x/"}
    job = run(job)
    assert (job.status, job.error_code, job.processed_record_count) == (Status.IN_PROGRESS, code, 0)
    assert job.due_at
    assert least < (job.due_at - timezone.now()).total_seconds() < most


def test_a_missing_permission_fails_the_job_with_its_name(job: BatchJob, model_server: Receiver) -> None:
    model_server.status, model_server.headers = 403, {"x-amzn-ErrorType": "AccessDeniedException"}
    job = run(job)
    assert (job.status, job.error_code, job.results) == (Status.FAILED, "AccessDeniedException", "pending")
    assert "bedrock:InvokeModel" in job.hint


def test_an_answer_that_does_not_come_whole_is_paid_a_few_times_only(job: BatchJob, model_server: Receiver) -> None:
    put(job, converse_lines(1).strip())
    model_server.status, model_server.headers = 200, {"Content-Length": "50"}
    job = run(job)
    assert (job.status, job.error_record_count, len(model_server.got)) == (Status.COMPLETED, 1, ATTEMPTS)
    assert lines_of(job)[0]["error"]["errorCode"] == 504


def test_a_record_of_a_job_that_is_being_stopped_is_not_sent_again(job: BatchJob, model_server: Receiver) -> None:
    [record, *_] = read_records(results.input_files(job))
    target = Connection.objects.get(pk=job.connection_id).target
    model_server.status = 500
    outcome = outcome_of(target, job.model_id, "Converse", record, may_repeat=lambda: False)
    assert (outcome.is_error, len(model_server.got)) == (True, 1)


def test_a_model_that_is_silent_too_long_has_answered(job: BatchJob, model_server: Receiver) -> None:
    is_over = Event()
    model_server.before = lambda: is_over.wait(30)
    target = Connection.objects.get(pk=job.connection_id).target
    answer = invoke(target, job.model_id, "Converse", b"{}", read_seconds=0.2)
    is_over.set()
    assert (answer.status, answer.is_broken_off) == (504, True)


def test_an_answer_that_is_no_json_is_an_error_of_its_record(job: BatchJob, model_server: Receiver) -> None:
    model_server.status = 200
    job = run(job)
    assert (job.status, job.error_record_count) == (Status.COMPLETED, RECORDS)
    assert lines_of(job)[0]["error"] == {"errorCode": 502, "errorMessage": "The model's answer is not JSON."}


def test_an_error_of_aws_is_tried_again_at_once(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("error", "Converse", count=1)
    assert run(job).success_record_count == RECORDS


def begun(job: BatchJob, answered: int) -> None:
    """As if a worker had died after storing *answered* answers of *job*."""
    lease = answer_records.take(job)
    assert lease
    run = OnDemandRun.objects.get(job=job)
    assert running.begin(job, run, lease)
    records = running.missing_records(job, run)
    Sending(job, lease, seconds=60).send([next(records) for _ in range(answered)])
    die(lease)


def test_a_killed_worker_loses_nothing_and_pays_nothing_twice(job: BatchJob) -> None:
    begun(job, 4)
    kept = {row.place: bytes(row.line) for row in OnDemandAnswer.objects.filter(job=job)}
    OnDemandAnswer.objects.filter(job=job, place=0).update(line=b'{"recordId":"rec-00000","modelOutput":{"kept":1}}\n')
    job = run(job)
    assert (len(kept), job.processed_record_count) == (4, RECORDS)
    assert lines_of(job)[0]["modelOutput"] == {"kept": 1}
    assert len(lines_of(job)) == RECORDS


def test_a_worker_that_lost_the_job_stores_nothing(job: BatchJob) -> None:
    lease = held(answer_records, job)
    die(lease)
    answer_records.take(job)
    [record, *_] = read_records(results.input_files(job))
    with pytest.raises(LeaseLost):
        Sending(job, lease, seconds=60).send([record])
    assert not OnDemandAnswer.objects.exists()


def test_a_job_killed_between_its_output_and_its_end_ends_once(job: BatchJob) -> None:
    begun(job, RECORDS)
    lease = held(answer_records, job)
    write_output(job, lease)
    die(lease)
    job = run(job)
    assert (job.status, len(lines_of(job))) == (Status.COMPLETED, RECORDS)
    assert job.events.filter(verb=Verb.ON_DEMAND_ENDED).count() == 1
    assert answer_records(job) is None
    assert job.events.filter(verb=Verb.ON_DEMAND_ENDED).count() == 1


def test_an_input_that_changed_fails_the_job_and_keeps_its_answers(job: BatchJob) -> None:
    begun(job, 3)
    put(job, converse_lines(1).strip())
    job = run(job)
    assert (job.status, job.message) == (Status.FAILED, "The input has changed since the job began.")
    assert len(lines_of(job)) == 3


def test_a_stopped_job_keeps_its_answers(job: BatchJob, person: User) -> None:
    begun(job, 2)
    lifecycle.stop(job, person)
    assert job.status == Status.STOPPING
    job = run(job)
    assert (job.status, len(lines_of(job))) == (Status.STOPPED, 2)
    assert lines_of(job, results.MANIFEST)[0]["processedRecordCount"] == 2


def test_a_job_that_waits_is_cancelled_without_output(job: BatchJob) -> None:
    lifecycle.stop(job)
    assert (job.status, job.results, job.output_folder) == (Status.CANCELLED, "none", "")


@pytest.mark.parametrize(("answered", "status"), [(2, Status.PARTIALLY_COMPLETED), (0, Status.EXPIRED)])
def test_a_job_out_of_time_keeps_its_answers(
    job: BatchJob, local_bedrock: LocalBedrock, answered: int, status: str
) -> None:
    begun(job, answered)
    BatchJob.objects.filter(pk=job.pk).update(job_expiration_time=timezone.now())
    local_bedrock.fault("throttle", "Converse", count=RECORDS)
    job = run(job)
    assert (job.status, job.processed_record_count) == (status, answered)


def test_a_missing_input_fails_the_job(job: BatchJob) -> None:
    BatchJob.objects.filter(pk=job.pk).update(input_s3_uri=f"{job.input_s3_uri}none/")
    job = run(job)
    assert (job.status, job.results) == (Status.FAILED, "none")
    assert "There is no .jsonl object" in job.message


def test_too_many_records_are_refused(job: BatchJob, settings: Any) -> None:
    settings.ON_DEMAND_RECORDS = RECORDS - 1
    assert "more than 5 records" in run(job).message


def test_a_budget_refuses_it(connection: Connection, few: Sample, person: User) -> None:
    Budget.objects.create(usd_per_month=1, above=Budget.Above.REFUSE)
    with pytest.raises(NotAllowed, match="No job is created above it"):
        order(connection, few, actor=person, usd_at_most=Decimal(2))


def test_without_a_cost_of_its_own_a_check_of_its_input_counts_at_twice_the_batch_price(
    connection: Connection, few: Sample, person: User
) -> None:
    Budget.objects.create(usd_per_month=5, above=Budget.Above.REFUSE)
    InputCheck.objects.create(
        connection=connection,
        input_s3_uri=few.input_s3_uri,
        model_id=MODEL,
        model_invocation_type="Converse",
        state=InputCheck.State.DONE,
        finished_at=timezone.now(),
        usd_at_most=3,
    )
    with pytest.raises(NotAllowed, match=r"costs up to 6\.00 USD"):
        order(connection, few, actor=person)


def test_records_that_are_too_large_to_read_have_no_quote_and_no_rest_of_unknown_size(
    connection: Connection, few: Sample
) -> None:
    lines = converse_lines(1) + b"x" * READ_BYTES + b"\n"
    s3.put_object(connection.target, few.bucket, "in/converse.jsonl", lines)
    asked = {"input_s3_uri": few.input_s3_uri, "model_id": MODEL, "model_invocation_type": "Converse"}
    assert quote(connection, **asked, record_limit=2).records is None
    with pytest.raises(UserError, match="too large to count"):
        quote_of_rest(make_job(connection, input_s3_uri=few.input_s3_uri))


@pytest.fixture
def grown(connection: Connection, few: Sample, person: User) -> BatchJob:
    """A job that was within its budget until its input was replaced."""
    Budget.objects.create(usd_per_month=Decimal("0.01"), above=Budget.Above.HOLD)
    job = order(connection, few, actor=person, usd_at_most=Decimal("0.005"))
    assert not job.is_held
    put(job, converse_lines(100).strip())
    return job


def test_a_budget_refuses_the_records_that_are_there_when_it_begins(grown: BatchJob) -> None:
    Budget.objects.update(above=Budget.Above.REFUSE)
    job = run(grown)
    assert (job.status, job.processed_record_count) == (Status.FAILED, None)
    assert "No job is queued above it" in job.message


def test_a_budget_holds_the_records_that_are_there_when_it_begins_until_they_are_approved(
    grown: BatchJob, person: User
) -> None:
    job = run(grown)
    assert (job.status, job.awaits_approval, job.submit_time) == (Status.QUEUED, True, None)
    assert (job.estimate_usd or 0) > Decimal("0.01")
    waiting.unhold(job, person, comment="Needed today.")
    put(job, converse_lines(99).strip())
    assert run(job).status == Status.COMPLETED


def test_the_cost_of_the_first_records_is_that_of_no_others(connection: Connection, few: Sample) -> None:
    whole, some = (run(order(connection, few, record_limit=limit)).estimate_usd for limit in (None, 2))
    assert whole
    assert some
    assert abs(whole - some * RECORDS / 2) < Decimal("0.00001")


def test_a_held_job_is_not_run_until_it_is_released(job: BatchJob, person: User) -> None:
    waiting.hold(job, person)
    assert run(job).status == Status.QUEUED
    waiting.unhold(job, person)
    assert run(job).status == Status.COMPLETED


def test_it_takes_no_place_of_the_models_quota(job: BatchJob) -> None:
    before = scheduling.free_places(job.connection_id, job.base_model_id)
    BatchJob.objects.filter(pk=job.pk).update(status=Status.IN_PROGRESS)
    assert scheduling.free_places(job.connection_id, job.base_model_id) == before
    assert not warnings.quota_use(job.connection)


def test_only_its_own_step_is_due(job: BatchJob) -> None:
    mine = [step.name for step in STEPS if step.model is BatchJob and job in list(step.due(timezone.now()))]
    assert mine == ["answer_records"]
    BatchJob.objects.filter(pk=job.pk).update(status=Status.IN_PROGRESS)
    mine = [step.name for step in STEPS if step.model is BatchJob and job in list(step.due(timezone.now()))]
    assert mine == ["answer_records"]


def test_sync_never_asks_aws_for_it(job: BatchJob) -> None:
    BatchJob.objects.filter(pk=job.pk).update(status=Status.IN_PROGRESS, last_modified_time=timezone.now())
    found = sync.sync(job.connection)
    assert found is not None
    assert not found.missing
    assert not found.asked


def stuck(job: BatchJob, local_bedrock: LocalBedrock) -> BatchJob:
    """A batch job of the sample that AWS runs, and that will not end by itself soon."""
    local_bedrock.set(record_seconds=5)
    lifecycle.submit(job)
    return follow(job, until=frozenset({Status.IN_PROGRESS}))


def turns(job: BatchJob, source: BatchJob) -> BatchJob:
    """Let workers take the steps of *job* and of what it waits for until it has ended."""
    for _ in range(20):
        answer_records(job)
        follow(source)
        results.collect_results(source)
        for made in MadeInput.objects.filter(resend_of=source):
            make_input(made)
        job.refresh_from_db()
        if job.is_ended:
            break
    return job


def test_the_rest_of_a_stuck_job_is_sent_once_it_has_stopped(
    connection: Connection, fields: dict[str, Any], person: User, local_bedrock: LocalBedrock
) -> None:
    batch = lifecycle.create_job(connection=connection, actor=person, request=JobRequest(**fields))
    batch = stuck(batch, local_bedrock)
    job = take_over(batch, person)
    assert (job.status, batch.status) == (Status.QUEUED, Status.IN_PROGRESS)
    local_bedrock.reset()
    job = turns(job, batch)
    batch.refresh_from_db()
    assert (batch.status, job.status) == (Status.STOPPED, Status.COMPLETED)
    assert job.total_record_count == 100 - (batch.success_record_count or 0)


def test_a_batch_job_that_answered_all_leaves_nothing_to_send(connection: Connection, few: Sample) -> None:
    source = make_job(connection, status=Status.COMPLETED, job_arn=arn(3), results="ready", total_record_count=1)
    BatchJob.objects.filter(pk=source.pk).update(processed_record_count=1, error_record_count=0)
    job = run(order(connection, few, takes_over=True, resend_of=source))
    assert (job.status, job.results) == (Status.CANCELLED, "none")
    assert "has answered every record" in job.message


@pytest.mark.parametrize(
    ("counts", "is_taken"),
    [((None, None, None), False), ((10, 5, 1), False), ((10, 4, 0), False), ((10, 6, 1), True)],
    ids=["unknown", "with errors", "without", "few enough"],
)
def test_a_batch_job_that_leaves_too_many_records_goes_on(
    connection: Connection, few: Sample, settings: Any, counts: tuple[int | None, ...], is_taken: bool
) -> None:
    settings.ON_DEMAND_RECORDS = RECORDS - 1
    names = ("total_record_count", "processed_record_count", "error_record_count")
    values = dict(zip(names, counts, strict=True)) | {"input_s3_uri": few.input_s3_uri}
    source = make_job(connection, status=Status.IN_PROGRESS, job_arn=arn(4), **values)
    if is_taken:
        assert quote_of_rest(source).records == RECORDS
        return
    with pytest.raises(UserError, match="at most 5"):
        quote_of_rest(source)
    job = run(order(connection, few, takes_over=True, resend_of=source))
    source.refresh_from_db()
    assert (job.status, source.status) == (Status.FAILED, Status.IN_PROGRESS)


@pytest.mark.parametrize("is_expired", [True, False], ids=["expired", "unreadable"])
def test_answers_that_are_not_known_are_not_paid_again(connection: Connection, few: Sample, is_expired: bool) -> None:
    error = None if is_expired else {"code": "AccessDenied", "message": "Access Denied"}
    source = make_job(connection, status=Status.STOPPED, job_arn=arn(5), results="none", results_error=error)
    if is_expired:
        source.record(Verb.RESULTS_EXPIRED)
    job = run(order(connection, few, takes_over=True, resend_of=source))
    assert (job.status, job.processed_record_count) == (Status.FAILED, None)
    assert "what it left is unknown" in job.message


def test_the_rest_of_a_job_that_answered_nothing_is_its_whole_input(connection: Connection, few: Sample) -> None:
    source = make_job(connection, status=Status.STOPPED, job_arn=arn(6), results="none")
    job = run(order(connection, few, takes_over=True, resend_of=source))
    assert (job.status, job.success_record_count) == (Status.COMPLETED, RECORDS)
