"""The channel form, and the filter of the list of deliveries."""

from typing import Any, ClassVar

import django_filters
from crispy_forms.layout import Layout
from django import forms

from batchconsole.console.kit import meanwhile
from batchconsole.console.kit.layout import Choice, Container, Field, FormActions, RadioGroup
from batchconsole.console.kit.page_form import PageForm
from batchconsole.jobs.models import Connection, Delivery, NotificationChannel
from batchconsole.jobs.notifications.channels import LONGEST_ADDRESS, NAME_LENGTH, Wanted
from batchconsole.jobs.occasions import CHOICES, LABELS, OWN_CHOICES, USUAL

Kind = NotificationChannel.Kind
KINDS = [
    (Kind.EMAIL, Choice("E-mail", "A message in words.")),
    (Kind.CHAT, Choice("Chat or on-call service", "Slack, Microsoft Teams, Discord, PagerDuty and others.")),
    (Kind.WEBHOOK, Choice("Webhook", "JSON for a program, signed by the Standard Webhooks scheme.")),
]
ADDRESS = {
    Kind.EMAIL: "A mail address.",
    Kind.CHAT: "The webhook address that the service gives you, or an Apprise URL.",
    Kind.WEBHOOK: "An address that begins with https:// and takes POST requests.",
}
OWN_MAIL = "Mail goes to the address of your account: leave this empty."
CHANGED = "Changed after you opened this page: it is {} now. Save again to keep your value."
SELECT = {"class": "input"}


class ChannelForm(PageForm):
    """The form for a new channel, or for changing *channel*, whose kind is fixed."""

    kind = forms.ChoiceField(
        label="Kind",
        choices=KINDS,
        widget=forms.RadioSelect,
        initial=Kind.WEBHOOK,
        error_messages={"required": "Choose a kind."},
    )
    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        help_text="What it is for.",
        error_messages={"required": "Name is required."},
    )
    address = forms.CharField(label="Address", max_length=LONGEST_ADDRESS, required=False)
    occasions = forms.MultipleChoiceField(
        label="Occasions",
        choices=CHOICES,
        initial=USUAL,
        widget=forms.CheckboxSelectMultiple,
        help_text="The job states and other events to be notified about.",
        error_messages={"required": "Choose at least one occasion."},
    )
    scope = forms.ChoiceField(
        label="Of which jobs",
        choices=NotificationChannel.Scope.choices,
        initial=NotificationChannel.Scope.MINE,
        widget=forms.RadioSelect,
    )

    seen = meanwhile.seen_field()

    error_labels: ClassVar = {}

    def __init__(
        self,
        data: Any = None,
        *,
        owner: Any,
        cancel_url: str,
        channel: NotificationChannel | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=(_values(channel) if channel else {}) | (initial or {}))
        self.channel = channel
        is_own = not isinstance(owner, Connection)
        if channel:
            del self.fields["kind"]
        if is_own:
            self.fields["occasions"].choices = OWN_CHOICES  # type: ignore[attr-defined] # as declared above
        else:
            del self.fields["scope"]
        self.fields["address"].help_text = _address_help(channel, is_own=is_own)
        parts = [RadioGroup("kind")] if not channel else []
        parts += [
            Field("name", constraint=f"Up to {NAME_LENGTH} characters."),
            Field("address", optional=False, stretch=True),
        ]
        parts += [Field("seen"), Field("occasions"), *([RadioGroup("scope")] if is_own else [])]
        self.helper.layout = Layout(
            Container("Notification channel", *parts),
            FormActions("Save changes" if channel else "Create channel", cancel_url=cancel_url),
        )

    @property
    def kind_chosen(self) -> str:
        return self.channel.kind if self.channel else str(self.cleaned_data["kind"])

    @property
    def wanted(self) -> Wanted:
        values = self.cleaned_data
        scope = values.get("scope", NotificationChannel.Scope.MINE)
        return Wanted(name=values["name"], occasions=values["occasions"], address=values["address"], scope=scope)

    def take_changes(self, channel: NotificationChannel) -> bool:
        """Show what others changed after the page was opened; return whether they did."""
        now = _definition(channel)
        here = {name: self.cleaned_data[name] for name in now if name in self.cleaned_data}
        seen = meanwhile.read(self.cleaned_data["seen"])
        changed = meanwhile.changed(seen, meanwhile.as_text(now), meanwhile.as_text(here))
        for name in changed:
            self.add_error(name, CHANGED.format(meanwhile.spoken(self._titles(name, now[name]))))
        if changed:
            posted = self.data.copy()  # type: ignore[attr-defined] # a QueryDict: only a posted form is compared
            posted["seen"] = meanwhile.written(meanwhile.as_text(now))
            self.data = posted
        return bool(changed)

    def _titles(self, name: str, value: Any) -> Any:
        """Return the titles of the chosen values of a field, or *value* if it has no choices."""
        titles = {key: str(title) for key, title in getattr(self.fields[name], "choices", ())}
        return [titles.get(each, each) for each in value] if isinstance(value, list) else titles.get(value, value)


def _definition(channel: NotificationChannel) -> dict[str, Any]:
    return {"name": channel.name, "occasions": channel.occasions, "scope": channel.scope}


def _values(channel: NotificationChannel) -> dict[str, Any]:
    """Return the initial values of the form that changes *channel*."""
    now = _definition(channel)
    return now | {"seen": meanwhile.written(meanwhile.as_text(now))}


def _address_help(channel: NotificationChannel | None, *, is_own: bool) -> str:
    """Return the address field's help text. A stored address is never shown in full again."""
    if channel is None:
        return f"Of a chat or a webhook; it is stored sealed.{f' {OWN_MAIL}' if is_own else ''}"
    if channel.kind == Kind.EMAIL and is_own:
        return OWN_MAIL
    return f"Now {channel.shown}. Leave this empty to keep it. {ADDRESS[Kind(channel.kind)]}"


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter ships no types
    """Filter by channel, occasion and outcome."""

    channel = django_filters.ModelChoiceFilter(
        queryset=lambda request: NotificationChannel.objects.filter(**request.owner_of_channels),
        empty_label="All channels",
        label="Channel",
        widget=forms.Select(attrs=SELECT),
    )
    occasion = django_filters.ChoiceFilter(
        field_name="notice__occasion",
        choices=list(LABELS.items()),
        empty_label="All occasions",
        label="Occasion",
        widget=forms.Select(attrs=SELECT),
    )
    state = django_filters.ChoiceFilter(
        choices=Delivery.State.choices, empty_label="All outcomes", label="Outcome", widget=forms.Select(attrs=SELECT)
    )

    class Meta:
        model = Delivery
        fields: ClassVar[list[str]] = []

    @property
    def is_filtering(self) -> bool:
        return any(self.form.cleaned_data.values()) if self.is_bound else False
