"""The races and the sums once more on a real PostgreSQL: transactions see less of each other, and SQL differs."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent


def test_the_same_tests_pass_on_postgresql(database_url: str) -> None:
    """In another process, since Django has one default database."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            str(TESTS / "test_models.py"),
            str(TESTS / "test_audit.py"),
            str(TESTS / "test_migrations.py"),
            str(TESTS / "test_scheduling.py"),
            str(TESTS / "test_waiting.py"),
            str(TESTS / "test_schedules.py"),
            str(TESTS / "test_leases.py"),
            str(TESTS / "test_usage.py"),
            str(TESTS / "test_prices.py"),
            str(TESTS.parent / "console" / "job_list" / "test_properties.py"),
        ],
        env=os.environ | {"BATCHCONSOLE_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        cwd=TESTS.parent.parent,
    )
    assert done.returncode == 0, done.stdout + done.stderr
