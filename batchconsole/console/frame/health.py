"""What machines ask: is the process alive, can it work, and figures for Prometheus. None needs a sign-in."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.exposition import generate_latest

from batchconsole.console.frame.metrics import ConsoleCollector

TIMEOUT = 1  # seconds


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer, else 503; either way which of them does not."""
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
    """Figures out of the database, the same from every web process."""
    registry = CollectorRegistry()
    registry.register(ConsoleCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
