"""Inputs, splits and schedules made once for each Idempotency-Key: a repeated call returns what the first one made."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from ninja.responses import Status as Answer

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Connection
from batchconsole.jobs.same_request import Made, made_before, made_once

HALF = 16  # hex digits for the key, and as many for the request; together they make a token


def answer_made(
    model: type[Made], connection: Connection, actor: User, *, key: str, asked: Any, make: Callable[..., Made]
) -> Answer[Made]:
    """Call *make* and return what it made with 201; if *key* was used before for the same *asked*, that with 200.

    Raises :class:`UserError` if the key was used for another request.
    """
    if not key:
        return Answer(201, make())
    token = _digits(key) + _digits(json.dumps(asked, sort_keys=True, default=str))
    before = made_before(model, connection, actor, token)
    if before is not None:
        return Answer(200, before)
    of_key = {"connection": connection, "created_by": actor, "request_token__startswith": token[:HALF]}
    rows: Any = model._base_manager
    if rows.filter(**of_key).exists():
        raise UserError("This Idempotency-Key was used for another request.", hint="Send a key of its own with each.")
    make_once = partial(make, request_token=token)
    return Answer(201, made_once(model, connection, actor, token=token, make=make_once))


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:HALF]
