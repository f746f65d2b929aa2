"""The keys of one's programs, as pages."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import ApiKey, Connection, Grant, Role
from batchconsole.jobs.rights import api_keys

FIELDS = {"name": "nightly", "rights": ["view"], "days": "30"}


@pytest.fixture
def person(person: User) -> User:
    User.objects.update(is_superuser=False)
    Grant.objects.all().delete()
    Grant.objects.create(user=person, role=Role.objects.get(name="Submitter"))
    return User.objects.get(pk=person.pk)


def test_it_works(client: Client, person: User) -> None:
    assert "No API keys" in client.get("/account/keys/").text
    text = client.post("/account/keys/create/", FIELDS).text
    key = ApiKey.objects.get()
    assert (key.user, key.rights, key.name) == (person, ["view"], "nightly")
    for part in (key.key_id, api_keys.signing_secret(key.key_id)):
        assert part in text
    assert key.key_id in client.get("/account/keys/").text


def test_the_token_is_shown_once_and_signs_in(client: Client) -> None:
    text = client.post("/account/keys/create/", FIELDS).text
    token = re.search(r'id="token">([^<]+)<', text)
    assert token
    assert api_keys.find_by_token(token[1]) is not None
    assert token[1] not in client.get("/account/keys/").text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rights": ["administer"]}, "administer is not one of the available choices"),
        ({"rights": []}, "Choose at least one right."),
        ({"name": ""}, "Name is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"days": "soon"}, "soon is not one of the available choices"),
        ({"connections": ["999"]}, "999 is not one of the available choices"),
    ],
)
def test_a_key_that_may_not_be_is_refused(client: Client, change: dict[str, Any], reason: str) -> None:
    assert reason in client.post("/account/keys/create/", FIELDS | change).text
    assert not ApiKey.objects.exists()


def test_a_key_may_be_of_some_connections_only(client: Client, connection: Connection, other: Connection) -> None:
    client.post("/account/keys/create/", FIELDS | {"connections": [connection.pk]})
    assert list(ApiKey.objects.get().connections.all()) == [connection]


def test_a_key_is_revoked(client: Client, person: User) -> None:
    client.post("/account/keys/create/", FIELDS)
    key = ApiKey.objects.get()
    assert "is revoked" in client.post(f"/account/keys/{key.pk}/revoke/", follow=True).text
    key.refresh_from_db()
    assert not key.is_usable


def test_somebody_elses_key_is_not_there(client: Client, person: User) -> None:
    key, _ = api_keys.create_api_key(user=User.objects.create_user("grace"), name="hers", rights=["view"])  # type: ignore[list-item] # as a form posts them
    assert client.post(f"/account/keys/{key.pk}/revoke/").status_code == 404
    assert "hers" not in client.get("/account/keys/").text


def test_a_hostile_name_is_only_text(client: Client) -> None:
    client.post("/account/keys/create/", FIELDS | {"name": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in client.get("/account/keys/").text


def test_somebody_without_rights_is_told_whom_to_ask(client: Client, person: User) -> None:
    Grant.objects.all().delete()
    assert "You have no right on any connection yet. Ask " in client.get("/account/keys/create/").text
