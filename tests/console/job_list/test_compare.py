"""Two jobs of the list beside each other, field by field."""

import re

from django.test import Client

from batchconsole.aws.job_request import JobRequest, members
from batchconsole.console.job_list.compare import LABELS
from batchconsole.jobs.models import Connection
from tests.console.conftest import MakeJob
from tests.factories import make_job as make_row


def test_it_works(client: Client, make_job: MakeJob) -> None:
    team, cost = {"key": "team", "value": "nlp"}, {"key": "cost", "value": ""}
    one = make_job("one", tags=[team, cost])
    two = make_job("two", tags=[cost, team], output_s3_uri="s3://other/out/", check_input=True)
    text = client.get("/local/jobs/compare/", {"job": [two.pk, one.pk]}).text
    differing = re.findall(r'data-differs>\s*<th scope="row">([^<]+)', text)
    assert differing == ["Job name", "Output data", "Input check"]
    assert "3 of 14 fields differ." in text
    assert text.index(">two</a>") < text.index(">one</a>")


def test_every_field_of_a_request_is_compared() -> None:
    assert {*LABELS, "client_request_token"} == set(members(JobRequest))


def test_it_takes_two_jobs_of_the_connection(client: Client, make_job: MakeJob, other: Connection) -> None:
    keys = [make_job(f"job-{number}").pk for number in range(3)]
    elsewhere = make_row(other).pk
    for chosen in ([], keys[:1], keys, [keys[0], keys[0]], [keys[0], elsewhere], ["x", keys[0]]):
        answer = client.get("/local/jobs/compare/", {"job": [str(key) for key in chosen]}, follow=True)
        assert answer.redirect_chain[0][0] == "/local/jobs/"
        assert "Select two jobs of the list to compare" in answer.text
