"""The calls of Amazon Bedrock's control plane, against the local one."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from batchconsole.aws import bedrock
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.session import Target
from tests.aws.conftest import refused
from tests.conftest import ACCOUNT, REGION

MODEL = "amazon.nova-micro-v1:0"


@pytest.fixture
def target(aws_endpoint: str, bedrock_endpoint: str) -> Target:
    return Target(region=REGION, endpoint_url=aws_endpoint, bedrock_endpoint_url=bedrock_endpoint, credentials="local")


def request(**changes: Any) -> JobRequest:
    asked = {
        "job_name": f"job-{uuid4().hex[:12]}",
        "model_id": MODEL,
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/nobody",
        "input_s3_uri": "s3://no-such-bucket-here/in/",
        "output_s3_uri": "s3://no-such-bucket-here/out/",
    }
    return JobRequest(**asked | changes)


def test_it_works(target: Target) -> None:
    asked = request(model_invocation_type="Converse", client_request_token=uuid4().hex, timeout_duration_in_hours=48)
    arn = bedrock.create_model_invocation_job(target, asked)
    job = bedrock.get_model_invocation_job(target, arn)
    assert (job.job_arn, job.job_name, job.input_s3_uri) == (arn, asked.job_name, "s3://no-such-bucket-here/in/")
    assert (job.client_request_token, job.timeout_duration_in_hours) == (asked.client_request_token, 48)
    assert job.submit_time.tzinfo is not None


def test_a_job_is_found_by_its_short_id(target: Target) -> None:
    arn = bedrock.create_model_invocation_job(target, request())
    assert bedrock.get_model_invocation_job(target, arn.rpartition("/")[2]).job_arn == arn


def test_a_token_used_again_gives_the_first_job(target: Target) -> None:
    asked = request(client_request_token=uuid4().hex)
    assert bedrock.create_model_invocation_job(target, asked) == bedrock.create_model_invocation_job(target, asked)


def test_a_name_in_use(target: Target) -> None:
    asked = request()
    bedrock.create_model_invocation_job(target, asked)
    with refused("ConflictException"):
        bedrock.create_model_invocation_job(target, replace(asked, client_request_token=uuid4().hex))


def test_a_job_nobody_knows(target: Target) -> None:
    with refused("ResourceNotFoundException"):
        bedrock.get_model_invocation_job(target, "abcdefghijkl")


def test_pages_come_newest_first(target: Target) -> None:
    name = f"page-{uuid4().hex[:8]}"
    arns = [bedrock.create_model_invocation_job(target, request(job_name=f"{name}-{number}")) for number in range(3)]
    pages = list(bedrock.list_model_invocation_jobs(target, name_contains=name, max_results=2))
    assert [len(page) for page in pages] == [2, 1]
    assert [job.job_arn for page in pages for job in page] == arns[::-1]


def test_only_later_jobs_are_listed(target: Target) -> None:
    name = f"later-{uuid4().hex[:8]}"
    first = bedrock.create_model_invocation_job(target, request(job_name=f"{name}-1"))
    second = bedrock.create_model_invocation_job(target, request(job_name=f"{name}-2"))
    since = bedrock.get_model_invocation_job(target, first).submit_time
    pages = bedrock.list_model_invocation_jobs(target, name_contains=name, submit_time_after=since)
    assert second in [job.job_arn for page in pages for job in page]


def test_tags_come_and_go(target: Target) -> None:
    arn = bedrock.create_model_invocation_job(target, request(tags=({"key": "a", "value": "1"},)))
    bedrock.tag_resource(target, arn, [{"key": "b", "value": "2"}])
    bedrock.untag_resource(target, arn, ["a"])
    assert bedrock.list_tags_for_resource(target, arn) == [{"key": "b", "value": "2"}]


def test_models_are_listed(target: Target) -> None:
    found = next(model for model in bedrock.list_foundation_models(target) if model.model_id == MODEL)
    assert (found.provider_name, found.lifecycle_status) == ("Amazon", "ACTIVE")
    assert found.model_arn.endswith(f"::foundation-model/{MODEL}")
    assert "TEXT" in found.output_modalities


def test_profiles_are_listed_once_each(target: Target) -> None:
    profiles = bedrock.list_inference_profiles(target)
    assert len({profile.inference_profile_arn for profile in profiles}) == len(profiles)
    nova = next(profile for profile in profiles if profile.inference_profile_id == f"us.{MODEL}")
    assert all(arn.endswith(f"::foundation-model/{MODEL}") for arn in nova.model_arns)
    assert nova.model_arns
