"""Keep the entries of the create form in the session while the user makes its input on another page."""

from typing import Any

from batchconsole.console.frame.middleware import ConsoleRequest

KEY = "job_form"
MARK = "resume"  # in the query string: continue with the entries that were put aside


def put_aside(request: ConsoleRequest, fields: dict[str, Any]) -> None:
    """Keep *fields*, the posted values of the form."""
    request.session[KEY] = {"connection": request.connection.name, "fields": fields}


def taken_up(request: ConsoleRequest) -> dict[str, Any]:
    """Return the kept fields if the URL asks for them and they belong to its connection, else an empty dict."""
    kept = request.session.get(KEY) if MARK in request.GET else None
    return dict(kept["fields"]) if kept and kept["connection"] == request.connection.name else {}


def mark(request: ConsoleRequest) -> dict[str, str]:
    """Return the query parameters that restore the create form, or an empty dict if nothing was put aside."""
    return {MARK: "1"} if KEY in request.session else {}


def forget(request: ConsoleRequest) -> None:
    request.session.pop(KEY, None)
