"""Jobs that completed with errors: one definition for the list, its filter and counts, and the rows themselves."""

from typing import Any

import pytest
from django.test import Client

from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.record_errors import EVERY_RECORD_FAILED, WITH_ERRORS
from tests.console.conftest import MakeJob

URL = "/local/jobs/"
JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "clean": ("Completed", {"total_record_count": 120, "error_record_count": 0}),
    "unknown": ("Completed", {}),
    "empty": ("Completed", {"total_record_count": 0, "error_record_count": 0}),
    "some": ("Completed", {"total_record_count": 120, "error_record_count": 1}),
    "all": ("Completed", {"total_record_count": 120, "error_record_count": 120}),
    "uncounted": ("Completed", {"error_record_count": 4}),
    "partial": ("PartiallyCompleted", {"total_record_count": 120, "error_record_count": 0}),
    "running": ("InProgress", {"total_record_count": 120, "error_record_count": 120}),
    "stopped": ("Stopped", {"total_record_count": 120, "error_record_count": 7}),
    "failed": ("Failed", {}),
}


@pytest.fixture(autouse=True)
def jobs(make_job: MakeJob) -> None:
    for name, (status, fields) in JOBS.items():
        make_job(name, status, **fields)


def names(client: Client, **query: str | list[str]) -> set[str]:
    return {job.job_name for job in client.get(URL, query).context["table"].page.rows}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "with_errors"}, {"some", "all", "uncounted", "partial"}),
        ({"f": "status=Completed with errors"}, {"some", "all", "uncounted", "partial"}),
        ({"f": "status!=completed with errors"}, {"clean", "unknown", "empty", "running", "stopped", "failed"}),
        ({"status": "failed"}, {"failed", "all"}),
        ({"status": "Failed"}, {"failed"}),
        ({"status": ["failed", "stopped"]}, {"failed", "all", "stopped"}),
        ({"status": ["with_errors", "InProgress"]}, {"some", "all", "uncounted", "partial", "running"}),
        ({"status": "with_errors", "q": "par"}, {"partial"}),
    ],
)
def test_the_list_is_narrowed_to_them(client: Client, query: dict[str, str | list[str]], found: set[str]) -> None:
    assert names(client, **query) == found


def test_each_count_is_that_of_the_list_it_leads_to(client: Client) -> None:
    for segment in client.get(URL).context["table"].segments:
        table = client.get(segment.url).context["table"]
        assert table.page.count_text == segment.count
        assert [each.name for each in table.segments if each.is_current] == [segment.name]


def test_a_row_says_of_itself_what_the_database_says() -> None:
    jobs = BatchJob.objects.all()
    assert {job.job_name for job in jobs if job.has_errors} == {job.job_name for job in jobs.filter(WITH_ERRORS)}
    assert {job.job_name for job in jobs if job.every_record_failed} == {"all"}
    assert [job.job_name for job in jobs.filter(EVERY_RECORD_FAILED)] == ["all"]


def test_the_status_says_how_bad_it_is(client: Client) -> None:
    page = client.get(URL).text
    assert 'data-type="error"' in page[: page.index("Completed with errors: 120 of 120")].rpartition("<span class")[0]
    assert "Completed with errors: 1 of 120" in page


def test_a_csv_tells_of_them(client: Client) -> None:
    answer = client.get("/local/jobs.csv", {"status": "with_errors", "q": "some"})
    header, row = b"".join(answer).decode("utf-8-sig").splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["has_errors"] == "True"
