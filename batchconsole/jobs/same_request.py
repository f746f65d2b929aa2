"""A request that is sent twice, for example by a double click, creates one row, which the second request returns.

A row keeps the token of the request that created it, which is unique per user and connection. If two requests arrive at
the same moment, the database lets only one of them through.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError

from batchconsole.jobs.models import Actor, BulkAction, Comparison, Connection, InputSplit, MadeInput, Schedule

Made = TypeVar("Made", MadeInput, BulkAction, Comparison, InputSplit, Schedule)


def made_before(model: type[Made], connection: Connection, actor: Actor, token: str) -> Made | None:
    """Return what the request *token* of *actor* has already created; ``None`` for an empty token."""
    if not token or actor is None:
        return None
    rows: Any = model._base_manager
    found: Made | None = rows.filter(connection=connection, created_by=actor, request_token=token).first()
    return found


def made_once(model: type[Made], connection: Connection, actor: Actor, *, token: str, make: Callable[[], Made]) -> Made:
    """Return the row that *make* creates with *token*, or the row that the same request created before or just now."""
    before = made_before(model, connection, actor, token)
    if before is not None:
        return before
    try:
        return make()
    except IntegrityError:
        before = made_before(model, connection, actor, token)
        if before is None:
            raise
        return before
