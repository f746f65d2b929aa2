"""Responses: the whole page, a part of it for a script, or 204 for a script if nothing changed; and refusals.

A refusal has the same wording on a page, in a part, and for a program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from batchconsole.console.kit.errors import sentences

# htmx sends the first header; the page's own scripts send the second, and the third with the version they show.
ASKED_BY_HTMX, ASKED_FOR_PART, SHOWN_VERSION = "HX-Request", "X-Part", "X-Version"
# The page's scripts send it with the mark of the last change they know of, and get the current one in return.
NEWS = "X-News"
ASKERS = (ASKED_BY_HTMX, ASKED_FOR_PART)  # the headers that a response with a part varies on


def wants_part(request: HttpRequest) -> bool:
    """Whether a script requests only a part of the page."""
    return "true" in map(request.headers.get, ASKERS)


def version_of(*seen: object) -> str:
    """Return a short hash of *seen*: the version of a part that polls for changes."""
    return blake2b(repr(seen).encode(), digest_size=12).hexdigest()


def is_renewal(request: HttpRequest) -> bool:
    """Whether the page's script polls for changes, as opposed to a request made by the user."""
    return SHOWN_VERSION in request.headers


def without_news(request: HttpRequest, news: str) -> HttpResponse | None:
    """Return a 204 if the page's script only asks for *news*, the mark of the last change, and knows it already."""
    if not is_renewal(request) or request.headers.get(NEWS) != news:
        return None
    response = HttpResponse(status=204)
    patch_vary_headers(response, ASKERS)
    return response


def show(
    request: HttpRequest,
    page: str,
    context: Mapping[str, Any],
    *,
    part: str = "",
    version: str = "",
    news: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the template *page*, or *part* for a script, which keeps *news* for :func:`without_news`.

    *part* defaults to the template of the same name with a leading underscore. A script that already shows *version*
    gets a 204 without a body.
    """
    if not wants_part(request):
        response = render(request, page, dict(context), status=status)
    elif version and request.headers.get(SHOWN_VERSION) == version:
        response = HttpResponse(status=204)
    else:
        response = render(request, part or part_of(page), dict(context), status=status)
    if news:
        response[NEWS] = news
    patch_vary_headers(response, ASKERS)
    return response


def part_of(page: str) -> str:
    """``console/usage/_usage.html`` for ``console/usage/usage.html``."""
    folder, _, name = page.rpartition("/")
    return f"{folder}/_{name}"


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused, in the same words on a page, in a part of a page, and for a program."""

    title: str  # without a full stop
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.title}. {self.message}"


def refuse(
    request: HttpRequest, refused: Refusal, *, status: int, page: str = "refused.html", **context: Any
) -> HttpResponse:
    """Return the refusal: the template *page*, a part or JSON for a script, or plain text for a program.

    ``js/refusals.js`` shows the part in place of the expected response.
    """
    accepted = request.headers.get("Accept", "")
    context |= {"refused": refused}
    if "application/json" in accepted:
        response: HttpResponse = JsonResponse({"message": sentences(refused)}, status=status)
    elif wants_part(request):
        response = render(request, "console/kit/_refused.html", context, status=status)
    elif "text/html" in accepted:
        response = render(request, page, context, status=status)
    else:
        response = HttpResponse(f"{sentences(refused)}\n", status=status, content_type="text/plain; charset=utf-8")
    patch_vary_headers(response, (*ASKERS, "Accept"))
    return response
