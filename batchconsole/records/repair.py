"""Reading lines that are nearly JSON: an odd byte costs a character, never a record.

What is mended: bytes that are not UTF-8, raw control characters, half a surrogate pair (legal JSON, RFC 8259 section
8.2, which strict readers refuse), an escape JSON does not have, numbers no machine holds, ``NaN`` and ``Infinity``, a
byte-order mark. A member that is nested too deeply is left out and the others are kept.
"""

import json
import re
from typing import Any

import msgspec

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BOM = b"\xef\xbb\xbf"
MOST_DIGITS = 4000  # Python reads no number with more than 4,300

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|u[0-9a-fA-F]{4}"
    r"|[\"\\/bfnrt]"
    r"|(?P<bad>.?))",
    re.DOTALL,
)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)
_decode = msgspec.json.Decoder().decode


def decode(line: bytes) -> Any:
    """The JSON value of *line*, mended where need be; raises ``ValueError`` or ``RecursionError`` when it is none."""
    try:
        return _decode(line)
    except BROKEN as error:
        if isinstance(error, RecursionError):
            raise
    text = _ESCAPE.sub(_mended, line.removeprefix(BOM).decode("utf-8", "replace"))
    return json.loads(text, strict=False, parse_int=_whole)


def has_lone_surrogate(line: bytes) -> bool:
    """Whether a text in the JSON *line* has half of a surrogate pair as an escape."""
    return any(match["lone"] for match in _ESCAPE.finditer(line.decode("utf-8", "replace")))


def _mended(match: re.Match[str]) -> str:
    if match["lone"]:
        return r"\ufffd"
    return match[0] if match["bad"] is None else rf"\ufffd{match['bad']}"


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def decode_object(line: bytes) -> dict[str, Any]:
    """The members of the JSON object *line*; those nested too deeply are left out.

    Raises ``ValueError`` when *line* is no JSON object.
    """
    try:
        found = decode(line)
    except RecursionError:
        found = _shallow_members(line)
    if not isinstance(found, dict):
        raise ValueError("The line is not a JSON object.")
    return found


def record_id(line: bytes) -> str:
    """The recordId of a line that is no JSON object, as when it is cut off; empty when none can be made out."""
    for name, value in _members(line):
        if name == b'"recordId"':
            try:
                found = decode(value)
            except (ValueError, RecursionError):
                return ""
            return found if isinstance(found, str) else ""
    return ""


def _shallow_members(line: bytes) -> dict[str, Any]:
    found = {}
    for name, value in _members(line):
        try:
            found[str(decode(name))] = decode(value)
        except (ValueError, RecursionError):
            continue
    return found


def _members(line: bytes) -> list[tuple[bytes, bytes]]:
    """The members of the object *line* as they are written, without a look at what is inside."""
    found: list[tuple[bytes, bytes]] = []
    depth, name, last, start = 0, b"", b"", -1
    for token in _TOKEN.finditer(line):
        mark = token[0]
        if depth == 1 and start < 0 and mark == b":":
            name, start = last, token.end()
        elif depth == 1 and start >= 0 and mark in (b",", b"}"):
            found.append((name, line[start : token.start()].strip()))
            start = -1
        depth += (mark in (b"[", b"{")) - (mark in (b"]", b"}"))
        last = mark
    return found
