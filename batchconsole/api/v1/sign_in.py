"""Authentication of the JSON API: a bearer key, whose calls are counted."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from batchconsole.api.call_limit import count_call
from batchconsole.jobs.rights.access import limit_to_key
from batchconsole.jobs.rights.api_keys import find_by_token


class KeySignIn(HttpBearer):
    """Authentication by ``Authorization: Bearer <key>``."""

    openapi_description = "A key that one makes under API keys."

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the key's owner, limited to its rights, or ``None`` for an unknown key. Raises TooMany."""
        key = find_by_token(token)
        if key is None:
            return None
        count_call(request, key.key_id)
        limit_to_key(key.user, key)
        return key.user
