"""Backup and restore into another console: every row is restored, and each job keeps its token."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from batchconsole.setup.paths import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
SEED = """
import django
django.setup()
from django.contrib.auth.models import Group, User
from batchconsole.jobs.models import BatchJob, Connection, Event, Grant, Role
person = User.objects.create_user("ada", password="correct horse battery staple")
person.groups.add(Group.objects.create(name="Team"))
connection = Connection.objects.create(name="prod", title="Produktion \\u00e4", region="us-east-1")
job = BatchJob.objects.create(connection=connection, created_by=person, job_name="nightly", model_id="m",
    client_request_token="token-1", tags=[{"key": "team", "value": "a"}])
job.record("created", actor=person, data={"a": ["\\u0001", 2]})
Grant.objects.create(user=person, role=Role.objects.get(name="Submitter"), connection=connection)
"""
TELL = """
import django
django.setup()
from django.contrib.auth.models import User
from batchconsole.jobs.models import BatchJob, Event, Grant, Role
job = BatchJob.objects.select_related("connection", "created_by").get()
event = Event.objects.filter(job=job).get()
print(job.pk, job.status, job.client_request_token, job.connection.title, job.created_by, job.tags)
print(job.due_at.isoformat(timespec="milliseconds"))
print(event.verb, event.actor, event.data, event.at.isoformat(timespec="milliseconds"))
print(User.objects.get().check_password("correct horse battery staple"), User.objects.get().groups.get())
print(Grant.objects.get(), sorted(Role.objects.values_list("name", flat=True)))
print(BatchJob.objects.create(connection=job.connection, job_name="next", model_id="m").pk > job.pk)
"""


@pytest.fixture
def new_database_url(database_url: str) -> Callable[[], str]:
    """Make databases in this session's PostgreSQL server and return their URLs."""

    def make() -> str:
        name = f"backup_{uuid4().hex}"
        with psycopg.connect(database_url, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def consoles(request: pytest.FixtureRequest, tmp_path: Path) -> list[Run]:
    """Two consoles, each with its own data folder and database; the first is migrated and has rows."""
    make: Callable[[], str] = request.getfixturevalue("new_database_url") if request.param == "postgresql" else str

    def console(name: str) -> Run:
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "batchconsole.settings",
            "BATCHCONSOLE_DATA_DIR": str(folder),
            "BATCHCONSOLE_DATABASE_URL": make() or f"sqlite:///{folder / 'console.sqlite3'}",
            "BATCHCONSOLE_SECRET_KEY": "k" * 64,
        }

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, *arguments]
            return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

        return run

    first, second = console("first"), console("second")
    done = first("manage.py", "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    done = first("-c", SEED)
    assert done.returncode == 0, done.stderr
    return [first, second]


def test_what_was_backed_up_is_there_again(consoles: list[Run], tmp_path: Path) -> None:
    first, second = consoles
    file = tmp_path / "backup.tar.gz"
    upload = tmp_path / "first" / "uploads" / ("a" * 32)
    upload.parent.mkdir(exist_ok=True)
    upload.write_text("rows")
    done = first("manage.py", "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    done = second("manage.py", "restore", str(file))
    assert done.returncode == 0, done.stderr
    before, after = first("-c", TELL), second("-c", TELL)
    assert before.returncode == 0, before.stderr
    assert after.stdout == before.stdout
    assert (tmp_path / "second" / "uploads" / ("a" * 32)).read_text() == "rows"
    again = second("manage.py", "restore", str(file))
    assert again.returncode == 1
    assert "has been used already" in again.stderr
    taken = first("manage.py", "backup", str(file))
    assert "exists already" in taken.stderr


def test_half_a_backup_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "half.tar.gz"
    file.write_bytes(b"\x1f\x8b not gzip")
    environment = os.environ | {"BATCHCONSOLE_DATA_DIR": str(tmp_path), "BATCHCONSOLE_SECRET_KEY": "k" * 64}
    environment |= {"DJANGO_SETTINGS_MODULE": "batchconsole.settings"}
    command = [sys.executable, "manage.py", "restore", str(file)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not a whole backup" in done.stderr
    assert "Traceback" not in done.stderr
