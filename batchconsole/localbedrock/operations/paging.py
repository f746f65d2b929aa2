"""Opaque pagination tokens, valid only for a request with the same filters."""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from batchconsole.localbedrock.errors import ValidationException


class _Token(msgspec.Struct, frozen=True, array_like=True):
    after: int | str
    question: str


def write_token(after: int | str, question: dict[str, Any]) -> str:
    """Return a token for the page after *after* of a request with the parameters *question*."""
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(after, _digest(question)))).decode()


def read_token(token: str, question: dict[str, Any]) -> int | str:
    """Return the position in *token*. Raises :class:`ValidationException` if it was not issued for *question*."""
    try:
        content = msgspec.json.decode(base64.urlsafe_b64decode(token), type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise ValidationException("The provided nextToken is invalid.") from error
    if content.question != _digest(question):
        raise ValidationException("The provided nextToken is invalid: it belongs to a request with other parameters.")
    return content.after


def _digest(question: dict[str, Any]) -> str:
    kept = {name: str(value) for name, value in question.items() if name not in {"nextToken", "maxResults"}}
    return hashlib.sha256(msgspec.json.encode(sorted(kept.items()))).hexdigest()[:16]
