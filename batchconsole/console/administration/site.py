"""The administration as one site: its tables in groups an administrator thinks in, for index and navigation.

What is registered and stands in no group has no entry; its pages are reached from the row that it belongs to.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

# Each group's tables, by label, and what a person finds there.
GROUPS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Connections",
        {"jobs.connection": "AWS accounts and regions, places and roles allowed, sync."},
    ),
    (
        "People",
        {
            "auth.user": "Accounts, what each may do and why, sessions, API keys.",
            "auth.group": "People with the same work, and what is granted to them together.",
            "jobs.role": "Named bundles of rights.",
        },
    ),
    (
        "Limits and prices",
        {
            "jobs.modellimit": "What a model admits: jobs at once, records, sizes.",
            "jobs.modelprice": "What a million tokens cost, and where that is from.",
        },
    ),
    (
        "Jobs and work",
        {
            "jobs.batchjob": "Every job with all its fields, its trail and what can be done to it.",
            "jobs.inputcheck": "Checks of input files.",
            "jobs.madeinput": "Input files that the console has written.",
            "jobs.bulkaction": "Stopping many jobs at once.",
        },
    ),
    ("Audit", {"jobs.event": "Who did what, when, and from where."}),
)


class AdministrationSite(admin.AdminSite):
    """Django's administration, in the console's frame."""

    site_header = "Batch Console administration"
    site_title = "Batch Console"
    index_title = "Administration"
    enable_nav_sidebar = False  # the frame has one

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The groups, in the shape that Django's templates take for apps; of one app, its tables alone."""
        apps: list[Any] = super().get_app_list(request, app_label)
        known = {entry["model"]._meta.label_lower: entry for app in apps for entry in app["models"]}
        groups = [(name, _entries(request, tables, known)) for name, tables in GROUPS]
        return [_group(name, entries) for name, entries in groups if entries]


def _entries(request: HttpRequest, tables: dict[str, str], known: dict[str, Any]) -> list[Any]:
    return [
        {
            **known[label],
            "about": about,
            "noun": known[label]["model"]._meta.verbose_name,
            "is_current": request.path.startswith(known[label]["admin_url"] or "-"),
        }
        for label, about in tables.items()
        if label in known
    ]


def _group(name: str, entries: list[Any]) -> dict[str, Any]:
    label = name.lower().replace(" ", "-")
    return {"name": name, "app_label": label, "app_url": "", "has_module_perms": True, "models": entries}
