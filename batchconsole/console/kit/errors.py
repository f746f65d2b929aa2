"""Error messages for pages: the message and the hint."""

from collections.abc import Mapping
from typing import Protocol


class HintedError(Protocol):
    """An error with its message as text and a hint on what to do: ``AwsError``, ``UserError``, ``TableError`` ..."""

    @property
    def hint(self) -> str: ...


def sentences(error: HintedError | Mapping[str, str]) -> str:
    """Return the message and the hint of *error*, which may also be a stored error.

    Some AWS messages end with a full stop and some do not.
    """
    if isinstance(error, Mapping):
        message, hint = error.get("message", "").strip(), error.get("hint", "").strip()
    else:
        message, hint = str(error).strip(), error.hint.strip()
    stop = "." if message and hint and not message.endswith((".", "!", "?")) else ""
    return f"{message}{stop} {hint}".strip()
