"""Odd values in every parameter of every page: a clear answer, never a traceback."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from batchconsole.jobs.finding.properties import read_token, why_no_token
from batchconsole.jobs.models import BulkAction, Comparison, Connection, InputCheck, InputSplit, MadeInput, Schedule
from batchconsole.records.making import Recipe
from tests.console.conftest import MakeJob

NAMES = re.findall(
    r"\S+",
    """
    add all choose clone columns f fields find from group
    interval_minutes kind min_records missed rule title zone input_check input_s3_uri job join key match
    measure merges modality model_id model_invocation_type model_pick move name next only outcome
    outcomes page page_size part pick provider q query range resend_of resends role_arn s3_field
    s3_find s3_open s3_pick size sort source status tab tag tags-0-key tags-TOTAL_FORMS to token until
    upload uri value version widths
    """,
)
ODD = (
    "\0",
    "9" * 5000,
    "\u0660\u0661",
    "0001-01-01",
    "created<=9999-12-31",
    '{"a":' * 500,
    "s3://" + "a" * 2000,
    "http://[::1",
)
RECIPE = msgspec.json.encode(Recipe(shape="converse", template="{a}")).decode()
KNOWN_ERRORS = {400, 401, 403, 404, 405, 409, 410, 413, 414, 422, 429, 503}


def patterns(urls: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for each in urls:
        if isinstance(each, URLPattern):
            yield each
        elif each.app_name != "admin":
            yield from patterns(each.url_patterns)


@pytest.fixture
def urls(make_job: MakeJob, local: Connection, bedrock_endpoint: str, person: User) -> list[str]:
    """An address of every page, of rows that are there, on a stack that answers: retries take a second each."""
    Connection.objects.update(bedrock_endpoint_url=bedrock_endpoint, bedrock_runtime_endpoint_url=bedrock_endpoint)
    job = make_job()
    check = InputCheck.objects.create(connection=local, model_id="m", input_s3_uri="s3://bucket/in/")
    made = MadeInput.objects.create(
        connection=local, output_s3_uri="s3://bucket/out.jsonl", source_size=1, recipe_json=RECIPE
    )
    action = BulkAction.objects.create(connection=local, created_by=person, job_count=0)
    split = InputSplit.objects.create(connection=local, request_json=job.request.as_fields())
    schedule = Schedule.objects.create(connection=local, title="Night", kind="rule", rule="0 2 * * *")
    rows = {"split": split.pk, "job": job.pk, "input-check": check.pk, "input": made.pk, "bulk-action": action.pk}
    rows["schedule"] = schedule.pk
    rows["comparison"] = Comparison.objects.create(connection=local, title="Models").pk
    found = []
    for pattern in patterns(get_resolver().url_patterns):
        name = str(pattern.name)
        pk = next((rows[key] for key in sorted(rows, key=len, reverse=True) if name.startswith(key)), job.pk)
        values = {"connection": "local", "pk": pk, "kind": "csv", "topic": "job-list", "name": "job_name"}
        values |= {"model_id": "amazon.nova-lite-v1:0", "position": 0}
        route = str(pattern.pattern)
        for key, value in values.items():
            for converter in ("slug", "int", "str"):
                route = route.replace(f"<{converter}:{key}>", str(value))
        found.append(f"/{route}")
    return [url for url in found if url not in {"/logout/", "/metrics", "/readyz"}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:20]))
def test_no_page_breaks_at_an_odd_query(odd: str, client: Client, urls: list[str]) -> None:
    query = urlencode(dict.fromkeys(NAMES, odd))
    for url in urls:
        answer = client.get(f"{url}?{query}")
        assert answer.status_code < 400 or answer.status_code in KNOWN_ERRORS, (url, answer.status_code)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:20]))
def test_no_page_breaks_at_an_odd_form(odd: str, client: Client, urls: list[str]) -> None:
    form = urlencode(dict.fromkeys(NAMES, odd))
    for url in urls:
        answer = client.post(url, form, "application/x-www-form-urlencoded")
        assert answer.status_code < 400 or answer.status_code in KNOWN_ERRORS, (url, answer.status_code)


@pytest.mark.parametrize("name", ["columns", "table", "widths", "views", "theme", "browser-zone", "page-size"])
@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.isprintable()], ids=lambda odd: repr(odd[:20]))
def test_no_cookie_breaks_the_list(name: str, odd: str, client: Client, make_job: MakeJob) -> None:
    make_job()
    client.cookies[f"console-{name}"] = odd.encode("ascii", "ignore").decode()
    client.cookies["console-time-zone"] = "local"
    assert client.get("/local/jobs/").status_code == 200


@pytest.mark.parametrize("filler", [" ", "a", "=", "status", "\n", "0", "\u00a0", "status="])
def test_a_long_text_is_no_token_at_once(filler: str) -> None:
    text = f"status ={filler * 100_000}x"
    assert read_token(text) is None
    assert why_no_token(text) == ""
