"""Endpoints for machines: liveness, readiness, and metrics for Prometheus. None needs a sign-in."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.exposition import generate_latest

from batchconsole.console.frame.client_address import read_address
from batchconsole.console.frame.metrics import ConsoleCollector

TIMEOUT = 1  # seconds
CHALLENGE = {"WWW-Authenticate": "Bearer", "Content-Type": "text/plain"}


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if the database and Redis respond, else 503; the body has the state of each."""
    checks = {"database": check_database(), "redis": check_redis()}
    status = 200 if all(answer == "ok" for answer in checks.values()) else 503
    return JsonResponse(checks, status=status)


def check_database() -> str:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"down: {type(error).__name__}"
    return "ok"


def check_redis() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    try:
        client.ping()
    except redis.RedisError as error:
        return f"down: {type(error).__name__}"
    finally:
        client.close()
    return "ok"


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics, or 401 if the client may not scrape; every web process reads the same."""
    if not may_scrape(request):
        return HttpResponse("Send BATCHCONSOLE_METRICS_TOKEN as a bearer token.\n", status=401, headers=CHALLENGE)
    registry = CollectorRegistry()
    registry.register(ConsoleCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_scrape(request: HttpRequest) -> bool:
    """Whether the request has the token from the settings or, if none is set, comes from this machine."""
    if not settings.METRICS_TOKEN:
        peer = read_address(request.META.get("REMOTE_ADDR", ""))
        return peer is not None and peer.is_loopback and "X-Forwarded-For" not in request.headers
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(token.strip(), settings.METRICS_TOKEN)
