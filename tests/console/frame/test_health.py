"""What machines ask: alive, ready, figures."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from batchconsole.jobs.models import Connection, Delivery, InputCheck, Notice, NotificationChannel
from batchconsole.setup.paths import ROOT
from tests.console.conftest import MakeJob

NAMES = re.compile(r"batchconsole_\w+")


def samples(client: Client) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, sample.labels.get("status", sample.labels.get("connection", ""))): sample.value
        for family in families
        for sample in family.samples
    }


def test_healthz_answers_without_a_sign_in() -> None:
    assert Client().get("/healthz").text == "ok\n"


@pytest.mark.django_db
def test_readyz_names_what_is_down() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "ok", "redis": "down: ConnectionError"}


def test_metrics_count_open_jobs_by_status(make_job: MakeJob) -> None:
    make_job(status="Queued")
    make_job(status="Completed")
    found = samples(Client())
    assert found["batchconsole_open_jobs", "Queued"] == 1
    assert ("batchconsole_open_jobs", "Completed") not in found


def test_metrics_tell_how_long_the_oldest_job_has_waited(make_job: MakeJob) -> None:
    make_job(status="Queued", created_at=timezone.now() - timedelta(hours=1))
    assert samples(Client())["batchconsole_oldest_waiting_job_seconds", ""] >= 3600


def test_metrics_tell_of_work_and_of_the_people_who_wait(connection: Connection, person: User) -> None:
    for actor in (person, person, None):
        InputCheck.objects.create(connection=connection, created_by=actor, input_s3_uri="s3://bucket/x", model_id="m")
    found = samples(Client())
    assert found["batchconsole_open_work", "queued"] == 3
    assert ("batchconsole_people_waiting", "") in found


def test_metrics_tell_the_queue_of_each_person_without_a_name(make_job: MakeJob, person: User) -> None:
    make_job(status="Queued")
    make_job(status="InProgress", created_by=None)
    make_job(status="Completed")
    text = Client().get("/metrics").text
    assert f'batchconsole_queue_per_person{{kind="job",person="{person.pk}"}} 1.0' in text
    assert 'batchconsole_queue_per_person{kind="job",person="system"} 1.0' in text
    assert person.get_username() not in text


def test_metrics_tell_how_long_the_oldest_work_has_waited(connection: Connection) -> None:
    for state, hours in (("running", 5), ("queued", 1), ("queued", 2)):
        at = timezone.now() - timedelta(hours=hours)
        InputCheck.objects.create(connection=connection, model_id="m", state=state, created_at=at)
    found = re.search(r'batchconsole_oldest_waiting_work_seconds{kind="check"} (\S+)', Client().get("/metrics").text)
    assert found
    assert 7200 <= float(found[1]) < 3 * 3600


@pytest.mark.django_db
def test_metrics_leave_out_the_counts_while_redis_is_away() -> None:
    """A sum of this process alone would be smaller than the last one, and look like a counter that began anew."""
    Client().get("/")
    text = Client().get("/metrics").text
    assert "batchconsole_counts_up 0.0" in text
    assert "batchconsole_requests_total{" not in text


def test_metrics_count_notifications_by_outcome(person: User) -> None:
    channel = NotificationChannel.objects.create(
        user=person, kind="webhook", name="hook", occasions=["job.failed"], paused_at=timezone.now()
    )
    for state in ("sent", "sent", "failed"):
        Delivery.objects.create(notice=Notice.objects.create(occasion="test"), channel=channel, state=state)
    text = Client().get("/metrics").text
    assert 'batchconsole_notifications{outcome="sent"} 2.0' in text
    assert 'batchconsole_notifications{outcome="waiting"} 0.0' in text
    assert "batchconsole_notification_channels_paused 1.0" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "client", "status"),
    [
        ("", {"REMOTE_ADDR": "127.0.0.1"}, 200),
        ("", {"REMOTE_ADDR": "::1"}, 200),
        ("", {"REMOTE_ADDR": "192.0.2.7"}, 401),
        ("", {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 401),  # a proxy on this machine
        ("t0ken", {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer t0ken"}, 200),
        ("t0ken", {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "bearer t0ken"}, 200),
        ("t0ken", {"REMOTE_ADDR": "127.0.0.1"}, 401),
        ("t0ken", {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer t0ke"}, 401),
        ("t0ken", {"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Basic t0ken"}, 401),
    ],
)
def test_metrics_are_for_this_machine_or_for_the_token(
    settings: Settings, token: str, client: dict[str, Any], status: int
) -> None:
    settings.METRICS_TOKEN = token
    assert Client(**client).get("/metrics").status_code == status


def figures() -> set[str]:
    """The names of all samples that there may be, also of figures that nothing was counted for yet."""
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    families = text_string_to_metric_families(Client().get("/metrics").text)
    return {f"{family.name}{suffix}" for family in families for suffix in suffixes.get(family.type, [""])}


def test_alerts_and_dashboard_ask_for_figures_that_there_are(connection: Connection, make_job: MakeJob) -> None:
    make_job(status="Queued")
    connection.synced_at = timezone.now()
    connection.save()
    rules = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text())
    asked = {name for group in rules["groups"] for rule in group["rules"] for name in NAMES.findall(rule["expr"])}
    board = json.loads((ROOT / "deploy" / "monitoring" / "dashboard.json").read_text())
    shown = {name for panel in board["panels"] for each in panel["targets"] for name in NAMES.findall(each["expr"])}
    assert asked
    assert asked | shown <= figures()
    assert shown


def test_metrics_tell_how_each_connection_is_followed(connection: Connection) -> None:
    connection.sync_failures, connection.synced_at = 3, timezone.now()
    connection.save()
    found = samples(Client())
    assert found["batchconsole_sync_failures", "local"] == 3
    assert ("batchconsole_sync_age_seconds", "local") in found
