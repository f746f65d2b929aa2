"""Second factors: adding, being asked for, being required, and getting in without the telephone."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from sesame.utils import get_parameters

PASSWORD = {"username": "ada", "password": "correct horse battery staple"}


def code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


@pytest.fixture
def secret(client: Client, person: User) -> str:
    """The secret of ada's app, which was added on its page."""
    found = str(client.get("/account/factors/app/").context["form"].secret)
    assert client.post("/account/factors/app/", {"code": code(found)})["Location"] == "/account/factors/codes/"
    return found


def test_the_second_step_asks_for_the_code(secret: str) -> None:
    client = Client()
    assert client.post("/login/", PASSWORD)["Location"] == "/account/factors/sign-in/"
    assert client.get("/account/").status_code == 302
    assert "Enter the code" in client.get("/account/factors/sign-in/").text
    client.post("/account/factors/sign-in/", {"code": code(secret)})
    assert client.get("/account/").status_code == 200


def test_a_wrong_code_is_said(secret: str) -> None:
    client = Client()
    client.post("/login/", PASSWORD)
    assert "This code is not right" in client.post("/account/factors/sign-in/", {"code": "000000"}).text


def test_a_recovery_code_signs_in_once(client: Client, secret: str) -> None:
    codes = client.get("/account/factors/codes/").context["unused_codes"]
    for answers in (200, 302):
        other = Client()
        other.post("/login/", PASSWORD)
        other.post("/account/factors/sign-in/", {"code": codes[0]})
        assert other.get("/account/").status_code == answers


def test_a_link_needs_no_second_factor(secret: str, person: User) -> None:
    client = Client()
    client.post("/login/", get_parameters(User.objects.get(pk=person.pk)))
    assert client.get("/account/").status_code == 200


def test_the_secret_is_encrypted_in_the_database(secret: str) -> None:
    assert secret not in str(Authenticator.objects.get(type="totp").data)


def test_where_a_factor_is_required_every_page_leads_to_adding_one(client: Client, settings: Settings) -> None:
    settings.REQUIRE_MFA = True
    assert client.get("/activity/")["Location"] == "/account/factors/"
    assert client.get("/account/factors/").status_code == 200
    assert client.get("/account/factors/app/").status_code == 200


def test_the_last_factor_stays_where_one_is_required(client: Client, secret: str, settings: Settings) -> None:
    settings.REQUIRE_MFA = True
    assert client.get("/activity/").status_code == 200
    assert "requires a second factor" in client.post("/account/factors/app/remove/").text
    settings.REQUIRE_MFA = False
    client.post("/account/factors/app/remove/")
    assert not Authenticator.objects.exists()


def test_a_passkey_is_asked_for_by_a_script(db: None) -> None:
    answer = Client().get("/account/passkey/", HTTP_ACCEPT="application/json").json()
    assert answer["request_options"]["publicKey"]["challenge"]


@pytest.mark.parametrize("page", ["", "app/", "keys/add/", "codes/"])
def test_each_page_is_there(client: Client, secret: str, page: str) -> None:
    assert client.get(f"/account/factors/{page}", follow=True).status_code == 200
