"""The audit trail: who did what and when, across all connections."""

import json
from typing import Any, ClassVar

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from batchconsole.console.frame.client_address import read_address
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.csv_download import csv_response
from batchconsole.console.kit.pagination import page_number, paginate
from batchconsole.jobs.models import Event
from batchconsole.jobs.rights.access import events_for, people_on, viewable
from batchconsole.jobs.states import Verb

COLUMNS = (
    "at", "verb", "actor", "address", "session", "api_key", "connection", "job", "target", "from_status", "to_status",
    "before", "after", "data",
)  # fmt: skip
SELECT = {"class": "input"}
PAGE_SIZE = 50
LONGEST_SEARCH = 200  # characters


def text(length: int) -> forms.TextInput:
    return forms.TextInput(attrs={**SELECT, "size": min(length, 20), "maxlength": length, "autocomplete": "off"})


def date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={**SELECT, "type": "date"})


class EventFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    """Search, and filter by connection, user, verb, job, address and day.

    Ignore invalid values; a bad address matches nothing.
    """

    find = django_filters.CharFilter(
        method="filter_text", label="Find events", max_length=LONGEST_SEARCH, widget=text(LONGEST_SEARCH)
    )
    connection = django_filters.ModelChoiceFilter(
        queryset=lambda request: viewable(request.user),
        to_field_name="name",
        empty_label="All connections",
        widget=forms.Select(attrs=SELECT),
    )
    actor = django_filters.ModelChoiceFilter(
        queryset=lambda request: people_for(request.user),
        to_field_name="username",
        empty_label="All users and the system",
        label="User",
        widget=forms.Select(attrs=SELECT),
    )
    verb = django_filters.ChoiceFilter(
        choices=Verb.choices, empty_label="All events", label="Event", widget=forms.Select(attrs=SELECT)
    )

    job = django_filters.NumberFilter(field_name="job_id", label="Job number", widget=text(12))
    address = django_filters.CharFilter(method="filter_address", label="Address", widget=text(45))
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label="From", widget=date())
    until = django_filters.DateFilter(field_name="at", lookup_expr="date__lte", label="To", widget=date())

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []

    def filter_text(self, events: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        """Keep events with *value* in the job's name, the target or the values; SQLite holds these as ASCII."""
        found = Q(job__job_name__icontains=value) | Q(target__icontains=value)
        for column in ("data", "before", "after"):
            events = events.alias(**{f"{column}_text": Cast(column, TextField())})
            for form in {value, json.dumps(value)[1:-1]}:
                found |= Q(**{f"{column}_text__icontains": form})
        return events.filter(found)

    def filter_address(self, events: QuerySet[Event], name: str, value: str) -> QuerySet[Event]:
        address = read_address(value.strip())
        return events.filter(address=str(address)) if address else events.none()

    @property
    def is_filtering(self) -> bool:
        return any(self.form.cleaned_data.values()) if self.is_bound else False


def people_for(user: User) -> QuerySet[User]:
    """Return the users that the filter offers: all for a superuser, else those on connections *user* may view."""
    return User.objects.order_by("username") if user.is_superuser else people_on(viewable(user))


def found_events(request: ConsoleRequest) -> EventFilter:
    events = events_for(request.user).select_related("actor", "connection", "job__connection")
    return EventFilter(request.GET, events, request=request)


@require_safe
def index(request: ConsoleRequest) -> HttpResponse:
    found = found_events(request)
    page = paginate(found.qs.order_by("-at", "-id"), number=page_number(request.GET.get("page", "")), size=PAGE_SIZE)
    export_url = f"{reverse('activity-export')}?{request.GET.urlencode()}"
    context: dict[str, Any] = {"filter": found, "page": page, "export_url": export_url}
    return render(request, "console/activity/activity.html", context)


@require_safe
def export(request: ConsoleRequest) -> HttpResponseBase:
    """Return the filtered events as CSV, newest first."""
    events = found_events(request).qs.order_by("-at", "-id")
    rows = (cells(event.as_dict()) for event in events.iterator(chunk_size=1000))
    return csv_response("activity.csv", COLUMNS, rows)


def cells(event: dict[str, Any]) -> list[Any]:
    """Return the cells of a CSV row; objects become JSON."""
    values = [event[name] for name in COLUMNS]
    return [json.dumps(each, ensure_ascii=False) if each and isinstance(each, dict) else each or "" for each in values]
