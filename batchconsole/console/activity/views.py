"""The audit trail: who did what, when, over all connections."""

from typing import Any, ClassVar

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from batchconsole.console.kit.pagination import page_number, paginate
from batchconsole.jobs.models import Connection, Event
from batchconsole.jobs.states import Verb

SELECT = {"class": "input"}
PAGE_SIZE = 50


class EventFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    """By connection, person and deed; an unknown value is left out."""

    connection = django_filters.ModelChoiceFilter(
        queryset=Connection.objects.all(),
        to_field_name="name",
        empty_label="All connections",
        widget=forms.Select(attrs=SELECT),
    )
    actor = django_filters.ModelChoiceFilter(
        queryset=User.objects.order_by("username"),
        to_field_name="username",
        empty_label="Everybody and the system",
        widget=forms.Select(attrs=SELECT),
    )
    verb = django_filters.ChoiceFilter(
        choices=Verb.choices, empty_label="Everything", label="What", widget=forms.Select(attrs=SELECT)
    )

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []

    @property
    def is_filtering(self) -> bool:
        return any(self.form.cleaned_data.values()) if self.is_bound else False


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    found = EventFilter(request.GET, Event.objects.select_related("actor", "connection", "job__connection"))
    page = paginate(found.qs.order_by("-at", "-id"), number=page_number(request.GET.get("page", "")), size=PAGE_SIZE)
    context: dict[str, Any] = {"filter": found, "page": page}
    return render(request, "console/activity/activity.html", context)
