"""Backups: the console's whole state in one file, written while it runs and restored into an empty console.

A backup holds the database, the key that signs sessions, and the uploaded files that no worker has read yet.
If a job was submitted after the backup was made, the restored console submits it again with the same client request
token, and AWS returns the existing job. The next sync finds jobs that were created after the backup.
"""

import json
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from batchconsole.datafolder import DataFolder
from batchconsole.jobs.models import Connection
from batchconsole.jobs.s3 import uploads

VERSION = 1
ABOUT, SQLITE, ROWS, KEY, UPLOADS = "backup.json", "console.sqlite3", "rows.jsonl", "secret_key", "uploads"
# Django creates the first two itself in every database; a session would let its holder in without signing in.
LEFT_OUT = ("contenttypes", "auth.permission", "sessions")


class BackupError(Exception):
    """A backup cannot be made or read; the message says why and what to do."""


def make_backup(path: Path) -> None:
    """Write a backup to the new file *path*, a .tar.gz that only its owner may read. Raises BackupError."""
    if path.exists():
        raise BackupError(f"{path} exists already: choose another name.")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        part.touch(mode=0o600)
        with tarfile.open(part, "w:gz") as tar:
            _add(tar, Path(folder))
        part.rename(path)


def _add(tar: tarfile.TarFile, folder: Path) -> None:
    about = {"version": VERSION, "engine": connection.vendor, "migrations": _applied()}
    _add_bytes(tar, ABOUT, json.dumps(about).encode())
    name = SQLITE if connection.vendor == "sqlite" else ROWS
    copy = folder / name
    copy_sqlite(copy) if connection.vendor == "sqlite" else _dump_rows(copy)
    tar.add(copy, name)
    key = DataFolder(Path(settings.DATA_DIR)).secret_key
    if key.exists():
        tar.add(key, KEY)
    for file in sorted(uploads.folder().iterdir()):
        tar.add(file, f"{UPLOADS}/{file.name}")


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))


def _applied() -> list[str]:
    """Return the migrations applied to the database, each as ``app.name``."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def copy_sqlite(path: Path) -> None:
    """Copy a consistent snapshot of the database without blocking writers."""
    name = str(settings.DATABASES["default"]["NAME"])
    with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)


def _dump_rows(path: Path) -> None:
    """Write a consistent snapshot of the rows, one JSON object per line; times are precise to the millisecond."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        call_command("dumpdata", format="jsonl", output=str(path), exclude=LEFT_OUT, use_natural_foreign_keys=True)


def restore_backup(path: Path) -> None:
    """Restore the backup *path* into this console, which must be empty.

    Raises BackupError if the file is not a usable backup or the console is not empty.
    """
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as folder:
        about = _unpack(path, Path(folder))
        if about["engine"] != connection.vendor:
            raise BackupError(
                f"The backup is one of {about['engine']}, and this console's database is {connection.vendor}. "
                "Set BATCHCONSOLE_DATABASE_URL to a database of the same kind."
            )
        _restore_sqlite(Path(folder) / SQLITE) if connection.vendor == "sqlite" else _load_rows(
            Path(folder) / ROWS, about["migrations"]
        )
        _restore_files(Path(folder))


def _unpack(path: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise BackupError(f"{path} is not a whole backup of Batch Console: {error}") from error
    if about.get("version") != VERSION:
        raise BackupError("A newer release made this backup: restore it with that one.")
    return about


def _restore_sqlite(copy: Path) -> None:
    """Replace the database with *copy* and run ``migrate``, which upgrades a backup made by an older release."""
    name = Path(settings.DATABASES["default"]["NAME"])
    if name.exists() and _is_used():
        raise BackupError(NOT_EMPTY)
    connection.close()
    for extra in ("-wal", "-shm"):
        name.with_name(name.name + extra).unlink(missing_ok=True)
    copy.replace(name)
    call_command("migrate", interactive=False, verbosity=0)


NOT_EMPTY = (
    "This console has been used already, and a backup would replace what is in it. Choose another data folder with "
    "BATCHCONSOLE_DATA_DIR, or another database."
)


def _is_used() -> bool:
    tables = connection.introspection.table_names()
    return User._meta.db_table in tables and (User.objects.exists() or Connection.objects.exists())


def _load_rows(rows: Path, migrations: list[str]) -> None:
    if _is_used():
        raise BackupError(NOT_EMPTY)
    call_command("migrate", interactive=False, verbosity=0)
    if _applied() != migrations:
        raise BackupError("Another release made this backup: restore it with that one, then install this one.")
    with transaction.atomic():
        for model in apps.get_app_config("jobs").get_models():
            model._base_manager.all().delete()  # rows that the migrations created
        call_command("loaddata", str(rows), format="jsonl", verbosity=0)


def _restore_files(folder: Path) -> None:
    key = folder / KEY
    if key.exists():
        key.replace(DataFolder(Path(settings.DATA_DIR)).secret_key)
    for file in sorted((folder / UPLOADS).glob("*")):
        file.replace(uploads.folder() / file.name)
