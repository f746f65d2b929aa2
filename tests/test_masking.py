"""Logs contain no secrets that would let a reader sign in."""

import logging

import pytest

from batchconsole.masking import MaskingFilter, mask_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /login/?sesame=AAAB-x_y HTTP/1.1", "GET /login/?sesame=... HTTP/1.1"),
        ("/login/?next=/a/&sesame=abc&x=1", "/login/?next=/a/&sesame=...&x=1"),
        ("/account/password/reset/link/?key=1-abc-def", "/account/password/reset/link/?key=..."),
        ("/account/password/reset/key/1-abc-def/", "/account/password/reset/key/.../"),
        ("/callback/?code=abc&state=def", "/callback/?code=...&state=..."),
        ("/local/jobs/?monkey=1", "/local/jobs/?monkey=1"),
    ],
)
def test_secrets_in_addresses_are_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


def test_a_record_is_masked_with_its_arguments() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "asked for %s", ("/login/?sesame=abc",), None)
    MaskingFilter().filter(record)
    assert record.getMessage() == "asked for /login/?sesame=..."
