"""The quota of uploads: what counts, and what makes room again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.s3 import uploads

ADA, BOB = 1, 11
DIES = """
import fcntl, os, sys
file = open(sys.argv[1], "x+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write("90")
file.flush()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR, settings.UPLOAD_QUOTA_BYTES = tmp_path, 100
    return tmp_path


def kept(size: int, owner: int = ADA) -> str:
    path = uploads.folder() / "arriving.upload"
    path.write_bytes(b"x" * size)
    return uploads.keep(path, owner)


def is_refused(size: int, owner: int = ADA) -> bool:
    try:
        with uploads.reserved(owner, size):
            return False
    except UserError:
        return True


def test_the_refusal_says_what_is_there_and_what_to_do() -> None:
    kept(60)
    with pytest.raises(UserError, match=r"100\sbytes together\. They have 60\sbytes, and this one has 50") as refused:
        kept(50)
    assert "deleted after a day" in refused.value.hint


def test_kept_files_and_requests_on_their_way_count_together() -> None:
    kept(30)
    with uploads.reserved(ADA, 30):
        assert not is_refused(40)
        assert is_refused(41)
    assert not is_refused(70)


def test_each_person_has_a_quota_of_their_own() -> None:
    kept(90, BOB)
    assert not is_refused(100, ADA)
    assert is_refused(11, BOB)


def test_a_forgotten_file_makes_room() -> None:
    token = kept(90)
    uploads.forget(token)
    assert not is_refused(100)


def test_a_file_of_yesterday_makes_room() -> None:
    os.utime(uploads.path_of(kept(90)), (1, 1))
    assert not is_refused(100)


def test_a_request_whose_process_was_killed_counts_no_more(data_folder: Path) -> None:
    with uploads.reserved(ADA, 1):
        pass
    left = data_folder / "arriving" / f"{'0' * 32}.{ADA}"
    subprocess.run([sys.executable, "-c", DIES, left], check=False)
    assert left.exists()
    assert not is_refused(100)
    assert not left.exists()


def test_no_quota_refuses_nothing(settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = 0
    assert not is_refused(1 << 40)


def test_a_file_that_was_kept_before_there_were_owners_is_found() -> None:
    (uploads.folder() / ("a" * 32)).write_bytes(b"x")
    assert uploads.path_of("a" * 32).read_bytes() == b"x"
