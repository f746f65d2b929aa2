"""The geographies of inference profiles."""

import pytest

from batchconsole.aws import policies
from batchconsole.records.geographies import GEOGRAPHIES, geography_of


@pytest.mark.parametrize(
    ("profile", "region", "answer"),
    [
        ("us.meta.llama3-1-8b-instruct-v1:0", "us-west-2", True),
        ("us.meta.llama3-1-8b-instruct-v1:0", "us-gov-west-1", False),
        ("us-gov.amazon.nova-micro-v1:0", "us-gov-west-1", True),
        ("global.anthropic.claude", "eu-west-1", True),
        ("global.anthropic.claude", "us-gov-west-1", False),
        ("jp.anthropic.claude", "ap-southeast-2", False),
    ],
)
def test_a_geography_serves_its_regions(profile: str, region: str, answer: bool) -> None:
    geography = geography_of(profile)
    assert geography
    assert geography.serves(region) is answer


def test_an_id_without_geography_has_none() -> None:
    assert geography_of("amazon.nova-micro-v1:0") is None


@pytest.mark.parametrize("prefix", GEOGRAPHIES)
def test_roles_know_the_profiles_of_each_geography(prefix: str) -> None:
    assert policies.is_inference_profile(f"{prefix}.amazon.nova-micro-v1:0")


def test_roles_know_no_other_geography() -> None:
    assert GEOGRAPHIES.keys() == policies.PROFILE_PREFIXES
