"""The pages of notifications: own channels and a connection's, made, tested, rotated, and what was sent."""

import re
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import Connection, Delivery, Event, Notice, NotificationChannel, Verb
from batchconsole.jobs.notifications.channels import send_test
from tests.factories import grant

URL = "https://hooks.example.com/batch?token=s3cret"
WANTED = {"kind": "webhook", "name": "Pipeline", "address": URL, "occasions": ["job.failed"], "scope": "mine"}
PLACES = ["/account/notifications/", "/local/notifications/"]


@pytest.fixture(autouse=True)
def _administrator(person: User, connection: Connection) -> None:
    grant(person, "Administrator", connection)


def made(client: Client, place: str, **changes: Any) -> NotificationChannel:
    client.post(f"{place}create/", WANTED | changes)
    channel: NotificationChannel = NotificationChannel.objects.get()
    return channel


@pytest.mark.parametrize("place", PLACES)
def test_it_works(client: Client, place: str) -> None:
    assert "No channels" in client.get(place).text
    answer = client.post(f"{place}create/", WANTED)
    assert "whsec_" in answer.text
    channel = NotificationChannel.objects.get()
    page = client.get(f"{place}{channel.pk}/").text
    assert "https://hooks.example.com/batch" in page
    assert "s3cret" not in page
    assert "whsec_" not in page
    assert "Pipeline" in client.get(place).text


@pytest.mark.parametrize("place", PLACES)
def test_what_is_wrong_is_said_at_the_field(client: Client, place: str) -> None:
    answer = client.post(f"{place}create/", WANTED | {"address": "https://127.0.0.1/x", "name": ""})
    assert "Name is required" in answer.text
    answer = client.post(f"{place}create/", WANTED | {"address": "https://127.0.0.1/x"})
    assert "127.0.0.1 is not a public address." in answer.text
    assert not NotificationChannel.objects.exists()


@pytest.mark.parametrize(("host", "said"), [("", "t send email."), ("mail", "no mail address")])
def test_mail_that_cannot_be_sent_is_not_offered_as_if(
    client: Client, settings: LazySettings, host: str, said: str
) -> None:
    settings.EMAIL_HOST = host
    assert said in client.post(f"{PLACES[0]}create/", WANTED | {"kind": "email", "address": ""}).text


@pytest.mark.parametrize("place", PLACES)
def test_a_change_without_an_address_keeps_it(client: Client, place: str) -> None:
    channel = made(client, place)
    assert "s3cret" not in client.get(f"{place}{channel.pk}/edit/").text
    client.post(f"{place}{channel.pk}/edit/", WANTED | {"name": "Other", "address": ""})
    changed = NotificationChannel.objects.get()
    assert (changed.name, changed.sealed_address) == ("Other", channel.sealed_address)


@pytest.mark.parametrize("place", PLACES)
def test_each_act_leads_back_and_leaves_an_event(client: Client, place: str) -> None:
    channel = made(client, place)
    page = f"{place}{channel.pk}/"
    for act in ("test", "pause", "resume"):
        assert client.post(f"{page}{act}/", follow=True).redirect_chain == [(page, 302)]
    assert "whsec_" in client.post(f"{page}rotate/").text
    assert client.post(f"{page}remove/")["Location"] == place
    verbs = set(Event.objects.values_list("verb", flat=True))
    assert verbs >= {
        Verb.CHANNEL_ADDED,
        Verb.CHANNEL_TESTED,
        Verb.CHANNEL_PAUSED,
        Verb.CHANNEL_RESUMED,
        Verb.CHANNEL_SECRET_ROTATED,
        Verb.CHANNEL_REMOVED,
    }


def test_a_paused_channel_says_why(client: Client) -> None:
    channel = made(client, PLACES[0])
    client.post(f"{PLACES[0]}{channel.pk}/pause/")
    assert "Paused by ada." in client.get(f"{PLACES[0]}{channel.pk}/").text


@pytest.mark.parametrize("place", PLACES)
def test_deliveries_are_filtered_and_sent_again(client: Client, person: User, place: str) -> None:
    channel = made(client, place)
    delivery = send_test(channel, person)
    table = f"{place}deliveries/"
    assert delivery.notice.uid in client.get(table).text
    assert "No matches" in client.get(table, {"state": "failed"}).text
    Delivery.objects.update(state="failed", due_at=None)
    assert delivery.notice.uid in client.get(f"{table}?state=failed&channel={channel.pk}").text
    client.post(f"{table}{delivery.pk}/again/", {"next": table})
    assert Delivery.objects.get().state == "waiting"


def test_a_page_that_knows_it_all_is_told_nothing_new(client: Client) -> None:
    channel = made(client, PLACES[0])
    page = f"{PLACES[0]}{channel.pk}/"
    version = client.get(page).context["shown"].version
    headers = {"X-Part": "true", "X-Version": version}
    assert client.get(page, headers=headers).status_code == 204


def test_somebody_elses_channels_and_deliveries_are_not_there(client: Client, connection: Connection) -> None:
    other = User.objects.create_user("eve")
    channel = NotificationChannel.objects.create(user=other, kind="webhook", name="hers", occasions=["job.failed"])
    notice = Notice.objects.create(connection=connection, occasion="job.failed")
    delivery = Delivery.objects.create(notice=notice, channel=channel, state="sent")
    for place in PLACES:
        assert "hers" not in client.get(place).text
        assert client.get(f"{place}{channel.pk}/").status_code == 404
        assert client.post(f"{place}{channel.pk}/rotate/").status_code == 404
        assert client.post(f"{place}deliveries/{delivery.pk}/again/").status_code == 404
        assert notice.uid not in client.get(f"{place}deliveries/").text


def test_the_administration_shows_channels_without_their_secrets(client: Client, person: User) -> None:
    person.is_staff = person.is_superuser = True
    person.save()
    channel = made(client, PLACES[1])
    send_test(channel, person)
    page = client.get(f"/admin/jobs/notificationchannel/{channel.pk}/change/")
    assert page.status_code == 200
    assert channel.sealed_address not in page.text
    assert client.get("/admin/jobs/delivery/").status_code == 200


def test_two_tabs_that_change_a_channel_are_told_and_the_second_save_holds(client: Client) -> None:
    channel, seen = made(client, PLACES[0]), re.compile(r'name="seen" value="([^"]*)"')
    url = f"{PLACES[0]}{channel.pk}/edit/"
    mine = WANTED | {"name": "Mine", "address": "", "seen": unescape(seen.findall(client.get(url).text)[0])}
    client.post(url, mine | {"name": "Theirs", "occasions": ["job.completed"], "seen": ""})
    refused = client.post(url, mine).text
    assert "Changed after you opened this page: it is “Theirs” now. Save again to keep your value." in refused
    assert "it is “Completed” now." in refused
    client.post(url, mine | {"seen": unescape(seen.findall(refused)[0])})
    channel.refresh_from_db()
    assert (channel.name, channel.occasions) == ("Mine", ["job.failed"])
