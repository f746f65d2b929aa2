"""Splitting an input into the inputs of several jobs, against the local stack."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from batchconsole.aws import s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs import input_checks, splitting
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import (
    BatchJob,
    Connection,
    Event,
    InputCheck,
    InputSplit,
    ModelLimit,
    Status,
    Verb,
)
from batchconsole.jobs.outputs import results
from batchconsole.records import report as reports
from batchconsole.records.report import Report
from tests.conftest import ACCOUNT
from tests.factories import MODEL, grant, make_job
from tests.jobs.conftest import converse_lines, die, held

RECORDS = 10
State = InputSplit.State


@pytest.fixture
def bucket(connection: Connection) -> str:
    """A bucket with ten records in two files; a job for the model takes four."""
    name = f"splitting-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    lines = converse_lines(RECORDS).splitlines(keepends=True)
    s3.put_object(connection.target, name, "in/a.jsonl", b"".join(lines[:3]))
    s3.put_object(connection.target, name, "in/b.jsonl", b"".join(lines[3:]))
    ModelLimit.objects.create(model_id=MODEL, records_per_job=4, min_records_per_job=1)
    return name


def asked(bucket: str, **changes: Any) -> JobRequest:
    fields = {"input_s3_uri": f"s3://{bucket}/in/", "output_s3_uri": f"s3://{bucket}/out/"}
    role = f"arn:aws:iam::{ACCOUNT}:role/batch"
    values = {"job_name": "reviews", "model_id": MODEL, "model_invocation_type": "Converse", "role_arn": role}
    return JobRequest.from_fields(values | fields | changes)


def started(connection: Connection, bucket: str, actor: User | None = None, **changes: Any) -> InputSplit:
    request = asked(bucket, **changes)
    place = splitting.place_of_parts(connection, request, mark="1234")
    return splitting.start_split(connection, actor, request, place=place)


def run(split: InputSplit) -> InputSplit:
    splitting.split_input(split)
    split.refresh_from_db()
    return split


def jobs_of(split: InputSplit) -> list[BatchJob]:
    return [job for _, job in splitting.current_jobs(split) if job]


def ids_of(part: Any, connection: Connection) -> list[str]:
    bucket = part.input_s3_uri.split("/")[2]
    prefix = part.input_s3_uri.removeprefix(f"s3://{bucket}/")
    keys = [item.key for item in s3.iter_objects(connection.target, bucket, prefix)]
    data = b"".join(s3.get_range(connection.target, bucket, key) for key in keys)
    return [json.loads(line)["recordId"] for line in data.splitlines()]


def test_it_makes_a_job_for_each_part(connection: Connection, bucket: str, person: User) -> None:
    split = run(started(connection, bucket, person))
    assert split.state == State.DONE, split.error
    parts, jobs = list(split.parts.all()), jobs_of(split)
    assert [job.job_name for job in jobs] == ["reviews-1-of-3", "reviews-2-of-3", "reviews-3-of-3"]
    assert [each for part in parts for each in ids_of(part, connection)] == [f"rec-{n:05}" for n in range(RECORDS)]
    assert [part.records for part in parts] == [3, 3, 4]
    assert {(job.status, job.created_by) for job in jobs} == {(Status.CHECKING, person)}
    assert [job.input_s3_uri for job in jobs] == [part.input_s3_uri for part in parts]
    verbs = Event.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [Verb.INPUT_SPLIT_REQUESTED, *[Verb.CREATED] * 3, Verb.INPUT_SPLIT]


def test_killed_after_a_part_it_goes_on_with_the_next(connection: Connection, bucket: str) -> None:
    split = started(connection, bucket)
    run(split)
    first = split.parts.get(number=1)
    InputSplit.objects.update(state=State.QUEUED, due_at=split.created_at)
    split.parts.exclude(number=1).update(is_written=False)
    split.parts.update(job=None)
    key = first.input_s3_uri.removeprefix(f"s3://{bucket}/") + "00001-a.jsonl"
    s3.put_object(connection.target, bucket, key, b"as it was\n")
    run(split)
    assert s3.get_range(connection.target, bucket, key) == b"as it was\n"
    assert split.state == State.DONE
    # The first three jobs have the names already.
    assert [job.job_name for job in jobs_of(split)] == [f"reviews-2-{n}-of-3" for n in (1, 2, 3)]


def test_cancelled_while_a_worker_holds_it_makes_no_job(connection: Connection, bucket: str, person: User) -> None:
    split = started(connection, bucket, person)
    lease = held(splitting.split_input, split, state=State.RUNNING)
    splitting.cancel_split(InputSplit.objects.get(), person)
    with pytest.raises(LeaseLost):
        splitting.split_input.do(split, lease)
    assert not BatchJob.objects.exists()
    with pytest.raises(UserError, match="has ended already"):
        splitting.cancel_split(split, person)


def test_a_worker_that_was_lost_is_followed_by_another(connection: Connection, bucket: str) -> None:
    split = started(connection, bucket)
    die(held(splitting.split_input, split, state=State.RUNNING))
    assert run(split).state == State.DONE


def test_all_jobs_are_made_or_none(connection: Connection, bucket: str, person: User) -> None:
    """The creator loses the right while the parts are written."""
    split = started(connection, bucket, person)
    person.grants.all().delete()
    run(split)
    assert (split.state, BatchJob.objects.count()) == (State.FAILED, 0)
    assert "the right “submit”" in str(split.error)
    grant(person, "Operator")
    splitting.retry_split(split, User.objects.get())
    assert run(split).state == State.DONE
    assert Event.objects.filter(verb=Verb.INPUT_SPLIT_RETRIED).exists()


def test_an_input_that_changed_meanwhile_is_not_mixed(connection: Connection, bucket: str) -> None:
    split = run(started(connection, bucket))
    InputSplit.objects.update(state=State.QUEUED, due_at=split.created_at)
    s3.put_object(connection.target, bucket, "in/c.jsonl", converse_lines(1))
    assert run(split).state == State.FAILED
    assert "The input has changed since the split began." in str(split.error)


@pytest.mark.parametrize(
    ("allowed", "place"),
    [
        ({}, "s3://b/out/reviews-split-x/"),
        ({"upload_prefixes": ["s3://b/out"], "input_prefixes": ["s3://b/"]}, "s3://b/out/reviews-split-x/"),
        ({"upload_prefixes": ["s3://b/in"], "input_prefixes": ["s3://b/in/"]}, "s3://b/in/reviews-split-x/"),
        ({"upload_prefixes": ["s3://up/", "s3://in/"], "input_prefixes": ["s3://in"]}, "s3://in/reviews-split-x/"),
    ],
)
def test_the_parts_go_where_uploads_and_input_are_allowed(
    allowed: dict[str, Any], place: str, nowhere: Connection
) -> None:
    for name, value in allowed.items():
        setattr(nowhere, name, value)
    request = asked("b", input_s3_uri="s3://b/in/all.jsonl")
    assert splitting.place_of_parts(nowhere, request, mark="x") == place


def test_where_nothing_is_allowed_it_says_so(nowhere: Connection) -> None:
    nowhere.upload_prefixes, nowhere.input_prefixes = ["s3://up/"], ["s3://in/"]
    with pytest.raises(NotAllowed, match="parts of the input cannot be written: Nowhere allows upload only in"):
        splitting.place_of_parts(nowhere, asked("b"), mark="x")


def test_the_parts_do_not_become_input_of_the_same_folder(nowhere: Connection) -> None:
    request = asked("b", input_s3_uri="s3://b/in/", output_s3_uri="s3://b/in/out/")
    assert splitting.place_of_parts(nowhere, request, mark="x") == "s3://b/reviews-split-x/"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("reviews", 2, ["reviews-1-of-2", "reviews-2-of-2"]),
        ("reviews", 1, ["reviews"]),
        ("taken", 2, ["taken-2-1-of-2", "taken-2-2-of-2"]),
        ("x" * 63, 10, [f"{'x' * 54}-1-of-10"]),
    ],
)
def test_the_names_are_numbered_free_and_short_enough(
    name: str, number: int, expected: list[str], nowhere: Connection
) -> None:
    make_job(nowhere, job_name="taken-2-of-2", status=Status.COMPLETED)
    make_job(nowhere, job_name="reviews-1-of-2", status=Status.REJECTED)
    names = splitting.part_names(nowhere, name, number)
    assert names[: len(expected)] == expected
    assert max(map(len, names)) <= 63


def test_parts_lie_where_their_uris_fit_the_columns(nowhere: Connection) -> None:
    long = f"s3://b/{'f' * 990}/"
    request = asked("b", input_s3_uri="s3://b/in/a.jsonl", output_s3_uri=long)
    assert splitting.place_of_parts(nowhere, request, mark="1234").startswith("s3://b/in/")
    with pytest.raises(NotAllowed, match="more than 1,024 characters"):
        splitting.place_of_parts(nowhere, asked("b", input_s3_uri=f"{long}a.jsonl", output_s3_uri=long), mark="1234")


def test_who_may_not_submit_may_not_split(nowhere: Connection) -> None:
    viewer = User.objects.create_user("eve")
    grant(viewer, "Viewer")
    with pytest.raises(NotAllowed):
        splitting.start_split(nowhere, viewer, asked("b"), place="s3://b/x/")


@pytest.mark.parametrize(("records", "parts"), [(4, None), (5, 2), (9, 3)])
def test_a_check_offers_the_number_of_jobs(records: int, parts: int | None, nowhere: Connection) -> None:
    ModelLimit.objects.create(model_id=MODEL, records_per_job=4)
    report = Report(model_id=MODEL, invocation_type="Converse", records=records, bytes=100)
    check = InputCheck(connection=nowhere, model_id=MODEL, report_json=reports.encode(report).decode())
    offer = splitting.offer_of(check)
    assert (offer and offer.parts) == parts


def answered(job: BatchJob, outcomes: list[str], bucket: str) -> None:
    """*job* has ended, with one output line for each outcome, in the opposite order."""
    job.status, job.results, job.due_at = Status.COMPLETED, BatchJob.Results.PENDING, job.created_at
    job.job_arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/{job.pk:012}"
    job.save()
    lines = [
        {"recordId": each, "modelInput": {"messages": []}, "modelOutput": {"output": {"message": {"content": []}}}}
        for each in reversed(outcomes)
    ]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    s3.put_object(job.connection.target, bucket, f"out/{job.aws_id}/x.jsonl.out", data)
    results.collect_results(job)
    job.refresh_from_db()
    assert job.results == BatchJob.Results.READY, job.results_error


def test_the_answers_are_joined_in_the_order_of_the_input(connection: Connection, bucket: str) -> None:
    split = run(started(connection, bucket))
    for part, job in splitting.current_jobs(split)[:2]:
        assert job
        answered(job, ids_of(part, connection), bucket)
    BatchJob.objects.filter(split_part__number=3).update(status=Status.SUBMIT_FAILED)
    jobs = jobs_of(split)
    assert splitting.can_join(jobs)
    rows = list(splitting.joined(jobs))
    assert [row.record.record_id for row in rows] == [f"rec-{n:05}" for n in range(RECORDS)]
    assert [row.outcome for row in rows] == [*["answered"] * 6, *["unanswered"] * 4]
    assert splitting.schema_fields(jobs) is None


def test_a_corrected_part_is_followed_to_its_correction(nowhere: Connection) -> None:
    split = InputSplit.objects.create(connection=nowhere, request_json=asked("b").as_fields())
    failed = make_job(nowhere, status=Status.SUBMIT_FAILED, input_s3_uri="s3://b/p/")
    part = split.parts.create(number=1, input_s3_uri="s3://b/p/", records=1, job=failed)
    make_job(nowhere, clone_of=failed, input_s3_uri="s3://b/other/")
    assert part.current_job == failed
    corrected = make_job(nowhere, clone_of=failed, input_s3_uri="s3://b/p/")
    assert part.current_job == corrected


def test_an_s3_that_is_away_is_asked_again(nowhere: Connection) -> None:
    split = run(started(nowhere, "b"))
    assert (split.state, split.failures) == (State.QUEUED, 1)


def with_images(connection: Connection, bucket: str, uris: list[str]) -> None:
    """Ten records of which the first have an image each, beside the images ``in/1.png`` and ``in/deep/1.png``."""
    records = [json.loads(line) for line in converse_lines(RECORDS).splitlines()]
    for record, uri in zip(records, uris, strict=False):
        image = {"image": {"format": "png", "source": {"s3Location": {"uri": uri}}}}
        record["modelInput"]["messages"][0]["content"].append(image)
    s3.delete_object(connection.target, bucket, "in/b.jsonl")
    s3.put_object(connection.target, bucket, "in/a.jsonl", b"\n".join(json.dumps(each).encode() for each in records))
    s3.put_object(connection.target, bucket, "in/1.png", b"one")
    s3.put_object(connection.target, bucket, "in/deep/1.png", b"another")


def media_in(connection: Connection, part: Any) -> dict[str, bytes]:
    """The copies beside *part*, by URI."""
    bucket = part.input_s3_uri.split("/")[2]
    prefix = part.input_s3_uri.removeprefix(f"s3://{bucket}/") + "media/"
    keys = [item.key for item in s3.iter_objects(connection.target, bucket, prefix)]
    return {f"s3://{bucket}/{key}": s3.get_range(connection.target, bucket, key) for key in keys}


def named_in(connection: Connection, part: Any) -> list[str]:
    """The URIs that the records of *part* refer to."""
    bucket = part.input_s3_uri.split("/")[2]
    key = part.input_s3_uri.removeprefix(f"s3://{bucket}/") + "00001-a.jsonl"
    records = [json.loads(line)["modelInput"] for line in s3.get_range(connection.target, bucket, key).splitlines()]
    blocks = [block for record in records for block in record["messages"][0]["content"]]
    return [block["image"]["source"]["s3Location"]["uri"] for block in blocks if "image" in block]


def test_media_are_copied_beside_each_part_that_refers_to_them(
    connection: Connection, bucket: str, person: User
) -> None:
    one, another = f"s3://{bucket}/in/1.png", f"s3://{bucket}/in/deep/1.png"
    with_images(connection, bucket, [one, one, another, another])
    split = run(started(connection, bucket, person))
    assert split.state == State.DONE, split.error
    first, second, third = split.parts.all()
    copies = media_in(connection, first)
    assert sorted(copies.values()) == [b"another", b"one"]
    assert [copies[uri] for uri in named_in(connection, first)] == [b"one", b"one", b"another"]
    assert list(media_in(connection, second).values()) == [b"another"]
    assert media_in(connection, third) == {}
    assert (split.media_objects, split.media_bytes, split.media_done) == (3, 17, 3)
    told = Event.objects.filter(verb=Verb.MEDIA_COPIED).order_by("pk").values_list("data", flat=True)
    assert [(each["objects"], each["bytes"]) for each in told] == [(2, 10), (1, 7)]


def test_a_check_of_a_part_finds_the_copies(connection: Connection, bucket: str) -> None:
    with_images(connection, bucket, [f"s3://{bucket}/in/1.png"] * RECORDS)
    part = run(started(connection, bucket)).parts.first()
    assert part
    values = {"model_id": MODEL, "model_invocation_type": "Converse", "input_s3_uri": part.input_s3_uri}
    check = InputCheck.objects.create(connection=connection, **values)
    input_checks.check_records(check)
    check.refresh_from_db()
    assert check.report
    assert (check.report.media_objects, check.report.media_bytes) == (1, 3)
    assert not [each for each in check.report.problems if each.code.startswith("media-")]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("s3://BUCKET/in/gone.png", "Line 1 of a.jsonl refers to s3://BUCKET/in/gone.png, which does not exist in S3."),
        ("s3://BUCKET/1.png", "which is not below the input location s3://BUCKET/in/."),
        ("s3://other/in/1.png", "which is not below the input location"),
        ("images/1.png", "which is no URI of an object in S3."),
    ],
)
def test_media_that_no_job_could_read_are_told(uri: str, words: str, connection: Connection, bucket: str) -> None:
    with_images(connection, bucket, [uri.replace("BUCKET", bucket)])
    split = run(started(connection, bucket))
    assert (split.state, BatchJob.objects.count()) == (State.FAILED, 0)
    assert words.replace("BUCKET", bucket) in str(split.error)


def test_a_killed_worker_leaves_copies_that_are_not_made_again(connection: Connection, bucket: str) -> None:
    with_images(connection, bucket, [f"s3://{bucket}/in/1.png"] * RECORDS)
    split = run(started(connection, bucket))
    part = split.parts.get(number=3)
    (uri,) = media_in(connection, part)
    s3.put_object(connection.target, bucket, uri.removeprefix(f"s3://{bucket}/"), b"two")  # of the same size
    InputSplit.objects.update(state=State.QUEUED, due_at=split.created_at)
    split.parts.update(job=None)
    split.parts.filter(number=3).update(is_written=False)
    run(split)
    assert (split.state, split.media_done) == (State.DONE, 3)
    assert media_in(connection, part) == {uri: b"two"}
