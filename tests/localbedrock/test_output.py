"""The places where a kill hurts most, forced one by one: between a step on S3 or the disk and its transaction."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from batchconsole.localbedrock.jobs import Counts, InputFile, Job, Status
from batchconsole.localbedrock.output import PART_BYTES, OutputFile, SpoolLost
from batchconsole.localbedrock.patience import Patience
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.storage import Storage
from batchconsole.localbedrock.store import Store, now
from tests.conftest import ACCOUNT, REGION
from tests.localbedrock.stack import CREDENTIALS, Workspace

LINE = b'{"recordId": "1"}\n'
LONG = b"x" * (PART_BYTES + 1) + b"\n"


class Place:
    """A job Scheduled with one file, its store, its view of S3 and its spool; what a restart begins from."""

    def __init__(self, workspace: Workspace, aws_url: str, folder: Path) -> None:
        self._workspace = workspace
        self._settings = Settings(aws_endpoint_url=aws_url)
        self._folder = folder
        self.store = Store(folder / "jobs.sqlite3")
        self.job = self._add_job()
        self.storage = Storage(self.job, self._settings, Patience(self.store, self.job, threading.Event()))
        key = f"{self.storage.output_folder}a.jsonl.out"
        file = InputFile(number=0, key="a.jsonl", output_key=key, size=9, etag="e", records=3)
        self.store.schedule(self.job.id, [file], due_in=3600)

    def _add_job(self) -> Job:
        moment = now()
        job = Job(
            id="abcdefghijkl",
            account=ACCOUNT,
            region=REGION,
            name="a",
            model_id="m",
            base_model_id="m",
            request=self._workspace.request("s3://bucket/in/"),
            submit_time=moment,
            last_modified_time=moment,
            expiration_time=moment + 3_600_000,
            due_time=None,
            status=Status.VALIDATING,
        )
        self.store.add(job, {}, limit=1)
        return job

    @property
    def file(self) -> InputFile:
        """The file as the database has it: all that is left after a kill."""
        return self.store.files(self.job.id)[0]

    def open(self) -> OutputFile:
        return OutputFile(self.job.id, self.file, store=self.store, storage=self.storage, folder=self._folder)

    def spool(self, part: int = 1) -> Path:
        return self._folder / f"0-{part}"

    def content(self) -> bytes:
        return self._workspace.read(self.file.output_key)


@pytest.fixture
def place(workspace: Workspace, aws_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    made = Place(workspace, aws_endpoint, tmp_path)
    yield made
    made.store.close()


def test_what_was_written_but_not_counted_is_cut_off(place: Place) -> None:
    output = place.open()
    output.append([LINE], read_offset=3, counts=Counts(1))
    output.close()
    with place.spool().open("ab") as spool:
        spool.write(LINE + b'{"half')
    again = place.open()
    again.append([LINE], read_offset=6, counts=Counts(1))
    again.finish()
    assert place.content() == LINE * 2
    counted = place.store.get(place.job.id)
    assert counted is not None
    assert counted.success == 2


def test_a_part_uploaded_but_not_counted_replaces_itself(place: Place) -> None:
    output = place.open()
    output.append([LINE], read_offset=3, counts=Counts(1))
    upload_id = place.storage.start_upload(place.file.output_key)
    place.store.checkpoint(place.job.id, msgspec.structs.replace(place.file, upload_id=upload_id))
    place.storage.upload_part(place.file.output_key, upload_id, 1, b"of a former life")
    output.close()
    place.open().finish()
    assert place.content() == LINE


def test_an_object_completed_but_not_counted_is_completed_again(place: Place) -> None:
    output = place.open()
    output.append([LONG], read_offset=3, counts=Counts(1))
    assert (len(place.file.parts), place.file.spool_length) == (1, 0)
    output.append([LINE], read_offset=6, counts=Counts(1))
    output.finish()
    place.store.checkpoint(place.job.id, msgspec.structs.replace(place.file, done=False))
    place.open().finish()
    assert place.file.done
    assert place.content() == LONG + LINE


def test_an_output_put_whole_but_not_counted_is_put_again(place: Place) -> None:
    output = place.open()
    output.append([LINE], read_offset=3, counts=Counts(1))
    before = place.file
    output.finish()
    place.store.checkpoint(place.job.id, before)
    place.spool().write_bytes(LINE)
    place.open().finish()
    assert place.content() == LINE


def test_a_spool_of_the_part_before_does_not_matter(place: Place) -> None:
    output = place.open()
    output.append([LONG], read_offset=3, counts=Counts(1))
    output.close()
    place.spool(1).write_bytes(LONG)
    again = place.open()
    again.append([LINE], read_offset=6, counts=Counts(1))
    again.finish()
    assert place.content() == LONG + LINE


def test_a_spool_that_somebody_removed_is_noticed(place: Place) -> None:
    output = place.open()
    output.append([LINE], read_offset=3, counts=Counts(1))
    output.close()
    place.spool().unlink()
    with pytest.raises(SpoolLost):
        place.open()
