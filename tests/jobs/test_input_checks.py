"""Input checks against real S3: what is read, what comes of it, and what happens when S3 or a worker is away."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.session import client
from batchconsole.jobs import clock, lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.leases import MOST_LOSSES, LeaseLost
from batchconsole.jobs.models import BatchJob, Connection, InputCheck, ModelLimit, Status, Verb
from batchconsole.jobs.s3.input_objects import list_input
from tests.conftest import ACCOUNT
from tests.jobs.conftest import MODEL, Sample, converse_lines, die, held, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]
Put = Callable[[str, bytes], str]
State = InputCheck.State
BAD = b'{"recordId": "bad", "modelInput": {"messages": []}}\n'


@pytest.fixture
def put(sample_input: Sample, connection: Connection) -> Put:
    """Write an object into the sample's bucket."""
    return partial(s3.put_object, connection.target, sample_input.bucket)


@pytest.fixture
def check(connection: Connection, sample_input: Sample) -> InputCheck:
    """A check of the sample, waiting for a worker."""
    return start(connection, sample_input.input_s3_uri)


@pytest.fixture
def checking(connection: Connection, fields: dict[str, Any], person: User) -> BatchJob:
    """A job of the sample whose input is to be checked."""
    asked = JobRequest(**fields)
    return lifecycle.create_job(connection=connection, actor=person, request=asked, check_input=True)


@pytest.fixture
def stranger(connection: Connection, boto: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A connection whose role may do nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    who = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [who]})
    role = boto("iam").create_role(RoleName=f"stranger-{uuid4().hex[:12]}", AssumeRolePolicyDocument=trust)["Role"]
    return Connection.objects.create(
        name="stranger",
        title="Stranger",
        endpoint_url=connection.endpoint_url,
        credentials=Connection.Credentials.ASSUME_ROLE,
        assume_role_arn=role["Arn"],
    )


def start(connection: Connection, uri: str, kind: str = "Converse") -> InputCheck:
    return input_checks.start_check(connection, input_s3_uri=uri, model_id=MODEL, model_invocation_type=kind)


def done(check: InputCheck) -> InputCheck:
    """*check* after a worker has had it."""
    input_checks.check_records.run(check.pk)
    check.refresh_from_db()
    return check


def after_check(job: BatchJob) -> BatchJob:
    """*job* after a worker has taken all its steps up to the queue."""
    input_checks.check_input.run(job.pk)
    job.refresh_from_db()
    assert job.input_check_id
    input_checks.check_records.run(job.input_check_id)
    input_checks.check_input.run(job.pk)
    job.refresh_from_db()
    return job


def check_of(job: BatchJob) -> InputCheck:
    assert job.input_check is not None
    return job.input_check


def code_of(check: InputCheck) -> str:
    """The code of AWS's last error."""
    return str((check.error or {}).get("code", ""))


def waits(check: InputCheck) -> bool:
    """Whether the next try is some time ahead."""
    return check.due_at is not None and check.due_at > timezone.now()


def as_if_worker_died(check: InputCheck, **fields: Any) -> InputCheck:
    die(held(input_checks.check_records, check, state=State.RUNNING, **fields))
    return check


def test_it_works(check: InputCheck) -> None:
    done(check)
    assert check.state == State.DONE
    assert check.report is not None
    assert (check.report.ok, check.report.records, check.percent) == (True, 100, 100)


def test_starting_saves_and_nudges(check: InputCheck, nudges: Nudges, connection: Connection) -> None:
    start(connection, "s3://bucket/other/")
    assert check.state == State.QUEUED
    assert nudges == [("check_records", InputCheck.objects.latest("id").pk)]


def test_the_same_asked_twice_is_one_check(check: InputCheck, connection: Connection) -> None:
    assert start(connection, check.input_s3_uri) == check


def test_what_is_no_location_is_refused(connection: Connection) -> None:
    with pytest.raises(UserError, match="not an S3 location"):
        start(connection, "bucket/prefix")


def test_a_report_counts_problems_and_shows_where_they_are(check: InputCheck, put: Put) -> None:
    put("in/converse.jsonl", converse_lines(100) + BAD * 12)
    report = done(check).report
    assert report is not None
    problem = report.problems[0]
    assert (problem.count, len(problem.examples)) == (12, 10)
    assert (problem.examples[0].file, problem.examples[0].line) == ("converse.jsonl", 101)
    assert check.problems == report.errors + report.warnings


def test_every_file_of_a_folder_is_read(check: InputCheck, put: Put) -> None:
    put("in/deeper/more.jsonl", converse_lines(20))
    put("in-between/not-ours.jsonl", BAD)
    report = done(check).report
    assert report is not None
    assert [(file.name, file.records) for file in report.files] == [("converse.jsonl", 100), ("deeper/more.jsonl", 20)]


def test_one_object_can_be_the_input(connection: Connection, sample_input: Sample) -> None:
    report = done(start(connection, f"{sample_input.input_s3_uri}converse.jsonl")).report
    assert report is not None
    assert [(file.name, file.records) for file in report.files] == [("converse.jsonl", 100)]


def test_an_empty_location_is_an_error_in_the_report(connection: Connection, sample_input: Sample) -> None:
    report = done(start(connection, f"s3://{sample_input.bucket}/nothing/")).report
    assert report is not None
    assert report.problems[0].code == "no-input"


def test_the_first_records_are_kept_as_the_model_will_see_them(check: InputCheck) -> None:
    shown = done(check).preview
    assert [(record.line, record.record_id) for record in shown][:2] == [(1, "rec-00000"), (2, "rec-00001")]
    assert [(turn.role, turn.text) for turn in shown[0].turns] == [("user", "Say the number 0.")]


def test_the_limits_of_the_model_hold(check: InputCheck, connection: Connection) -> None:
    ModelLimit.objects.create(connection=connection, min_records_per_job=101)
    report = done(check).report
    assert report is not None
    assert [problem.code for problem in report.problems] == ["too-few-records"]


def test_an_unchanged_input_is_not_read_again(check: InputCheck, connection: Connection) -> None:
    first = done(check)
    InputCheck.objects.filter(pk=first.pk).update(report_json=first.report_json.replace('"records":100', '"records":7'))
    again = done(start(connection, check.input_s3_uri))
    assert again.pk != first.pk
    assert again.report is not None
    assert again.report.records == 7


def test_a_changed_object_is_read_again(check: InputCheck, connection: Connection, put: Put) -> None:
    done(check)
    put("in/converse.jsonl", converse_lines(120))
    assert done(start(connection, check.input_s3_uri)).records == 120


def test_another_invocation_type_is_read_again(check: InputCheck, connection: Connection) -> None:
    report = done(check).report
    other = done(start(connection, check.input_s3_uri, "InvokeModel")).report
    assert report is not None
    assert other is not None
    assert report.family != other.family


def test_a_report_of_yesterday_is_not_reused(check: InputCheck, connection: Connection) -> None:
    done(check)
    old = timezone.now() - input_checks.REUSE_FOR - timedelta(minutes=1)
    InputCheck.objects.filter(pk=check.pk).update(finished_at=old, report_json="")
    assert done(start(connection, check.input_s3_uri)).report


def test_a_finished_check_is_left_alone(check: InputCheck) -> None:
    before = done(check).finished_at
    assert done(check).finished_at == before


def test_a_check_that_another_worker_is_at_is_left_alone(check: InputCheck) -> None:
    held(input_checks.check_records, check, state=State.RUNNING)
    assert done(check).state == State.RUNNING


def test_a_check_of_a_dead_worker_is_handed_out_and_done(check: InputCheck, nudges: Nudges) -> None:
    as_if_worker_died(check)
    clock.tick()
    assert nudges.count(("check_records", check.pk)) == 1
    assert done(check).state == State.DONE


def test_two_ticks_hand_out_a_check_once(check: InputCheck, nudges: Nudges) -> None:
    clock.tick()
    clock.tick()
    assert nudges.count(("check_records", check.pk)) == 1


def test_a_worker_that_was_overtaken_writes_nothing(check: InputCheck) -> None:
    slow = held(input_checks.check_records, InputCheck.objects.get(pk=check.pk))
    die(slow)
    done(check)
    with pytest.raises(LeaseLost):
        slow.write(records=5)
    check.refresh_from_db()
    assert (check.state, check.records) == (State.DONE, 100)


def test_a_check_that_kills_its_workers_is_given_up(check: InputCheck) -> None:
    as_if_worker_died(check, losses=MOST_LOSSES)
    done(check)
    assert (check.state, check.due_at) == (State.FAILED, None)
    assert code_of(check) == "WorkerLost"


def test_a_missing_bucket_fails_the_check_with_aws_words(connection: Connection) -> None:
    check = done(start(connection, "s3://no-such-bucket-anywhere/in/"))
    assert (check.state, code_of(check)) == (State.FAILED, "NoSuchBucket")


def test_s3_away_is_tried_again_later_and_not_for_ever(nowhere: Connection) -> None:
    check = done(start(nowhere, "s3://bucket/in/"))
    assert (check.state, code_of(check)) == (State.QUEUED, "EndpointUnreachable")
    assert waits(check)
    InputCheck.objects.filter(pk=check.pk).update(failures=input_checks.MOST_FAILURES - 1)
    assert done(check).state == State.FAILED


def test_asking_again_does_not_wait_for_the_back_off(nowhere: Connection) -> None:
    check = done(start(nowhere, "s3://bucket/in/"))
    start(nowhere, "s3://bucket/in/")
    check.refresh_from_db()
    assert not waits(check)


def test_a_job_with_good_input_goes_to_the_queue(checking: BatchJob, nudges: Nudges) -> None:
    job = after_check(checking)
    assert (job.status, job.message) == (Status.QUEUED, "")
    assert nudges[-1] == ("submit", job.pk)
    event = job.events.get(verb=Verb.CHECKED)
    assert event.data == {"input_check": job.input_check_id, "records": 100, "errors": 0, "warnings": 0}


def test_a_job_with_bad_input_is_rejected_with_the_reason(checking: BatchJob, put: Put) -> None:
    put("in/converse.jsonl", converse_lines(488) + BAD * 12)
    job = after_check(checking)
    assert (job.status, job.message) == (Status.REJECTED, "12 errors in 500 records.")
    assert job.events.get(verb=Verb.REJECTED).data["errors"] == 12


def test_warnings_do_not_reject(checking: BatchJob, put: Put) -> None:
    put("in/converse.jsonl", converse_lines(100) + converse_lines(1))
    assert after_check(checking).status == Status.QUEUED


def test_a_job_reuses_the_check_made_from_the_form(check: InputCheck, checking: BatchJob) -> None:
    done(check)
    InputCheck.objects.filter(pk=check.pk).update(report_json=check.report_json.replace('"records":100', '"records":7'))
    job = after_check(checking)
    assert job.events.get(verb=Verb.CHECKED).data["records"] == 7


def test_two_workers_ask_for_one_check_of_a_job(checking: BatchJob) -> None:
    input_checks.check_input.run(checking.pk)
    input_checks.check_input(checking)
    assert InputCheck.objects.count() == 1


def test_a_finished_check_nudges_the_job_that_waits(checking: BatchJob, nudges: Nudges) -> None:
    input_checks.check_input.run(checking.pk)
    checking.refresh_from_db()
    input_checks.check_records.run(check_of(checking).pk)
    assert nudges[-1] == ("check_input", checking.pk)


def test_a_job_whose_input_cannot_be_read_now_says_why_and_waits(nowhere: Connection) -> None:
    job = after_check(make_job(nowhere, status=Status.CHECKING, check_input=True))
    assert (job.status, job.error_code) == (Status.CHECKING, "EndpointUnreachable")
    assert job.message
    assert job.hint
    assert check_of(job).state == State.QUEUED


def test_a_job_waits_for_access_longer_than_a_person_before_the_form(stranger: Connection, check: InputCheck) -> None:
    job = after_check(make_job(stranger, status=Status.CHECKING, input_s3_uri=check.input_s3_uri))
    assert (job.status, job.error_code) == (Status.CHECKING, "AccessDenied")
    assert waits(check_of(job))
    assert done(start(stranger, f"{check.input_s3_uri}converse.jsonl")).state == State.FAILED


def test_a_job_goes_on_once_access_is_given(
    stranger: Connection, check: InputCheck, boto: Callable[[str], Any]
) -> None:
    job = after_check(make_job(stranger, status=Status.CHECKING, input_s3_uri=check.input_s3_uri))
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    role_name = stranger.assume_role_arn.rpartition("/")[2]
    boto("iam").put_role_policy(RoleName=role_name, PolicyName="s3", PolicyDocument=json.dumps(allow))
    job = after_check(job)
    assert (job.status, job.message, job.error_code) == (Status.QUEUED, "", "")


def test_an_input_that_is_not_there_rejects_the_job(connection: Connection) -> None:
    job = make_job(connection, status=Status.CHECKING, input_s3_uri="s3://no-such-bucket-anywhere/in/")
    job = after_check(job)
    assert (job.status, job.error_code) == (Status.REJECTED, "NoSuchBucket")


def test_a_rejected_job_can_be_submitted_all_the_same(connection: Connection, person: User) -> None:
    job = make_job(connection, status=Status.REJECTED, message="12 errors in 500 records", error_code="X")
    lifecycle.release(job, person)
    assert (job.status, job.message, job.error_code) == (Status.QUEUED, "", "")
    assert job.events.get(verb=Verb.RELEASED).actor == person


def test_a_job_cancelled_meanwhile_stays_cancelled(checking: BatchJob) -> None:
    input_checks.check_input.run(checking.pk)
    lifecycle.cancel(BatchJob.objects.get(pk=checking.pk))
    checking.refresh_from_db()
    input_checks.check_records.run(check_of(checking).pk)
    input_checks.check_input.run(checking.pk)
    checking.refresh_from_db()
    assert checking.status == Status.CANCELLED


def test_every_problem_can_be_had_not_only_the_examples(check: InputCheck, put: Put) -> None:
    put("in/converse.jsonl", converse_lines(100) + BAD * 25)
    done(check)
    lines = [finding.example.line for finding in input_checks.find_all(check) if finding.severity == "error"]
    assert lines == list(range(101, 126))


def test_the_full_report_of_changed_objects_is_refused(check: InputCheck, put: Put) -> None:
    done(check)
    put("in/converse.jsonl", converse_lines(101))
    with pytest.raises(UserError, match="changed since this check"):
        input_checks.find_all(check)


def test_old_checks_that_no_job_shows_are_pruned(check: InputCheck, connection: Connection) -> None:
    long_ago = timezone.now() - timedelta(days=7, hours=1)
    shown = start(connection, "s3://bucket/shown/")
    make_job(connection, input_check=shown)
    InputCheck.objects.update(finished_at=long_ago, state=State.DONE)
    assert input_checks.prune() == 1
    assert list(InputCheck.objects.all()) == [shown]


def test_preview_look_and_reading_are_one_request(check: InputCheck, connection: Connection) -> None:
    asked: list[str] = []
    events = client(connection.target, "s3").meta.events
    events.register("before-call.s3.GetObject", lambda params, **_: asked.append(params["url_path"]), "count")
    done(check)
    events.unregister("before-call.s3.GetObject", unique_id="count")
    assert len(asked) == 1


def test_a_location_of_more_objects_than_fit_into_memory_is_refused(connection: Connection) -> None:
    bucket = f"many-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, bucket)
    for name in "abc":
        s3.put_object(connection.target, bucket, f"in/{name}.jsonl", b"{}")
    assert len(list_input(connection.target, f"s3://{bucket}/in/", most=3).objects) == 3
    with pytest.raises(UserError, match="more than 2 objects"):
        list_input(connection.target, f"s3://{bucket}/in/", most=2)
