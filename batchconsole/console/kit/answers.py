"""One way to answer: a page as a whole, its part where a script asked for that, nothing where nothing has changed.

And one way to refuse, which says the same to each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from batchconsole.console.kit.errors import sentences

# htmx says so of itself; the page's own scripts send a header of their own, with the version they show.
ASKED_BY_HTMX, ASKED_FOR_PART, SHOWN_VERSION = "HX-Request", "X-Part", "X-Version"
ASKERS = (ASKED_BY_HTMX, ASKED_FOR_PART)  # what an answer that has a part varies on


def wants_part(request: HttpRequest) -> bool:
    """Whether a script asks, which has the rest of the page already."""
    return "true" in map(request.headers.get, ASKERS)


def version_of(*seen: object) -> str:
    """What a part that keeps itself up to date shows, in few letters: other ones once any of *seen* is another."""
    return blake2b(repr(seen).encode(), digest_size=12).hexdigest()


def is_renewal(request: HttpRequest) -> bool:
    """Whether a page asks by itself for what is new, rather than a person."""
    return SHOWN_VERSION in request.headers


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


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered, in the same words on a page, in a part of one, and for a program."""

    title: str  # without a full stop
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.title}. {self.message}"


def refuse(
    request: HttpRequest, refused: Refusal, *, status: int, page: str = "refused.html", **context: Any
) -> HttpResponse:
    """Say *refused*: with the template *page*; as a part, or JSON, for a script; as text for a program.

    ``js/refusals.js`` shows the part where its answer would have been.
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
