"""Inputs for programs: made of a table in S3, once for each Idempotency-Key."""

import json

import pytest
from django.contrib.auth.models import User

from batchconsole.aws import s3
from batchconsole.jobs.inputs.making import make_input
from batchconsole.jobs.models import Connection, MadeInput
from tests.api.test_json_api import client_of, post
from tests.factories import grant
from tests.jobs.conftest import Sample

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_input_is_made_of_a_table_once_for_its_key(connection: Connection, sample_input: Sample) -> None:
    person = User.objects.create_user("ada")
    grant(person, "Submitter")
    bucket, target = sample_input.bucket, connection.target
    s3.put_object(target, bucket, "tables/a.csv", b"id,text\nr1,One\nr2,Two\n")
    asked = {
        "source_s3_uri": f"s3://{bucket}/tables/a.csv",
        "output_s3_uri": f"s3://{bucket}/made/a.jsonl",
        "template": "Say {text}",
        "record_id_column": "id",
    }
    key = {"Idempotency-Key": "nightly"}
    api = client_of(person)
    answers = [post(api, "/api/v1/connections/local/inputs/", asked, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    make_input(MadeInput.objects.get())
    lines = s3.get_range(target, bucket, "made/a.jsonl").splitlines()
    assert [json.loads(line)["recordId"] for line in lines] == ["r1", "r2"]
