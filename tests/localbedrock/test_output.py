"""Force a kill or a loss in S3 at each critical point, such as between a step and its transaction."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from batchconsole.localbedrock.checking import _check_output
from batchconsole.localbedrock.finishing import abort_uploads, write_manifest
from batchconsole.localbedrock.jobs import Counts, InputFile, Job, Status
from batchconsole.localbedrock.output import OutputFile, SpoolLost
from batchconsole.localbedrock.patience import Interrupted, Patience
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.space import DiskFull, check_space
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store, now
from batchconsole.localbedrock.uploads import PART_BYTES
from tests.conftest import ACCOUNT, REGION
from tests.localbedrock import forgetful_s3
from tests.localbedrock.forgetful_s3 import ForgetfulS3
from tests.localbedrock.stack import CREDENTIALS

LINE = b'{"recordId": "1"}\n'
LONG = b"x" * (PART_BYTES + 1) + b"\n"
KEY = "/bucket/out/abcdefghijkl/a.jsonl.out"
REQUEST = {
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/batch",
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in/"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
}


def make_job() -> Job:
    moment = now()
    return Job(
        id="abcdefghijkl",
        account=ACCOUNT,
        region=REGION,
        name="a",
        model_id="m",
        base_model_id="m",
        request=REQUEST,
        submit_time=moment,
        last_modified_time=moment,
        expiration_time=moment + 3_600_000,
        due_time=None,
        status=Status.VALIDATING,
    )


class Place:
    """A scheduled job with one file, its store, its view of S3 and its spool: the state from which a restart begins."""

    def __init__(self, s3: ForgetfulS3, folder: Path) -> None:
        self.s3 = s3
        self._folder = folder
        self.store = Store(folder / "jobs.sqlite3")
        self.store.add(make_job(), {}, limit=1)
        file = InputFile(number=0, key="in/a.jsonl", output_key=KEY[8:], size=9, etag="e", records=3)
        self.store.schedule("abcdefghijkl", [file], due_in=3600)
        job = self.store.get("abcdefghijkl")
        assert job is not None
        self.job = job
        patience = Patience(self.store, job, threading.Event())
        self.storage = Storage(job, Settings(aws_endpoint_url=s3.url, assume_role=False), patience)

    @property
    def file(self) -> InputFile:
        """The file as stored in the database, which is all that remains after a kill."""
        return self.store.files(self.job.id)[0]

    def open(self) -> OutputFile:
        return OutputFile(self.job.id, self.file, store=self.store, storage=self.storage, folder=self._folder)

    def written(self, *lines: bytes) -> OutputFile:
        output = self.open()
        for line in lines:
            output.append([line], read_offset=self.file.read_offset + 3, counts=Counts(1))
        return output

    def change_file(self, **members: object) -> None:
        self.store.checkpoint(self.job.id, msgspec.structs.replace(self.file, **members))

    @property
    def spool(self) -> Path:
        return self._folder / "0.out"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with forgetful_s3.serving() as s3:
        made = Place(s3, tmp_path)
        yield made
        made.store.close()


def test_what_was_written_but_not_counted_is_cut_off(place: Place) -> None:
    place.written(LINE).close()
    with place.spool.open("ab") as spool:
        spool.write(LINE + b'{"half')
    place.written(LINE).finish()
    assert place.s3.objects[KEY] == LINE * 2
    counted = place.store.get(place.job.id)
    assert counted is not None
    assert counted.success == 2


def test_an_upload_begun_before_a_kill_is_used(place: Place) -> None:
    place.written(LONG).close()
    place.change_file(upload_id=place.storage.start_upload(KEY[8:]))
    place.open().finish()
    assert (place.s3.objects[KEY], place.s3.uploads, place.s3.started) == (LONG, {}, 1)


@pytest.mark.parametrize("content", [LINE, LONG])
def test_an_object_written_but_not_counted_is_written_again(place: Place, content: bytes) -> None:
    place.written(content).finish()
    place.change_file(done=False)
    place.spool.write_bytes(content)
    place.open().finish()
    assert place.file.done
    assert (place.s3.objects[KEY], place.s3.uploads) == (content, {})


def test_a_spool_that_somebody_removed_is_noticed(place: Place) -> None:
    place.written(LINE).close()
    place.spool.unlink()
    with pytest.raises(SpoolLost):
        place.open()


@pytest.mark.parametrize("lost", ["lose_before_part", "lose_before_end", "lose_objects"])
@pytest.mark.parametrize("times", [1, 2])
def test_an_upload_that_s3_loses_begins_again_from_the_spool(place: Place, lost: str, times: int) -> None:
    setattr(place.s3, lost, times)
    place.written(LONG, LINE).finish()
    assert (place.s3.objects[KEY], place.s3.uploads) == (LONG + LINE, {})
    assert (place.file.done, place.file.upload_id) == (True, "")


def test_an_upload_of_before_a_restart_of_s3_begins_again(place: Place) -> None:
    place.written(LINE).close()
    place.change_file(upload_id="of-a-former-life")
    place.open().finish()
    assert place.s3.objects[KEY] == LINE


def test_an_object_that_s3_took_and_does_not_have_is_put_again(place: Place) -> None:
    place.s3.lose_objects = 1
    place.written(LINE).finish()
    assert place.s3.objects[KEY] == LINE


def test_a_manifest_that_s3_took_and_does_not_have_is_put_again(place: Place) -> None:
    place.s3.lose_objects = 1
    write_manifest(place.job, place.storage)
    assert b'"totalRecordCount":3' in place.s3.objects["/bucket/out/abcdefghijkl/manifest.json.out"]


def test_a_role_that_may_not_look_is_taken_at_its_word(place: Place) -> None:
    place.s3.may_look = False
    place.written(LINE).finish()
    assert place.file.done


def test_a_stop_ends_the_waiting_for_an_s3_that_keeps_nothing(place: Place) -> None:
    place.s3.lose_objects = 1000
    output = place.written(LINE)
    place.store.move(place.job.id, to=Status.STOPPING, only_from=[Status.SCHEDULED], due_in=0)
    with pytest.raises(Interrupted):
        output.finish()
    output.close()


def test_the_look_whether_output_may_be_written_leaves_no_upload(place: Place) -> None:
    file = place.file
    _check_output(file, place.storage)
    assert (place.s3.started, place.s3.uploads, file.upload_id) == (1, {}, "")


def test_an_upload_that_may_not_be_given_up_is_used_for_the_output(place: Place) -> None:
    place.s3.may_abort = False
    file = place.file
    _check_output(file, place.storage)
    place.change_file(upload_id=file.upload_id)
    place.written(LINE).finish()
    assert (place.s3.objects[KEY], place.s3.started, place.s3.uploads) == (LINE, 1, {})


def test_the_uploads_of_a_job_that_ended_are_given_up(place: Place) -> None:
    place.change_file(upload_id=place.storage.start_upload(KEY[8:]))
    place.store.move(place.job.id, to=Status.STOPPED, only_from=[Status.SCHEDULED])
    [ended] = place.store.ended_with_uploads()
    abort_uploads(ended, store=place.store, storage=place.storage)
    assert (place.s3.uploads, place.store.ended_with_uploads()) == ({}, [])


def test_errors_lie_apart_when_they_are_given_apart(place: Place) -> None:
    output = place.open()
    output.append([LINE], errors=[b"error\n"], read_offset=6, counts=Counts(1, 1))
    output.close()
    place.open().finish()
    assert (place.s3.objects[KEY], place.s3.objects[KEY[:-4] + ".err"]) == (LINE, b"error\n")
    assert place.file.records_done == 2


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    check_space(tmp_path, 0)
    with pytest.raises(DiskFull, match=r"must have \d+ MiB \(--min-free-bytes\): free some space"):
        check_space(tmp_path, 1 << 60)


VERSION_1 = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, model_id TEXT NOT NULL, base_model_id TEXT NOT NULL, token TEXT NOT NULL,
    fingerprint TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL,
    submit_time INTEGER NOT NULL, last_modified_time INTEGER NOT NULL, end_time INTEGER,
    expiration_time INTEGER NOT NULL, due_time INTEGER, total INTEGER NOT NULL, success INTEGER NOT NULL,
    error INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    UNIQUE (account, region, name)
);
CREATE TABLE files (
    job_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, output_key TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, records INTEGER NOT NULL, read_offset INTEGER NOT NULL, records_done INTEGER NOT NULL,
    upload_id TEXT NOT NULL, parts TEXT NOT NULL, spool_length INTEGER NOT NULL, done INTEGER NOT NULL,
    PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
INSERT INTO jobs VALUES
    (1, 'a', '1', 'r', 'n', 'm', 'm', '', '', '{}', 'InProgress', '', 1, 1, NULL, 9, 1, 5, 3, 1, 9, 9);
INSERT INTO files VALUES ('a', 0, 'k', 'o', 9, 'e', 5, 7, 4, 'u', '["e"]', 2, 0);
"""


def test_a_job_that_ran_before_an_update_begins_again(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as old:
        old.executescript(VERSION_1)
    for _ in range(2):
        store = Store(tmp_path / "jobs.sqlite3")
        job, [file] = store.get("a"), store.files("a")
        store.close()
        assert job is not None
        assert (job.total, job.counts) == (5, Counts())
        assert (file.read_offset, file.records_done, file.spool_length, file.upload_id) == (0, 0, 0, "u")
