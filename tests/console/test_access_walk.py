"""Every URL, asked for by everybody: nobody but who may opens it, whatever is asked for and in whatever way."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, reverse

from batchconsole.access_table import NO, OWN, YES, as_markdown, cell, urls
from batchconsole.console.frame.access import may
from batchconsole.jobs.models import (
    ApiKey,
    BatchJob,
    BulkAction,
    Comparison,
    Connection,
    Delivery,
    InputCheck,
    InputSplit,
    JobTemplate,
    MadeInput,
    Notice,
    NotificationChannel,
    PromptTemplate,
    Right,
    Role,
    Schedule,
    WatchedFile,
)
from batchconsole.jobs.models.access import SHIPPED_ROLES
from batchconsole.jobs.rights import access
from batchconsole.url_rights import Act, Audience, needed_at, needed_by
from tests.console.conftest import NOBODY
from tests.factories import grant, make_job

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX, PAGE = {"HX-Request": "true"}, {"Accept": "text/html"}
WAYS = [("get", PAGE), ("get", HTMX), ("post", {})]
URLS = [(route, pattern) for route, pattern in urls() if needed_by(pattern.callback) != Audience.PROGRAMS]
OF_CONNECTION = [each for each in URLS if "<slug:connection>" in each[0]]
OF_JOB = [each for each in OF_CONNECTION if "/jobs/<int:pk>/" in each[0]]
VALUES: dict[str, Any] = {
    "connection": "local",
    "provider_id": "openid",
    "name": "job_name",
    "topic": "job",
    "model_id": "amazon.nova-lite-v1:0",
    "position": 0,
    "kind": "csv",
    "note": 1,
}


@pytest.fixture
def local(db: None) -> Connection:
    return Connection.objects.create(name="local", title="Local", endpoint_url=NOBODY, bedrock_endpoint_url=NOBODY)


@pytest.fixture
def elsewhere(db: None) -> Connection:
    return Connection.objects.create(name="elsewhere", title="Elsewhere", endpoint_url=NOBODY)


def key_of(route: str, connection: Connection, owner: User | None) -> int:
    """The key of what the URL is about, asked for by *owner*."""
    if "bulk-actions" in route:
        return BulkAction.objects.create(connection=connection, created_by=owner).pk
    if "schedules" in route:
        return schedule_key(connection, owner)
    if "input-checks" in route:
        return InputCheck.objects.create(connection=connection, created_by=owner).pk
    if "notifications" in route:
        return channel_key(connection)
    if "job-templates" in route:
        return JobTemplate.objects.create(connection=connection, created_by=owner, name=uuid4().hex).pk
    if "/input/templates/" in route:
        return PromptTemplate.objects.create(connection=connection, name=uuid4().hex).pk
    if "/comparisons/" in route:
        return Comparison.objects.create(connection=connection, created_by=owner).pk
    if "/splits/" in route:
        return InputSplit.objects.create(connection=connection, created_by=owner).pk
    if "/input/" in route:
        return MadeInput.objects.create(connection=connection, created_by=owner, source_size=0).pk
    return make_job(connection, created_by=owner).pk


def schedule_key(connection: Connection, owner: User | None) -> int:
    """The key of a schedule, and of a file in its folder."""
    values = {"kind": "folder", "folder_s3_uri": "s3://bucket/in/", "created_by": owner, "due_at": None}
    schedule = Schedule.objects.create(connection=connection, title="Files", **values)
    WatchedFile.objects.create(pk=schedule.pk, schedule=schedule, s3_uri="s3://bucket/in/a.jsonl", etag="e", size=1)
    return schedule.pk


def channel_key(connection: Connection) -> int:
    """The key of a channel, and of a delivery to it."""
    kind = NotificationChannel.Kind.WEBHOOK
    channel = NotificationChannel.objects.create(
        connection=connection, kind=kind, name="hook", occasions=["job.failed"]
    )
    notice = Notice.objects.create(connection=connection, occasion="test", due_at=None)
    Delivery.objects.create(pk=channel.pk, notice=notice, channel=channel, state="sent", due_at=None)
    return channel.pk


def address(route: str, pattern: URLPattern, connection: Connection, owner: User | None = None) -> str:
    values = {name: value for name, value in VALUES.items() if f":{name}>" in route}
    if "<int:pk>" in route:
        values["pk"] = key_of(route, connection, owner)
    if "uidb36" in route:
        return "/account/password/reset/key/1-abc/"
    return reverse(str(pattern.name), kwargs=values)


def refused(client: Client, url: str) -> set[int]:
    """What the ways to ask for *url* answer."""
    return {getattr(client, method)(url, headers=headers).status_code for method, headers in WAYS}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def member(role: str, connection: Connection) -> User:
    """Somebody with *role*, through a group of a name that nobody should trust."""
    user = User.objects.create_user(f"{role.lower()}@example.com", first_name="<img src=x onerror=alert(1)>")
    group = Group.objects.create(name=f"'; DROP TABLE jobs; -- <b>{role}</b> {{{{ 1 }}}}")
    grant(group, role, connection)
    user.groups.add(group)
    return user


def test_who_is_not_signed_in_opens_nothing(local: Connection) -> None:
    client = Client()
    for route, pattern in URLS:
        url = address(route, pattern, local)
        if needed_by(pattern.callback) == Audience.EVERYBODY:
            continue
        for method, headers in WAYS:
            answer = getattr(client, method)(url, headers=headers)
            is_sent_on = answer.status_code == 302 and answer["Location"].startswith("/login/")
            assert is_sent_on or answer.status_code == 401, (url, method, headers)


@pytest.mark.parametrize("has_another", [False, True], ids=["without a right", "with another connection"])
def test_who_has_no_right_on_a_connection_finds_nothing_there(
    has_another: bool, local: Connection, elsewhere: Connection
) -> None:
    user = member("Administrator", elsewhere) if has_another else User.objects.create_user("eve")
    client = client_of(user)
    for route, pattern in OF_CONNECTION:
        assert refused(client, address(route, pattern, local, user)) == {404}, route


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_a_role_opens_what_the_table_says(role: str, local: Connection) -> None:
    user, rights = member(role, local), SHIPPED_ROLES[role]
    client = client_of(user)
    for route, pattern in OF_CONNECTION:
        needed = needed_by(pattern.callback)
        expected = cell(needed, rights)
        others, own = (address(route, pattern, local, owner) for owner in (None, user))
        if expected == NO:
            assert refused(client, own) == {403}, route
        elif expected == YES:
            assert client.patch(others).status_code == 405, route
        if expected in (YES, OWN):
            assert client.patch(own).status_code == 405, route
        if expected == OWN and needed == Act.ON_JOB:
            assert refused(client, others) == {403}, route


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_a_job_of_another_connection_is_not_there(role: str, local: Connection, elsewhere: Connection) -> None:
    user = member(role, local)
    grant(user, role, elsewhere)
    client = client_of(user)
    for route, pattern in OF_CONNECTION:
        if "<int:pk>" in route:
            before = BatchJob.objects.count()
            answers = refused(client, address(route, pattern, elsewhere, user))
            assert answers <= {403, 404, 405}, route
            assert BatchJob.objects.count() == before + ("/jobs/" in route)


def test_a_superuser_opens_everything(local: Connection) -> None:
    client = client_of(User.objects.create_superuser("root"))
    for route, pattern in OF_CONNECTION:
        assert client.patch(address(route, pattern, local)).status_code == 405, route


@pytest.mark.parametrize("right", Right)
def test_a_key_opens_what_both_it_and_its_owner_may(right: Right, local: Connection, elsewhere: Connection) -> None:
    user = member("Operator", local)
    access.limit_to_key(user, ApiKey.objects.create(key_id="BCAK", user=user, name="k", rights=[right]))
    for route, pattern in OF_CONNECTION:
        expected = cell(needed_by(pattern.callback), {right} & set(SHIPPED_ROLES["Operator"]))
        assert may(user, str(pattern.name), local) == (expected != NO), route
        assert not may(user, str(pattern.name), elsewhere), route


def test_a_role_of_ones_own_gives_what_it_names(local: Connection) -> None:
    Role.objects.create(name="<script>Pilot</script>", rights=["operate"])
    user = User.objects.create_user("amelia")
    grant(user, "<script>Pilot</script>", local)
    client = client_of(user)
    answer = client.get("/local/", headers=PAGE)
    assert answer.status_code == 403
    assert "<script>Pilot" not in answer.text
    assert client.patch(address(*job_stop(), local)).status_code == 405


def job_stop() -> tuple[str, URLPattern]:
    return next(each for each in OF_JOB if each[1].name == "job-stop")


@pytest.mark.parametrize("name", ["comparison-create", "comparison-mark", "job-note"])
def test_the_table_says_what_a_submitter_may_do_to_the_jobs_of_others(name: str) -> None:
    assert cell(needed_at(name), SHIPPED_ROLES["Submitter"]) == YES


def test_the_documentation_has_the_table() -> None:
    assert as_markdown() in DOCS.read_text(), "Run manage.py access_table, and put what it prints into docs/access.md."
