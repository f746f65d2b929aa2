"""What a first start prepares: the administrator's password and sign-in links."""

from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from batchconsole.datafolder import DataFolder
from batchconsole.up import preparation
from batchconsole.up.errors import UpError

NAME = "BATCHCONSOLE_ADMIN_PASSWORD"


@pytest.mark.parametrize(
    ("password", "reason"),
    [("short", "at least 12 characters"), ("q1w2e3r4t5y6", "too common")],
)
def test_a_weak_password_of_the_administrator_is_refused(
    db: None, monkeypatch: pytest.MonkeyPatch, password: str, reason: str
) -> None:
    monkeypatch.setenv(NAME, password)
    with pytest.raises(UpError, match=f"{NAME} is not taken: .*{reason}"):
        preparation.admin()


def test_the_password_may_be_in_a_file(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("correct horse battery staple")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "password"))
    assert preparation.admin().check_password("correct horse battery staple")


def test_an_administrator_who_is_there_keeps_the_password(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_superuser("admin", password="as it was before")
    monkeypatch.setenv(NAME, "short")
    assert preparation.admin().check_password("as it was before")


def link(*arguments: str) -> str:
    output = StringIO()
    call_command("sign_in_link", *arguments, stdout=output)
    return output.getvalue()


def test_another_link_leads_to_the_up_of_the_data_folder(db: None, settings: Settings, tmp_path: Path) -> None:
    User.objects.create_superuser("admin")
    settings.DATA_FOLDER = DataFolder(tmp_path)
    (tmp_path / "up.json").write_text('{"url": "http://127.0.0.1:8123/"}')
    assert link().startswith("http://127.0.0.1:8123/login/?sesame=")


def test_another_link_leads_where_it_is_told(db: None) -> None:
    User.objects.create_user("ada")
    assert link("ada", "--url", "https://batch.example.com").startswith("https://batch.example.com/login/?sesame=")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["grace"], "There is no user grace."),
        (["off", "--url", "http://x/"], "The account of off is switched off"),
        (["ada"], "No `manage.py up` is running on the data folder"),
    ],
)
def test_a_link_that_would_lead_nowhere_is_refused(
    db: None, settings: Settings, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    User.objects.create_user("ada")
    User.objects.create_user("off", is_active=False)
    settings.DATA_FOLDER = DataFolder(tmp_path)
    with pytest.raises(CommandError, match=reason):
        link(*arguments)
