"""The ways to write down a place in S3: each becomes its URI, and what is none stays as it was typed."""

import pytest

from batchconsole.aws.s3_addresses import s3_uri

KEY = "s3://my-prompts/a/b.jsonl"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (KEY, KEY),
        (f"  {KEY}\n", KEY),
        (f"'{KEY}'", KEY),
        (f"\u201c{KEY}\u201d", KEY),
        ("S3://my-prompts/a/b.jsonl", KEY),
        ("s3a://my-prompts/a/b.jsonl", KEY),
        ("arn:aws:s3:::my-prompts/a/b.jsonl", KEY),
        ("arn:aws-us-gov:s3:::my-prompts", "s3://my-prompts/"),
        ("arn:aws:s3:::my-prompts/*", "s3://my-prompts/"),
        ("arn:aws:s3:::my-prompts/a/*", "s3://my-prompts/a/"),
        ("https://my-prompts.s3.amazonaws.com/a/b.jsonl", KEY),
        ("https://my-prompts.s3.eu-west-1.amazonaws.com/a/b.jsonl?X-Amz-Signature=1&versionId=2", KEY),
        ("https://my-prompts.s3-us-west-2.amazonaws.com/a/b.jsonl", KEY),
        ("https://my-prompts.s3.dualstack.us-east-1.amazonaws.com/a/b.jsonl", KEY),
        ("https://my-prompts.s3.cn-north-1.amazonaws.com.cn/a/b.jsonl", KEY),
        ("https://s3.us-gov-west-1.amazonaws.com/my-prompts/a/b.jsonl", KEY),
        ("http://s3.amazonaws.com/my-prompts/a/b.jsonl", KEY),
        ("https://my.s3.prompts.s3.amazonaws.com/x", "s3://my.s3.prompts/x"),
        ("https://my-prompts.s3.amazonaws.com/a%20b/c+d.jsonl", "s3://my-prompts/a b/c+d.jsonl"),
        ("https://us-east-1.console.aws.amazon.com/s3/buckets/my-prompts?region=us-east-1&prefix=a/", "s3://my-prompts/a/"),
        ("https://s3.console.aws.amazon.com/s3/object/my-prompts?prefix=a/b.jsonl", KEY),
        ("https://eu-west-1.console.aws.amazon.com/s3/buckets/my-prompts", "s3://my-prompts/"),
        ("http://127.0.0.1:8000/local/s3/?uri=s3%3A%2F%2Fmy-prompts%2Fa%2F", "s3://my-prompts/a/"),
    ],
)  # fmt: skip
def test_what_names_a_place_becomes_its_uri(text: str, uri: str) -> None:
    assert s3_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-prompts/a",
        "https://example.com/a/b.jsonl",
        "https://s3.amazonaws.com/",
        "https://s3.amazonaws.com.evil.example/my-prompts/a",
        "https://evil.example/s3/buckets/my-prompts",
        "https://[broken/",
        "arn:aws:iam::123456789012:role/batch",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/mine",
        "http://127.0.0.1:8000/local/s3/?uri=javascript:alert(1)",
    ],
)
def test_what_names_none_stays_as_it_is(text: str) -> None:
    assert s3_uri(text) == text
