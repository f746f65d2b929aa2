"""AWS's messages as the line of a table has them."""

import pytest

from batchconsole.console.templatetags.statuses import brief

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            f"Batch job {ARN} contains less records (20) than the required minimum of: 100",
            "20 records; at least 100 needed",
        ),
        (
            f"Batch job {ARN} contains less records (1) than the required minimum of: 100",
            "1 record; at least 100 needed",
        ),
        (
            "The input file in/a.jsonl contains more records (50001) than the allowed maximum of: 50000",
            "50,001 records; at most 50,000 allowed",
        ),
        (f"Batch job {ARN} could not be read.", "Could not be read."),
        ("Could not validate GetObject permissions", "Could not validate GetObject permissions"),
        ("", ""),
    ],
)
def test_a_message_is_short(message: str, expected: str) -> None:
    assert brief(message) == expected
