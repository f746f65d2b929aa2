"""Files are taken only where a view says so, and while there is room for them."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

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


@pytest.mark.parametrize(
    "path", ["/local/s3/upload/", "/local/s3/upload/part/?uri=s3://b/k&part=1", "/local/input/new/"]
)
def test_a_used_up_quota_is_said_before_the_first_byte(
    client: Client, connection: Connection, settings: Settings, path: str
) -> None:
    settings.UPLOAD_QUOTA_BYTES = 200 << 10
    large = SimpleUploadedFile("rows.csv", b"a" * (300 << 10))
    response = client.post(path, {"file": large})
    assert response.status_code == 507
    assert "may have 200.0\xa0KB together" in response.content.decode()


def test_a_form_takes_no_small_file_beyond_the_quota(
    client: Client, connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    settings.UPLOAD_QUOTA_BYTES, settings.DATA_DIR = 4, tmp_path
    page = client.post("/local/input/new/", {"file": file(), "source": "file", "read": "1"}).content.decode()
    assert "may have 4\xa0bytes together" in page
    assert list((tmp_path / "uploads").iterdir()) == []
