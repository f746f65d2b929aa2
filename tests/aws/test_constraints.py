"""The API's own rules, as forms use them."""

import re

import pytest

from batchconsole.aws.bedrock import job_constraints


@pytest.mark.parametrize("name", ["a", "welcome", "a-b.c+d", "9--", "x" * 63])
def test_good_job_names(name: str) -> None:
    assert job_constraints()["jobName"].matches(name)


@pytest.mark.parametrize("name", ["-a", "a_b", "a b", "é", "a\n", ""])
def test_bad_job_names(name: str) -> None:
    assert not job_constraints()["jobName"].matches(name)


def test_a_run_of_hyphens_is_judged_at_once() -> None:
    """The pattern as AWS writes it takes exponential time here."""
    assert not job_constraints()["jobName"].matches("a" + "-" * 61 + "_")


def test_lengths_and_ranges() -> None:
    rules = job_constraints()
    assert (rules["jobName"].min, rules["jobName"].max) == (1, 63)
    assert (rules["timeoutDurationInHours"].min, rules["timeoutDurationInHours"].max) == (24, 168)
    assert (rules["key"].max, rules["value"].max) == (128, 256)


def test_lists_carry_their_items_rule() -> None:
    subnets = job_constraints()["subnetIds"]
    assert subnets.item
    assert (subnets.max, subnets.item.matches("subnet-1"), subnets.item.matches("a b")) == (16, True, False)


def test_choices() -> None:
    assert job_constraints()["modelInvocationType"].enum == ("InvokeModel", "Converse")


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("s3://prompts/in/a.jsonl", True),
        ("s3://prompts", True),
        ("s3://prompts/a=b", False),
        ("s3://prompts//x", False),
    ],
)
def test_locations(uri: str, good: bool) -> None:
    assert job_constraints()["s3Uri"].matches(uri) is good


def test_every_pattern_compiles() -> None:
    for rule in job_constraints().values():
        re.compile(rule.pattern or "")
