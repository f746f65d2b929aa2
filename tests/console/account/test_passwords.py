"""Passwords: which are taken, changing one, and setting a new one by a link in a mail."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

PASSWORD, NEW = "correct horse battery staple", "a ladder against the moon"


def change(client: Client, new: str) -> str:
    values = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    return client.post("/account/password/", values, follow=True).text


def test_a_changed_password_signs_in(client: Client) -> None:
    assert "Your password is changed." in change(client, NEW)
    assert Client().post("/login/", {"username": "ada", "password": NEW}).status_code == 302


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short words", "at least 12 characters"),
        ("q1w2e3r4t5y6", "too common"),
        ("ada@example.com", "too similar"),
    ],
)
def test_a_weak_password_is_refused(client: Client, password: str, reason: str) -> None:
    User.objects.update(email="ada@example.com")
    text = change(client, password)
    assert reason in text
    assert "Your password is changed." not in text


def test_a_password_is_set_by_somebody_who_has_none(client: Client, person: User) -> None:
    person.set_unusable_password()
    person.save()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    client.post("/account/password/set/", {"password1": NEW, "password2": NEW})
    assert User.objects.get(pk=person.pk).check_password(NEW)


def ask(settings: Settings, person: User) -> Client:
    settings.EMAIL_HOST = "mail.example.com"
    person.email = "ada@example.com"
    person.save()
    client = Client()
    client.post("/account/password/reset/", {"email": "ada@example.com"})
    return client


def test_a_new_password_is_set_by_the_link_of_the_mail(
    person: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    client = ask(settings, person)
    link = re.search(r"http://testserver(/\S+)", str(mailoutbox[0].body))
    assert link
    form = client.get(link[1], follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": NEW, "password2": NEW})
    assert User.objects.get(pk=person.pk).check_password(NEW)


def test_the_key_of_the_link_is_in_its_query_and_in_no_path(
    person: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    ask(settings, person)
    assert re.search(r"/account/password/reset/link/\?key=\S+", str(mailoutbox[0].body))


def test_an_unknown_address_gets_no_mail_and_the_same_answer(
    person: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    response = Client().post("/account/password/reset/", {"email": "nobody@example.com"})
    assert response["Location"] == "/account/password/reset/sent/"
    assert mailoutbox == []


def test_a_console_without_mail_says_so(db: None) -> None:
    assert "This console doesn't send email" in Client().get("/account/password/reset/").text


@pytest.mark.parametrize("key", ["", "x", "1-", "../-x", "1-wrong"])
def test_a_broken_link_is_said(db: None, key: str) -> None:
    response = Client().get("/account/password/reset/link/", {"key": key}, follow=True)
    assert response.status_code == 200
