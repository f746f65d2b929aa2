"""Signing in with a real OpenID provider, and what its groups may do here."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from batchconsole.jobs.models import Connection, Grant
from batchconsole.jobs.rights.provider_groups import apply_groups
from batchconsole.openid_groups import read_group_grant
from batchconsole.setup import clients
from batchconsole.setup.paths import NODE
from tests.conftest import free_port, stop, wait_for

CALLBACK = "http://testserver/account/openid/callback/"
MAP = ["data-team=Submitter@local", "ops=Administrator@*"]
ADA = {"sub": "ada-1", "preferred_username": "ada", "email": "ada@example.com", "groups": ["data-team", "x"]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a provider of this module, which knows this console."""
    clients.ensure_openid()
    port = free_port()
    command = [str(NODE), str(clients.OPENID / "provider.mjs"), str(port), "console", "a-secret", CALLBACK]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture(autouse=True)
def provider_settings(issuer: str, settings: Settings, db: None) -> None:
    app = {"provider_id": "openid", "name": "Example", "client_id": "console", "secret": "a-secret"}
    apps = [app | {"settings": {"server_url": issuer}}]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": apps}}
    settings.OPENID_ISSUER, settings.OPENID_NAME, settings.OPENID_GROUPS = issuer, "Example", MAP


def sign_in(issuer: str, person: dict[str, Any], client: Client | None = None, query: str = "") -> tuple[Client, Any]:
    """Sign in as *person* with the provider; the browser, and what the callback answers."""
    request = urllib.request.Request(f"{issuer}/person", json.dumps(person).encode(), method="PUT")
    urllib.request.urlopen(request).close()
    client = client or Client()
    url = client.post(f"/account/openid/login/{query}")["Location"]
    browser = requests.Session()
    while not url.startswith(CALLBACK):
        answer = browser.get(url, allow_redirects=False, timeout=10)
        url = urljoin(url, answer.headers["Location"])
    return client, client.get(url.removeprefix("http://testserver"))


def test_somebody_new_gets_an_account_and_comes_back_to_the_page_wanted(issuer: str) -> None:
    client, answer = sign_in(issuer, ADA, query="?next=/activity/")
    assert answer["Location"] == "/activity/"
    assert client.get("/account/").context["user"] == User.objects.get(username="ada", email="ada@example.com")


def test_the_groups_of_the_provider_decide_at_each_sign_in(issuer: str) -> None:
    connection = Connection.objects.create(name="local", title="Local")
    sign_in(issuer, ADA)
    ada = User.objects.get(username="ada")
    assert ada.has_perm("submit", connection)
    assert not ada.has_perm("administer", connection)
    sign_in(issuer, ADA | {"groups": ["ops"]})
    assert User.objects.get(pk=ada.pk).has_perm("administer", connection)
    sign_in(issuer, ADA | {"groups": []})
    assert not User.objects.get(pk=ada.pk).has_perm("view", connection)
    assert User.objects.count() == 1


def test_an_account_of_the_same_name_is_somebody_elses(issuer: str) -> None:
    theirs = User.objects.create_user("ada", email="ada@example.com", is_superuser=True)
    client, _ = sign_in(issuer, ADA)
    user = client.get("/account/").context["user"]
    assert user != theirs
    assert not user.is_superuser


def test_somebody_switched_off_here_stays_out(issuer: str) -> None:
    sign_in(issuer, ADA)
    User.objects.update(is_active=False)
    client, _ = sign_in(issuer, ADA)
    assert client.get("/account/").status_code == 302


def test_a_provider_that_is_away_is_told_in_words(settings: Settings) -> None:
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = Client().post("/account/openid/login/", follow=True)
    assert "did not work" in answer.text


def test_a_forged_answer_signs_nobody_in() -> None:
    client = Client()
    assert "did not work" in client.get("/account/openid/callback/?code=x&state=y", follow=True).text
    assert client.get("/account/").status_code == 302


def test_the_button_is_there_only_with_a_provider(settings: Settings) -> None:
    assert "Sign in with Example" in Client().get("/login/").text
    settings.OPENID_ISSUER = ""
    assert "Sign in with Example" not in Client().get("/login/").text


def test_groups_and_grants_of_administrators_stay(db: None) -> None:
    ada = User.objects.create_user("ada")
    ada.groups.add(Group.objects.create(name="Night shift"))
    apply_groups(ada, {"ops"})
    apply_groups(ada, set())
    assert list(ada.groups.values_list("name", flat=True)) == ["Night shift"]


def test_a_map_that_names_what_is_not_there_grants_nothing(settings: Settings) -> None:
    settings.OPENID_GROUPS = ["ops=Emperor@*", "ops=Viewer@nowhere"]
    apply_groups(User.objects.create_user("ada"), {"ops"})
    assert not Grant.objects.exists()


@pytest.mark.parametrize("entry", ["ops", "ops=Viewer", "=Viewer@local", "ops=@local", "ops=Viewer@"])
def test_an_entry_of_another_form_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="is not of the form group=Role@connection"):
        read_group_grant(entry)
