"""The create page with an AWS that takes connections and never answers."""

import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from batchconsole.console.create.aws_checks import check_form
from batchconsole.console.create.forms import JobForm
from batchconsole.jobs.models import Connection
from batchconsole.jobs.patience import page_calls
from tests.console.conftest import filled_in
from tests.hanging import Hanging, hanging_endpoint

URL = "/local/jobs/create/"


@pytest.fixture
def hanging(connection: Connection) -> Iterator[Hanging]:
    with hanging_endpoint() as endpoint:
        Connection.objects.update(endpoint_url=endpoint.url, bedrock_endpoint_url=endpoint.url)
        connection.refresh_from_db()
        yield endpoint


@pytest.mark.parametrize(
    "query",
    ["", "?input_s3_uri=s3://bucket/in/", "?role_arn=arn:aws:iam::123456789012:role/x", "?output_kms_key_id=alias/x"],
)
def test_the_form_opens_without_asking_aws(hanging: Hanging, client: Client, query: str) -> None:
    assert client.get(URL + query).status_code == 200
    assert hanging.asked == []


def test_a_form_with_errors_comes_back_without_asking_aws(hanging: Hanging, client: Client) -> None:
    assert "Job name must be" in client.post(URL, filled_in(job_name="no name")).text
    assert hanging.asked == []


def test_all_that_a_job_needs_is_asked_at_once(hanging: Hanging, connection: Connection) -> None:
    form = JobForm(filled_in("bucket"), connection=connection)
    assert form.is_valid(), form.errors

    def check() -> None:
        with page_calls():
            check_form(form, None)

    checking = threading.Thread(target=check)
    checking.start()
    assert hanging.wait_for(3 + 3)  # the bucket, both places, and the role on three resources
    assert sum("HEAD" in line for line in hanging.asked) == 1
    hanging.release()
    checking.join()


@pytest.mark.parametrize("path", ["/local/s3/", "/local/s3/object/?uri=s3://bucket/key", "/local/models/"])
def test_a_part_that_aws_does_not_answer_says_so_with_a_way_to_try_again(
    client: Client, connection: Connection, path: str
) -> None:
    page = client.get(path).text
    assert "The endpoint could not be reached." in page
    assert f'<a class="button" href="{path}">Retry</a>' in page
