"""The create form put aside while its input is being made: what was filled in, kept in the session until it is back."""

from typing import Any

from batchconsole.console.frame.middleware import ConsoleRequest

KEY = "job_form"
MARK = "resume"  # in the query string of a page that goes on from there


def put_aside(request: ConsoleRequest, fields: dict[str, Any]) -> None:
    """Keep *fields*, what the form holds as it was posted."""
    request.session[KEY] = {"connection": request.connection.name, "fields": fields}


def taken_up(request: ConsoleRequest) -> dict[str, Any]:
    """The fields to open the form with, where the URL asks for it; else nothing."""
    kept = request.session.get(KEY) if MARK in request.GET else None
    return dict(kept["fields"]) if kept and kept["connection"] == request.connection.name else {}


def mark(request: ConsoleRequest) -> dict[str, str]:
    """The query string that lets the create form take up what was put aside, if anything was."""
    return {MARK: "1"} if KEY in request.session else {}


def forget(request: ConsoleRequest) -> None:
    request.session.pop(KEY, None)
