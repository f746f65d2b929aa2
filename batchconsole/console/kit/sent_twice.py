"""Recognize a form that is sent twice: it carries a token created when the form was opened."""

import re
import secrets
from hashlib import blake2b

from django.http import QueryDict

FIELD = "request_token"
GIVEN_OUT = re.compile("[0-9a-f]{32}")
LEFT_OUT = {"csrfmiddlewaretoken"}  # differs on every rendering and is not part of the request


def new_token() -> str:
    """Return a new token for a form: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def request_mark(data: QueryDict, *files: str) -> str:
    """Return a digest of the form: the same 32 hexadecimal digits if it is sent again unchanged; empty without a token.

    A form that was changed in between counts as a new request. *files* are digests of the uploaded files.
    """
    if not GIVEN_OUT.fullmatch(data.get(FIELD, "")):
        return ""
    asked = sorted((name, values) for name, values in data.lists() if name not in LEFT_OUT)
    return blake2b(repr((asked, files)).encode(), digest_size=16).hexdigest()
