"""Signing in by password and by link, being locked out, and signing out."""

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from sesame.utils import get_query_string

PASSWORD = "correct horse battery staple"


def sign_in(client: Client, password: str, **data: str) -> int:
    return client.post("/login/", {"username": "ada", "password": password, **data}).status_code


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


def test_too_many_wrong_passwords_lock_out_with_the_time_to_wait(person: User) -> None:
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    response = client.post("/login/", {"username": "ada", "password": PASSWORD})
    assert response.status_code == 429
    assert "Sign-in is locked for 15 minutes" in response.text
    assert "python manage.py axes_reset_username ada" in response.text


def test_an_attempt_while_locked_out_starts_the_wait_anew(person: User) -> None:
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    before = timezone.now()
    sign_in(client, PASSWORD)
    assert AccessAttempt.objects.get().attempt_time > before


def test_a_one_time_link_signs_in_somebody_who_is_locked_out(person: User) -> None:
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    client.get(f"/login/{get_query_string(person)}")
    assert client.get("/activity/").status_code == 200


def test_an_administrator_ends_the_wait_by_deleting_the_attempt(person: User) -> None:
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(client, "wrong")
    AccessAttempt.objects.all().delete()
    assert sign_in(client, PASSWORD) == 302


def test_a_one_time_link_signs_in(person: User) -> None:
    client = Client()
    response = client.get(f"/login/{get_query_string(person)}&next=/activity/")
    assert response["Location"] == "/activity/"
    assert client.get("/activity/").status_code == 200


def test_a_one_time_link_works_once_and_the_page_says_so(person: User) -> None:
    link = f"/login/{get_query_string(person)}"
    Client().get(link)
    response = Client().get(link, follow=True)
    assert "This sign-in link has been used or has expired." in response.text


def test_a_used_link_still_leads_somebody_who_is_signed_in_to_the_console(person: User) -> None:
    link = f"/login/{get_query_string(person)}"
    client = Client()
    client.get(link)
    assert client.get(link)["Location"] == "/"


def test_the_link_of_somebody_who_was_disabled_does_not_sign_in(person: User) -> None:
    link = f"/login/{get_query_string(person)}"
    User.objects.update(is_active=False)
    assert Client().get(link)["Location"] == "/login/"


def test_every_page_asks_to_sign_in_first(db: None) -> None:
    for url in ("/", "/local/jobs/", "/activity/", "/preferences/", "/help/job-list/"):
        assert Client().get(url)["Location"].startswith("/login/?next=")


def test_signing_out_needs_a_post(client: Client) -> None:
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"


def test_the_sign_in_page_reads_no_row(django_assert_num_queries: DjangoAssertNumQueries, db: None) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/login/").status_code == 200
