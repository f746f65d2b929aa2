"""What a program is told that a person would read on a page."""

from batchconsole.jobs.errors import UserError


class Missing(UserError):
    """There is no such file or batch in this connection."""
