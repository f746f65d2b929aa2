"""What must not be left after the end: open uploads, files in the data folder, a damaged database."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

from batchconsole.aws.session import Target, client
from tests.chaos.scene import BUCKET

# Folders of the data folder in which files only pass through, and files there that stay.
PASSING = ("uploads", "arriving", "bedrock/spool")
STAY = frozenset({"lock"})


def find_open_uploads(target: Target) -> Iterator[str]:
    """Yield the multipart uploads that nobody has finished or aborted."""
    for upload in client(target, "s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        yield f"the upload {upload['UploadId']} of s3://{BUCKET}/{upload['Key']} is open"


def find_stray_files(folder: Path) -> Iterator[str]:
    """Yield the files that should have gone, by their paths in the data folder."""
    for name in PASSING:
        for path in (folder / name).rglob("*"):
            if path.is_file() and path.name not in STAY:
                yield f"{path.relative_to(folder)} is left"
    for path in folder.glob("*.new"):
        yield f"{path.name} is left"


def find_damage(folder: Path) -> Iterator[str]:
    """Yield what the databases' own checks find. Nothing else may use them meanwhile."""
    if connection.vendor == "sqlite":
        yield from sqlite_damage(Path(settings.DATABASES["default"]["NAME"]))
    else:
        yield from postgresql_damage()
    for path in (folder / "bedrock").glob("*.sqlite3"):
        yield from sqlite_damage(path)


def sqlite_damage(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as database:
        for (said,) in database.execute("PRAGMA integrity_check"):
            if said != "ok":
                yield f"{path.name}: {said}"
        for table, rowid, parent, _ in database.execute("PRAGMA foreign_key_check"):
            yield f"{path.name}: row {rowid} of {table} points to no row of {parent}"


def postgresql_damage() -> Iterator[str]:
    """Read every table whole, by which PostgreSQL meets each damaged page, and check every constraint again."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(t::text) FROM {connection.ops.quote_name(table)} t")
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
        )
        yield from (f"the index {name} is not valid" for (name,) in cursor.fetchall())
    connection.check_constraints()
