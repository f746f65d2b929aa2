"""Error pages: page not found, no permission, database away, disk full, or an internal error."""

import sys

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from batchconsole import trouble
from batchconsole.console.frame.session_end import is_from_here
from batchconsole.console.kit.answers import Refusal, refuse

# Parts of field names: a form with such a field is not repeated in a page.
SECRETS = ("password", "secret")


PLAIN = "refused_plain.html"  # uses neither the database nor the session

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
FULL, BUSY, AWAY = (Refusal(each.title, each.remedy) for each in (trouble.FULL, trouble.BUSY, trouble.AWAY))


def trouble_of(error: BaseException | None) -> Refusal | None:
    """Return the temporary trouble that *error* indicates, or None if it is an internal error."""
    found = trouble.trouble_of(error)
    return None if found is None else Refusal(found.title, found.remedy)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, UNREADABLE, status=400, page=PLAIN)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, FORBIDDEN, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refuse(request, NOT_FOUND, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page for an exception: 503 with a button to send a form again if the trouble is temporary, else 500.

    Django calls this while it handles the exception; it must use neither the database nor the session.
    """
    passing = trouble_of(sys.exc_info()[1])
    if passing is None:
        return refuse(request, BROKEN, status=500, page=PLAIN)
    page = "console/frame/trouble.html"
    response = refuse(request, passing, status=503, page=page, fields=posted(request))
    response["Retry-After"] = trouble.RETRY_AFTER
    return response


def posted(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a posted form, to be sent again; none if it has a file or a password.

    Return none for a form from another site, because the page would add this console's CSRF token.
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
