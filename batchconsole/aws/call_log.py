"""A count and a log line of each call of AWS: operation, seconds, attempts, code, AWS's request id; no parameter."""

import logging
import time
from typing import Any

from batchconsole.counts import count_call

logger = logging.getLogger(__name__)
STARTED = "batchconsole_started"  # in botocore's context of the call
# botocore's events, https://botocore.amazonaws.com/v1/documentation/api/latest/topics/events.html
EVENTS = ("before-call", "after-call", "after-call-error")


def log_calls(client: Any) -> None:
    """Make *client*, a boto3 client, log each of its calls."""
    for event, handler in zip(EVENTS, (_begin, _log_answer, _log_failure), strict=True):
        client.meta.events.register(event, handler, unique_id=f"log-{event}")


def _begin(context: dict[str, Any], **_: Any) -> None:
    context[STARTED] = time.monotonic()


def _log_answer(http_response: Any, parsed: dict[str, Any], event_name: str, context: dict[str, Any], **_: Any) -> None:
    metadata = parsed.get("ResponseMetadata", {})
    _log(
        event_name,
        context,
        status=http_response.status_code,
        error=str(parsed.get("Error", {}).get("Code", "")),
        attempts=metadata.get("RetryAttempts", 0) + 1,
        aws_request_id=metadata.get("RequestId", ""),
    )


def _log_failure(exception: Exception, event_name: str, context: dict[str, Any], **_: Any) -> None:
    _log(event_name, context, error=type(exception).__name__)


def _log(event_name: str, context: dict[str, Any], **found: Any) -> None:
    """Log the call that botocore's *event_name* names: ``after-call.s3.HeadObject``."""
    _, service, operation = event_name.split(".", 2)
    seconds = round(time.monotonic() - context.get(STARTED, time.monotonic()), 4)
    said = {name: value for name, value in found.items() if value not in ("", None)}
    count_call(service, operation, seconds=seconds, error=str(said.get("error", "")))
    outcome = said.get("error") or said.get("status")
    extra = {"aws_service": service, "aws_operation": operation, "seconds": seconds, **said}
    logger.info("%s %s: %s in %.3f s", service, operation, outcome, seconds, extra=extra)
