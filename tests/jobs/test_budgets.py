"""What a long step may use: a bomb ends its step with a sentence, and its worker goes on."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from batchconsole.jobs.budgets import bounded
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, Connection
from tests.jobs.conftest import make_job

AT_ONCE = timedelta(milliseconds=50)
BOMB = """
import django
django.setup()
from batchconsole.jobs import budgets
from batchconsole.jobs.errors import UserError
budgets.limit_memory()
try:
    with budgets.bounded(None):
        hoard = [bytearray(1 << 24) for _ in range(256)]
except UserError as error:
    print(error.message, error.hint)
print(len(bytes(1 << 20)))
"""


def go_on(time: timedelta, *, but_for: type[BaseException] = KeyError) -> None:
    """Work for ever, whatever *but_for* goes wrong."""
    with bounded(time):
        while True:
            with suppress(but_for):
                timezone.now()


def test_what_takes_too_long_ends_with_a_sentence() -> None:
    with pytest.raises(UserError, match="longer than a worker may take"):
        go_on(AT_ONCE)


def test_code_that_catches_everything_does_not_outlast_its_time() -> None:
    with pytest.raises(UserError, match="longer than a worker may take"):
        go_on(AT_ONCE, but_for=Exception)


def test_who_is_in_time_hears_no_alarm() -> None:
    with bounded(timedelta(hours=1)):
        pass
    with bounded(None):
        pass


def test_a_bomb_is_refused_the_memory_and_the_process_lives() -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "batchconsole.settings",
        "BATCHCONSOLE_STEP_MEMORY_MIB": "512",
    }
    command = [sys.executable, "-c", BOMB]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said, alive = done.stdout.splitlines()
    assert said.startswith("Reading this takes more memory than a worker may use (0.5 GiB).")
    assert alive == str(1 << 20)


@pytest.mark.django_db
def test_a_step_that_used_up_its_time_fails_once_and_for_all(
    nowhere: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.STEP_TIME", AT_ONCE)
    failures: list[Failure] = []

    def never_ends(job: BatchJob, lease: Lease) -> None:
        while True:
            timezone.now()

    long = step(BatchJob, queue=SCAN)(never_ends)
    long.waits = {}
    long.on_failure(lambda job, lease, error: failures.append(error))
    job = make_job(nowhere)
    assert long._do(job, Lease(long, job, "", timezone.now()), {}) is None
    assert isinstance(failures[0], UserError)
