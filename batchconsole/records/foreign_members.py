"""The members of an object in a foreign line, taken one by one, so that none is dropped silently."""

from typing import Any

Body = dict[str, Any]
LEFT_OUT = frozenset({"model", "anthropic_version"})  # the job names the model, and the record has another format
# Values that equal the default, so that the member has no effect.
NO_EFFECT: dict[str, tuple[Any, ...]] = {
    "background": (False,),
    "best_of": (1,),
    "echo": (False,),
    "encoding_format": ("float",),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default", "standard_only"),
    "store": (False,),
    "stream": (False,),
    "text": ({"format": {"type": "text"}},),
    "thinking": ({"type": "disabled"},),
    "tools": ([],),
    "top_logprobs": (0,),
    "truncation": ("disabled",),
}


class Unreadable(ValueError):
    """The line cannot be read in its format; ``str(error)`` says why, ``hint`` says what to do."""

    hint = "Change the line, or take the member out of it."


def says_nothing(name: str, value: Any) -> bool:
    return (
        value is None
        or name in LEFT_OUT
        or any((value == silent and type(value) is not bool) or value is silent for silent in NO_EFFECT.get(name, ()))
    )


class Members:
    """The members of an object in the line, taken one by one; ``rest`` holds those not taken yet."""

    def __init__(self, path: str, members: Any) -> None:
        if not isinstance(members, dict):
            raise Unreadable(f"Its {path} is not an object.")
        self.path = path
        self.rest = {name: value for name, value in members.items() if value is not None}

    def take(self, name: str, *kinds: type, needed: bool = False) -> Any:
        """Take the member *name*; ``None`` if missing.

        Raises :class:`Unreadable` if it is *needed* and missing, or of another type.
        """
        value = self.rest.pop(name, None)
        if value is None and needed:
            raise Unreadable(f"Its {self.path}.{name} is missing.")
        is_kind = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if value is not None and not is_kind:
            raise Unreadable(f"Its {self.path}.{name} is not {_KINDS[kinds[0]]}.")
        return value

    def list(self, name: str) -> "list[Members]":
        """Take the list *name* and return its objects."""
        items = self.take(name, list) or []
        return [Members(f"{self.path}.{name}[{number}]", item) for number, item in enumerate(items)]

    def end(self) -> None:
        """Raise :class:`Unreadable` if a member with an effect was not taken: it has no place in a record."""
        for name, value in self.rest.items():
            if not says_nothing(name, value):
                raise Unreadable(f"Its {self.path} has {name}, which has no place in the record.")


_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    bool: "a truth value",
}


def require_messages(messages: list[Body], path: str) -> None:
    if not messages:
        raise Unreadable(f"Its {path} is missing or empty.")
