"""A request id for each request, in its log lines, in those of the steps it asks for, and in its response."""

import logging
import re
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from batchconsole import log_context
from batchconsole.console.frame.client_address import is_in, read_networks
from batchconsole.counts import COUNTS, count_request
from batchconsole.request_ids import ID, new_request_id

logger = logging.getLogger(__name__)
HEADER = "X-Request-ID"
VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
UNTOLD = ("/healthz", "/readyz", "/metrics")  # asked every few seconds by machines


class RequestIdMiddleware:
    """Give each request its id, log and count it. It comes first, while ``REMOTE_ADDR`` is the address of the peer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request.META[ID] = request_id_from(request) or new_request_id()
        started = time.monotonic()
        with log_context.logged_with(request_id=request_id):
            response = self.get_response(request)
            response.headers.setdefault(HEADER, request_id)
            if request.path not in UNTOLD:
                log_request(request, response, time.monotonic() - started)
                count_request(request.path, response.status_code)
        COUNTS.write()
        return response


def request_id_from(request: HttpRequest) -> str:
    """Return the id that a trusted proxy has given the request, or an empty string."""
    said = request.headers.get(HEADER, "")
    networks = read_networks(tuple(settings.TRUSTED_PROXIES))
    is_believed = VALID.fullmatch(said) and is_in(request.META.get("REMOTE_ADDR", ""), networks)
    return said if is_believed else ""


def log_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Log the request without its query, which may hold what people search for."""
    extra = {"method": request.method, "path": request.path, "status": response.status_code}
    logger.info(
        "%s %s: %s in %.3f s",
        request.method,
        request.path,
        response.status_code,
        seconds,
        extra=extra | {"seconds": round(seconds, 4)},
    )
