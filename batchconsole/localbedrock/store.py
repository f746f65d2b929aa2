"""The jobs in SQLite. Every change is one transaction, so a kill at any moment leaves a state that can be resumed."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from batchconsole.localbedrock.jobs import LIVE, Api, Caller, Counts, InputFile, Job, Status

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, model_id TEXT NOT NULL, base_model_id TEXT NOT NULL, token TEXT NOT NULL,
    fingerprint TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL,
    submit_time INTEGER NOT NULL, last_modified_time INTEGER NOT NULL, end_time INTEGER,
    expiration_time INTEGER NOT NULL, due_time INTEGER, total INTEGER NOT NULL, success INTEGER NOT NULL,
    error INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    api TEXT NOT NULL DEFAULT 'bedrock', failure TEXT NOT NULL DEFAULT '{}',
    UNIQUE (account, region, name)
);
CREATE INDEX IF NOT EXISTS jobs_by_token ON jobs (account, region, token);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (status, due_time) WHERE due_time IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_live ON jobs (account, region, base_model_id) WHERE end_time IS NULL;
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (expiration_time) WHERE end_time IS NULL;
CREATE TABLE IF NOT EXISTS tags (
    job_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (job_id, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    job_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, output_key TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, records INTEGER NOT NULL, read_offset INTEGER NOT NULL, records_done INTEGER NOT NULL,
    upload_id TEXT NOT NULL, spool_length INTEGER NOT NULL, done INTEGER NOT NULL,
    error_length INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
-- Every state a job was in, written with the change itself.
CREATE TABLE IF NOT EXISTS state_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL,
    time INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS state_changes_of_job ON state_changes (job_id);
-- The last change that each of those who want to know was told of.
CREATE TABLE IF NOT EXISTS places (channel TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS job_added AFTER INSERT ON jobs BEGIN
    INSERT INTO state_changes (job_id, status, message, time)
    VALUES (new.id, new.status, new.message, new.submit_time);
END;
CREATE TRIGGER IF NOT EXISTS job_changed AFTER UPDATE OF status ON jobs WHEN old.status <> new.status BEGIN
    INSERT INTO state_changes (job_id, status, message, time)
    VALUES (new.id, new.status, new.message, new.last_modified_time);
END;
"""
VERSION = 2
# Migrate from version 1, whose spools held only what was not yet uploaded, so running jobs start again.
FROM_1 = """
ALTER TABLE jobs ADD COLUMN api TEXT NOT NULL DEFAULT 'bedrock';
ALTER TABLE jobs ADD COLUMN failure TEXT NOT NULL DEFAULT '{}';
ALTER TABLE files DROP COLUMN parts;
ALTER TABLE files ADD COLUMN error_length INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET success = 0, error = 0, input_tokens = 0, output_tokens = 0 WHERE end_time IS NULL;
UPDATE files SET read_offset = 0, records_done = 0, spool_length = 0, done = 0
    WHERE job_id IN (SELECT id FROM jobs WHERE end_time IS NULL);
"""
JOB_COLUMNS = Job.__struct_fields__
FILE_COLUMNS = InputFile.__struct_fields__


def _insert(table: str, columns: Sequence[str]) -> str:
    values = ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - the names are constants


INSERT_JOB = _insert("jobs", JOB_COLUMNS[1:])
INSERT_FILE = _insert("files", ("job_id", *FILE_COLUMNS))
UPDATE_FILE = """
UPDATE files SET read_offset = :read_offset, records_done = :records_done, upload_id = :upload_id,
    spool_length = :spool_length, error_length = :error_length, done = :done WHERE job_id = :job_id AND number = :number
"""
PAGE = """
SELECT * FROM jobs WHERE account = :account AND region = :region AND api = :api
    AND (:submitted_after IS NULL OR submit_time > :submitted_after)
    AND (:submitted_before IS NULL OR submit_time < :submitted_before)
    AND (:status IS NULL OR status = :status)
    AND (:name_contains IS NULL OR instr(name, :name_contains) > 0)
"""
DESCENDING = f"{PAGE} AND (:after IS NULL OR seq < :after) ORDER BY seq DESC LIMIT :limit"
ASCENDING = f"{PAGE} AND (:after IS NULL OR seq > :after) ORDER BY seq LIMIT :limit"
WAITING_TOO_LONG = "end_time IS NULL AND expiration_time <= ? AND status IN ('Submitted', 'Validating', 'Scheduled')"
EXPIRED_MESSAGE = "The job expired because it did not start before its timeout."


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs a list shows. Times are milliseconds since 1970 UTC; jobs of exactly that time are excluded."""

    api: Api = "bedrock"
    submitted_after: int | None = None
    submitted_before: int | None = None
    status: str | None = None
    name_contains: str | None = None


class StateChange(msgspec.Struct, frozen=True):
    """A job entered *status* at *time*, in milliseconds since 1970 UTC; *number* counts the changes of all jobs."""

    number: int
    job_id: str
    status: str
    message: str
    time: int


class TokenTaken(Exception):
    """The same request with the same client request token has already created ``job_id``."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class NameTaken(Exception):
    """Another job in the account and region has this name."""


class QuotaReached(Exception):
    """The maximum number of the model's jobs are already in flight."""


def now() -> int:
    """Return the current time in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Store:
    """The database file at *path*. Thread-safe; each change is one transaction."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A power failure may undo the last transactions but cannot corrupt the file. Output is synced before them.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._bring_up_to_date()
        self._connection.executescript(SCHEMA)

    def _bring_up_to_date(self) -> None:
        """Migrate the tables of an earlier version in one transaction, so a kill leaves the old or the new version."""
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        is_new = not self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'jobs'").fetchone()
        if version < VERSION:
            changes = "" if is_new else FROM_1
            self._connection.executescript(f"BEGIN; {changes} PRAGMA user_version = {VERSION}; COMMIT;")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    # Jobs

    def add(self, job: Job, tags: dict[str, str], *, limit: int) -> None:
        """Add *job*. Raises TokenTaken, NameTaken, or QuotaReached if *limit* jobs of the model are in flight."""
        values = _values(job)
        with self._transaction() as connection:
            earlier = connection.execute(
                "SELECT id FROM jobs WHERE account = :account AND region = :region AND token = :token"
                " AND token <> '' AND fingerprint = :fingerprint",
                values,
            ).fetchone()
            if earlier:
                raise TokenTaken(earlier["id"])
            if connection.execute(
                "SELECT 1 FROM jobs WHERE account = :account AND region = :region AND name = :name", values
            ).fetchone():
                raise NameTaken
            live = connection.execute(
                "SELECT count(*) FROM jobs WHERE account = :account AND region = :region"
                " AND base_model_id = :base_model_id AND end_time IS NULL"
                # Custom models have a quota of their own, separate from that of their base model.
                " AND (model_id LIKE '%:custom-model/%') = (:model_id LIKE '%:custom-model/%')",
                values,
            ).fetchone()[0]
            if live >= limit:
                raise QuotaReached
            connection.execute(INSERT_JOB, values)
            _put_tags(connection, job.id, tags)

    def get(self, job_id: str) -> Job | None:
        rows = self._rows("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return _job(rows[0]) if rows else None

    def page(self, caller: Caller, wanted: JobFilter, *, ascending: bool, after: int | None, limit: int) -> list[Job]:
        """Return at most *limit* jobs of *caller* in submit order, after the job with the ``seq`` *after*, if given."""
        values = msgspec.structs.asdict(caller) | msgspec.structs.asdict(wanted) | {"after": after, "limit": limit}
        return [_job(row) for row in self._rows(ASCENDING if ascending else DESCENDING, values)]

    def status(self, job_id: str) -> Status:
        """Return the state of a job that must exist."""
        return Status(self._rows("SELECT status FROM jobs WHERE id = ?", (job_id,))[0]["status"])

    def due(self, statuses: Sequence[Status], *, limit: int, besides: Sequence[str] = ()) -> list[Job]:
        """Return the jobs in *statuses* whose next step is due, longest due first, without those in *besides*."""
        rows = self._rows(
            "SELECT * FROM jobs WHERE due_time <= ? AND status IN (SELECT value FROM json_each(?))"
            " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY due_time, seq LIMIT ?",
            (now(), _json(statuses), _json(besides), limit),
        )
        return [_job(row) for row in rows]

    def move_due(self, status: Status, *, to: Status, due_in: float) -> None:
        """Move every due job in state *status* to state *to*, to be due again in *due_in* seconds."""
        moment = now()
        if self._rows("SELECT 1 FROM jobs WHERE due_time <= ? AND status = ? LIMIT 1", (moment, status)):
            with self._transaction() as connection:
                connection.execute(
                    "UPDATE jobs SET status = ?, due_time = ?, last_modified_time = ?"
                    " WHERE due_time <= ? AND status = ?",
                    (to, moment + int(due_in * 1000), moment, moment, status),
                )

    def expire(self) -> None:
        """End as Expired every job whose timeout passed before it started."""
        moment = now()
        if self._rows(f"SELECT 1 FROM jobs WHERE {WAITING_TOO_LONG} LIMIT 1", (moment,)):  # noqa: S608 - a constant
            with self._transaction() as connection:
                # Only a constant of this module is inserted into the SQL; every value is a parameter.
                connection.execute(
                    "UPDATE jobs SET status = 'Expired', end_time = ?, last_modified_time = ?, due_time = NULL,"  # noqa: S608
                    f" message = ? WHERE {WAITING_TOO_LONG}",
                    (moment, moment, EXPIRED_MESSAGE, moment),
                )

    def move(
        self,
        job_id: str,
        *,
        to: Status,
        only_from: Sequence[Status],
        message: str = "",
        failure: dict[str, Any] | None = None,
        due_in: float | None = None,
    ) -> bool:
        """Move the job to state *to* if it is in one of *only_from*, and say whether it was.

        *due_in* is the number of seconds until its next step, or ``None`` if *to* is a final state.
        """
        moment = now()
        due = None if due_in is None else moment + int(due_in * 1000)
        end = None if to in LIVE else moment
        with self._transaction() as connection:
            return (
                connection.execute(
                    "UPDATE jobs SET status = ?, message = ?, failure = ?, last_modified_time = ?, due_time = ?,"
                    " end_time = ? WHERE id = ? AND status IN (SELECT value FROM json_each(?))",
                    (to, message[:2048], _json(failure or {}), moment, due, end, job_id, _json(only_from)),
                ).rowcount
                == 1
            )

    def schedule(self, job_id: str, files: list[InputFile], *, due_in: float) -> None:
        """Move the job from Validating to Scheduled and add its *files*; do nothing if it is not Validating."""
        moment = now()
        with self._transaction() as connection:
            if connection.execute(
                "UPDATE jobs SET status = 'Scheduled', total = ?, last_modified_time = ?, due_time = ?"
                " WHERE id = ? AND status = 'Validating'",
                (sum(file.records for file in files), moment, moment + int(due_in * 1000), job_id),
            ).rowcount:
                connection.executemany(INSERT_FILE, [_values(file) | {"job_id": job_id} for file in files])

    # Files

    def files(self, job_id: str) -> list[InputFile]:
        """Return the input files of a job in the order in which they are answered."""
        rows = self._rows("SELECT * FROM files WHERE job_id = ? ORDER BY number", (job_id,))
        return [
            msgspec.convert({name: _from_sql(name, row[name]) for name in FILE_COLUMNS}, InputFile, strict=False)
            for row in rows
        ]

    def checkpoint(self, job_id: str, file: InputFile, counts: Counts | None = None) -> Status:
        """Store the progress of *file*, add *counts* to the job, and return the job's current state."""
        added = msgspec.structs.astuple(counts or Counts())
        with self._transaction() as connection:
            connection.execute(UPDATE_FILE, _values(file) | {"job_id": job_id})
            row = connection.execute(
                "UPDATE jobs SET success = success + ?, error = error + ?, input_tokens = input_tokens + ?,"
                " output_tokens = output_tokens + ? WHERE id = ? RETURNING status",
                (*added, job_id),
            ).fetchone()
            return Status(row["status"])

    def live_ids(self) -> set[str]:
        """Return the ids of the jobs that have not ended."""
        return {row["id"] for row in self._rows("SELECT id FROM jobs WHERE end_time IS NULL")}

    def ended_with_uploads(self) -> list[Job]:
        """Return the ended jobs that have left an upload open."""
        rows = self._rows(
            "SELECT * FROM jobs WHERE end_time IS NOT NULL AND id IN (SELECT job_id FROM files WHERE upload_id <> '')"
        )
        return [_job(row) for row in rows]

    # State changes

    def history(self, job_id: str) -> dict[Status, int]:
        """Return when the job entered each state it has been in, in milliseconds since 1970 UTC."""
        rows = self._rows("SELECT status, time FROM state_changes WHERE job_id = ? ORDER BY number", (job_id,))
        return {Status(row["status"]): row["time"] for row in rows}

    def keep_places(self, channels: Sequence[str]) -> None:
        """Keep the positions of *channels* and delete all others; a new channel starts with the next change."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM places WHERE channel NOT IN (SELECT value FROM json_each(?))", (_json(channels),)
            )
            connection.executemany(
                "INSERT OR IGNORE INTO places SELECT ?, ifnull(max(number), 0) FROM state_changes",
                [(channel,) for channel in channels],
            )

    def changes_to_tell(self, channel: str, *, limit: int) -> list[StateChange]:
        """Return the first state changes, at most *limit*, that have not been sent to *channel*."""
        rows = self._rows(
            "SELECT * FROM state_changes WHERE number > (SELECT number FROM places WHERE channel = ?)"
            " ORDER BY number LIMIT ?",
            (channel, limit),
        )
        return [StateChange(row["number"], row["job_id"], row["status"], row["message"], row["time"]) for row in rows]

    def told(self, channel: str, number: int) -> None:
        """Record that *channel* has been sent all changes up to *number*."""
        with self._transaction() as connection:
            connection.execute("UPDATE places SET number = ? WHERE channel = ?", (number, channel))

    # Tags

    def tags(self, job_id: str) -> dict[str, str]:
        return {row["key"]: row["value"] for row in self._rows("SELECT * FROM tags WHERE job_id = ?", (job_id,))}

    def tag(self, job_id: str, tags: dict[str, str], *, limit: int) -> bool:
        """Add or change *tags*. Change nothing and return False if the job would have more than *limit* tags."""
        with self._transaction() as connection:
            if len(self.tags(job_id).keys() | tags.keys()) > limit:
                return False
            _put_tags(connection, job_id, tags)
            return True

    def untag(self, job_id: str, keys: Sequence[str]) -> None:
        with self._transaction() as connection:
            connection.executemany("DELETE FROM tags WHERE job_id = ? AND key = ?", [(job_id, key) for key in keys])


def _put_tags(connection: sqlite3.Connection, job_id: str, tags: dict[str, str]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO tags (job_id, key, value) VALUES (?, ?, ?)",
        [(job_id, key, value) for key, value in tags.items()],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# msgspec learns the types here, in one thread: see batchconsole.records.families.
for _type in (Job, InputFile):
    msgspec.json.Decoder(_type)


def _values(record: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of *record* as values for SQLite."""
    return {
        name: _json(value) if isinstance(value, dict | list) else value
        for name, value in msgspec.structs.asdict(record).items()
    }


def _from_sql(name: str, value: Any) -> Any:
    return msgspec.json.decode(value) if name in {"request", "failure"} else value


def _job(row: sqlite3.Row) -> Job:
    return msgspec.convert({name: _from_sql(name, row[name]) for name in JOB_COLUMNS}, Job)
