"""Who is told of what: written with the change itself, sent at least once, and to nobody who may not know."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import http_date
from standardwebhooks import Webhook, WebhookVerificationError

from batchconsole.jobs import clock
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import (
    BatchJob,
    Budget,
    Connection,
    Delivery,
    Event,
    Grant,
    Notice,
    NotificationChannel,
    Status,
    Verb,
)
from batchconsole.jobs.notifications import budget_notices, channels, handing_on, messages, sealing, warning_notices
from batchconsole.jobs.notifications.channels import Wanted
from batchconsole.jobs.occasions import CHOICES, find_occasion
from batchconsole.jobs.queue import waiting
from batchconsole.setup.paths import ROOT
from tests.factories import grant, make_job
from tests.jobs.conftest import die
from tests.jobs.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db
DOCS = (ROOT / "docs" / "notifications.md").read_text()
FAILED = ["job.failed"]
HOSTILE = "<!channel>\r\nBcc: eve@example.com [x](http://evil.example) @everyone"


@pytest.fixture(autouse=True)
def _local(settings: LazySettings) -> None:
    settings.NOTIFICATION_NETWORKS = ["127.0.0.0/8"]
    settings.PUBLIC_URL = "https://batch.example.com"
    settings.EMAIL_HOST = "mail.example.com"
    settings.DEFAULT_FROM_EMAIL = "console@example.com"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as here:
        yield here


@pytest.fixture
def admin(nowhere: Connection) -> User:
    user = User.objects.create_user("grace", email="grace@example.com")
    grant(user, "Administrator", nowhere)
    return user


def webhook(owner: User | Connection, actor: User, receiver: Receiver, **changes: Any) -> NotificationChannel:
    wanted = {"name": "Pipeline", "occasions": FAILED, "address": f"{receiver.url}/hook?token=s3cret"}
    return channels.add_channel(owner, kind="webhook", wanted=Wanted(**(wanted | changes)), actor=actor)


def fail(connection: Connection, **values: Any) -> BatchJob:
    job = make_job(connection, status=Status.IN_PROGRESS, job_name="nightly", **values)
    job.transition(Status.FAILED, verb=Verb.REPORTED, total_record_count=100, error_record_count=3)
    return job


def tick() -> None:
    """Take every step of notifications that is due."""
    for notice in handing_on.announce.due(timezone.now()):
        handing_on.announce(notice)
    for delivery in handing_on.deliver.due(timezone.now()):
        handing_on.deliver(delivery)


def only() -> Delivery:
    delivery: Delivery = Delivery.objects.select_related("channel").get()
    return delivery


def make_due() -> None:
    """As if all pauses were over."""
    Delivery.objects.exclude(due_at=None).update(due_at=timezone.now())
    NotificationChannel.objects.exclude(retry_at=None).update(retry_at=timezone.now())


def test_a_failed_job_is_told_to_a_webhook_that_can_verify_it(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    channel = webhook(nowhere, admin, receiver)
    job = fail(nowhere)
    tick()
    [got] = receiver.got
    message = Webhook(sealing.signing_secret(channel)).verify(got.body, got.headers)
    assert (got.path, message["type"]) == ("/hook?token=s3cret", "job.failed")
    assert message["data"] == {
        "connection": "nowhere",
        "job_name": "nightly",
        "job_id": job.pk,
        "status": "Failed",
        "total_record_count": 100,
        "error_record_count": 3,
        "url": f"https://batch.example.com/nowhere/jobs/{job.pk}/",
    }
    assert (only().state, only().attempts, only().due_at) == ("sent", 1, None)
    assert only().message == "The receiver answered 204 No Content."


def test_a_change_that_is_rolled_back_is_told_to_nobody(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver)
    with transaction.atomic():
        fail(nowhere)
        transaction.set_rollback(True)
    assert not Notice.objects.exists()


def test_nothing_is_written_where_nobody_wants_to_know(nowhere: Connection) -> None:
    fail(nowhere)
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("status", "errors", "code"),
    [
        ("Completed", 0, "job.completed"),
        ("Completed", 1, "job.completed_with_errors"),
        ("PartiallyCompleted", 1, "job.completed_with_errors"),
        ("Failed", 0, "job.failed"),
        ("Rejected", 0, "job.rejected"),
        ("SubmitFailed", 0, "job.submit_failed"),
        ("Stopped", 0, "job.stopped"),
        ("Expired", 0, "job.expired"),
        ("Scheduled", 0, ""),
        ("Cancelled", 0, ""),
    ],
)
def test_a_state_is_the_occasion_that_the_table_says(status: str, errors: int, code: str) -> None:
    job = BatchJob(status=status, error_record_count=errors)
    assert find_occasion(status, has_errors=job.has_errors) == code
    assert not code or code in dict(CHOICES)


def test_a_worker_killed_between_sending_and_writing_so_sends_the_same_message_again(
    nowhere: Connection, admin: User, receiver: Receiver, transactional_db: None
) -> None:
    webhook(nowhere, admin, receiver)
    fail(nowhere)
    handing_on.announce(Notice.objects.get())
    worker = start_worker(f"handing_on.deliver.run({only().pk})")
    receiver.before = worker.kill
    assert worker.wait(60) == -signal.SIGKILL
    delivery = only()
    assert (delivery.state, delivery.attempts, bool(delivery.lease)) == ("waiting", 0, True)
    receiver.before = lambda: None
    Delivery.objects.update(due_at=timezone.now())  # the time of its lease is over
    tick()
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == Notice.objects.get().uid
    assert (only().state, only().losses) == ("sent", 0)


def start_worker(statement: str) -> "subprocess.Popen[bytes]":
    """A process of its own on the tests' database that executes *statement*."""
    known = database.settings_dict
    is_file = database.vendor == "sqlite"
    host = known["HOST"] or known["OPTIONS"].get("host", "")
    server = f"postgres://{known['USER']}:{known['PASSWORD']}@/{known['NAME']}?host={host}"
    url = f"sqlite:///{known['NAME']}" if is_file else server
    program = (
        "import django; django.setup(); from batchconsole.jobs.notifications import handing_on; "
        f"from django.conf import settings; settings.NOTIFICATION_NETWORKS = ['127.0.0.0/8']; {statement}"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "BATCHCONSOLE_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-c", program], env=os.environ | settings)


def test_a_worker_that_lost_its_lease_writes_nothing(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver)
    fail(nowhere)
    handing_on.announce(Notice.objects.get())
    lease = handing_on.deliver.take(only())
    assert lease
    die(lease)
    tick()
    assert only().state == "sent"
    assert handing_on.deliver.take(only()) is None


def test_a_receiver_that_is_away_is_asked_again_with_growing_pauses(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    webhook(nowhere, admin, receiver)
    receiver.status = 500
    fail(nowhere)
    pauses = []
    for _ in handing_on.PAUSES:
        tick()
        row = only()
        assert row.due_at
        pauses.append(row.due_at - timezone.now())
        make_due()
    assert pauses == sorted(pauses)
    assert timedelta(hours=23) < sum(handing_on.PAUSES, timedelta()) < timedelta(hours=25)
    tick()
    assert (only().state, only().attempts, only().due_at) == ("failed", handing_on.MOST_ATTEMPTS, None)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


@pytest.mark.parametrize("as_header", [str, lambda seconds: http_date(time.time() + seconds)], ids=["seconds", "date"])
def test_what_the_receiver_asks_to_wait_is_waited(
    nowhere: Connection, admin: User, receiver: Receiver, as_header: Callable[[int], str]
) -> None:
    webhook(nowhere, admin, receiver)
    receiver.status, receiver.headers = 503, {"Retry-After": as_header(3600)}
    fail(nowhere)
    tick()
    due = only().due_at
    assert due
    assert due > timezone.now() + timedelta(minutes=59)


def test_a_channel_that_fails_is_spared_and_goes_on_once_it_works(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    webhook(nowhere, admin, receiver)
    receiver.status = 500
    fail(nowhere)
    for _ in range(handing_on.FEW_FAILURES):
        tick()
        Delivery.objects.update(due_at=timezone.now())
    fail(nowhere)
    tick()
    assert len(receiver.got) == handing_on.FEW_FAILURES
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, handing_on.FEW_FAILURES]
    receiver.status = 200
    make_due()
    tick()
    tick()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    channel = NotificationChannel.objects.get()
    assert (channel.failures, channel.retry_at, channel.paused_at) == (0, None, None)


@pytest.mark.parametrize(
    ("status", "failing_for", "said"),
    [
        (410, timedelta(0), "it wants no more messages"),
        (500, handing_on.MOST_FAILING, "attempts in a row have failed since"),
    ],
)
def test_a_channel_is_paused_with_a_reason_and_resumed_by_a_person(
    nowhere: Connection, admin: User, receiver: Receiver, status: int, failing_for: timedelta, said: str
) -> None:
    channel = webhook(nowhere, admin, receiver)
    NotificationChannel.objects.update(failing_since=timezone.now() - failing_for)
    receiver.status = status
    fail(nowhere)
    tick()
    channel.refresh_from_db()
    assert channel.paused_at
    assert said in channel.pause_reason
    fail(nowhere)
    tick()
    assert list(Delivery.objects.values_list("state", "due_at")) == [("waiting", None)] * 2
    receiver.status = 200
    channels.resume_channel(channel, admin)
    tick()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert channel.pause_reason == ""


def test_a_secret_that_was_changed_signs_for_one_more_day(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    channel = webhook(nowhere, admin, receiver)
    old = sealing.signing_secret(channel)
    new = channels.rotate_secret(channel, admin)
    fail(nowhere)
    tick()
    [got] = receiver.got
    assert Webhook(old).verify(got.body, got.headers) == Webhook(new).verify(got.body, got.headers)
    NotificationChannel.objects.update(rotated_at=timezone.now() - timedelta(days=1))
    fail(nowhere)
    tick()
    later = receiver.got[1]
    Webhook(new).verify(later.body, later.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(later.body, later.headers)


def test_redirects_are_not_followed(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver)
    receiver.status, receiver.headers = 307, {"Location": f"{receiver.url}/elsewhere"}
    fail(nowhere)
    tick()
    assert [got.path for got in receiver.got] == ["/hook?token=s3cret"]
    assert "Redirects are not followed" in only().message


@pytest.mark.parametrize("kind", ["webhook", "chat"])
def test_a_name_that_has_come_to_lead_to_a_private_address_gets_nothing(
    settings: LazySettings, nowhere: Connection, admin: User, receiver: Receiver, kind: str
) -> None:
    host = receiver.url.replace("127.0.0.1", "localhost")
    address = f"{host}/hook" if kind == "webhook" else f"{host.replace('http', 'mmost')}/{'a' * 26}"
    channel = webhook(nowhere, admin, receiver)
    NotificationChannel.objects.update(kind=kind, sealed_address=sealing.seal(address))
    settings.NOTIFICATION_NETWORKS = []
    fail(nowhere)
    tick()
    channel.refresh_from_db()
    assert receiver.got == []
    assert "which is not public, so nothing was sent" in channel.pause_reason


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://10.1.2.3/x",
        "http://example.com/x",
        "ftp://example.com/x",
        "https://user:secret@example.com/x",
        "https://exa mple.com/x",
        "https://example.com/x\r\nHost: y",
        "https://[",
        f"https://{'a' * 64}.example.com/",
        "https://ex..ample.com/",
        "https://example.com:99999/",
        "",
    ],
)
def test_an_address_that_is_private_or_none_is_refused_with_the_field(
    settings: LazySettings, nowhere: Connection, admin: User, address: str
) -> None:
    settings.NOTIFICATION_NETWORKS = []
    wanted = Wanted(name="x", occasions=FAILED, address=address)
    with pytest.raises(UserError) as caught:
        channels.add_channel(nowhere, kind="webhook", wanted=wanted, actor=admin)
    assert caught.value.field == "address"


def test_an_address_is_stored_sealed_and_shown_without_its_query(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    channel = webhook(nowhere, admin, receiver)
    row = NotificationChannel.objects.filter(pk=channel.pk).values().get()
    assert "s3cret" not in str(row)
    assert "s3cret" not in str(list(Event.objects.values()))
    assert channel.shown == f"{receiver.url}/hook"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("", ""),
        ("/", "/"),
        ("/batch", "/batch"),
        ("/services/T0/B0/SECRET", "/services/…"),
        ("//services/SECRET", "/services/…"),
        ("/batch/?token=SECRET", "/batch/…"),
    ],
)
def test_the_path_of_an_address_is_a_secret_after_its_first_segment(
    nowhere: Connection, admin: User, path: str, shown: str
) -> None:
    wanted = Wanted(name="x", occasions=FAILED, address=f"https://hooks.example.com{path}")
    channel = channels.add_channel(nowhere, kind="webhook", wanted=wanted, actor=admin)
    assert channel.shown == f"https://hooks.example.com{shown}"
    assert "SECRET" not in str(list(Event.objects.values()))


def test_an_address_sealed_with_another_key_pauses_the_channel_in_words(
    settings: LazySettings, nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    channel = webhook(nowhere, admin, receiver)
    settings.SECRET_KEY = "another"
    fail(nowhere)
    tick()
    channel.refresh_from_db()
    assert "Enter the address again." in channel.pause_reason


def test_a_hostile_name_is_no_markup_in_a_chat(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    address = f"{receiver.url.replace('http', 'mmost')}/{'a' * 26}"
    wanted = Wanted(name="Team", occasions=FAILED, address=address)
    channels.add_channel(nowhere, kind="chat", wanted=wanted, actor=admin)
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_name=HOSTILE[:63])
    receiver.status = 200
    job.transition(Status.FAILED, verb=Verb.REPORTED)
    tick()
    [got] = receiver.got
    text = str(got.json()["text"]).replace("https://batch.example.com", "")
    assert "Failed" in text
    assert not re.search(r"[<>@\[\](){}*`~|!]|http:|Bcc:", text)
    assert only().state == "sent"


def test_a_hostile_name_adds_nothing_to_the_head_of_a_mail(
    nowhere: Connection, admin: User, mailoutbox: list[Any]
) -> None:
    wanted = Wanted(name="Team", occasions=FAILED, address="team@example.com")
    channels.add_channel(nowhere, kind="email", wanted=wanted, actor=admin)
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_name=HOSTILE[:63])
    job.transition(Status.FAILED, verb=Verb.REPORTED)
    tick()
    [mail] = mailoutbox
    head = mail.message()
    assert (head["To"], head["Bcc"], mail.recipients()) == ("team@example.com", None, ["team@example.com"])
    assert head["Subject"].endswith(": Failed")
    assert head["Message-ID"] == f"<{Notice.objects.get().uid}@example.com>"


def test_mail_to_a_person_goes_to_the_address_of_the_account(
    nowhere: Connection, admin: User, mailoutbox: list[Any]
) -> None:
    channels.add_channel(admin, kind="email", wanted=Wanted(name="Me", occasions=FAILED), actor=admin)
    fail(nowhere, created_by=admin)
    tick()
    assert [mail.to for mail in mailoutbox] == [["grace@example.com"]]


@pytest.mark.parametrize(
    ("scope", "is_own", "has_right", "is_told"),
    [
        ("mine", True, True, True),
        ("mine", False, True, False),
        ("all", False, True, True),
        ("all", True, False, False),
        ("all", False, False, False),
    ],
)
def test_a_person_hears_of_jobs_that_he_may_see_and_wants_to_hear_of(
    nowhere: Connection, receiver: Receiver, scope: str, is_own: bool, has_right: bool, is_told: bool
) -> None:
    user = User.objects.create_user("ada")
    if has_right:
        grant(user, "Viewer", nowhere)
    webhook(user, user, receiver, scope=scope)
    fail(nowhere, created_by=user if is_own else None)
    tick()
    assert bool(receiver.got) == is_told == Delivery.objects.exists()


def test_who_has_lost_the_right_meanwhile_hears_nothing(nowhere: Connection, receiver: Receiver) -> None:
    user = User.objects.create_user("ada")
    grant(user, "Viewer", nowhere)
    webhook(user, user, receiver, scope="all")
    fail(nowhere)
    handing_on.announce(Notice.objects.get())
    Grant.objects.all().delete()
    tick()
    assert (receiver.got, only().state) == ([], "dropped")


def test_another_connection_hears_nothing(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    other = Connection.objects.create(name="other")
    webhook(nowhere, admin, receiver)
    fail(other)
    tick()
    assert receiver.got == []


def test_a_test_is_tried_once_even_while_the_channel_is_paused(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    channel = webhook(nowhere, admin, receiver)
    channels.pause_channel(channel, admin)
    receiver.status = 500
    delivery = channels.send_test(channel, admin)
    with pytest.raises(UserError, match="on its way already"):
        channels.send_test(channel, admin)
    tick()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.message) == ("failed", "The receiver answered 500 Internal Server Error.")
    assert receiver.got[0].json()["type"] == "test"


def test_what_was_sent_is_sent_again_with_its_id(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver)
    fail(nowhere)
    tick()
    channels.send_again(only(), admin)
    tick()
    first, second = (got.headers["webhook-id"] for got in receiver.got)
    assert first == second
    assert len(only().log) == 2


def test_only_who_administers_a_connection_changes_its_channels(
    nowhere: Connection, admin: User, receiver: Receiver
) -> None:
    channel = webhook(nowhere, admin, receiver)
    eve = User.objects.create_user("eve")
    grant(eve, "Operator", nowhere)
    fail(nowhere)
    tick()
    for refused in (
        lambda: webhook(nowhere, eve, receiver),
        lambda: webhook(admin, eve, receiver),
        lambda: channels.send_test(channel, eve),
        lambda: channels.pause_channel(channel, eve),
        lambda: channels.resume_channel(channel, eve),
        lambda: channels.rotate_secret(channel, eve),
        lambda: channels.remove_channel(channel, eve),
        lambda: channels.send_again(only(), eve),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_job_that_is_held_or_waits_for_approval_is_told(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver, occasions=["job.held", "job.awaits_approval"])
    job = make_job(nowhere)
    waiting.hold(job, admin)
    job.record(Verb.APPROVAL_ASKED)
    tick()
    assert sorted(got.json()["type"] for got in receiver.got) == ["job.awaits_approval", "job.held"]


def test_a_warning_is_told_once_for_each_job(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver, occasions=["job.may_expire", "job.stuck"])
    long_ago = timezone.now() - timedelta(hours=23)
    job = make_job(nowhere, status=Status.SCHEDULED, submit_time=long_ago)
    make_job(nowhere, status=Status.IN_PROGRESS, submit_time=long_ago, last_modified_time=long_ago)
    for _ in range(2):
        warning_notices.tell_warnings(nowhere)
        tick()
    told = {got.json()["type"]: got.json()["data"]["job_id"] for got in receiver.got}
    assert (len(receiver.got), set(told)) == (2, {"job.may_expire", "job.stuck"})
    assert told["job.may_expire"] == job.pk


def test_warnings_told_long_ago_cost_one_query_and_no_lock(nowhere: Connection, admin: User) -> None:
    wanted = Wanted(name="x", occasions=["job.may_expire"], address="https://hooks.example.com/")
    channels.add_channel(nowhere, kind="webhook", wanted=wanted, actor=admin)
    for _ in range(3):
        make_job(nowhere, status=Status.SCHEDULED, submit_time=timezone.now() - timedelta(hours=23))
    warning_notices.tell_warnings(nowhere)
    with CaptureQueriesContext(database) as queries:
        warning_notices.tell_warnings(nowhere)
    assert not [each["sql"] for each in queries if "SAVEPOINT" in each["sql"]]
    assert sum('jobs_notice"' in each["sql"] for each in queries) == 1


def test_the_rights_of_a_person_are_not_read_for_a_job_out_of_scope(nowhere: Connection, admin: User) -> None:
    wanted = Wanted(name="x", occasions=FAILED, address="https://hooks.example.com/")
    channel = channels.add_channel(admin, kind="webhook", wanted=wanted, actor=admin)
    fail(nowhere)
    notice = Notice.objects.select_related("job", "connection").get()
    channel = NotificationChannel.objects.select_related("user").get(pk=channel.pk)
    with CaptureQueriesContext(database) as queries:
        assert not handing_on.may_know(channel, notice)
    assert not queries.captured_queries


def test_a_budget_is_told_once_for_each_level_of_a_month(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver, occasions=["budget.reached"])
    budget = Budget.objects.create(connection=nowhere, usd_per_month=100)
    for cost, levels in ((40, []), (15, [50]), (5, [50]), (50, [50, 100])):
        make_job(nowhere, status=Status.COMPLETED, end_time=timezone.now(), cost_usd=cost)
        budget_notices.tell_budgets(nowhere)
        tick()
        assert [got.json()["data"]["level"] for got in receiver.got] == levels
    told = receiver.got[-1].json()["data"]
    assert (told["budget_id"], told["percent"], told["usd_per_month"]) == (budget.pk, 110, "100.00")
    assert told["url"] == "https://batch.example.com/nowhere/usage/"
    assert "110 percent of 100.00 USD" in messages.as_text(Notice.objects.latest("id")).body


def test_what_is_old_goes_with_its_deliveries(nowhere: Connection, admin: User, receiver: Receiver) -> None:
    webhook(nowhere, admin, receiver)
    fail(nowhere)
    tick()
    Notice.objects.update(created_at=timezone.now() - timedelta(days=31))
    clock.tick()
    assert not Delivery.objects.exists()


def test_a_message_stays_small(nowhere: Connection) -> None:
    job = make_job(nowhere, job_name="\N{SNOWMAN}" * 63, status=Status.FAILED)
    notice = Notice(connection=nowhere, job=job, occasion="job.failed", data={"job_name": job.job_name})
    assert len(messages.as_json(notice).encode()) < 2048


def test_the_documented_receiver_verifies_and_drops_a_second_one(
    nowhere: Connection, admin: User, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = webhook(nowhere, admin, receiver)
    fail(nowhere)
    tick()
    channels.send_again(only(), admin)
    tick()
    written = re.search(r"```python\n(.*?)```", DOCS, re.DOTALL)
    assert written
    names: dict[str, Any] = {}
    exec(written[1], names)
    secret = sealing.signing_secret(channel)
    answers = [names["receive"](secret, got.headers, got.body.encode()) for got in receiver.got]
    assert answers == [204, 204]
    assert capsys.readouterr().out == "job.failed nightly\n"
    assert names["receive"](secret, receiver.got[0].headers, b"{}") == 401


@pytest.mark.parametrize("code", [code for code, _ in CHOICES])
def test_every_occasion_is_documented(code: str) -> None:
    assert f"`{code}`" in DOCS
