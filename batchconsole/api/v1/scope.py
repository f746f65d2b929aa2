"""Who calls, and where: the connection that a URL names, with the right that the operation takes."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja import Path

from batchconsole.jobs.access import require, rights_on
from batchconsole.jobs.models import Connection, Right

ConnectionName = Annotated[
    str, Path(pattern=r"^[-a-zA-Z0-9_]{1,40}$", description="The connection's name, as in the address of its pages.")
]


def caller_of(request: HttpRequest) -> User:
    """The owner of the key."""
    user: Any = request.auth  # type: ignore[attr-defined] # what ninja sets
    assert isinstance(user, User)
    return user


def find_connection(request: HttpRequest, name: str, right: Right) -> Connection:
    """The connection; 404 for who has no right on it at all, lest it is learnt of. Raises NotAllowed."""
    user = caller_of(request)
    connection: Connection | None = Connection.objects.enabled().filter(name=name).first()
    if connection is None or not rights_on(user, connection):
        raise Http404(f"There is no connection {name}.")
    require(user, right, connection)
    return connection
