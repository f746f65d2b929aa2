"""Views for the channels of a user or a connection: list, create, change, test, pause, rotate, remove, deliveries."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.links import back_to
from batchconsole.console.kit.pagination import page_number, paginate
from batchconsole.console.notifications.forms import ChannelForm, DeliveryFilter
from batchconsole.console.notifications.page import ChannelPage, Place, rows_of
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import NotificationChannel
from batchconsole.jobs.notifications import channels
from batchconsole.jobs.notifications.sealing import signing_secret

FOLDER = "console/notifications"
read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def place_of(request: ConsoleRequest, connection: str) -> Place:
    """Return the owner whose channels the URL is about."""
    return Place(request.connection if connection else request.user)


def find_channel(place: Place, pk: int) -> NotificationChannel:
    return get_object_or_404(channels.channels_of(place.owner).select_related("user", "connection"), pk=pk)


@require_safe
def index(request: ConsoleRequest, connection: str = "") -> HttpResponse:
    return render(request, f"{FOLDER}/channels.html", {"place": place_of(request, connection)})


@drafts.takes_drafts
@read_or_post
def create(request: ConsoleRequest, connection: str = "") -> HttpResponse:
    """Show the form or create the channel. A webhook's secret is shown once, in the response to the POST."""
    place = place_of(request, connection)
    form = _form_of(request, owner=place.owner, cancel_url=place.list_url)
    made: list[NotificationChannel] = []

    def save() -> None:
        kind, wanted = form.kind_chosen, form.wanted
        made.append(channels.add_channel(place.owner, kind=kind, wanted=wanted, actor=request.user))

    if not _saved(form, save):
        return _show_form(request, place, form)
    if made[0].kind == NotificationChannel.Kind.WEBHOOK:
        return _show_secret(request, place, made[0], signing_secret(made[0]))
    messages.success(request, f"{made[0]} was created. Send a test to see that it works.")
    return redirect(place.url("notification-channel", made[0].pk))


@drafts.takes_drafts
@read_or_post
def edit(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    place = place_of(request, connection)
    channel = find_channel(place, pk)
    page_url = place.url("notification-channel", pk)
    form = _form_of(request, owner=place.owner, cancel_url=page_url, channel=channel)
    if form.is_valid() and form.take_changes(channel):
        return _show_form(request, place, form)
    if not _saved(form, lambda: channels.change_channel(channel, form.wanted, request.user)):
        return _show_form(request, place, form)
    messages.success(request, f"{channel} was changed.")
    return redirect(page_url)


def _form_of(request: ConsoleRequest, **about: Any) -> ChannelForm:
    """Return the form as posted, with its draft, or as it opens; *about* is what the form is for."""
    draft = drafts.restored(request)
    return ChannelForm.draft(draft, **about) if draft is not None else ChannelForm(request.POST or None, **about)


def _saved(form: ChannelForm, save: Callable[[], None]) -> bool:
    """Save the form if it is valid. Return whether that succeeded; if not, the form has the errors."""
    if not form.is_valid():
        return False
    try:
        save()
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, sentences(error))
        return False
    return True


def _show_form(request: ConsoleRequest, place: Place, form: ChannelForm) -> HttpResponse:
    form.focus_first_error() if form.errors else form.focus("name")
    return render(request, f"{FOLDER}/channel_form.html", {"place": place, "form": form, "channel": form.channel})


def _show_secret(request: ConsoleRequest, place: Place, channel: NotificationChannel, secret: str) -> HttpResponse:
    page_url = place.url("notification-channel", channel.pk)
    context = {"place": place, "channel": channel, "secret": secret, "page_url": page_url}
    return render(request, f"{FOLDER}/secret.html", context)


@require_safe
def channel(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    place = place_of(request, connection)
    shown = ChannelPage(place, find_channel(place, pk))
    return show(request, f"{FOLDER}/channel.html", {"shown": shown, "place": place}, version=shown.version)


@require_safe
def deliveries(request: ConsoleRequest, connection: str = "") -> HttpResponse:
    place = place_of(request, connection)
    request.owner_of_channels = (  # type: ignore[attr-defined] # for DeliveryFilter, which gets only the request
        {"connection": place.owner} if place.connection else {"user": place.owner}
    )
    found = DeliveryFilter(request.GET, channels.deliveries_of(place.owner), request=request)
    page = paginate(found.qs, number=page_number(request.GET.get("page", "")), size=request.preferences.page_size)
    context = {"place": place, "filter": found, "page": page, "rows": rows_of(place, page.rows)}
    return render(request, f"{FOLDER}/deliveries.html", context)


@require_POST
def send_test(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    return _act(request, connection, pk, lambda found: channels.send_test(found, request.user), "A test is on its way.")


@require_POST
def pause(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    said = "The channel is paused. New notifications wait."
    return _act(request, connection, pk, lambda found: channels.pause_channel(found, request.user), said)


@require_POST
def resume(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    said = "The channel is active. Waiting notifications are being sent."
    return _act(request, connection, pk, lambda found: channels.resume_channel(found, request.user), said)


def _act(
    request: ConsoleRequest, connection: str, pk: int, act: Callable[[NotificationChannel], object], said: str
) -> HttpResponse:
    """Run *act* on a channel, report the result in a message and redirect to the channel's page."""
    place = place_of(request, connection)
    found = find_channel(place, pk)
    try:
        act(found)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, said)
    return redirect(place.url("notification-channel", pk))


@require_POST
def rotate(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    """Create a new secret, shown once in the response."""
    place = place_of(request, connection)
    found = find_channel(place, pk)
    try:
        secret = channels.rotate_secret(found, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
        return redirect(place.url("notification-channel", pk))
    return _show_secret(request, place, found, secret)


@require_POST
def remove(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    place = place_of(request, connection)
    found = find_channel(place, pk)
    channels.remove_channel(found, request.user)
    messages.success(request, f"{found} was removed.")
    return redirect(place.list_url)


@require_POST
def again(request: ConsoleRequest, pk: int, connection: str = "") -> HttpResponse:
    """Send a notification again."""
    place = place_of(request, connection)
    delivery = get_object_or_404(channels.deliveries_of(place.owner), pk=pk)
    try:
        channels.send_again(delivery, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, "The notification is being sent again, with the same ID.")
    return redirect(back_to(request, place.deliveries_url))
