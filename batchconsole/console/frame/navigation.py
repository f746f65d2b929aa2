"""The side navigation: its links, and which of them is the current page's."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from batchconsole.console.frame.access import may
from batchconsole.jobs.models import Connection

DOCUMENTATION = "https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html"


@dataclass(frozen=True)
class Entry:
    """One link of the side navigation."""

    title: str
    url: str
    is_current: bool = False
    is_external: bool = False
    place: str = ""  # its name in js/shortcuts.js


def switch(request: HttpRequest, connections: Iterable[Connection]) -> list[tuple[Connection, str]]:
    """Return each connection with its URL in the connection switch: the same page there if possible, else overview."""
    here = request.resolver_match.url_name if request.resolver_match else None
    name = here if here in SHARED else "overview"
    return [
        (each, reverse(name if may(request.user, name, each) else "overview", args=[each.name])) for each in connections
    ]


def side_navigation(request: HttpRequest, connection: Connection | None) -> list[list[Entry]]:
    """Return the groups of links; the connection's own pages come first."""
    here = request.resolver_match.url_name or "" if request.resolver_match else ""
    is_known = hasattr(request, "connection")  # no page is current on the 404 page of an unknown connection
    first = [
        Entry(title, reverse(name, args=[connection.name]), is_known and here in names, place=name)
        for title, name, names in CONNECTION_PAGES
        if connection and may(request.user, name, connection)
    ]
    general = [Entry("Activity", reverse("activity"), here == "activity", place="activity")]
    if getattr(request, "user", None) and request.user.is_staff:
        general.append(Entry("Administration", reverse("admin:index")))
    return [group for group in (first, general, [Entry("Documentation", DOCUMENTATION, is_external=True)]) if group]


JOB_PAGES = (
    "job-list",
    "job-detail",
    "job-create",
    "job-stop",
    "job-stop-selected",
    "job-tag-selected",
    "job-clone-selected",
    "job-compare",
    "job-columns",
    "job-record",
    "job-resend",
    "job-on-demand",
    "job-take-over",
    "job-tags",
    "bulk-action-list",
    "bulk-action",
    "job-template-list",
    "job-template-save",
    "job-template-delete",
    "split",
    "comparison",
    "comparison-list",
)
NOTIFICATION_PAGES = (
    "connection-notifications",
    "connection-notification-create",
    "connection-notification-channel",
    "connection-notification-edit",
    "connection-notification-deliveries",
)
MAKING_PAGES = ("input-new", "input-merge", "input-made", "input-templates", "input-template", "input-template-delete")
SCHEDULE_PAGES = ("schedule-list", "schedule-detail", "schedule-create", "schedule-edit")
# Title, URL name, and the URL names of the pages for which the entry is current.
CONNECTION_PAGES = (
    ("Overview", "overview", ("overview",)),
    ("Batch inference", "job-list", JOB_PAGES),
    ("Schedules", "schedule-list", SCHEDULE_PAGES),
    ("Models", "model-list", ("model-list", "model-detail")),
    ("S3 buckets", "s3-browse", ("s3-browse", "s3-object", "s3-object-delete", "s3-object-restore")),
    ("Make batch input", "input-new", MAKING_PAGES),
    ("Usage and cost", "usage", ("usage",)),
    ("Notifications", "connection-notifications", NOTIFICATION_PAGES),
    ("Programs", "programs", ("programs",)),
)
SHARED = frozenset(name for _, name, _ in CONNECTION_PAGES)
