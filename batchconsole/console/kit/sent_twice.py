"""Telling a form that is sent twice from two requests: it carries a token, made when it was opened."""

import re
import secrets
from hashlib import blake2b

from django.http import QueryDict

FIELD = "request_token"
GIVEN_OUT = re.compile("[0-9a-f]{32}")
LEFT_OUT = {"csrfmiddlewaretoken"}  # differs each time it is drawn, and asks for nothing


def new_token() -> str:
    """A fresh token for a form that is opened: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def request_mark(data: QueryDict, *files: str) -> str:
    """The same 32 hexadecimal digits for a form that is sent again as it was; empty for one without a token.

    Whoever goes back and changes something asks for something else. *files* are digests of what came with the form.
    """
    if not GIVEN_OUT.fullmatch(data.get(FIELD, "")):
        return ""
    asked = sorted((name, values) for name, values in data.lists() if name not in LEFT_OUT)
    return blake2b(repr((asked, files)).encode(), digest_size=16).hexdigest()
