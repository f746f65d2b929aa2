"""Whose word counts for a limit."""

import pytest

from batchconsole.jobs.models import Connection, ModelLimit
from batchconsole.jobs.queue.limits import GIB, limits_for
from tests.jobs.conftest import MODEL

pytestmark = pytest.mark.django_db


def test_defaults_are_shipped(nowhere: Connection) -> None:
    limits = limits_for(nowhere, MODEL)
    assert (limits.jobs_at_once, limits.min_records_per_job, limits.bytes_per_job) == (20, 100, 5 * GIB)
    assert limits.sources == ()


@pytest.mark.parametrize("model_id", ["amazon.nova-lite-v1:0", "us.amazon.nova-pro-v1:0"])
def test_some_models_take_more(nowhere: Connection, model_id: str) -> None:
    assert limits_for(nowhere, model_id).bytes_per_job == 100 * GIB


def test_custom_models_have_a_quota_of_their_own(nowhere: Connection) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/abcdefghijkl"
    assert limits_for(nowhere, arn).jobs_at_once == 3


def test_an_administrators_word_stands_over_service_quotas(nowhere: Connection) -> None:
    quotas = ModelLimit.Source.SERVICE_QUOTAS
    ModelLimit.objects.create(connection=nowhere, model_id=MODEL, jobs_at_once=7, records_per_job=9, source=quotas)
    ModelLimit.objects.create(model_id=MODEL, jobs_at_once=50)
    limits = limits_for(nowhere, MODEL)
    assert (limits.jobs_at_once, limits.records_per_job) == (50, 9)
    assert dict(limits.sources) == {
        "jobs_at_once": "Set by an administrator",
        "records_per_job": "Read from Service Quotas",
    }


def test_the_nearer_word_counts(nowhere: Connection) -> None:
    ModelLimit.objects.create(jobs_at_once=1)
    ModelLimit.objects.create(model_id=MODEL, jobs_at_once=2)
    assert limits_for(nowhere, MODEL).jobs_at_once == 2
    ModelLimit.objects.create(connection=nowhere, jobs_at_once=3)
    assert limits_for(nowhere, MODEL).jobs_at_once == 3


def test_a_limit_is_kept_for_the_model_however_it_is_written(nowhere: Connection) -> None:
    row = ModelLimit.objects.create(model_id=f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}", jobs_at_once=2)
    assert row.model_id == MODEL
