"""TagResource, UntagResource and ListTagsForResource."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT
from tests.localbedrock.stack import Workspace, create


@pytest.fixture
def arn(bedrock: Any, workspace: Workspace) -> str:
    return create(bedrock, workspace.request("s3://bucket/in/", tags=[{"key": "team", "value": "nlp"}]))


def tags(bedrock: Any, arn: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}


def test_a_job_has_the_tags_it_was_made_with(bedrock: Any, arn: str) -> None:
    assert tags(bedrock, arn) == {"team": "nlp"}


def test_tags_are_added_and_changed(bedrock: Any, arn: str) -> None:
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "team", "value": "data"}, {"key": "cost", "value": ""}])
    assert tags(bedrock, arn) == {"team": "data", "cost": ""}


def test_tags_are_taken_off(bedrock: Any, arn: str) -> None:
    bedrock.untag_resource(resourceARN=arn, tagKeys=["team", "never-there"])
    assert tags(bedrock, arn) == {}


def test_a_job_has_fifty_tags_at_most(bedrock: Any, arn: str) -> None:
    fifty = [{"key": f"key-{number}", "value": "x"} for number in range(50)]
    with pytest.raises(ClientError, match="TooManyTagsException") as caught:
        bedrock.tag_resource(resourceARN=arn, tags=fifty)
    assert caught.value.response["resourceName"] == arn
    assert tags(bedrock, arn) == {"team": "nlp"}
    bedrock.tag_resource(resourceARN=arn, tags=fifty[:49])
    assert len(tags(bedrock, arn)) == 50


def test_a_key_given_twice_is_refused(bedrock: Any, arn: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*Duplicate tag keys"):
        bedrock.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])


@pytest.mark.parametrize("key", ["aws:team", "AWS:team"])
def test_a_key_reserved_by_aws_is_refused(bedrock: Any, arn: str, key: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*aws: prefixed tag key names are not allowed"):
        bedrock.tag_resource(resourceARN=arn, tags=[{"key": key, "value": "1"}])


def test_a_resource_that_does_not_exist_has_no_tags(bedrock: Any) -> None:
    missing = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/aaaaaaaaaaaa"
    calls: dict[str, dict[str, Any]] = {
        "list_tags_for_resource": {},
        "tag_resource": {"tags": []},
        "untag_resource": {"tagKeys": []},
    }
    for name, params in calls.items():
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            getattr(bedrock, name)(resourceARN=missing, **params)


def test_what_is_no_arn_is_refused(bedrock: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*at 'resourceARN' failed to satisfy constraint"):
        bedrock.list_tags_for_resource(resourceARN="arn:aws:s3:::a-bucket-of-mine")
