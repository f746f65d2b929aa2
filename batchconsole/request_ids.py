"""Ids of requests, which pages and programs share. Independent of Django, as the web server's refusals are."""

import re
import secrets

ID = "batchconsole.request_id"  # in the request's META
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def new_request_id() -> str:
    """Return a random id in the form that AWS uses, a lower-case UUID."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
