"""What Service Quotas says becomes limits."""

from datetime import timedelta

import pytest
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import clock
from batchconsole.jobs.models import Connection, ModelLimit
from batchconsole.jobs.queue.limits import GIB, limits_for
from batchconsole.jobs.queue.quotas import model_named, refresh_limits, take_limits
from tests.aws.quotas import service_quotas

pytestmark = pytest.mark.django_db

NOVA = "amazon.nova-lite-v1:0"


def take(connection: Connection, url: str) -> None:
    connection.endpoint_url = url
    take_limits(connection)


def test_it_works(nowhere: Connection) -> None:
    with service_quotas() as url:
        take(nowhere, url)
    limits = limits_for(nowhere, NOVA)
    assert (limits.jobs_at_once, limits.min_records_per_job, limits.records_per_job) == (40, 100, 100_000)
    assert (limits.records_per_file, limits.bytes_per_file, limits.bytes_per_job) == (60_000, GIB, 100 * GIB)
    assert dict(limits.sources)["jobs_at_once"] == "Read from Service Quotas"


def test_custom_models_are_apart(nowhere: Connection) -> None:
    with service_quotas() as url:
        take(nowhere, url)
    arn = f"arn:aws:bedrock:us-east-1:123456789012:custom-model/{NOVA}/abcdefghijkl"
    assert limits_for(nowhere, arn).jobs_at_once == 3


def test_each_reading_replaces_the_last(nowhere: Connection) -> None:
    with service_quotas() as url:
        take(nowhere, url)
        take(nowhere, url)
    assert ModelLimit.objects.filter(model_id=NOVA).count() == 1


def test_an_administrators_word_is_left_alone(nowhere: Connection) -> None:
    ModelLimit.objects.create(connection=nowhere, model_id=NOVA, jobs_at_once=5)
    with service_quotas() as url:
        take(nowhere, url)
    assert limits_for(nowhere, NOVA).jobs_at_once == 5


def test_without_the_permission_nothing_changes(nowhere: Connection) -> None:
    with service_quotas(denies=True) as url, pytest.raises(AwsError) as caught:
        take(nowhere, url)
    assert caught.value.code == "AccessDeniedException"
    assert "servicequotas:ListServiceQuotas" in caught.value.hint
    assert not ModelLimit.objects.exists()


def test_a_stack_that_is_not_aws_is_not_asked(nowhere: Connection) -> None:
    refresh_limits(nowhere)
    nowhere.refresh_from_db()
    assert nowhere.limits_due_at > timezone.now() + timedelta(hours=23)


def test_the_clock_hands_it_out_once_a_day(nowhere: Connection) -> None:
    now, day = timezone.now(), timedelta(days=1)
    Connection.objects.update(sync_due_at=now + timedelta(minutes=9))
    assert clock.tick() == 1
    refresh_limits(nowhere)
    assert clock.tick() == 0
    Connection.objects.update(sync_due_at=now + day + timedelta(minutes=9))
    assert clock.tick(now + day + timedelta(minutes=1)) == 1


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("Nova Lite V1", NOVA),
        ("OpenAI GPT OSS 120b", "openai.gpt-oss-120b-1:0"),
        ("Llama 3.1 70B Instruct", "meta.llama3-1-70b-instruct-v1:0"),
        ("Titan Text Embeddings V2", "amazon.titan-embed-text-v2:0"),
        ("Claude 3 Haiku", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("Qwen3 235B", "qwen.qwen3-235b-a22b-2507-v1:0"),
        ("DeepSeek v3", None),
        ("Unheard Of 1", None),
        ("", None),
    ],
)
def test_printed_names_are_recognised_or_left(name: str, model_id: str | None) -> None:
    assert model_named(name) == model_id
