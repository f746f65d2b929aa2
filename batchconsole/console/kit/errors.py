"""How a page says an error: its message and what to do."""

from collections.abc import Mapping


def sentences(error: Mapping[str, str]) -> str:
    """Message and hint of an *error*; AWS ends its messages now with a full stop and now without."""
    message, hint = error.get("message", "").strip(), error.get("hint", "").strip()
    stop = "." if message and hint and not message.endswith((".", "!", "?")) else ""
    return f"{message}{stop} {hint}".strip()
