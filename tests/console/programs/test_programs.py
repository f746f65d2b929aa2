"""The page for people who write programs."""

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.api.v1.api import api
from batchconsole.jobs import origin
from batchconsole.jobs.models import Connection, Verb
from tests.factories import make_job


def test_it_works(client: Client, connection: Connection) -> None:
    page = client.get("/local/programs/").content.decode()
    assert "export AWS_ENDPOINT_URL_BEDROCK=http://testserver/aws/local\n" in page
    assert f"export AWS_REGION={connection.region}\n" in page
    assert "# export OPENAI_BASE_URL=http://testserver/openai/local/v1\n" in page
    assert "# export ANTHROPIC_BASE_URL=http://testserver/anthropic/local\n" in page
    assert "http://testserver/api/v1/connections/local/jobs/" in page


@pytest.mark.parametrize(("key", "is_told"), [("BCAKAAAAAAAAAAAAAAAA", True), ("", False)])
def test_it_tells_what_ones_keys_have_done(client: Client, connection: Connection, key: str, is_told: bool) -> None:
    person = User.objects.get(pk=client.session[SESSION_KEY])
    with origin.coming_from(origin.Origin(api_key=key)):
        make_job(connection, job_name="nightly").record(Verb.CREATED, actor=person)
    assert ("nightly" in client.get("/local/programs/").content.decode()) == is_told


def test_the_json_api_has_a_page_with_every_operation(client: Client) -> None:
    answer = client.get("/api/v1/docs")
    page = answer.content.decode()
    operations = [each for path in api.get_openapi_schema()["paths"].values() for each in path.values()]
    assert all(f'id="{each["operationId"]}"' in page for each in operations)
    assert "curl -X POST -H &quot;Authorization: Bearer $KEY&quot; http://testserver/api/v1/connections/local/" in page
    assert "s3://prompts/input/" in page
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_the_page_of_the_json_api_asks_to_sign_in() -> None:
    assert Client().get("/api/v1/docs").headers["Location"].startswith("/login/")
    assert Client().get("/api/v1/docs/").headers["Content-Type"] == "application/problem+json"
