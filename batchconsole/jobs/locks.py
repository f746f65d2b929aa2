"""The one order in which transactions lock rows, so that no two of them wait for each other on PostgreSQL.

1. The connection's row, by ``Connection.objects.lock``, ``BatchJob.locked`` or ``BatchJob.transition`` to an end.
2. Budgets, by their keys.
3. Jobs, by their keys; more than one only by who holds the connection.
4. Rows of work: checks, made inputs, bulk actions, copies of output. One at a time.
5. A notification channel's row, then those of its deliveries.

A transaction that locks several takes them in this order; one that locks a single row may take any. A row that points
to a job locks it too, lightly, but enough to wait for who gives that job its ARN: a column of a unique index. So rows
that point to many jobs are added by who holds the connection. Tests watch each transaction's statements with
:class:`Watch`.
"""

import re
from dataclasses import dataclass, field

# Tables by their rank; those of one rank are not locked together.
ORDER: tuple[frozenset[str], ...] = (
    frozenset({"jobs_connection"}),
    frozenset({"jobs_budget"}),
    frozenset({"jobs_batchjob"}),
    frozenset({"jobs_inputcheck", "jobs_madeinput", "jobs_bulkaction", "jobs_outputcopy"}),
    frozenset({"jobs_notificationchannel"}),
    frozenset({"jobs_delivery"}),
)
RANKS = {table: rank for rank, tables in enumerate(ORDER) for table in tables}
# Each row points to one of many jobs.
POINTERS = frozenset({"jobs_bulkactionitem", "jobs_batchjob_merges", "jobs_madeinput_merges"})
LOCKS = re.compile(r'(?:UPDATE|DELETE FROM) "(\w+)"|SELECT .* FROM "(\w+)".* FOR (?:NO KEY )?UPDATE', re.DOTALL)
INSERTS = re.compile(r'INSERT (?:OR IGNORE )?INTO "(\w+)"')


@dataclass
class Watch:
    """What one transaction has locked so far, by its statements."""

    held: list[str] = field(default_factory=list)

    def violation(self, sql: str) -> str:
        """What is wrong with locking what *sql* locks now, in a sentence; empty when it keeps the order."""
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
