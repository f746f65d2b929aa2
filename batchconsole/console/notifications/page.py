"""What the notification pages show: the channels of an owner, the state of each, and what was sent."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from batchconsole.console.kit.answers import version_of
from batchconsole.jobs.models import Connection, Delivery, NotificationChannel
from batchconsole.jobs.notifications.channels import channels_of, deliveries_of

FEW = 10  # deliveries on a channel's page
State = Delivery.State
STATES = {State.WAITING: "pending", State.SENT: "success", State.FAILED: "error", State.DROPPED: "stopped"}


@dataclass(frozen=True)
class Place:
    """The owner of the channels, a user or a connection, and the URLs of their pages."""

    owner: User | Connection

    @property
    def connection(self) -> Connection | None:
        return self.owner if isinstance(self.owner, Connection) else None

    def url(self, name: str, *keys: int) -> str:
        if self.connection:
            return reverse(f"connection-{name}", args=[self.connection.name, *keys])
        return reverse(name, args=keys)

    @property
    def list_url(self) -> str:
        return self.url("notifications")

    @property
    def create_url(self) -> str:
        return self.url("notification-create")

    @property
    def deliveries_url(self) -> str:
        return self.url("notification-deliveries")

    @property
    def channels(self) -> "list[ChannelRow]":
        return [ChannelRow(self, each) for each in channels_of(self.owner)]


@dataclass(frozen=True)
class ChannelRow:
    """A channel with its URLs and its state."""

    place: Place
    channel: NotificationChannel

    def url(self, act: str) -> str:
        return self.place.url(f"notification-{act}", self.channel.pk)

    @property
    def page_url(self) -> str:
        return self.url("channel")

    @property
    def edit_url(self) -> str:
        return self.url("edit")

    @property
    def test_url(self) -> str:
        return self.url("test")

    @property
    def pause_url(self) -> str:
        return self.url("pause")

    @property
    def resume_url(self) -> str:
        return self.url("resume")

    @property
    def rotate_url(self) -> str:
        return self.url("rotate")

    @property
    def remove_url(self) -> str:
        return self.url("remove")

    @property
    def sent_url(self) -> str:
        return f"{self.place.deliveries_url}?channel={self.channel.pk}"

    @property
    def is_webhook(self) -> bool:
        return self.channel.kind == NotificationChannel.Kind.WEBHOOK

    @property
    def state(self) -> tuple[str, str]:
        """The kind and text of the status indicator."""
        if self.channel.paused_at:
            return "stopped", "Paused"
        if self.channel.failures:
            return "warning", "Failing"
        return "success", "Active"


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery as a table row."""

    place: Place
    delivery: Delivery

    @property
    def state(self) -> tuple[str, str]:
        return STATES[State(self.delivery.state)], self.delivery.get_state_display()

    @property
    def again_url(self) -> str:
        """The URL for sending the delivery again; empty while it waits to be sent."""
        if self.delivery.state == State.WAITING:
            return ""
        return self.place.url("notification-again", self.delivery.pk)


class ChannelPage:
    """One channel with its latest deliveries; ``version`` changes with anything shown."""

    def __init__(self, place: Place, channel: NotificationChannel) -> None:
        self.place = place
        self.channel = channel
        self.row = ChannelRow(place, channel)
        self.deliveries = rows_of(place, list(deliveries_of(place.owner).filter(channel=channel)[:FEW]))

    @property
    def is_busy(self) -> bool:
        return any(each.delivery.state == State.WAITING for each in self.deliveries) and not self.channel.paused_at

    @property
    def version(self) -> str:
        facts = [(each.delivery.pk, each.delivery.state, each.delivery.attempts) for each in self.deliveries]
        return version_of(facts, self.row.state, self.channel.failures, self.channel.secret_number)


def rows_of(place: Place, deliveries: list[Delivery]) -> list[DeliveryRow]:
    return [DeliveryRow(place, each) for each in deliveries]
