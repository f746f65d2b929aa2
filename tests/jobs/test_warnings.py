"""What is about to go wrong is told from rows alone, and nothing else is."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from batchconsole.jobs.models import BatchJob, Connection, ModelLimit, Status
from batchconsole.jobs.warnings import EXPIRING, STUCK, nearly_full, quota_use, usual_durations, warned_jobs, warning_of
from tests.factories import MODEL, make_job

pytestmark = pytest.mark.django_db
H = timedelta(hours=1)


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(name="prod", title="Production")


def ago(hours: float) -> Any:
    return timezone.now() - hours * H


@pytest.mark.parametrize(
    ("status", "values", "title"),
    [
        (Status.SCHEDULED, {"submit_time": 19}, EXPIRING),
        (Status.SUBMITTED, {"submit_time": 30}, EXPIRING),
        (Status.SCHEDULED, {"submit_time": 17}, None),
        (Status.SCHEDULED, {"submit_time": 100, "timeout_duration_in_hours": 168}, None),
        (Status.SCHEDULED, {"submit_time": 130, "timeout_duration_in_hours": 168}, EXPIRING),
        (Status.IN_PROGRESS, {"submit_time": 23, "last_modified_time": 0.1}, None),
        (Status.IN_PROGRESS, {"submit_time": 5, "last_modified_time": 3}, STUCK),
        (Status.IN_PROGRESS, {"submit_time": 5, "last_modified_time": 1.9}, None),
        (Status.STOPPING, {"submit_time": 30, "last_modified_time": 9}, None),
        (Status.QUEUED, {}, None),
    ],
)
def test_a_job_is_warned_of(status: Status, values: dict[str, float], title: str | None, prod: Connection) -> None:
    times = {name: ago(hours) if name.endswith("_time") else hours for name, hours in values.items()}
    job = make_job(prod, status=status, **times)
    warning = warning_of(job)
    assert (warning.title if warning else None) == title
    assert [each.title for _, each in warned_jobs(prod)] == [title] * bool(title)


def test_a_model_that_takes_long_in_batches_may_stand_still_longer(prod: Connection) -> None:
    for hours in (4, 5, 60):
        make_job(prod, status=Status.COMPLETED, submit_time=ago(hours), end_time=timezone.now())
    for _ in range(5):
        quick = {"submit_time": ago(0.1), "end_time": timezone.now()}
        make_job(prod, status=Status.COMPLETED, lane=BatchJob.Lane.ON_DEMAND, **quick)
    assert round(usual_durations([(prod.pk, MODEL)])[prod.pk, MODEL] / H) == 5
    job = make_job(prod, status=Status.IN_PROGRESS, last_modified_time=ago(9))
    assert warning_of(job) is None
    BatchJob.objects.filter(pk=job.pk).update(last_modified_time=ago(11))
    warning = warning_of(BatchJob.objects.get(pk=job.pk))
    assert warning
    assert "no further record for 11 hours. Jobs of this model usually take 5 hours" in warning.text


def test_the_past_of_all_models_is_one_query(
    prod: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        of_model = {"model_id": f"new.model-{number}"}
        for hours in range(25):
            times = {"submit_time": ago(hours + number + 1), "end_time": ago(hours)}
            make_job(prod, status=Status.COMPLETED, **times, **of_model)
        make_job(prod, status=Status.IN_PROGRESS, last_modified_time=ago(9), **of_model)
    models = [(prod.pk, f"new.model-{number}") for number in (0, 1, 2, 2, 3)]
    with django_assert_num_queries(1):
        found = usual_durations(models)
    assert {model: round(took / H) for (_, model), took in found.items()} == {
        "new.model-0": 1,
        "new.model-1": 2,
        "new.model-2": 3,
    }
    with django_assert_num_queries(3):
        assert len(warned_jobs(prod)) == 3
    with django_assert_num_queries(0):
        assert usual_durations([]) == {}


def test_a_quota_is_nearly_full(prod: Connection) -> None:
    ModelLimit.objects.create(model_id=MODEL, jobs_at_once=5)
    for _ in range(3):
        make_job(prod, status=Status.IN_PROGRESS)
    assert nearly_full(quota_use(prod)) == {}
    make_job(prod, status=Status.SUBMITTING)
    assert nearly_full(quota_use(prod)) == {MODEL: (4, 5)}
