"""Keys of programs: what they may, and how they are found and ended."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import ApiKey, Connection, Event, Grant, Right, Role
from batchconsole.jobs.rights import access
from batchconsole.jobs.rights.api_keys import (
    PREFIX,
    create_api_key,
    find_by_key_id,
    find_by_token,
    revoke_api_key,
    signing_secret,
)


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(name="prod", title="Production")


@pytest.fixture
def ada(prod: Connection) -> User:
    user = User.objects.create_user("ada")
    Grant.objects.create(user=user, role=Role.objects.get(name="Submitter"), connection=prod)
    return user


def rights(token: str, connection: Connection) -> set[str]:
    key = find_by_token(token)
    assert key is not None
    user = User.objects.get(pk=key.user_id)
    access.limit_to_key(user, key)
    return {right for right in Right.values if right in access.rights_on(user, connection)}


def test_a_key_is_found_by_its_token(ada: User) -> None:
    key, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    assert find_by_token(token) == key
    assert find_by_key_id(key.key_id) == key


def test_the_secret_is_not_kept(ada: User) -> None:
    key, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    kept = ApiKey.objects.filter(pk=key.pk).values().get()
    assert token.partition(".")[2] not in str(kept)


def test_a_token_with_one_other_character_is_nobodys(ada: User) -> None:
    _, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    assert find_by_token(token[:-1] + ("A" if token[-1] != "A" else "B")) is None


@pytest.mark.parametrize("token", ["", "x", f"{PREFIX}AAAAAAAAAAAAAAAA.", "\0", "a" * 100_000])
def test_odd_tokens_are_nobodys(token: str, db: None) -> None:
    assert find_by_token(token) is None


def test_a_key_may_what_its_owner_may_and_it_was_given(ada: User, prod: Connection) -> None:
    _, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW, Right.OPERATE])
    assert rights(token, prod) == {"view"}


def test_a_superusers_key_has_no_more_than_it_was_given(prod: Connection) -> None:
    root = User.objects.create_superuser("root")
    _, token = create_api_key(user=root, name="nightly", rights=[Right.VIEW])
    assert rights(token, prod) == {"view"}


def test_a_key_of_one_connection_is_of_no_use_on_another(ada: User, prod: Connection) -> None:
    test = Connection.objects.create(name="test", title="Test")
    Grant.objects.create(user=ada, role=Role.objects.get(name="Submitter"))
    _, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW], connections=[prod])
    assert rights(token, prod) == {"view"}
    assert rights(token, test) == set()


def test_a_revoked_key_is_over_at_once(ada: User) -> None:
    key, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    revoke_api_key(key, ada)
    assert find_by_token(token) is None


def test_an_expired_key_is_over(ada: User) -> None:
    key, token = create_api_key(user=ada, name="n", rights=[Right.VIEW], expires_at=timezone.now() + timedelta(days=1))
    assert find_by_token(token)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    assert find_by_token(token) is None


def test_with_its_owner_a_key_is_deactivated(ada: User) -> None:
    _, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    User.objects.update(is_active=False)
    assert find_by_token(token) is None


def test_nobody_revokes_anothers_key(ada: User) -> None:
    key, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    with pytest.raises(NotAllowed):
        revoke_api_key(key, User.objects.create_user("bob"))
    assert find_by_token(token)


def test_making_and_revoking_leave_events(ada: User) -> None:
    key, _ = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    revoke_api_key(key, ada)
    revoke_api_key(key, ada)
    assert list(Event.objects.order_by("id").values_list("verb", "actor")) == [
        ("api_key_created", ada.pk),
        ("api_key_revoked", ada.pk),
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a" * 81}, "name"),
        ({"name": "a\0"}, "name"),
        ({"rights": []}, "rights"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_a_key_good_for_nothing_is_refused(fields: dict[str, object], field: str, ada: User) -> None:
    asked: dict[str, object] = {"name": "nightly", "rights": [Right.VIEW]} | fields
    with pytest.raises(UserError) as refused:
        create_api_key(user=ada, **asked)  # type: ignore[arg-type] # one of them is wrong on purpose
    assert refused.value.field == field


def test_the_signing_secret_is_the_servers_and_the_keys(ada: User, settings: object) -> None:
    key, _ = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    first = signing_secret(key.key_id)
    assert len(first) == 40
    assert first == signing_secret(key.key_id) != signing_secret("BCAKAAAAAAAAAAAAAAAA")
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined] # pytest-django's own wrapper has no type
    assert signing_secret(key.key_id) != first


def test_the_last_use_is_noted_once_a_minute(ada: User) -> None:
    _, token = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    find_by_token(token)
    first = ApiKey.objects.get().last_used_at
    find_by_token(token)
    assert first is not None
    assert ApiKey.objects.get().last_used_at == first
