"""Theme, density, time zone and page size: kept in cookies, and never more than what is offered."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.test import Client

from batchconsole.console.preferences import Preferences
from batchconsole.jobs.models import Connection
from tests.console.conftest import MakeJob

CHOICES = {"theme": "dark", "density": "compact", "time_zone": "local", "page_size": "50"}


def test_saving_keeps_the_choices_and_leads_back(client: Client, connection: Connection) -> None:
    response = client.post("/preferences/", {**CHOICES, "next": "/local/jobs/?q=a"})
    assert response["Location"] == "/local/jobs/?q=a"
    text = client.get("/local/jobs/").text
    assert 'data-mode="dark"' in text
    assert 'data-density="compact"' in text


def test_the_form_shows_what_was_chosen(client: Client) -> None:
    client.post("/preferences/", CHOICES)
    form = client.get("/preferences/").context["form"]
    assert form["density"].value() == "compact"


def test_a_choice_that_is_not_offered_is_refused(client: Client) -> None:
    response = client.post("/preferences/", CHOICES | {"theme": "pink"})
    assert response.status_code == 200
    assert "console-theme" not in response.cookies


def test_unknown_cookies_give_the_defaults() -> None:
    cookies = {"console-theme": "pink", "console-page-size": "1000000", "console-help": ""}
    assert Preferences.read(cookies) == Preferences()


def test_the_browser_zone_counts_only_when_local_times_are_wished() -> None:
    zone = {"console-browser-zone": "Asia/Kolkata"}
    assert Preferences.read(zone).zone == UTC
    assert Preferences.read({**zone, "console-time-zone": "local"}).zone == ZoneInfo("Asia/Kolkata")


def test_an_impossible_zone_is_utc() -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        cookies = {"console-time-zone": "local", "console-browser-zone": name}
        assert Preferences.read(cookies).zone == UTC


def test_times_are_shown_in_the_zone_with_its_name_in_the_header(client: Client, make_job: MakeJob) -> None:
    make_job(created_at=datetime(2026, 4, 12, 2, 0, tzinfo=UTC))
    assert "2026-04-12, 02:00" in client.get("/local/jobs/").text
    client.cookies["console-time-zone"] = "local"
    client.cookies["console-browser-zone"] = "Asia/Kolkata"
    text = client.get("/local/jobs/").text
    assert "2026-04-12, 07:30" in text
    assert "(UTC+5:30)" in text
