"""GetModelInvocationJob and ListModelInvocationJobs: what they show, filters, order and pagination."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT
from tests.localbedrock.stack import Service, Workspace, create

REGION = "ap-south-1"  # No other test has jobs there.


@pytest.fixture(scope="module", autouse=True)
def jobs_stay_submitted(service: Service) -> Iterator[None]:
    with service.settings(submitted_seconds=3600):
        yield


@pytest.fixture(scope="module")
def region(service: Service) -> Any:
    return service.client(region=REGION)


@pytest.fixture(scope="module")
def arns(region: Any, workspace: Workspace) -> list[str]:
    """Seven jobs, the oldest first; the last one is stopped."""
    names = ("alpha-1", "alpha-2", "beta-1", "beta-2", "beta-3", "gamma.1", "gamma.2")
    made = [create(region, workspace.request("s3://bucket/in/", jobName=name)) for name in names]
    region.stop_model_invocation_job(jobIdentifier=made[-1])
    workspace.wait(region, made[-1], until=["Stopped"])
    return made


def listed(client: Any, **params: Any) -> list[str]:
    pages = client.get_paginator("list_model_invocation_jobs").paginate(**params)
    return [job["jobArn"] for page in pages for job in page["invocationJobSummaries"]]


def test_get_shows_what_was_asked_for_and_what_aws_fills_in(bedrock: Any, workspace: Workspace) -> None:
    request = workspace.request(
        "s3://bucket/in/",
        vpcConfig={"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        clientRequestToken="token-1",
        tags=[{"key": "a", "value": "b"}],
    )
    job = bedrock.get_model_invocation_job(jobIdentifier=create(bedrock, request))
    for name in ("jobName", "roleArn", "modelInvocationType", "vpcConfig", "clientRequestToken"):
        assert job[name] == request[name]
    assert job["inputDataConfig"]["s3InputDataConfig"] == {
        "s3Uri": "s3://bucket/in/",
        "s3InputFormat": "JSONL",
        "s3BucketOwner": ACCOUNT,
    }
    assert job["outputDataConfig"]["s3OutputDataConfig"]["s3BucketOwner"] == ACCOUNT
    assert job["timeoutDurationInHours"] == 24
    assert job["jobExpirationTime"] - job["submitTime"] == timedelta(hours=24)
    assert (job["totalRecordCount"], job["status"]) == (0, "Submitted")
    assert not {"tags", "endTime", "message"} & set(job)


def test_list_shows_the_same_as_get(region: Any, arns: list[str]) -> None:
    summary = region.list_model_invocation_jobs(maxResults=1)["invocationJobSummaries"][0]
    job = region.get_model_invocation_job(jobIdentifier=arns[-1])
    assert summary == {name: value for name, value in job.items() if name != "ResponseMetadata"}


def test_the_newest_comes_first(region: Any, arns: list[str]) -> None:
    assert listed(region) == arns[::-1]
    assert listed(region, sortBy="CreationTime", sortOrder="Descending") == arns[::-1]
    assert listed(region, sortOrder="Ascending") == arns


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_share_no_job_and_lose_none(region: Any, arns: list[str], order: str) -> None:
    found = listed(region, sortOrder=order, PaginationConfig={"PageSize": 2})
    assert found == (arns if order == "Ascending" else arns[::-1])


def test_a_full_last_page_has_no_token(region: Any, arns: list[str]) -> None:
    assert "nextToken" not in region.list_model_invocation_jobs(maxResults=7)
    assert "nextToken" in region.list_model_invocation_jobs(maxResults=6)


def test_a_job_made_between_pages_is_not_seen_twice(service: Service, workspace: Workspace) -> None:
    client = service.client(region="ca-central-1")
    first, second = (create(client, workspace.request("s3://bucket/in/")) for _ in range(2))
    page = client.list_model_invocation_jobs(maxResults=1)
    create(client, workspace.request("s3://bucket/in/"))
    assert [job["jobArn"] for job in page["invocationJobSummaries"]] == [second]
    assert listed(client, nextToken=page["nextToken"]) == [first]


def test_filters_by_name(region: Any, arns: list[str]) -> None:
    assert listed(region, nameContains="beta") == arns[4:1:-1]
    assert listed(region, nameContains="a.2") == [arns[6]]
    assert listed(region, nameContains="ALPHA") == []


def test_filters_by_status(region: Any, arns: list[str]) -> None:
    assert listed(region, statusEquals="Stopped") == [arns[6]]
    assert listed(region, statusEquals="Submitted", nameContains="gamma") == [arns[5]]


def test_filters_by_submit_time(region: Any, arns: list[str]) -> None:
    moment = region.get_model_invocation_job(jobIdentifier=arns[3])["submitTime"]
    assert arns[2] not in listed(region, submitTimeAfter=moment)
    assert listed(region, submitTimeAfter=moment - timedelta(milliseconds=1))[-1] in arns[:4]
    assert listed(region, submitTimeBefore=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert listed(region, submitTimeAfter=datetime(2000, 1, 1, tzinfo=UTC)) == arns[::-1]


@pytest.mark.parametrize("token", ["nonsense", "====", "W10=", "WzEsImEiXQ=="])
def test_a_token_not_given_out_is_refused(region: Any, token: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*nextToken is invalid"):
        region.list_model_invocation_jobs(nextToken=token)


def test_a_token_is_good_only_for_its_own_filters(region: Any, arns: list[str]) -> None:
    token = region.list_model_invocation_jobs(maxResults=1)["nextToken"]
    with pytest.raises(ClientError, match="ValidationException"):
        region.list_model_invocation_jobs(nextToken=token, nameContains="beta")


def test_a_filter_off_the_model_is_refused(region: Any) -> None:
    with pytest.raises(ClientError, match=r"1 validation error detected: Value 'Done' at 'statusEquals'"):
        region.list_model_invocation_jobs(statusEquals="Done")
    with pytest.raises(ClientError, match="Member must have value less than or equal to 1000"):
        region.list_model_invocation_jobs(maxResults=1001)
