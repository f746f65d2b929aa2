"""What a log line is about: the request, the person, the job and the step, as context of the current thread.

Any part of the console may note them here, also those that know nothing of Django.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST_ID, PERSON, JOB_ID, STEP_ID = FIELDS = ("request_id", "person", "job_id", "step_id")
_fields: ContextVar[dict[str, str] | None] = ContextVar("log_fields", default=None)


@contextmanager
def logged_with(**fields: object) -> Iterator[None]:
    """Add *fields* that are neither None nor empty to each log line of the block, besides those that hold already."""
    token = _fields.set({**current(), **_known(fields)})
    try:
        yield
    finally:
        _fields.reset(token)


def note(**fields: object) -> None:
    """Add *fields* to each log line until the innermost :func:`logged_with` ends; without one, do nothing."""
    held = _fields.get()
    if held is not None:
        held.update(_known(fields))


def current() -> Mapping[str, str]:
    """Return what is known of the current request or step."""
    return dict(_fields.get() or {})


def _known(fields: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value is not None and value != ""}
