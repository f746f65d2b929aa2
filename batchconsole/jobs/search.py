"""Finding jobs by a part of their name or model in a table of any size: an index of three-letter pieces.

SQLite keeps it in an FTS5 table that triggers fill; PostgreSQL in a GIN index of pg_trgm, where that extension may be
had. It is made after each migrate, since SQLite drops a table's triggers whenever Django changes the table. Without it
everything is found all the same, by reading every row.
"""

import logging
import re
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.expressions import RawSQL

from batchconsole.aws.bedrock import job_arn

logger = logging.getLogger(__name__)

SHORTEST = 3  # A shorter text has no three-letter piece.
# A text that more jobs than this have is found faster by reading the newest jobs until enough have it.
FREQUENT = 10_000
AWS_ID = re.compile(r"(^|/)[a-z0-9]{12}$")

TABLE = (
    "CREATE VIRTUAL TABLE jobs_search USING fts5(job_name, model_id, "
    "content='jobs_batchjob', content_rowid='id', tokenize='trigram')"
)
ADD = "INSERT INTO jobs_search(rowid, job_name, model_id) VALUES (new.id, new.job_name, new.model_id);"
REMOVE = (
    "INSERT INTO jobs_search(jobs_search, rowid, job_name, model_id) "
    "VALUES ('delete', old.id, old.job_name, old.model_id);"
)
TRIGGERS = {
    "jobs_search_added": f"AFTER INSERT ON jobs_batchjob BEGIN {ADD} END",
    "jobs_search_removed": f"AFTER DELETE ON jobs_batchjob BEGIN {REMOVE} END",
    "jobs_search_changed": f"AFTER UPDATE OF job_name, model_id ON jobs_batchjob BEGIN {REMOVE} {ADD} END",
}
DROPS = tuple(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS)
REBUILD = "INSERT INTO jobs_search(jobs_search) VALUES ('rebuild')"
# The jobs alone: told that there are few connections, SQLite would begin a join with them, and sort every job after it.
STATISTICS = ("PRAGMA analysis_limit = 1000", "ANALYZE jobs_batchjob")
POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS jobs_search ON jobs_batchjob "
    "USING gin (UPPER(job_name) gin_trgm_ops, UPPER(model_id) gin_trgm_ops)",
)
COUNTED = "SELECT count(*) FROM (SELECT rowid FROM jobs_search WHERE jobs_search MATCH %s LIMIT %s)"
FOUND = "SELECT rowid FROM jobs_search WHERE jobs_search MATCH %s"


def condition(text: str, *, using: str) -> Q:
    """The rows whose name or model contains *text*, whatever its case, or whose ARN or 12-character id it is."""
    text = text.replace("\x00", "")
    database = connections[using]
    if len(text) >= SHORTEST and _is_ready(database) and not _is_frequent(database, text):
        named = Q(pk__in=RawSQL(FOUND, [_phrase(text)]))  # noqa: S611 - the text is a parameter
    else:
        named = Q(job_name__icontains=text) | Q(model_id__icontains=text)
    return named | Q(job_arn__in=_arns(text)) if AWS_ID.search(text) else named


def _arns(text: str) -> list[str]:
    """The ARNs that *text*, an ARN or the id in one, may be in any connection."""
    if text.startswith("arn:"):
        return [text]
    places = apps.get_model("jobs", "Connection").objects.values_list("region", "account_id").distinct()
    return [job_arn(region, account_id, text) for region, account_id in places]


def _phrase(text: str) -> str:
    """*text* as FTS5 takes it literally."""
    return '"' + text.replace('"', '""') + '"'


def _is_ready(database: BaseDatabaseWrapper) -> bool:
    return database.vendor == "sqlite" and {"jobs_search", *TRIGGERS} <= _objects(database)


def _objects(database: BaseDatabaseWrapper) -> set[str]:
    """The names of our table and triggers that SQLite has."""
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name GLOB 'jobs_search*'")
        return {name for (name,) in cursor.fetchall()}


def _is_frequent(database: BaseDatabaseWrapper, text: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute(COUNTED, [_phrase(text), FREQUENT + 1])
        return bool(cursor.fetchone()[0] > FREQUENT)


def make_index(*, using: str, **_: Any) -> None:
    """Make what is missing of the index and look at the table; the receiver of ``post_migrate``.

    A database that cannot have the index is logged.
    """
    database = connections[using]
    if "jobs_batchjob" not in database.introspection.table_names():
        return
    try:
        with transaction.atomic(using=using):
            _make_in_sqlite(database) if database.vendor == "sqlite" else _run(database, POSTGRESQL)
    except DatabaseError as error:
        logger.info("Jobs are searched without an index: %s", error)
    update_statistics(using=using)


def update_statistics(*, using: str) -> None:
    """Let SQLite see how the table's values lie: without, it takes any index to leave ten rows. Some milliseconds.

    PostgreSQL does this by itself.
    """
    database = connections[using]
    if database.vendor == "sqlite":
        _run(database, STATISTICS)


def _make_in_sqlite(database: BaseDatabaseWrapper) -> None:
    there = _objects(database)
    if not there >= {"jobs_search", *TRIGGERS}:
        made = [f"CREATE TRIGGER {name} {body}" for name, body in TRIGGERS.items()]
        _run(database, (*DROPS, *(() if "jobs_search" in there else (TABLE,)), *made, REBUILD))


def _run(database: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop_index(*, using: str) -> None:
    """Take SQLite's index away before the table is filled in bulk; :func:`make_index` makes it anew for less."""
    _run(connections[using], (*DROPS, "DROP TABLE IF EXISTS jobs_search"))
