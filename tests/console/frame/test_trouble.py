"""A full disk and a database that is away: told in words, and what was typed can be sent again."""

import errno
from collections.abc import Iterator

import pytest
from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.test import Client, RequestFactory

from batchconsole.console.frame.trouble import AWAY, BUSY, FULL, posted, trouble_of
from batchconsole.console.kit.answers import Refusal
from batchconsole.jobs.models import BatchJob, Connection
from tests.console.conftest import filled_in

HERE = {"Origin": "http://testserver", "Accept": "text/html"}


@pytest.fixture
def no_room(client: Client) -> Iterator[None]:
    """A database that cannot grow by a page."""
    client.raise_request_exception = False
    with database.cursor() as cursor:
        cursor.execute("VACUUM")  # what other tests have left free
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        yield
        cursor.execute("PRAGMA max_page_count = 4294967294")


def fill(connection: Connection) -> None:
    """Use up what is free inside the database's pages."""
    try:
        for _ in range(10_000):
            Connection.objects.create(name=f"c{_}", title="x" * 120, region="us-east-1")
    except OperationalError:
        return


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_told_and_the_form_can_be_sent_again(
    client: Client, connection: Connection, no_room: None
) -> None:
    fill(connection)
    tags = {f"tags-{number}-{part}": f"{number:02}" * 60 for number in range(20) for part in ("key", "value")}
    form = filled_in(job_name="nightly", **{"tags-TOTAL_FORMS": "20"} | tags)
    response = client.post("/local/jobs/create/", form, headers=HERE)
    assert response.status_code == 503
    assert response["Retry-After"]
    text = response.content.decode()
    assert "The disk of the console is full" in text
    assert '<textarea name="job_name" hidden>\nnightly</textarea>' in text
    assert not BatchJob.objects.exists()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OperationalError("database or disk is full"), FULL),
        (OperationalError("could not extend file: No space left on device"), FULL),
        (OperationalError("database is locked"), BUSY),
        (OperationalError("server closed the connection unexpectedly"), AWAY),
        (InterfaceError("connection already closed"), AWAY),
        (ValueError("database is locked"), None),
        (OSError(errno.ENOENT, "No such file"), None),
        (None, None),
    ],
)
def test_passing_trouble_is_told_from_errors_of_our_own(error: Exception | None, trouble: Refusal | None) -> None:
    assert trouble_of(error) == trouble


def test_a_form_is_sent_again_whole_but_for_its_token() -> None:
    request = RequestFactory().post("/x/", {"csrfmiddlewaretoken": "t", "name": ["a", "b"]}, headers=HERE)
    assert posted(request) == [("name", "a"), ("name", "b")]


@pytest.mark.parametrize("name", ["password", "new_password1", "client_secret"])
def test_a_form_with_a_secret_is_not_written_into_the_page(name: str) -> None:
    assert posted(RequestFactory().post("/login/", {"username": "ada", name: "hunter2"}, headers=HERE)) == []


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {}])
def test_a_form_of_another_site_is_not_written_into_the_page(headers: dict[str, str]) -> None:
    assert posted(RequestFactory().post("/x/", {"name": "a"}, headers=headers)) == []


def test_a_page_that_was_only_read_has_nothing_to_send() -> None:
    assert posted(RequestFactory().get("/x/?a=b")) == []
