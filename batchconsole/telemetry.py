"""Traces for an OpenTelemetry collector and errors for a Sentry-compatible service, each only where it is configured.

The packages are optional (requirements-telemetry.lock): without the environment variables nothing of this is loaded.
Neither gets a secret of a URL, the values of variables, or what people type.
"""

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from django.conf import settings

from batchconsole.masking import mask_secrets

logger = logging.getLogger(__name__)

# The standard variables, https://opentelemetry.io/docs/specs/otel/protocol/exporter/
OTLP = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SENTRY = "BATCHCONSOLE_SENTRY_DSN"
PACKAGES = frozenset({"opentelemetry", "sentry_sdk"})
INSTALL = "pip install --require-hashes --requirement requirements-telemetry.lock"


def start() -> None:
    """Start what is configured; a service that cannot be used is said in the log and keeps nothing from running."""
    for name in OTLP:
        if os.environ.get(name):
            _start(name, send_traces)
            break
    if settings.SENTRY_DSN:
        _start(SENTRY, send_errors)


def _start(setting: str, begin: Callable[[], None]) -> None:
    try:
        begin()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        logger.warning("%s is set and does nothing: a package is missing, %s. Run: %s", setting, error.name, INSTALL)
    except ValueError as error:
        logger.warning("%s cannot be used and does nothing: %s", setting, error)


def send_traces() -> None:
    """Trace requests, steps and AWS calls, exported over OTLP/HTTP. Raises ModuleNotFoundError."""
    trace, sdk = import_module("opentelemetry.trace"), import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
    resource = import_module("opentelemetry.sdk.resources").Resource.create(
        {"service.name": os.environ.get("OTEL_SERVICE_NAME", "batchconsole")}
    )
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    instrumentation = "opentelemetry.instrumentation"
    hooks = {"request_hook": mask_span, "response_hook": mask_span}
    import_module(f"{instrumentation}.django").DjangoInstrumentor().instrument(**hooks)
    import_module(f"{instrumentation}.celery").CeleryInstrumentor().instrument()
    import_module(f"{instrumentation}.botocore").BotocoreInstrumentor().instrument()


def mask_span(span: Any, *_: object) -> None:
    """Mask the secrets in the attributes of *span*, such as the URL of a sign-in link."""
    for name, value in dict(getattr(span, "attributes", None) or {}).items():
        if isinstance(value, str):
            span.set_attribute(name, mask_secrets(value))


def send_errors() -> None:
    """Report unexpected errors. Raises ModuleNotFoundError, and ValueError for a DSN that cannot be read."""
    import_module("sentry_sdk").init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=lambda event, hint: masked(event),
        before_breadcrumb=lambda crumb, hint: masked(crumb),
    )


def masked(value: Any) -> Any:
    """Return *value*, a structure of mappings and lists, with the secrets in all its texts masked."""
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, Mapping):
        return {name: masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list | tuple) else value
