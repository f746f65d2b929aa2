"""Signing in by password and by link, being locked out, and signing out."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from sesame.utils import get_parameters, get_query_string

PASSWORD = "correct horse battery staple"


def sign_in(client: Client, password: str, username: str = "ada", **extra: Any) -> int:
    return client.post("/login/", {"username": username, "password": password}, **extra).status_code


def fail(client: Client, times: int = settings.WRONG_PASSWORDS, *, username: str = "ada", **extra: Any) -> None:
    for number in range(times):
        sign_in(client, "wrong", username.format(number), **extra)


def test_a_password_signs_in_and_leads_back_to_the_page_wanted(person: User) -> None:
    response = Client().post("/login/", {"username": "ada", "password": PASSWORD, "next": "/activity/"})
    assert response["Location"] == "/activity/"


def test_signing_in_never_leads_to_another_site(person: User) -> None:
    response = Client().post("/login/", {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"})
    assert response["Location"] == "/"


def test_a_wrong_password_is_said_and_the_title_begins_with_error(person: User) -> None:
    response = Client().post("/login/", {"username": "ada", "password": "wrong"})
    assert "The user name or the password is not right." in response.text
    assert "<title>Error: Sign in" in response.text


def test_somebody_switched_off_is_told_no_more_than_a_stranger(person: User) -> None:
    User.objects.update(is_active=False)
    response = Client().post("/login/", {"username": "ada", "password": PASSWORD}, follow=True)
    assert not response.context["user"].is_authenticated


def test_too_many_wrong_passwords_lock_out_with_the_time_to_wait(person: User) -> None:
    client = Client()
    fail(client)
    response = client.post("/login/", {"username": "ada", "password": PASSWORD})
    assert response.status_code == 429
    assert "Password sign-in is blocked for 15 minutes" in response.text


def test_wrong_passwords_from_one_address_lock_nobody_out_at_another(person: User) -> None:
    fail(Client(), REMOTE_ADDR="203.0.113.9")
    assert sign_in(Client(), PASSWORD, REMOTE_ADDR="203.0.113.8") == 302


def test_wrong_passwords_for_one_name_lock_no_other_name_out(person: User) -> None:
    User.objects.create_user("grace", password=PASSWORD)
    fail(Client())
    assert sign_in(Client(), PASSWORD, "grace") == 302


def test_names_that_are_sprayed_from_one_address_are_counted_together(person: User) -> None:
    client = Client()
    fail(client, settings.WRONG_PASSWORDS_OF_ADDRESS, username="name-{}")
    assert sign_in(client, PASSWORD) == 429


def test_right_passwords_are_not_counted(person: User) -> None:
    for _ in range(settings.WRONG_PASSWORDS + 1):
        assert sign_in(Client(), PASSWORD) == 302


def test_who_is_behind_a_trusted_proxy_is_told_apart(person: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    fail(Client(), REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert sign_in(Client(), PASSWORD, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.8") == 302


def test_nobody_escapes_by_a_header_of_their_own(person: User) -> None:
    for number in range(settings.WRONG_PASSWORDS):
        sign_in(Client(), "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert sign_in(Client(), PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99") == 429


@pytest.mark.django_db(transaction=True)
def test_attempts_that_a_committing_test_leaves_lock_out_nobody_in_the_next_one() -> None:
    fail(Client())
    call_command("flush", interactive=False, verbosity=0)  # what ends each test that commits
    User.objects.create_user("ada", password=PASSWORD)
    assert sign_in(Client(), PASSWORD) == 302


def test_the_attempts_of_all_web_processes_are_counted_in_the_database(settings: Settings) -> None:
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def use_link(client: Client, person: User, **data: str) -> str:
    return client.post("/login/", get_parameters(person) | data)["Location"]


def test_a_link_signs_in_somebody_who_is_locked_out(person: User) -> None:
    client = Client()
    fail(client)
    use_link(client, person)
    assert client.get("/activity/").status_code == 200


def test_wrong_links_lock_nobody_out(person: User) -> None:
    client = Client()
    for _ in range(settings.WRONG_PASSWORDS_OF_ADDRESS):
        client.post("/login/", {"sesame": "AAAAAQ" * 8})
    assert use_link(client, person) == "/"


def test_the_button_of_the_link_signs_in_and_leads_to_the_page_wanted(person: User) -> None:
    client = Client()
    assert use_link(client, person, next="/activity/") == "/activity/"
    assert client.get("/activity/").status_code == 200


@pytest.mark.parametrize("method", ["get", "head"])
def test_fetching_a_link_signs_nobody_in_and_uses_nothing_up(person: User, method: str) -> None:
    link, client = f"/login/{get_query_string(person)}", Client()
    assert getattr(client, method)(link).status_code == 200
    assert client.get("/activity/").status_code == 302
    page = client.get(link)
    token = re.search(r'name="sesame" value="([^"]+)"', page.text)
    assert token
    assert client.post("/login/", {"sesame": token[1]})["Location"] == "/"


def test_the_page_of_a_link_tells_no_other_page_its_address(person: User) -> None:
    assert Client().get(f"/login/{get_query_string(person)}")["Referrer-Policy"] == "strict-origin"


def test_a_link_works_once_and_the_page_says_so(person: User) -> None:
    token = get_parameters(person)
    Client().post("/login/", token)
    for response in (Client().post("/login/", token, follow=True), Client().get("/login/", token, follow=True)):
        assert "This sign-in link has been used or has expired." in response.text


def test_a_link_holds_for_ten_minutes(person: User, settings: Settings) -> None:
    assert settings.SESAME_MAX_AGE == 600


def test_a_used_link_still_leads_somebody_who_is_signed_in_to_the_console(person: User) -> None:
    client, token = Client(), get_parameters(person)
    client.post("/login/", token)
    assert client.get("/login/", token)["Location"] == "/"


def test_the_link_of_somebody_who_was_disabled_does_not_sign_in(person: User) -> None:
    token = get_parameters(person)
    User.objects.update(is_active=False)
    assert Client().post("/login/", token)["Location"] == "/login/"


def test_the_command_for_another_link_is_named_only_where_up_runs_the_console(db: None, settings: Settings) -> None:
    assert "sign_in_link" not in Client().get("/login/").text
    settings.IS_UP = True
    assert "python3 manage.py sign_in_link" in Client().get("/login/").text


def test_every_page_asks_to_sign_in_first(db: None) -> None:
    for url in ("/", "/local/jobs/", "/activity/", "/preferences/", "/help/job-list/", "/account/"):
        assert Client().get(url)["Location"].startswith("/login/?next=")


def test_signing_out_needs_a_post(client: Client) -> None:
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"


def test_the_sign_in_page_reads_no_row(django_assert_num_queries: DjangoAssertNumQueries, db: None) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/login/").status_code == 200


def test_the_page_speaks_only_of_ways_that_are_there(db: None, settings: Settings) -> None:
    settings.IS_UP, settings.EMAIL_HOST = False, ""
    page = Client().get("/login/").text
    assert "/account/password/reset/" not in page
    assert "An administrator of this console can make you a sign-in link" in page
    settings.EMAIL_HOST = "mail.example.com"
    assert "/account/password/reset/" in Client().get("/login/").text


def test_somebody_locked_out_hears_of_the_organization_only_where_it_signs_people_in(
    person: User, settings: Settings
) -> None:
    client = Client()
    fail(client)
    said = []
    for issuer in ("", "https://id.example.com"):
        settings.OPENID_ISSUER = issuer
        page = client.post("/login/", {"username": "ada", "password": PASSWORD}).text
        said.append("your organization&#x27;s sign-in" in page or "your organization's sign-in" in page)
    assert said == [False, True]
