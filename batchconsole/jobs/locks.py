"""The one order in which transactions lock rows, so that they never deadlock on PostgreSQL.

1. The connection's row, by ``Connection.objects.lock``, ``BatchJob.locked`` or ``BatchJob.transition`` to an end.
2. Budgets, in order of their keys.
3. Jobs, in order of their keys; several jobs only while the connection is locked.
4. Rows of work: checks, made inputs, splits, bulk actions, copies of output, schedules, OpenAI batches. One at a time;
   comparisons in order of their keys.
5. A notification channel's row, then those of its deliveries.

A transaction that locks several rows takes them in this order; one that locks a single row may take any. Inserting a
row that points to a job also locks that job, weakly, but enough to wait for a transaction that sets the job's ARN, a
column of a unique index. So rows that point to many jobs are inserted only while the connection is locked. Tests watch
the statements of each transaction with :class:`Watch`.
"""

import re
from dataclasses import dataclass, field

# Tables by rank; tables of the same rank are not locked together.
ORDER: tuple[frozenset[str], ...] = (
    frozenset({"jobs_connection"}),
    frozenset({"jobs_budget"}),
    frozenset({"jobs_batchjob"}),
    frozenset(
        {
            "jobs_inputcheck",
            "jobs_madeinput",
            "jobs_inputsplit",
            "jobs_bulkaction",
            "jobs_outputcopy",
            "jobs_schedule",
            "jobs_openaibatch",
            "jobs_comparison",
        }
    ),
    frozenset({"jobs_notificationchannel"}),
    frozenset({"jobs_delivery"}),
)
RANKS = {table: rank for rank, tables in enumerate(ORDER) for table in tables}
# Tables whose rows each point to a job, and of which many rows are inserted together.
POINTERS = frozenset(
    {
        "jobs_bulkactionitem",
        "jobs_openaibatchjob",
        "jobs_batchjob_merges",
        "jobs_madeinput_merges",
        "jobs_comparedjob",
    }
)
LOCKS = re.compile(r'(?:UPDATE|DELETE FROM) "(\w+)"|SELECT .* FROM "(\w+)".* FOR (?:NO KEY )?UPDATE', re.DOTALL)
INSERTS = re.compile(r'INSERT (?:OR IGNORE )?INTO "(\w+)"')


@dataclass
class Watch:
    """The locks that one transaction has taken so far, derived from its statements."""

    held: list[str] = field(default_factory=list)

    def violation(self, sql: str) -> str:
        """Return a sentence about how the locks of *sql* violate the order; empty if they keep it."""
        added = INSERTS.match(sql)
        if added and added[1] in POINTERS and "jobs_connection" not in self.held:
            return f"{added[1]} points to many jobs, so the connection is locked first: {sql}"
        found = LOCKS.match(sql)
        table = (found[1] or found[2]) if found else ""
        if table not in RANKS or table in self.held:
            return ""
        later = [each for each in self.held if RANKS[each] >= RANKS[table]]
        self.held.append(table)
        return f"{table} is locked after {', '.join(later)}: {sql}" if later else ""
