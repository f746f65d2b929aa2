"""The row of a job holds all that a job can be asked for."""

import pytest
from django.db.models import CharField

from batchconsole.aws.constraints import job_constraints
from batchconsole.aws.job_request import JobRequest, members
from batchconsole.jobs.models import BatchJob

COLUMNS = {field.name: field for field in BatchJob._meta.concrete_fields}
TEXTS = [name for name in members(JobRequest) if isinstance(COLUMNS.get(name), CharField)]


def test_each_field_of_the_request_is_a_column() -> None:
    assert members(JobRequest).keys() - COLUMNS.keys() == set()


@pytest.mark.parametrize("name", TEXTS)
def test_a_column_holds_the_longest_text_aws_takes(name: str) -> None:
    member = members(JobRequest)[name].path.rpartition(".")[2]
    longest = job_constraints()[member].max or 0
    assert (COLUMNS[name].max_length or 0) >= longest


def test_a_row_gives_back_its_request() -> None:
    asked = JobRequest(
        job_name="nightly",
        model_id="amazon.nova-micro-v1:0",
        role_arn="arn:aws:iam::123456789012:role/batch",
        input_s3_uri="s3://prompts/in/",
        output_s3_uri="s3://answers/out/",
        client_request_token="a1b2",
        subnet_ids=("subnet-1",),
        security_group_ids=("sg-1",),
        tags=({"key": "team", "value": "nlp"},),
    )
    assert BatchJob(**asked.as_fields()).request == asked
