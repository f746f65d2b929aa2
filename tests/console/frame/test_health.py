"""What machines ask: alive, ready, figures."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from batchconsole.jobs.models import Connection
from tests.console.conftest import MakeJob


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


def test_metrics_tell_how_each_connection_is_followed(connection: Connection) -> None:
    connection.sync_failures, connection.synced_at = 3, timezone.now()
    connection.save()
    found = samples(Client())
    assert found["batchconsole_sync_failures", "local"] == 3
    assert ("batchconsole_sync_age_seconds", "local") in found
