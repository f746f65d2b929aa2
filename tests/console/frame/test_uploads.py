"""Files are taken only where a view says so, and while there is room for them."""

import shutil
from collections import namedtuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batchconsole.body_limits import largest_body, limit_of, takes_files
from batchconsole.jobs.models import Connection


def file() -> SimpleUploadedFile:
    return SimpleUploadedFile("rows.csv", b"a,b\n1,2\n")


@pytest.mark.parametrize("page", ["/login/", "/local/jobs/create/"])
def test_a_page_that_takes_no_files_refuses_them(client: Client, connection: Connection, page: str) -> None:
    assert client.post(page, {"file": file()}).status_code == 400


def test_a_page_that_takes_files_takes_them(client: Client, connection: Connection) -> None:
    assert client.post("/local/input/new/", {"file": file(), "preview": "1"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "takes_more"),
    [("/login/", False), ("/nothing/here/", False), ("/local/s3/upload/part/", True), ("/local/s3/upload/", True)],
)
def test_the_server_asks_the_view_for_its_limit(path: str, takes_more: bool) -> None:
    assert bool(limit_of(path)) is takes_more


def test_a_view_says_its_own_limit() -> None:
    assert largest_body(takes_files(max_bytes=7)(lambda: None)) == 7


def test_a_full_disk_is_said_before_the_first_byte(
    client: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 20))
    assert client.post("/local/s3/upload/", {"file": file()}).status_code == 507
