"""The audit trail: it only grows, knows where things come from and what changed, and holds no secret."""

import json
import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from batchconsole.jobs import audit, origin
from batchconsole.jobs.models import Connection, Event, Grant, Role, Verb


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ada", password="correct horse battery staple")


@pytest.fixture
def here(person: User) -> origin.Origin:
    return origin.Origin(address="203.0.113.9", session="abc", actor=person)


@pytest.fixture
def event(db: None) -> Event:
    return Event.objects.create(verb=Verb.SIGNED_IN)


def test_an_event_is_not_changed(event: Event) -> None:
    with pytest.raises(DatabaseError, match="Events are never"), transaction.atomic():
        Event.objects.update(verb=Verb.SIGNED_OUT)


def test_an_event_is_not_deleted(event: Event) -> None:
    with pytest.raises(DatabaseError, match="Events are never"), transaction.atomic():
        event.delete()


def test_the_way_for_retention_does_not_let_events_be_changed(event: Event) -> None:
    with pytest.raises(DatabaseError, match="Events are never"), audit.deletions(), transaction.atomic():
        Event.objects.update(verb=Verb.SIGNED_OUT)


def test_after_retention_events_are_not_deleted(event: Event) -> None:
    with audit.deletions():
        pass
    with pytest.raises(DatabaseError, match="Events are never"), transaction.atomic():
        event.delete()


def test_events_older_than_the_setting_are_deleted_and_that_is_told(event: Event, settings: Settings) -> None:
    settings.AUDIT_DAYS = 30
    Event.objects.create(verb=Verb.CREATED, at=timezone.now() - timedelta(days=31))
    assert audit.expire_events() == 1
    assert set(Event.objects.values_list("verb", flat=True)) == {Verb.SIGNED_IN, Verb.EVENTS_EXPIRED}


def test_events_are_kept_for_ever_unless_it_is_set_otherwise(db: None) -> None:
    Event.objects.create(verb=Verb.CREATED, at=timezone.now() - timedelta(days=9999))
    assert audit.expire_events() == 0


def test_an_event_says_where_it_comes_from(here: origin.Origin) -> None:
    with origin.coming_from(here):
        origin.note_key("BCAK7")
        event = Event.objects.create(verb=Verb.CREATED)
    assert (event.address, event.session, event.api_key, here.events) == ("203.0.113.9", "abc", "BCAK7", 1)
    assert Event.objects.create(verb=Verb.CREATED).address is None


def test_a_change_is_told_with_the_values_before_and_after(here: origin.Origin) -> None:
    connection = Connection.objects.create(name="production", title="Production")
    with origin.coming_from(here):
        connection.title = "Production, Frankfurt"
        connection.save()
    event = Event.objects.get()
    assert (event.verb, event.actor, event.target) == (Verb.ROW_CHANGED, here.actor, "connection Production, Frankfurt")
    assert (event.before, event.after) == ({"title": "Production"}, {"title": "Production, Frankfurt"})


def test_a_change_that_changes_nothing_is_not_told(here: origin.Origin, person: User) -> None:
    with origin.coming_from(here):
        person.last_login = timezone.now()
        person.save()
    assert not Event.objects.exists()


def test_what_the_console_does_by_itself_is_no_change_of_a_persons(db: None) -> None:
    Connection.objects.create(name="production", title="Production").save()
    assert not Event.objects.exists()


def test_an_added_and_a_deleted_row_are_told(here: origin.Origin, person: User) -> None:
    role = Role.objects.create(name="Night shift", rights=["view"])
    with origin.coming_from(here):
        Grant.objects.create(user=person, role=role).delete()
    assert list(Event.objects.order_by("pk").values_list("verb", flat=True)) == [Verb.ROW_ADDED, Verb.ROW_DELETED]
    assert Event.objects.get(verb=Verb.ROW_DELETED).before["role"] == role.pk


def test_joining_a_group_is_told(here: origin.Origin, person: User) -> None:
    group = Group.objects.create(name="Analysts")
    with origin.coming_from(here):
        person.groups.add(group)
    assert Event.objects.get().after == {"groups": ["Analysts"]}


def test_a_password_is_told_to_have_changed_and_no_more(here: origin.Origin, person: User) -> None:
    old = person.password
    with origin.coming_from(here):
        person.set_password("a ladder against the moon")
        person.save()
    event = Event.objects.get()
    assert event.after == {"password": "(changed)"}
    assert old not in json.dumps(event.as_dict(), default=str)


def test_a_row_and_the_event_of_its_change_are_saved_together_or_not_at_all(here: origin.Origin) -> None:
    with origin.coming_from(here), transaction.atomic():
        Connection.objects.create(name="production", title="Production")
        assert Event.objects.exists()
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def test_each_event_is_a_line_of_json_where_that_is_set(
    here: origin.Origin,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.AUDIT_LOG = True
    monkeypatch.setattr(logging.getLogger("batchconsole.audit"), "propagate", True)
    caplog.set_level(logging.INFO, "batchconsole.audit")
    with django_capture_on_commit_callbacks(execute=True), origin.coming_from(here):
        Event.objects.create(verb=Verb.CREATED, actor=here.actor)
    told = json.loads(caplog.messages[0])
    assert (told["verb"], told["actor"], told["address"]) == ("created", "ada", "203.0.113.9")
