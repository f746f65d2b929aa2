"""How a page says an error: its message and what to do."""

from collections.abc import Mapping
from typing import Protocol


class HintedError(Protocol):
    """An error whose text is its message, and which says what to do: ``AwsError``, ``UserError``, ``TableError`` ..."""

    @property
    def hint(self) -> str: ...


def sentences(error: HintedError | Mapping[str, str]) -> str:
    """Message and hint of an *error*, or of one as it is stored.

    AWS ends its messages now with a full stop and now without.
    """
    if isinstance(error, Mapping):
        message, hint = error.get("message", "").strip(), error.get("hint", "").strip()
    else:
        message, hint = str(error).strip(), error.hint.strip()
    stop = "." if message and hint and not message.endswith((".", "!", "?")) else ""
    return f"{message}{stop} {hint}".strip()
