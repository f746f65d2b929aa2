"""The audit trail: who did what, when, over all connections."""

from typing import Any, ClassVar

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.pagination import page_number, paginate
from batchconsole.jobs.access import events_for, people_on, viewable
from batchconsole.jobs.models import Event
from batchconsole.jobs.states import Verb

SELECT = {"class": "input"}
PAGE_SIZE = 50


class EventFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    """By connection, person and deed; an unknown value is left out."""

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
        widget=forms.Select(attrs=SELECT),
    )
    verb = django_filters.ChoiceFilter(
        choices=Verb.choices, empty_label="All events", label="Event", widget=forms.Select(attrs=SELECT)
    )

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []

    @property
    def is_filtering(self) -> bool:
        return any(self.form.cleaned_data.values()) if self.is_bound else False


def people_for(user: User) -> QuerySet[User]:
    """Whom the filter offers: everybody, or the people of the connections that *user* may view."""
    return User.objects.order_by("username") if user.is_superuser else people_on(viewable(user))


@require_safe
def index(request: ConsoleRequest) -> HttpResponse:
    events = events_for(request.user).select_related("actor", "connection", "job__connection")
    found = EventFilter(request.GET, events, request=request)
    page = paginate(found.qs.order_by("-at", "-id"), number=page_number(request.GET.get("page", "")), size=PAGE_SIZE)
    context: dict[str, Any] = {"filter": found, "page": page}
    return render(request, "console/activity/activity.html", context)
