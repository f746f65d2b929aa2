"""Making, finding and revoking the API keys that programs sign in with."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import ApiKey, Connection, Event, Right, Verb

# AWS's clients accept any access key id of 16 to 128 word characters; AWS's own have 20 capitals and digits.
PREFIX = "BCAK"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOKEN = re.compile(rf"({PREFIX}[{ALPHABET}]{{16}})\.([A-Za-z0-9_-]{{43}})")
NAME_LENGTH = 80
# The precision of a key's last use: at most one write per minute, no matter how many calls it makes.
LAST_USED_STEP = timedelta(minutes=1)


def create_api_key(
    *,
    user: User,
    name: str,
    rights: Iterable[Right],
    connections: Iterable[Connection] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create an API key for *user* and return it with its bearer token, which cannot be shown again.

    Raises
    ------
    UserError
        The key has no right, an invalid name, or an expiry in the past.
    """
    wanted = [right for right in Right if right in set(rights)]
    if not 0 < len(name.strip()) <= NAME_LENGTH or "\0" in name:
        raise UserError(f"The key needs a name of 1 to {NAME_LENGTH} characters.", "name", "Say what it is for.")
    if not wanted:
        raise UserError("The key needs at least one right.", "rights", "Choose at least one.")
    if expires_at and expires_at <= timezone.now():
        raise UserError("The key would have expired already.", "expires_at", "Choose a later time, or none.")
    secret = secrets.token_urlsafe(32)
    key_id = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(16))
    with transaction.atomic():
        key = ApiKey.objects.create(
            key_id=key_id,
            secret_hash=_hash(secret),
            user=user,
            name=name.strip(),
            rights=[str(right) for right in wanted],
            expires_at=expires_at,
        )
        key.connections.set(connections)
        _record(Verb.API_KEY_CREATED, key, actor=user)
    return key, f"{key_id}.{secret}"


def find_by_token(token: str) -> ApiKey | None:
    """Return the usable key of a bearer *token* and note its use, or return None if no usable key matches."""
    found = TOKEN.fullmatch(token)
    key = _usable(found[1]) if found else None
    if not found or key is None or not hmac.compare_digest(key.secret_hash, _hash(found[2])):
        return None
    return _used(key)


def find_by_key_id(key_id: str) -> ApiKey | None:
    """Return the usable key with the id *key_id*. The caller checks the signature with :func:`signing_secret`."""
    return _usable(key_id)


def signing_secret(key_id: str) -> str:
    """Return the secret access key for *key_id*: 40 characters, constant until the server's SECRET_KEY changes."""
    text = hmac.digest(settings.SECRET_KEY.encode(), f"aws-request-signing:{key_id}".encode(), "sha256")
    return text.hex()[:40]


def note_use(key: ApiKey) -> None:
    """Record that *key* was used now, at most once a minute."""
    _used(key)


def revoke_api_key(key: ApiKey, actor: User) -> None:
    """Revoke *key* at once, as its owner or a superuser. Raises NotAllowed for anyone else."""
    if actor.pk != key.user_id and not actor.is_superuser:
        raise NotAllowed("This key is somebody else's.", "Ask its owner or an administrator to revoke it.")
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record(Verb.API_KEY_REVOKED, key, actor=actor)
    key.refresh_from_db()


def revoke_all_keys(owner: User, actor: User) -> int:
    """Revoke every key of *owner*, whose account is closed, and return how many. The caller checks that *actor* may."""
    keys = list(ApiKey.objects.filter(user=owner, revoked_at=None))
    with transaction.atomic():
        for key in keys:
            if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
                _record(Verb.API_KEY_REVOKED, key, actor=actor)
    return len(keys)


def _usable(key_id: str) -> ApiKey | None:
    key = ApiKey.objects.select_related("user").filter(key_id=key_id).first()
    return key if key and key.is_usable and key.user.is_active else None


def _used(key: ApiKey) -> ApiKey:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        key.last_used_at = now
    return key


def _record(verb: Verb, key: ApiKey, *, actor: User) -> None:
    Event.objects.create(actor=actor, verb=verb, data={"key_id": key.key_id, "name": key.name, "owner": str(key.user)})


def _hash(secret: str) -> str:
    """Hash a secret of 256 random bits, which cannot be guessed, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
