"""The template context of the S3 chooser, which is a dialog or, without script, part of the page."""

from typing import Any

from django.http import QueryDict

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.s3.browser import PlacePage
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.limits import Limits

# The form fields that have a chooser, and whether the job reads from or writes to that location.
CHOOSERS = {"input_s3_uri": "read", "output_s3_uri": "write"}


def storage_of(request: ConsoleRequest) -> Storage:
    """Return S3 with the rights of the signed-in user."""
    return Storage(request.connection, request.user)


def input_limits(request: ConsoleRequest, chooser: str, asked: QueryDict) -> Limits | None:
    """Return the input limits of the form's model; None unless the chooser is for input and a model is given."""
    if CHOOSERS.get(chooser) != "read" or "model_id" not in asked:
        return None
    return limits_for(request.connection, asked.get("model_id", ""))


def chooser_context(page: PlacePage, chooser: str, *, surface: str) -> dict[str, Any]:
    """Return the context of the chooser's template. *surface* is ``dialog`` or, without script, ``inline``."""
    writes = CHOOSERS[chooser] == "write"
    return {"page": page, "surface": surface, "choose": chooser, "writes": writes}
