"""Pages to list, create and revoke the user's API keys."""

from datetime import timedelta
from typing import Any, ClassVar

from crispy_forms.layout import Layout
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.layout import Container, Field, FormActions
from batchconsole.console.kit.page_form import PageForm
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import ApiKey, Connection, Right
from batchconsole.jobs.rights import api_keys
from batchconsole.jobs.rights.access import connections_with, rights_on, who_grants

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "": "No end"}


class ApiKeyForm(PageForm):
    """The name, rights, connections and lifetime of a new key; only rights of its owner are offered."""

    name = forms.CharField(
        label="Name",
        max_length=api_keys.NAME_LENGTH,
        help_text="What it is for.",
        error_messages={"required": "Name is required."},
    )
    rights = forms.MultipleChoiceField(
        label="Rights",
        widget=forms.CheckboxSelectMultiple,
        help_text="A key never has more rights than you.",
        error_messages={"required": "Choose at least one right."},
    )
    connections = forms.ModelMultipleChoiceField(
        Connection.objects.none(),
        label="Connections",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all that you may use, those made later included.",
    )
    days = forms.ChoiceField(label="Ends after", choices=list(LIFETIMES.items()), initial="90", required=False)

    error_labels: ClassVar = {}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = rights_of(user)
        choices = [(right.value, right.label) for right in Right if right in mine]
        self.fields["rights"].choices = choices  # type: ignore[attr-defined] # as declared above
        if not choices:
            self.fields["rights"].help_text = f"You have no right on any connection yet. {who_grants(None)}"
        self.fields["connections"].queryset = connections_with(user)  # type: ignore[attr-defined] # as declared above
        self.helper.layout = Layout(
            Container(
                "API key",
                Field("name", constraint=f"Up to {api_keys.NAME_LENGTH} characters."),
                Field("rights"),
                Field("connections"),
                Field("days"),
            ),
            FormActions("Create API key", cancel_url=str(reverse_lazy("api-keys"))),
        )

    @property
    def expires_at(self) -> Any:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


def rights_of(user: User) -> frozenset[str]:
    """Return the rights that *user* has on at least one enabled connection."""
    return rights_on(user, None).union(*(rights_on(user, each) for each in Connection.objects.enabled()))


@require_safe
def index(request: ConsoleRequest) -> HttpResponse:
    keys = ApiKey.objects.filter(user=request.user).prefetch_related("connections")
    return render(request, "console/account/api_keys.html", {"keys": keys, "now": timezone.now()})


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: ConsoleRequest) -> HttpResponse:
    """Show the form; after a valid POST, show the new key's secrets in the response, the only time they are shown."""
    draft = drafts.restored(request)
    form = ApiKeyForm.draft(draft, user=request.user) if draft else ApiKeyForm(request.POST or None, user=request.user)
    if form.is_valid():
        try:
            key, token = create_key(request.user, form)
        except UserError as error:
            form.add_error(error.field if error.field in form.fields else None, f"{error.message} {error.hint}".strip())
        else:
            secret = api_keys.signing_secret(key.key_id)
            return render(request, "console/account/api_key.html", {"key": key, "token": token, "secret": secret})
    form.focus_first_error() if form.errors else form.focus("name")
    return render(request, "console/account/api_key_create.html", {"form": form})


def create_key(user: User, form: ApiKeyForm) -> tuple[ApiKey, str]:
    values = form.cleaned_data
    return api_keys.create_api_key(
        user=user,
        name=values["name"],
        rights=[Right(each) for each in values["rights"]],
        connections=values["connections"],
        expires_at=form.expires_at,
    )


@require_POST
def revoke(request: ConsoleRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, user=request.user)
    try:
        api_keys.revoke_api_key(key, request.user)
    except NotAllowed as error:
        messages.error(request, f"{error.message} {error.hint}")
    else:
        messages.success(request, f"The key {key.name} is revoked. It is refused from now on.")
    return redirect("api-keys")
