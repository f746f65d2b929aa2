"""Find jobs in a table of any size by what no ordinary index covers: parts of their name or model, and their tags.

SQLite keeps trigrams in an FTS5 table and tags in a table of their own, both filled by triggers. PostgreSQL has GIN
indexes: of pg_trgm, where that extension is available, and of the tags. They are created after each migrate, because
SQLite drops a table's triggers whenever Django alters the table. Without them, a search finds the same jobs by reading
every row.
"""

import logging
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from batchconsole.aws.bedrock import job_arn

logger = logging.getLogger(__name__)

SHORTEST = 3  # a shorter text has no trigram
# A text that more jobs than this match is found faster by reading the newest jobs until enough match.
FREQUENT = 10_000
MOST_TOGETHER = 1_000  # jobs with several frequent tags that are selected by key
AWS_ID = re.compile(r"(^|/)[a-z0-9]{12}$")

ADD = "INSERT INTO jobs_search(rowid, job_name, model_id) VALUES (new.id, new.job_name, new.model_id);"
REMOVE = (
    "INSERT INTO jobs_search(jobs_search, rowid, job_name, model_id) "
    "VALUES ('delete', old.id, old.job_name, old.model_id);"
)
# NOCASE ignores the case of ASCII letters only, as does LIKE, which reads rows when there is no index.
PAIRS = "SELECT coalesce(json_extract(value, '$.key'), ''), coalesce(json_extract(value, '$.value'), '')"
ADD_TAGS = f"INSERT OR IGNORE INTO jobs_search_tags {PAIRS}, new.id FROM json_each(new.tags);"
REMOVE_TAGS = (
    "DELETE FROM jobs_search_tags WHERE job_id = old.id "  # noqa: S608 - made of constants
    f"AND (tag_key, tag_value) IN ({PAIRS} FROM json_each(old.tags));"
)
TABLES = {
    "jobs_search": "CREATE VIRTUAL TABLE jobs_search USING fts5(job_name, model_id, "
    "content='jobs_batchjob', content_rowid='id', tokenize='trigram')",
    "jobs_search_tags": "CREATE TABLE jobs_search_tags (tag_key TEXT COLLATE NOCASE, tag_value TEXT COLLATE NOCASE, "
    "job_id INTEGER, PRIMARY KEY (tag_key, tag_value, job_id)) WITHOUT ROWID",
}
TRIGGERS = {
    "jobs_search_added": f"AFTER INSERT ON jobs_batchjob BEGIN {ADD} {ADD_TAGS} END",
    "jobs_search_removed": f"AFTER DELETE ON jobs_batchjob BEGIN {REMOVE} {REMOVE_TAGS} END",
    "jobs_search_changed": f"AFTER UPDATE OF job_name, model_id ON jobs_batchjob BEGIN {REMOVE} {ADD} END",
    "jobs_search_tagged": f"AFTER UPDATE OF tags ON jobs_batchjob BEGIN {REMOVE_TAGS} {ADD_TAGS} END",
}
OBJECTS = TABLES.keys() | TRIGGERS.keys()
DROPS = (
    *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS),
    *(f"DROP TABLE IF EXISTS {name}" for name in TABLES),
)
FILL = (
    "INSERT INTO jobs_search(jobs_search) VALUES ('rebuild')",
    f"INSERT OR IGNORE INTO jobs_search_tags {PAIRS}, job.id FROM jobs_batchjob job, json_each(job.tags)",
)
# Only of jobs: with statistics of the few connections, SQLite would start joins with them and then sort every job.
STATISTICS = ("PRAGMA analysis_limit = 1000", "ANALYZE jobs_batchjob")
# Separate groups: the extension may not be available, and the second index does not need it.
POSTGRESQL = (
    (
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        "CREATE INDEX IF NOT EXISTS jobs_search ON jobs_batchjob "
        "USING gin (UPPER(job_name) gin_trgm_ops, UPPER(model_id) gin_trgm_ops)",
    ),
    ("CREATE INDEX IF NOT EXISTS jobs_search_tags ON jobs_batchjob USING gin (tags jsonb_path_ops)",),
)
FOUND = "SELECT rowid FROM jobs_search WHERE jobs_search MATCH %s"
TAGGED = "SELECT job_id FROM jobs_search_tags WHERE tag_key = %s"
TAGGED_WITH = f"{TAGGED} AND tag_value = %s"
# For a tag that very many jobs have, each row that is read is tested instead.
IS_TAGGED = f"EXISTS ({TAGGED_WITH} AND job_id = jobs_batchjob.id)"
# Goes through the names of each connection in the index of names. From a name that contains the text, it goes on behind
# all names that begin alike up to there, since they contain it too. LIKE and lower() fold the case of ASCII letters.
MOST_STEPS = 1_000
PLACE = "instr(lower(name), lower(%s))"
WALK = f"""
WITH RECURSIVE walk(connection_id, name) AS (
  SELECT id, '' FROM jobs_connection
  UNION ALL
  SELECT connection_id, (
    SELECT min(job_name) FROM jobs_batchjob WHERE connection_id = walk.connection_id AND job_name >
      CASE WHEN {PLACE} THEN substr(name, 1, {PLACE} - 1 + length(%s)) || char(1114111) ELSE name END
  ) FROM walk WHERE name IS NOT NULL
) SELECT name, {PLACE} FROM walk LIMIT %s
"""  # noqa: S608 - made of constants


def condition(text: str, *, using: str) -> Q:
    """Match rows whose name or model contains *text*, in any case, or whose ARN or 12-character id is *text*."""
    text = text.replace("\x00", "")
    database = connections[using]
    indexed = _indexed(database, FOUND, _phrase(text)) if len(text) >= SHORTEST else None
    named = indexed or Q(job_name__icontains=text) | Q(model_id__icontains=text)
    return named | Q(job_arn__in=_arns(text)) if AWS_ID.search(text) else named


def narrowed_by_name(text: str, *, using: str) -> Q:
    """Return a condition for the jobs whose name contains *text* and few others; an empty one if no index helps."""
    if len(text) < SHORTEST or "\x00" in text:
        return Q()
    return _indexed(connections[using], FOUND, f"job_name : {_phrase(text)}") or Q()


def names_without(text: str, *, using: str) -> list[str] | None:
    """Return the names in use that do not contain *text*, in any case; ``None`` if that takes many steps.

    If nearly all jobs of a connection have names that contain the text, this finds the others without reading all.
    """
    database = connections[using]
    if database.vendor != "sqlite":  # elsewhere, the order of texts depends on the collation
        return None
    with database.cursor() as cursor:
        cursor.execute(WALK, [text, text, text, text, MOST_STEPS + 1])
        steps = cursor.fetchall()
    return [name for name, place in steps if name and not place] if len(steps) <= MOST_STEPS else None


def tagged(key: str, value: str | None, *, using: str) -> Q | None:
    """Return the condition that a job has the tag, with any value if *value* is ``None``; ``None`` without an index."""
    database = connections[using]
    if database.vendor == "postgresql":
        return Q(tags__contains=[{"key": key} | ({} if value is None else {"value": value})])
    if value is None:
        return _indexed(database, TAGGED, key)
    if found := _indexed(database, TAGGED_WITH, key, value):
        return found
    if _is_ready(database):
        return Q(RawSQL(IS_TAGGED, [key, value], output_field=BooleanField()))  # noqa: S611 - as in _indexed
    return None


def tagged_with_all(pairs: list[tuple[str, str]], *, using: str) -> Q:
    """Return a condition for the jobs that have all tags of *pairs*, if few do; an empty one if that is not known.

    Of tags that very many jobs have each, but few or none together, the index is read once instead of every job: in
    order, which lets SQLite merge the keys of the tags instead of building a table of them.
    """
    database = connections[using]
    if database.vendor != "sqlite" or not _is_ready(database):
        return Q()
    frequent = [pair for pair in pairs if _is_frequent(database, TAGGED_WITH, pair)]
    if len(frequent) < 2:
        return Q()
    with database.cursor() as cursor:
        cursor.execute(
            f"{' INTERSECT '.join([TAGGED_WITH] * len(frequent))} ORDER BY job_id LIMIT %s",
            [*chain(*frequent), MOST_TOGETHER + 1],
        )
        found = [key for (key,) in cursor.fetchall()]
    return Q(pk__in=found) if len(found) <= MOST_TOGETHER else Q()


def _arns(text: str) -> list[str]:
    """Return the ARNs that *text*, an ARN or the id in one, stands for in any connection."""
    if text.startswith("arn:"):
        return [text]
    places = apps.get_model("jobs", "Connection").objects.values_list("region", "account_id").distinct()
    return [job_arn(region, account_id, text) for region, account_id in places]


def _phrase(text: str) -> str:
    """Quote *text* so that FTS5 takes it literally."""
    return '"' + text.replace('"', '""') + '"'


def _indexed(database: BaseDatabaseWrapper, found: str, *parameters: str) -> Q | None:
    """Return the jobs whose keys the SQL *found* selects; ``None`` without SQLite's index or if there are very many."""
    if not _is_ready(database) or _is_frequent(database, found, parameters):
        return None
    return Q(pk__in=RawSQL(found, parameters))  # noqa: S611 - constant SQL; what people type is a parameter


def _is_ready(database: BaseDatabaseWrapper) -> bool:
    return database.vendor == "sqlite" and _objects(database) >= OBJECTS


def _objects(database: BaseDatabaseWrapper) -> set[str]:
    """Return the names of the search tables and triggers that exist in SQLite."""
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name GLOB 'jobs_search*'")
        return {name for (name,) in cursor.fetchall()}


def _is_frequent(database: BaseDatabaseWrapper, found: str, parameters: tuple[str, ...]) -> bool:
    with database.cursor() as cursor:
        cursor.execute(found + " LIMIT 1 OFFSET %s", [*parameters, FREQUENT])
        return cursor.fetchone() is not None


def make_index(*, using: str, **_: Any) -> None:
    """Create the missing parts of the index and update the statistics; the receiver of ``post_migrate``.

    If the database does not support the index, that is logged.
    """
    database = connections[using]
    if "jobs_batchjob" not in database.introspection.table_names():
        return
    for statements in _missing_in_sqlite(database) if database.vendor == "sqlite" else POSTGRESQL:
        try:
            with transaction.atomic(using=using):
                _run(database, statements)
        except DatabaseError as error:
            logger.info("Jobs are searched without an index: %s", error)
    update_statistics(using=using)


def update_statistics(*, using: str) -> None:
    """Update SQLite's statistics, without which it assumes that any index leaves ten rows. Takes some milliseconds.

    PostgreSQL does this by itself.
    """
    database = connections[using]
    if database.vendor == "sqlite":
        _run(database, STATISTICS)


def _missing_in_sqlite(database: BaseDatabaseWrapper) -> Iterator[tuple[str, ...]]:
    if not _objects(database) >= OBJECTS:
        made = [f"CREATE TRIGGER {name} {body}" for name, body in TRIGGERS.items()]
        yield (*DROPS, *TABLES.values(), *made, *FILL)


def _run(database: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop_index(*, using: str) -> None:
    """Drop SQLite's index before the table is filled in bulk; :func:`make_index` then rebuilds it at a lower cost."""
    _run(connections[using], DROPS)
