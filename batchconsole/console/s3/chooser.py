"""The chooser of a place in S3, in a dialog or, without script, inside the page: what its template needs."""

from typing import Any

from django.http import QueryDict

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.s3.browser import PlacePage
from batchconsole.jobs.limits import limits_for
from batchconsole.jobs.storage import Storage
from batchconsole.records.limits import Limits

# What the chooser is for: the form's field, and whether the job reads there or writes.
CHOOSERS = {"input_s3_uri": "read", "output_s3_uri": "write"}


def storage_of(request: ConsoleRequest) -> Storage:
    """S3 as the person of *request* may use it."""
    return Storage(request.connection, request.user)


def input_limits(request: ConsoleRequest, chooser: str, asked: QueryDict) -> Limits | None:
    """The limits that a job's input is held against, those of the model the form names; ``None`` for any other page."""
    if CHOOSERS.get(chooser) != "read" or "model_id" not in asked:
        return None
    return limits_for(request.connection, asked.get("model_id", ""))


def chooser_context(page: PlacePage, chooser: str, *, surface: str) -> dict[str, Any]:
    """What the chooser's template needs. *surface* is ``dialog`` or, without script, ``inline``."""
    writes = CHOOSERS[chooser] == "write"
    return {"page": page, "surface": surface, "choose": chooser, "writes": writes}
