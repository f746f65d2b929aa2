"""One way to answer: a page as a whole, its part where a script asked for that, nothing where nothing has changed."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

# htmx says so of itself; the page's own scripts send a header of their own, with the version they show.
ASKED_BY_HTMX, ASKED_FOR_PART, SHOWN_VERSION = "HX-Request", "X-Part", "X-Version"
ASKERS = (ASKED_BY_HTMX, ASKED_FOR_PART)  # what an answer that has a part varies on


def wants_part(request: HttpRequest) -> bool:
    """Whether a script asks, which has the rest of the page already."""
    return "true" in map(request.headers.get, ASKERS)


def show(
    request: HttpRequest,
    page: str,
    context: Mapping[str, Any],
    *,
    part: str = "",
    version: str = "",
    status: int = 200,
) -> HttpResponse:
    """The template *page*, or for a script its *part*: the template of the same name with an underscore before it.

    204 without a body tells a script that it shows *version* already.
    """
    if not wants_part(request):
        response = render(request, page, dict(context), status=status)
    elif version and request.headers.get(SHOWN_VERSION) == version:
        response = HttpResponse(status=204)
    else:
        response = render(request, part or part_of(page), dict(context), status=status)
    patch_vary_headers(response, ASKERS)
    return response


def part_of(page: str) -> str:
    """``console/usage/_usage.html`` for ``console/usage/usage.html``."""
    folder, _, name = page.rpartition("/")
    return f"{folder}/_{name}"
