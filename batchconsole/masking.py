"""Masking of secrets in URLs and headers, such as sign-in links and presigned URLs, so they never reach a log."""

import logging
import re

# The backslash ends a secret too: in a line of JSON it belongs to the next character.
SECRET = re.compile(
    r"(\b(?:sesame|key|token|code|state|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)="
    r"|/password/reset/key/|\bBearer )[^&\s\"'/\\]+"
)
MASK = r"\1..."


def mask_secrets(text: str) -> str:
    """Return *text* with the secrets in its URLs replaced by dots."""
    return SECRET.sub(MASK, text)


class MaskingFilter(logging.Filter):
    """A logging filter that masks every message of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = mask_secrets(message)
        if masked != message:
            record.msg, record.args = masked, None
        return True
