"""Status indicators of jobs, of the jobs in a bulk action, of alerts and of stages."""

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchconsole.console.templatetags.parts import icon
from batchconsole.jobs.models import BatchJob, BulkActionItem, Status
from batchconsole.jobs.queue.queue_places import HELD_TITLE

register = template.Library()

# The wording of AWS, from failed jobs in both consoles.
RECORDS = re.compile(
    r"contains (less|more) records \((\d{1,15})\) than the (?:required minimum|allowed maximum) of:? (\d{1,15})"
)
ARN = re.compile(r"(?:\b(?:[Bb]atch )?[Jj]ob )?\barn:aws[\w-]*:\S+\s?")

SUCCESS, WARNING, ERROR = "success", "warning", "error"
STATUS_TYPES = {
    Status.CHECKING: "in-progress",
    Status.REJECTED: ERROR,
    Status.QUEUED: "pending",
    Status.CANCELLED: "stopped",
    Status.SUBMITTING: "in-progress",
    Status.SUBMIT_FAILED: ERROR,
    Status.SUBMITTED: "pending",
    Status.VALIDATING: "in-progress",
    Status.SCHEDULED: "pending",
    Status.IN_PROGRESS: "in-progress",
    Status.COMPLETED: SUCCESS,
    Status.PARTIALLY_COMPLETED: WARNING,
    Status.FAILED: ERROR,
    Status.STOPPING: "in-progress",
    Status.STOPPED: "stopped",
    Status.EXPIRED: ERROR,
}
OUTCOME_TYPES = {
    "pending": "pending",
    "stopped": "stopped",
    "cancelled": "stopped",
    "stopping": "in-progress",
    "ended": SUCCESS,
    "held": SUCCESS,
    "released": SUCCESS,
    "tagged": SUCCESS,
    "cloned": SUCCESS,
    "archived": SUCCESS,
    "restored": SUCCESS,
    "unchanged": SUCCESS,
    "failed": ERROR,
    "left": "stopped",
}
TYPE_ICONS = {
    SUCCESS: "status-positive",
    WARNING: "status-warning",
    ERROR: "status-negative",
    "info": "status-info",
    "pending": "status-pending",
    "in-progress": "status-in-progress",
    "stopped": "status-stopped",
}
STAGE_ICONS = {
    "done": "status-positive",
    "current": "status-in-progress",
    "ahead": "status-pending",
    "skipped": "status-stopped",
    "unreached": "status-stopped",
    "warning": "status-warning",
    "stopped": "status-stopped",
    "error": "status-negative",
}


@register.simple_tag
def indicator(kind: str, text: str) -> SafeString:
    """Return a status indicator of *kind* (``success``, ``error``, ...): an icon and *text*."""
    return format_html(
        '<span class="status-indicator" data-type="{}">{}<span>{}</span></span>', kind, icon(TYPE_ICONS[kind]), text
    )


@register.simple_tag
def job_status(job: BatchJob) -> SafeString:
    """Return the status indicator of *job*. AWS reports Completed despite failed records; this mentions them."""
    if job.is_held:
        return indicator("pending", job_status_words(job))
    if not job.has_errors:
        return status_indicator(job.status)
    return indicator(record_errors_kind(job), job_status_words(job))


@register.filter
def record_errors_kind(job: BatchJob) -> str:
    """Return how to show failed records of a completed *job*: as an error if every record failed, else a warning."""
    return ERROR if job.every_record_failed else WARNING


@register.filter
def job_status_words(job: BatchJob) -> str:
    """Return ``Completed with errors: 12 of 500``, ``Held``, ``Waiting for approval``, or the label of the status."""
    if job.is_held:
        return "Waiting for approval" if job.awaits_approval else HELD_TITLE
    label = Status(job.status).label
    if not job.has_errors or not job.error_record_count:
        return label
    total = job.total_record_count or job.processed_record_count or job.error_record_count
    return f"{label} with errors: {job.error_record_count:,} of {total:,}"


@register.simple_tag
def status_indicator(status: str) -> SafeString:
    """Return the status indicator of a job's *status*."""
    return indicator(STATUS_TYPES[Status(status)], Status(status).label)


@register.simple_tag
def outcome_indicator(item: BulkActionItem) -> SafeString:
    """Return the status indicator of a job's outcome in a bulk action."""
    return indicator(OUTCOME_TYPES[item.outcome], item.get_outcome_display())


@register.filter
def type_icon(kind: str) -> str:
    """Return the icon for the *kind* of an alert or message."""
    return TYPE_ICONS.get(kind, "status-info")


@register.filter
def brief(message: str) -> str:
    """Shorten an AWS *message* for a table: without ARNs, and with only the numbers of a record limit error."""
    counted = RECORDS.search(message)
    if counted:
        limit = "needed" if counted[1] == "less" else "allowed"
        bound = "at least" if counted[1] == "less" else "at most"
        return f"{int(counted[2]):,} record{'' if counted[2] == '1' else 's'}; {bound} {int(counted[3]):,} {limit}"
    text = ARN.sub("", message).strip()
    return text[:1].upper() + text[1:]


@register.filter
def message_kind(job: BatchJob) -> str:
    """Return how to show the message of *job*: by its status, or as a warning if AWS refused it for now."""
    kind = STATUS_TYPES[Status(job.status)]
    if kind not in {ERROR, WARNING}:
        return WARNING if job.error_code and not job.is_ended else "info"
    return kind


@register.filter
def reason_of(waits: dict[int, str], job: BatchJob) -> str:
    """Return why *job* waits, from the page's reasons by job id; empty if it does not wait."""
    return waits.get(job.pk, "")


@register.filter
def stage_icon(state: str) -> str:
    return STAGE_ICONS[state]
