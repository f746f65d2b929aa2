"""Times and ages in the preferred time zone."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchconsole.console.kit.times import absolute, ago, duration, iso, machine_time, offset_name
from batchconsole.jobs.models import BatchJob

register = template.Library()

SHORT_TIME = "%Y-%m-%d, %H:%M"
SHORT = {"minute": "min", "hour": "h", "day": "d", "month": "mo", "year": "y"}


@register.simple_tag
def timestamp(value: datetime | None, *, zone: bool = True, seconds: bool = False) -> SafeString | str:
    """Return an absolute time in the preferred zone, or a hyphen for None. In tables, the header names the zone."""
    if value is None:
        return "-"
    text = absolute(value) if zone else timezone.localtime(value).strftime(SHORT_TIME + (":%S" if seconds else ""))
    return format_html('<time datetime="{}" title="{}">{}</time>', machine_time(value), iso(value), text)


@register.simple_tag
def relative(value: datetime | None) -> SafeString | str:
    """Return a relative time with the absolute time on hover. The script ``js/times.js`` keeps it up to date."""
    if value is None:
        return "-"
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>', machine_time(value), absolute(value), ago(value)
    )


@register.simple_tag
def age(value: datetime | None, form: str = "short") -> SafeString | str:
    """Return an age for a narrow column: ``5 min``, ``3 h``; with the form ``short-ago``: ``5 min ago``."""
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
    """Return the time from a job's submission to its end or until now; a hyphen before submission."""
    return duration((job.ended_at or timezone.now()) - job.submit_time) if job.submit_time else "-"


@register.simple_tag
def zone_label() -> str:
    """Return the current UTC offset of the preferred time zone: ``UTC``, ``UTC+2``, ``UTC+5:30``."""
    return offset_name(timezone.localtime())


register.filter(duration)
