"""The small parts of a page: icons, Info links, status indicators, times, copy buttons."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from batchconsole.console.kit import amounts
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.times import absolute, ago, duration, iso, machine_time, offset_name
from batchconsole.console.models.names import model_name
from batchconsole.jobs.models import BatchJob, BulkActionItem, Event, Status
from batchconsole.records.catalogue import find
from batchconsole.records.results import ErrorGroup, MisfitGroup

register = template.Library()

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
SMALL_DECIMALS = 4  # of an amount under a dollar
SHORT_TIME = "%Y-%m-%d, %H:%M"
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
SHORT = {"minute": "min", "hour": "h", "day": "d", "month": "mo", "year": "y"}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of ``img/icons.svg``: hidden from assistive technology unless it has a *label* of its own."""
    use = format_html('<use href="{}#{}"></use>', static("img/icons.svg"), name)
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="icon" aria-hidden="true">{}</svg>', use)


@register.simple_tag
def info(topic: str, label_id: str) -> SafeString:
    """An Info link: opens the help topic ``console/help/<topic>.html``; its name ends with the label at *label_id*."""
    return format_html(
        '<a class="info-link" id="info-{0}" href="{1}" data-help-topic="{2}" aria-labelledby="info-{0} {0}">Info</a>',
        label_id,
        reverse("help", args=[topic]),
        topic,
    )


@register.inclusion_tag("console/frame/_learn_more.html")
def learn_more(*titles_and_urls: str) -> dict[str, Any]:
    """The end of a help topic: links to pages elsewhere, each a title and an address."""
    return {"links": list(zip(titles_and_urls[::2], titles_and_urls[1::2], strict=True))}


@register.simple_tag
def indicator(kind: str, text: str) -> SafeString:
    """A status indicator of *kind* (``success``, ``error``, ...) with *text* beside its icon."""
    return format_html(
        '<span class="status-indicator" data-type="{}">{}<span>{}</span></span>', kind, icon(TYPE_ICONS[kind]), text
    )


@register.simple_tag
def job_status(job: BatchJob) -> SafeString:
    """Where *job* stands. AWS says Completed however many records failed; here the failed ones are told."""
    if job.status != Status.COMPLETED or not job.error_record_count:
        return status_indicator(job.status)
    return indicator("warning", job_status_words(job))


@register.filter
def job_status_words(job: BatchJob) -> str:
    """``Completed with errors: 12 of 500``, or else the status as it is."""
    label = Status(job.status).label
    if job.status != Status.COMPLETED or not job.error_record_count:
        return label
    total = job.total_record_count or job.processed_record_count or job.error_record_count
    return f"{label} with errors: {job.error_record_count:,} of {total:,}"


@register.simple_tag
def status_indicator(status: str) -> SafeString:
    """The status indicator of a job's *status*."""
    return indicator(STATUS_TYPES[Status(status)], Status(status).label)


@register.simple_tag
def outcome_indicator(item: BulkActionItem) -> SafeString:
    """The status indicator of what became of one job of a bulk action."""
    return indicator(OUTCOME_TYPES[item.outcome], item.get_outcome_display())


@register.filter
def bulk_action_url(event: Event) -> str:
    """The page of the bulk action that *event* belongs to."""
    return _event_url(event, "bulk-action", "bulk_action")


@register.filter
def input_check_url(event: Event) -> str:
    """The page of the input check that *event* tells of."""
    return _event_url(event, "input-check", "input_check")


def _event_url(event: Event, page: str, name: str) -> str:
    connection = event.job.connection if event.job else event.connection
    return reverse(page, args=[connection.name, event.data[name]]) if connection else ""


@register.filter
def type_icon(kind: str) -> str:
    """The icon of an alert's or message's *kind*."""
    return TYPE_ICONS.get(kind, "status-info")


@register.simple_tag
def timestamp(value: datetime | None, *, zone: bool = True, seconds: bool = False) -> SafeString | str:
    """An absolute time in the preferred zone, a hyphen for none. In a table the column's header says the zone."""
    if value is None:
        return "-"
    text = absolute(value) if zone else timezone.localtime(value).strftime(SHORT_TIME + (":%S" if seconds else ""))
    return format_html('<time datetime="{}" title="{}">{}</time>', machine_time(value), iso(value), text)


@register.simple_tag
def relative(value: datetime | None) -> SafeString | str:
    """How long ago, as people say it; the absolute time on hover. The script ``js/times.js`` keeps it true."""
    if value is None:
        return "-"
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>', machine_time(value), absolute(value), ago(value)
    )


@register.simple_tag
def age(value: datetime | None, form: str = "short") -> SafeString | str:
    """How old, in a word for a narrow column: ``5 min``, ``3 h``; in the form ``short-ago``: ``5 min ago``."""
    if value is None:
        return "-"
    words = ago(value) if form == "short-ago" else ago(value).removesuffix(" ago")
    for long, short in SHORT.items():
        words = words.replace(f"{long}s", short).replace(long, short)
    return format_html(
        '<time datetime="{}" title="{}" data-relative="{}">{}</time>', machine_time(value), absolute(value), form, words
    )


@register.simple_tag
def job_duration(job: BatchJob) -> str:
    """How long AWS has had the job, a hyphen before that."""
    return duration((job.end_time or timezone.now()) - job.submit_time) if job.submit_time else "-"


@register.simple_tag
def zone_label() -> str:
    """The name of the preferred time zone as it stands now: ``UTC``, ``UTC+2``, ``UTC+5:30``."""
    return offset_name(timezone.localtime())


@register.inclusion_tag("console/kit/_copy.html")
def copy(text: str, what: str, url: str = "") -> dict[str, Any]:
    """*text* with a button before it that copies it; *what* names it (``ARN``), *url* is where it leads."""
    return {"text": text, "what": what, "url": url}


register.filter(model_name)


@dataclass(frozen=True)
class Progress:
    """How far a job is, in records."""

    processed: int
    total: int
    errors: int

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return self.processed * 100 // self.total


@register.filter
def progress(job: BatchJob) -> Progress | None:
    """The job's progress, ``None`` while AWS has counted nothing."""
    if not job.total_record_count:
        return None
    return Progress(job.processed_record_count or 0, job.total_record_count, job.error_record_count or 0)


@register.simple_tag(takes_context=True)
def s3_url(context: Context, uri: str) -> str:
    """The page of this console that shows *uri*: an object where it names a file, else the folder."""
    view = "s3-object" if uri.rpartition("/")[2].endswith((".jsonl", ".out", ".json")) else "s3-browse"
    folder = uri if view == "s3-object" or uri.endswith("/") else f"{uri}/"
    return f"{reverse(view, args=[context['connection'].name])}?{urlencode({'uri': folder})}"


@register.simple_tag
def download_url(job: BatchJob, name: str) -> str:
    """Where the output file *name* of *job* is handed out."""
    key = f"{job.output_folder.removeprefix('s3://')}{name}"
    return f"{reverse('job-download', args=[job.connection.name, job.pk])}?{urlencode({'key': key})}"


@register.simple_tag(takes_context=True)
def model_link(context: Context, model_id: str) -> SafeString | str:
    """The model's name, linked to its page where the catalogue has one, and its id under it."""
    model = find(model_id)
    if model is None:
        return format_html('<span title="{}">{}</span>', model_id, model_name(model_id))
    url = reverse("model-detail", args=[context["connection"].name, model.model_id])
    return format_html('<a href="{}" title="{}">{}</a>', url, model_id, model.name)


@register.filter
def message_kind(job: BatchJob) -> str:
    """How the message of *job* is shown: by its status, and as a warning what AWS has refused for now."""
    kind = STATUS_TYPES[Status(job.status)]
    if kind not in {ERROR, WARNING}:
        return WARNING if job.error_code and not job.is_ended else "info"
    return kind


@register.filter
def stage_icon(state: str) -> str:
    return STAGE_ICONS[state]


register.filter(duration)


@register.filter
def figure(value: float | None) -> str:
    """A count with separators, a hyphen for none."""
    return "-" if value is None else f"{value:,}"


@register.filter
def usd(value: Decimal | None) -> str:
    """What a job cost; more digits the smaller it is, and neither unknown nor next to nothing is ever a zero."""
    if value is None:
        return "-"
    return amounts.usd(value, SMALL_DECIMALS if 0 < value < 1 else 2)


@register.filter
def price(value: Decimal | None, decimals: int) -> str:
    """A price in US dollars with as many *decimals* as the rest of its column, a hyphen for none."""
    return "-" if value is None else f"${value:,.{decimals}f}"


@register.filter
def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@register.filter
def cell_text(value: Any) -> str:
    """A field of an answer as its cell shows it: numbers and truth values as JSON has them, nothing as nothing."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


@register.filter
def examples(group: ErrorGroup | MisfitGroup) -> list[tuple[int, str]]:
    """Position and id of the first records of an error's group."""
    return list(zip(group.positions, group.record_ids, strict=False))


register.filter(sentences)


@register.filter
def said(value: Any) -> Any:
    """What an event holds, for people: lists with commas, tags as ``team = nlp``, nothing as ``none``, ``10,000``."""
    if isinstance(value, list):
        return ", ".join(str(said(each)) for each in value) or "none"
    if isinstance(value, dict) and value.keys() == {"key", "value"}:
        return f"{value['key']} = {value['value']}" if value["value"] else value["key"]
    return f"{value:,}" if type(value) is int else value


@register.filter
def words(name: str) -> str:
    """A snake-case name as words."""
    return name.replace("_", " ").capitalize()
