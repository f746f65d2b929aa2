"""What a person is told when no page can be made: none there, database away, disk full, or an error of our own."""

import errno
import sys

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from batchconsole.console.frame.session_end import is_from_here
from batchconsole.console.kit.answers import Refusal, refuse

RETRY_AFTER = "10"  # seconds
# What SQLite and PostgreSQL say when there is no room to write.
DISK_FULL = ("disk is full", "disk full", "no space left on device", "could not extend file")
LOCKED = "database is locked"
# A form with such a field is not written into a page.
SECRETS = ("password", "secret")


PLAIN = "refused_plain.html"  # asks neither database nor session

UNREADABLE = Refusal("Bad request", "The console could not read the request.")
FORBIDDEN = Refusal(
    "No permission", "You don't have permission to view or do this. Contact an administrator of this console."
)
NOT_FOUND = Refusal(
    "Page not found",
    "This page, job, or connection doesn't exist. It may have been removed, or the address may be misspelled.",
)
BROKEN = Refusal(
    "Something went wrong",
    "An internal error occurred. Saved data is not affected. See the console's log for the cause.",
)
FULL = Refusal(
    "The disk of the console is full",
    "Ask its administrator to free some space. Everything goes on by itself afterwards.",
)
BUSY = Refusal("The database is busy", "Try again in a moment.")
AWAY = Refusal(
    "The database does not answer",
    "It may be starting up. Try again in a moment; if that does not help, tell the console's administrator.",
)


def trouble_of(error: BaseException | None) -> Refusal | None:
    """The passing trouble that *error* tells of; ``None`` for an error of the console's own."""
    text = str(error).lower()
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return FULL
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if any(words in text for words in DISK_FULL):
        return FULL
    return BUSY if LOCKED in text else AWAY


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, UNREADABLE, status=400, page=PLAIN)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, FORBIDDEN, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, NOT_FOUND, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page in place of one that could not be made. What a form held can be sent again from it.

    Django calls this while it handles the exception; neither the database nor the session is asked for anything.
    """
    trouble = trouble_of(sys.exc_info()[1])
    if trouble is None:
        return refuse(request, BROKEN, status=500, page=PLAIN)
    page = "console/frame/trouble.html"
    response = refuse(request, trouble, status=503, page=page, fields=posted(request))
    response["Retry-After"] = RETRY_AFTER
    return response


def posted(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a posted form, to be sent again; none when a file or a password belongs to them.

    Nor those that another site has posted: the page would give them this console's token.
    """
    try:
        if request.method != "POST" or not is_from_here(request):
            return []
        fields = [(name, str(value)) for name, values in request.POST.lists() for value in values]
        has_more = bool(request.FILES)
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return []
    is_secret = any(word in name.lower() for name, _ in fields for word in SECRETS)
    return [] if has_more or is_secret else [field for field in fields if field[0] != "csrfmiddlewaretoken"]
