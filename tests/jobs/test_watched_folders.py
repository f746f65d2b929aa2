"""Watched folders: each new file becomes a job once, whoever dies, and nothing that jobs wrote is ever taken."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import BatchJob, Connection, Grant, MadeInput, Schedule, WatchedFile
from batchconsole.jobs.repeating import schedules, watched_folders
from batchconsole.jobs.repeating.watched_folders import retry_file, watch_folder
from batchconsole.jobs.retention import prune
from tests.conftest import ACCOUNT
from tests.factories import make_job
from tests.jobs.conftest import arn, converse_lines, die, held
from tests.jobs.test_schedules import request, wanted

pytestmark = pytest.mark.django_db(transaction=True)


class Folder:
    """A watched folder in a bucket of its own, which looks whenever it is asked to."""

    def __init__(self, connection: Connection, person: User) -> None:
        self.connection, self.bucket = connection, f"watched-{uuid4().hex[:12]}"
        s3.create_bucket(connection.target, self.bucket)
        values = {
            "kind": "folder",
            "request": request(job_name="job-{file}", input_s3_uri="", output_s3_uri=f"s3://{self.bucket}/in/out/"),
            "folder_s3_uri": f"s3://{self.bucket}/in",
            "stable_seconds": 0,
            "takes_existing": True,
        }
        self.schedule = schedules.create_schedule(connection, person, wanted(**values))

    def put(self, key: str, body: bytes = b'{"recordId": "1"}\n') -> None:
        s3.put_object(self.connection.target, self.bucket, key, body)

    def set(self, **columns: Any) -> None:
        Schedule.objects.filter(pk=self.schedule.pk).update(**columns)

    def look(self) -> None:
        now = timezone.now()
        self.set(next_at=now, due_at=now)
        self.schedule.refresh_from_db()
        watch_folder(self.schedule)

    @property
    def fates(self) -> dict[str, str]:
        return {each.name: each.state for each in WatchedFile.objects.filter(schedule=self.schedule)}


@pytest.fixture
def folder(connection: Connection, person: User) -> Folder:
    return Folder(connection, person)


def test_it_works(folder: Folder, person: User) -> None:
    folder.put("in/a.jsonl")
    folder.put("in/deep/b.jsonl")
    for _ in range(3):
        folder.look()
    assert folder.fates == {"a.jsonl": "submitted", "b.jsonl": "submitted"}
    jobs = {job.job_name: (job.input_s3_uri, job.created_by) for job in BatchJob.objects.all()}
    assert jobs == {
        "job-a": (f"s3://{folder.bucket}/in/a.jsonl", person),
        "job-b": (f"s3://{folder.bucket}/in/deep/b.jsonl", person),
    }


def test_what_jobs_wrote_is_never_taken(folder: Folder) -> None:
    make_job(folder.connection, job_arn=arn(7), status="Completed")
    resent = f"s3://{folder.bucket}/in/resend.jsonl"
    MadeInput.objects.create(
        connection=folder.connection, resend_of=BatchJob.objects.get(), output_s3_uri=resent, source_size=0
    )
    for key in ("a.jsonl.out", "manifest.json.out", f"{7:012}/x.jsonl", "out/y.jsonl", "resend.jsonl", "a.txt"):
        folder.put(f"in/{key}")
    folder.put("elsewhere.jsonl")
    folder.look()
    assert folder.fates == {}


def test_a_file_that_still_changes_waits(folder: Folder) -> None:
    folder.set(stable_seconds=3600)
    folder.put("in/a.jsonl")
    folder.look()
    folder.put("in/a.jsonl", b'{"recordId": "2"}\n')
    WatchedFile.objects.update(changed_at=timezone.now() - timedelta(hours=2))
    folder.schedule.refresh_from_db()
    watched_folders._check(folder.schedule, WatchedFile.objects.get())
    assert folder.fates == {"a.jsonl": "waiting"}
    assert WatchedFile.objects.get().changed_at > timezone.now() - timedelta(minutes=5)


@pytest.mark.parametrize(("takes", "jobs"), [(False, 1), (True, 2)])
def test_an_overwritten_file_is_a_new_one_only_if_set_so(folder: Folder, takes: bool, jobs: int) -> None:
    folder.set(takes_overwritten=takes)
    for body in (b"{}\n", b'{"recordId": "2"}\n'):
        folder.put("in/a.jsonl", body)
        folder.look()
    assert BatchJob.objects.count() == jobs


@pytest.mark.parametrize(
    ("body", "columns", "reason"),
    [
        (b"", {}, "empty"),
        (converse_lines(3) + b"\n\n", {"min_records": 4}, "3 records"),
        (b"{}\n", {"definition": request(job_name="a" * 70).as_fields() | {"model_id": ""}}, "required"),
    ],
)
def test_a_file_that_gives_no_job_is_skipped_with_the_reason(
    folder: Folder, body: bytes, columns: dict[str, Any], reason: str
) -> None:
    folder.set(**columns)
    folder.put("in/a.jsonl", body)
    folder.look()
    assert folder.fates == {"a.jsonl": "skipped"}
    assert reason in WatchedFile.objects.get().reason


def deny(folder: Folder, key: str, boto: Any) -> None:
    """Let the connection be a role that may list the bucket and read it, but for *key*."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    bucket = f"arn:aws:s3:::{folder.bucket}"
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}
    denied = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"{bucket}/{key}"}
    role = boto("iam").create_role(RoleName=folder.bucket, AssumeRolePolicyDocument=document(trust))["Role"]
    boto("iam").put_role_policy(RoleName=folder.bucket, PolicyName="s3", PolicyDocument=document(allowed, denied))
    columns = {"credentials": Connection.Credentials.ASSUME_ROLE, "assume_role_arn": role["Arn"]}
    Connection.objects.filter(pk=folder.connection.pk).update(**columns)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_a_file_that_may_not_be_read_is_skipped_and_holds_up_no_other(
    folder: Folder, boto: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("closed", "open"):
        folder.put(f"in/{name}.jsonl")
    deny(folder, "in/closed.jsonl", boto)
    folder.look()
    assert folder.fates == {"closed.jsonl": "skipped", "open.jsonl": "submitted"}
    assert "s3:GetObject" in WatchedFile.objects.get(state="skipped").reason


def test_a_skipped_file_can_be_tried_again(folder: Folder, person: User) -> None:
    folder.set(min_records=4)
    folder.put("in/a.jsonl")
    folder.look()
    folder.set(min_records=1)
    retry_file(WatchedFile.objects.get(), person)
    folder.look()
    assert folder.fates == {"a.jsonl": "submitted"}


def test_a_worker_that_dies_loses_and_doubles_nothing(folder: Folder) -> None:
    folder.put("in/a.jsonl")
    lease = held(watch_folder, folder.schedule)
    watched_folders._look(folder.schedule, lease)
    watched_folders._check(folder.schedule, WatchedFile.objects.get())
    die(lease)
    late = WatchedFile.objects.get()
    second = held(watch_folder, Schedule.objects.get())
    watched_folders._submit(Schedule.objects.get(), second, WatchedFile.objects.get(), is_told=False)
    with pytest.raises(LeaseLost):
        watched_folders._submit(folder.schedule, lease, late, is_told=False)
    die(second)
    folder.look()
    assert BatchJob.objects.count() == 1


def test_a_listing_goes_on_where_it_was(folder: Folder) -> None:
    for number in range(5):
        folder.put(f"in/{number}.jsonl")
    page = s3.list_objects(folder.connection.target, folder.bucket, "in/", max_keys=2, delimiter="")
    folder.set(listing_token=page.next_token, next_at=timezone.now() + timedelta(minutes=1))
    folder.schedule.refresh_from_db()
    watch_folder(folder.schedule)
    assert sorted(folder.fates) == ["2.jsonl", "3.jsonl", "4.jsonl"]


def test_files_that_were_there_before_are_left_alone(folder: Folder) -> None:
    folder.put("in/a.jsonl")
    folder.set(files_since=timezone.now() + timedelta(hours=1))
    folder.look()
    assert folder.fates == {}


def test_a_file_whose_row_was_deleted_does_not_become_new(folder: Folder, settings: Any) -> None:
    settings.SCHEDULE_DAYS = 30
    folder.put("in/a.jsonl")
    folder.look()
    old = timezone.now() - timedelta(days=31)
    WatchedFile.objects.update(decided_at=old, modified_at=old)
    prune()
    folder.schedule.refresh_from_db()
    assert not WatchedFile.objects.exists()
    assert folder.schedule.files_since
    assert folder.schedule.files_since > old


def test_an_owner_without_rights_stops_it(folder: Folder) -> None:
    Grant.objects.all().delete()
    folder.put("in/a.jsonl")
    folder.look()
    folder.schedule.refresh_from_db()
    assert not folder.schedule.is_active
    assert not BatchJob.objects.exists()


def test_a_failure_of_s3_is_kept_and_tried_again(folder: Folder) -> None:
    folder.set(folder_s3_uri="s3://no-such-bucket-anywhere/in")
    folder.look()
    folder.schedule.refresh_from_db()
    assert folder.schedule.error
    assert folder.schedule.due_at
    assert folder.schedule.failures == 1
