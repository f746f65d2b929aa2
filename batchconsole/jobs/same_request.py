"""A request that is sent twice, as by a button pressed twice, makes one row: the second leads to what the first made.

A row keeps the token of the request it was made by, which is unique for a person in a connection. Two requests at the
same moment are told apart by the database, which lets one of them through.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError

from batchconsole.jobs.models import Actor, BulkAction, Connection, MadeInput

Made = TypeVar("Made", MadeInput, BulkAction)


def made_before(model: type[Made], connection: Connection, actor: Actor, token: str) -> Made | None:
    """What the request *token* of *actor* has made already; an empty token tells nothing."""
    if not token or actor is None:
        return None
    rows: Any = model._base_manager
    found: Made | None = rows.filter(connection=connection, created_by=actor, request_token=token).first()
    return found


def made_once(model: type[Made], connection: Connection, actor: Actor, *, token: str, make: Callable[[], Made]) -> Made:
    """What *make* makes, a row with *token*; or what the same request has made before or at the same moment."""
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
