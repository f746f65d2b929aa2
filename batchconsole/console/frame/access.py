"""Check the right that a URL declares before its view runs; refuse URLs that declare none.

A user without any right on a connection gets 404, so its existence stays secret, and so does a request for a job of
another connection. Any other refusal says what is missing and who can grant it.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from batchconsole.console.frame.middleware import LAST_CONNECTION, ConsoleRequest
from batchconsole.console.kit.answers import Refusal, refuse
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import BatchJob, Connection, Right
from batchconsole.jobs.rights import access
from batchconsole.url_rights import UNSIGNED, Act, Audience, Needed, View, needed_at, needed_by

logger = logging.getLogger(__name__)

UNDECLARED = NotAllowed("Nothing says who may open this page, so nobody may.", "Report this to who runs this console.")
NO_STAFF = "The administration is for staff."


class AccessMiddleware:
    """Refuse requests that the user has no right to make, and set ``request.connection`` if the URL names one.

    It must come before any middleware that reads the request body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: ConsoleRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        needed = needed_by(view)
        if needed in UNSIGNED:
            return None
        if needed is None or not request.user.is_authenticated:  # SignInMiddleware should have answered already
            logger.error("%s has no right declared.", request.resolver_match and request.resolver_match.route)
            return refuse_right(request, UNDECLARED)
        try:
            require_of_url(request, needed, kwargs)
        except NotAllowed as error:
            return refuse_right(request, error)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a NotAllowed that the view has not caught."""
        return refuse_right(request, exception) if isinstance(exception, NotAllowed) else None


def require_of_url(request: ConsoleRequest, needed: Needed, kwargs: dict[str, Any]) -> None:
    """Raise NotAllowed if the user lacks the needed right, or Http404 if that would reveal what exists."""
    if "connection" in kwargs:
        request.connection = find_connection(request, kwargs["connection"])
    if needed == Audience.STAFF and not request.user.is_staff:
        raise NotAllowed(NO_STAFF, access.who_grants(None))
    if isinstance(needed, Right):
        access.require(request.user, needed, request.connection)
    elif needed == Act.ON_JOB:
        job = get_object_or_404(BatchJob.objects.only("created_by", "connection"), **of_job(request, kwargs))
        access.require(request.user, access.right_on_job(request.user, job), request.connection)
    elif needed in (Act.ON_JOBS, Act.ON_ANY_JOBS):
        access.require_any(request.user, (Right.SUBMIT, Right.OPERATE), request.connection)


def may(
    user: User | AnonymousUser, url_name: str, connection: Connection | None, of: access.Owned | None = None
) -> bool:
    """Whether *user* may open the URL *url_name* of *connection*, so that pages offer only permitted links.

    *of* is the job or other work that the URL acts on.
    """
    needed = needed_at(url_name)
    if needed in UNSIGNED:
        return True
    if needed is None or not access.is_active_user(user):
        return False
    if needed == Audience.STAFF:
        return user.is_staff
    if needed == Audience.SIGNED_IN:
        return True
    rights = access.rights_on(user, connection)
    if isinstance(needed, Right):
        return needed in rights
    if of and needed != Act.ON_ANY_JOBS:
        return access.right_on_job(user, of) in rights
    return not rights.isdisjoint((Right.SUBMIT, Right.OPERATE))


def of_job(request: ConsoleRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the lookup for the job of a URL: its key, within the URL's connection."""
    return {"connection": request.connection, "pk": kwargs["pk"]}


def find_connection(request: ConsoleRequest, name: str) -> Connection:
    """Return the connection *name* and remember it in the session; raise Http404 if the user has no right on it."""
    connection: Connection = get_object_or_404(Connection.objects.all(), name=name)
    if not access.rights_on(request.user, connection):
        raise Http404(f"There is no connection {name}.")
    if request.session.get(LAST_CONNECTION) != connection.name:
        request.session[LAST_CONNECTION] = connection.name
    return connection


def refuse_right(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    """Return a 403 response that says what is missing and who can grant it."""
    return refuse(request, Refusal("No permission", error.message, error.hint), status=403)
