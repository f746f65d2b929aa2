"""The caller, and the connection named in the URL, checked for the right that the operation needs."""

from typing import Annotated

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Path

from batchconsole.jobs.models import Connection, Right
from batchconsole.jobs.rights.access import require, rights_on

ConnectionName = Annotated[
    str, Path(pattern=r"^[-a-zA-Z0-9_]{1,40}$", description="The connection's name, as in the address of its pages.")
]


def caller_of(request: HttpRequest) -> User:
    """Return the owner of the key."""
    user = getattr(request, "auth", None)  # ninja sets it
    assert isinstance(user, User)
    return user


def find_connection(request: HttpRequest, name: str, right: Right) -> Connection:
    """Return the connection, or raise Http404 if the caller has no right on it, so its existence stays secret.

    Raises NotAllowed if the caller has other rights on it, but not *right*.
    """
    user = caller_of(request)
    connection: Connection | None = Connection.objects.enabled().filter(name=name).first()
    if connection is None or not rights_on(user, connection):
        raise Http404(f"There is no connection {name}.")
    require(user, right, connection)
    return connection
