"""Format JSON over several lines for a page, whatever its bytes are.

The text is never parsed into a value, so deep nesting, huge numbers and invalid JSON do not matter. The output is
limited, and so is the time it takes.
"""

import re
from collections.abc import Iterator

import msgspec

MOST_CHARACTERS = 200_000
MOST_INDENT = 40  # levels; deeper lines are indented no further
STEP = "  "

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|.)", re.DOTALL)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CLOSES = {"{": "}", "[": "]"}


class LaidOut(msgspec.Struct, frozen=True):
    """A text to show, and whether its end was cut off."""

    text: str
    is_cut: bool = False


def lay_out(data: bytes, *, most: int = MOST_CHARACTERS) -> LaidOut:
    """Format *data* for a page, in at most *most* characters: JSON with one member per line, other text unchanged.

    Invalid UTF-8 and invisible control characters become U+FFFD. Never raises.
    """
    text = _UNSEEN.sub("\ufffd", data[: most * 4].decode("utf-8", "replace"))
    is_cut = len(data) > most * 4
    if not text.lstrip().startswith(("{", "[")):
        return LaidOut(text[:most], is_cut or len(text) > most)
    pieces: list[str] = []
    size = 0
    for piece in _pieces(text):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return LaidOut("".join(pieces)[:most], is_cut=True)
    return LaidOut("".join(pieces), is_cut)


def _pieces(text: str) -> Iterator[str]:
    tokens = (match[0] for match in _TOKEN.finditer(text))
    depth, following = 0, next(tokens, "")
    while following:
        mark, following = following, next(tokens, "")
        if mark in _CLOSES:
            depth += 1
            if following == _CLOSES[mark]:
                depth -= 1
                yield mark + following
                following = next(tokens, "")
            else:
                yield mark + _line(depth)
        elif mark in ("}", "]"):
            depth = max(depth - 1, 0)
            yield _line(depth) + mark
        elif mark == ",":
            yield mark + _line(depth)
        else:
            yield ": " if mark == ":" else _ESCAPE.sub(_seen, mark)


def _line(depth: int) -> str:
    return "\n" + STEP * min(depth, MOST_INDENT)


def _seen(match: re.Match[str]) -> str:
    """Return the character of a ``\\u`` escape if it is printable and needs no escape in JSON; else the escape."""
    if match[1] is None:
        return match[0]
    first, second = int(match[1], 16), match[2]
    if second and 0xD800 <= first < 0xDC00:
        return chr(0x10000 + (first - 0xD800) * 0x400 + int(second, 16) - 0xDC00)
    rest = f"\\u{second}" if second else ""
    letter = chr(first)
    return (letter if letter.isprintable() and letter not in '"\\' else f"\\u{match[1]}") + rest
