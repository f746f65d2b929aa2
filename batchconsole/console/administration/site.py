"""The administration site: its tables in groups that make sense to administrators, for index and navigation.

A registered model in no group has no entry there; other pages of the administration link to it.
"""

from typing import Any

from django.contrib import admin
from django.db.models.base import ModelBase
from django.http import HttpRequest
from django.urls import path, reverse

from batchconsole.console.administration import retention, work

# The tables of each group, by model label, with a description.
GROUPS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Connections",
        {
            "jobs.connection": "AWS accounts and Regions, allowed locations and roles, and sync status.",
            "jobs.notificationchannel": "Where notifications about jobs are sent: email, chat, and webhooks.",
        },
    ),
    (
        "People",
        {
            "auth.user": "Accounts, their rights and where these come from, sessions, and API keys.",
            "auth.group": "Users who share the same roles.",
            "jobs.role": "Named sets of rights.",
        },
    ),
    (
        "Limits and prices",
        {
            "jobs.modellimit": "Quotas per model: concurrent jobs, records per job, and file sizes.",
            "jobs.budget": "Monthly spending limits, and what happens when they are exceeded.",
            "jobs.modelprice": "Price per million tokens, and its source.",
            "retention": "How long data is kept, and what is deleted next.",
        },
    ),
    (
        "Jobs and work",
        {
            "work": "Background work that is waiting, running, or failed, with retry and cancel.",
            "jobs.batchjob": "Every job with all of its fields, its history, and the available actions.",
            "jobs.inputcheck": "Checks of input files.",
            "jobs.madeinput": "Input files that the console has created.",
            "jobs.schedule": "Jobs created at set times or for new files, their owners, and why they stopped.",
            "jobs.bulkaction": "Actions on many jobs at once, such as stop, tag, and clone.",
            "jobs.delivery": "Notifications sent to channels, and their outcome.",
        },
    ),
    ("Audit", {"jobs.event": "Who did what, when, and from where."}),
)


# Tables whose rows are not added here: how they come about, the page for that, and what its link says.
ORIGINS = {
    "jobs.notificationchannel": ("Users create channels under Notifications.", "notifications", "View notifications"),
    "jobs.batchjob": ("Jobs are created in the console, and read from AWS.", "home", "Open the console"),
    "jobs.inputcheck": ("Input is checked when a job is created.", "home", "Open the console"),
    "jobs.madeinput": ("Users create input from tables under Make batch input.", "home", "Open the console"),
    "jobs.schedule": ("Users create schedules under Schedules.", "home", "Open the console"),
    "jobs.bulkaction": ("Users select several jobs in a list and choose an action.", "home", "Open the console"),
    "jobs.delivery": ("Channels receive notifications as jobs change state.", "notifications", "View notifications"),
}

# Apps whose models are not registered: the page of a user shows what administrators need of them.
OUT_OF_SIGHT = frozenset({"account", "mfa", "socialaccount", "usersessions"})
# Pages without a model: the name of each one's URL, and its title.
PAGES = {"work": "Work", "retention": "Retention"}


class AdministrationSite(admin.AdminSite):
    """Django's administration in the console's frame."""

    site_header = "Batch Console administration"
    site_title = "Batch Console"
    index_title = "Administration"
    enable_nav_sidebar = False  # the frame has one

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Skip the models of the sign-in library, regardless of the order of INSTALLED_APPS."""
        models: list[Any] = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else list(model_or_iterable)
        seen = [model for model in models if model._meta.app_label not in OUT_OF_SIGHT]
        super().register(seen, admin_class, **options)

    def get_urls(self) -> list[Any]:
        return [
            path("work/", self.admin_view(work.index), name="work"),
            path("retention/", self.admin_view(retention.index), name="retention"),
            path("work/<slug:kind>/<int:pk>/<slug:verb>/", self.admin_view(work.act), name="work_act"),
            *super().get_urls(),
        ]

    def _page(self, name: str) -> dict[str, Any]:
        url = reverse(f"admin:{name}", current_app=self.name)
        page = {"model": None, "name": PAGES[name], "object_name": name, "add_url": None, "view_only": True}
        return page | {"admin_url": url}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the groups in the shape of Django's app list; with *app_label*, only the tables of that app."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label is None:
            shown = [name for name in PAGES if name != "retention" or retention.may_open(request)]
            apps.append({"models": [self._page(name) for name in shown]})
        known = {_label(entry): entry for app in apps for entry in app["models"]}
        groups = [(name, _entries(request, tables, known)) for name, tables in GROUPS]
        return [_group(name, entries) for name, entries in groups if entries]


def _label(entry: dict[str, Any]) -> str:
    """Return the label of an entry's model, or the name of a page without a model."""
    return str(entry["model"]._meta.label_lower if entry["model"] else entry["object_name"])


def _entries(request: HttpRequest, tables: dict[str, str], known: dict[str, Any]) -> list[Any]:
    return [
        {
            **known[label],
            "about": about,
            "origin": ORIGINS.get(label),
            "noun": known[label]["model"]._meta.verbose_name if known[label]["model"] else "",
            "is_current": request.path.startswith(known[label]["admin_url"] or "-"),
        }
        for label, about in tables.items()
        if label in known
    ]


def _group(name: str, entries: list[Any]) -> dict[str, Any]:
    label = name.lower().replace(" ", "-")
    return {"name": name, "app_label": label, "app_url": "", "has_module_perms": True, "models": entries}
