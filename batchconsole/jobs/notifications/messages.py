"""The text of a notice: JSON for programs, a title and a few lines for people. No text contains markup."""

import json
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from batchconsole.jobs.models import Notice
from batchconsole.jobs.occasions import BUDGET, OF_SCHEDULES, TEST
from batchconsole.jobs.states import Status

# The characters that a job name may not contain (the API's pattern of jobName). A chat could read them as markup, a
# mention or a link, and mail as the end of a header.
STRANGE = re.compile(r"[^a-zA-Z0-9+.\-]")
LONGEST_NAME = 63
RECORDS = {
    "total_record_count": "in all",
    "success_record_count": "answered",
    "error_record_count": "failed",
}


@dataclass(frozen=True)
class Text:
    """A message for people: a title of one line, and the lines of the body."""

    title: str
    body: str


def as_json(notice: Notice) -> str:
    """Return the body of a webhook: ``type``, ``timestamp`` and ``data``, as in Standard Webhooks; under 2 KiB."""
    data: dict[str, Any] = {"connection": notice.connection.name if notice.connection else None}
    data |= notice.data | {"job_id": notice.job_id, "url": link(notice) or None}
    message = {"type": notice.occasion, "timestamp": notice.created_at.isoformat(), "data": data}
    return json.dumps(message, separators=(",", ":"))


def as_text(notice: Notice) -> Text:
    """Return the message as text for people."""
    name = plain(str(notice.data.get("job_name", "")))
    title = f"{name}: {notice.label}" if name else notice.label
    if notice.occasion in OF_SCHEDULES:
        title = f"{plain(notice.data['schedule'])}: {notice.label}"
    if notice.occasion == BUDGET.code:
        title = "Budget at {percent} percent".format(**notice.data)
    return Text(title, "\n".join(_lines(notice, name)))


def _lines(notice: Notice, name: str) -> list[str]:
    lines = [f"Job: {name}"] if name else []
    if notice.occasion == TEST.code:
        lines.append("This channel works.")
    if notice.occasion == BUDGET.code:
        lines.append("{percent} percent of {usd_per_month} USD are used in {month}.".format(**notice.data))
    if notice.occasion in OF_SCHEDULES:
        lines.append(f"Schedule: {plain(notice.data['schedule'])}")
    if notice.connection:
        lines.append(f"Connection: {notice.connection.name}")
    if status := notice.data.get("status"):
        lines.append(f"Status: {Status(status).label}")
    counts = [f"{notice.data[key]:,} {word}" for key, word in RECORDS.items() if notice.data.get(key) is not None]
    if counts:
        lines.append(f"Records: {', '.join(counts)}")
    return [*lines, *filter(None, [link(notice)])]


def plain(name: str) -> str:
    """Return *name* in a form that is safe in any text: every character that AWS does not allow is replaced."""
    return STRANGE.sub("_", name)[:LONGEST_NAME]


def link(notice: Notice) -> str:
    """Return the URL of the page that it is about; empty for tests, and if ``PUBLIC_URL`` is not set."""
    if not settings.PUBLIC_URL or not notice.connection or notice.occasion == TEST.code:
        return ""
    here = notice.connection.name
    if notice.occasion in OF_SCHEDULES:
        path = reverse("schedule-detail", args=[here, notice.data["schedule_id"]])
    else:
        path = reverse("job-detail", args=[here, notice.job_id]) if notice.job_id else reverse("usage", args=[here])
    return f"{settings.PUBLIC_URL}{path}"
