"""Secrets that travel in addresses never reach a log: sign-in links, and links that set a new password."""

import logging
import re

SECRET = re.compile(r"(\b(?:sesame|key|token|code|state)=|/password/reset/key/)[^&\s\"'/]+")
MASK = r"\1..."


def mask_secrets(text: str) -> str:
    """*text* with the secrets in its addresses replaced by dots."""
    return SECRET.sub(MASK, text)


class MaskingFilter(logging.Filter):
    """Masks whatever a handler is about to write."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = mask_secrets(message)
        if masked != message:
            record.msg, record.args = masked, None
        return True
