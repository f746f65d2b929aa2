"""Theme, density, time zone and page size: kept in cookies, and never more than what is offered."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.test import Client

from batchconsole.console.frame.preferences import Preferences
from batchconsole.jobs.models import Connection, KeptPreferences
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


def test_a_zone_is_read_as_the_script_writes_it() -> None:
    cookies = {"console-time-zone": "local", "console-browser-zone": "America%2FArgentina%2FBuenos_Aires"}
    assert Preferences.read(cookies).zone == ZoneInfo("America/Argentina/Buenos_Aires")


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


def test_a_person_finds_them_again_in_another_browser(client: Client, person: User) -> None:
    client.post("/preferences/", CHOICES)
    elsewhere = Client()
    elsewhere.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    elsewhere.get("/preferences/")
    assert elsewhere.cookies["console-theme"].value == "dark"
    assert 'data-mode="dark"' in elsewhere.get("/preferences/").text


def test_they_give_way_to_those_of_whoever_signs_in_next(client: Client) -> None:
    client.post("/preferences/", CHOICES)
    second = User.objects.create_user("grace")
    KeptPreferences.keep(second, "density", "comfortable")
    client.force_login(second, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/preferences/")
    text = client.get("/preferences/").text
    assert "data-mode" not in text
    assert 'data-density="comfortable"' in text


def test_a_browser_keeps_its_own_for_whoever_has_none(client: Client) -> None:
    client.cookies["console-theme"] = "dark"
    client.get("/preferences/")
    assert 'data-mode="dark"' in client.get("/preferences/").text


def test_the_second_of_two_tabs_is_told_what_has_changed(client: Client) -> None:
    opened = client.get("/preferences/").context["form"]["seen"].value()
    client.post("/preferences/", CHOICES)
    mine = {"theme": "light", "density": "compact", "time_zone": "utc", "page_size": "50", "seen": opened}
    page = client.post("/preferences/", mine)
    assert "Theme: Dark now, Light here." in page.text
    assert "Time zone: The time zone of this browser now, UTC here." in page.text
    assert "Density:" not in page.text
    again = client.post("/preferences/", mine | {"seen": page.context["form"]["seen"].value()})
    assert again.status_code == 302
    assert client.cookies["console-theme"].value == "light"


def test_a_change_in_another_browser_counts_too(client: Client, person: User) -> None:
    opened = client.get("/preferences/").context["form"]["seen"].value()
    KeptPreferences.keep(person, "theme", "dark")
    page = client.post("/preferences/", CHOICES | {"theme": "light", "seen": opened})
    assert "Theme: Dark now, Light here." in page.text
