"""Read lines that are almost JSON: an invalid byte costs a character, never a record.

Accepted or repaired: invalid UTF-8, raw control characters, lone surrogates (legal JSON by RFC 8259 section 8.2, but
refused by strict parsers), unknown escapes, oversized numbers, ``NaN`` and ``Infinity``, and a byte-order mark. A
member that is nested too deeply is left out; the others are kept.
"""

import json
import re
from typing import Any

import msgspec

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BOM = b"\xef\xbb\xbf"
MOST_DIGITS = 4000  # Python parses integers of at most 4,300 digits

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|u[0-9a-fA-F]{4}"
    r"|[\"\\/bfnrt]"
    r"|(?P<bad>.?))",
    re.DOTALL,
)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)
_decode = msgspec.json.Decoder().decode


def decode(line: bytes) -> Any:
    """Return the JSON value of *line*, repaired if necessary. Raises ``ValueError`` or ``RecursionError``."""
    try:
        return _decode(line)
    except BROKEN as error:
        if isinstance(error, RecursionError):
            raise
    text = _ESCAPE.sub(_mended, line.removeprefix(BOM).decode("utf-8", "replace"))
    return json.loads(text, strict=False, parse_int=_whole)


def has_lone_surrogate(line: bytes) -> bool:
    """Whether the JSON *line* has an escaped lone surrogate."""
    return any(match["lone"] for match in _ESCAPE.finditer(line.decode("utf-8", "replace")))


def unknown_escape(line: bytes) -> str:
    """Return the first escape in *line* that JSON does not have, such as ``\\x``; empty if there is none."""
    escapes = _ESCAPE.finditer(line.decode("utf-8", "replace"))
    return next((match[0] for match in escapes if match["bad"] is not None), "")


def _mended(match: re.Match[str]) -> str:
    if match["lone"]:
        return r"\ufffd"
    return match[0] if match["bad"] is None else rf"\ufffd{match['bad']}"


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits


def decode_object(line: bytes) -> dict[str, Any]:
    """Return the members of the JSON object *line*, without those nested too deeply.

    Raises ``ValueError`` if *line* is not a JSON object.
    """
    try:
        found = decode(line)
    except RecursionError:
        found = _shallow_members(line)
    if not isinstance(found, dict):
        raise ValueError("The line is not a JSON object.")
    return found


def record_id(line: bytes) -> str:
    """Return the recordId of a broken line, such as one that is cut off; empty if none is found."""
    for name, value in raw_members(line):
        if name == b'"recordId"':
            try:
                found = decode(value)
            except (ValueError, RecursionError):
                return ""
            return found if isinstance(found, str) else ""
    return ""


def _shallow_members(line: bytes) -> dict[str, Any]:
    found = {}
    for name, value in raw_members(line):
        try:
            found[str(decode(name))] = decode(value)
        except (ValueError, RecursionError):
            continue
    return found


def raw_members(line: bytes) -> list[tuple[bytes, bytes]]:
    """Return the raw names and values of the object *line*, without decoding them."""
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
