"""Each verb asks whether the person may do it, whoever calls it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import bulk_actions, lifecycle, service_roles
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.models import BatchJob, BulkAction, BulkActionItem, Connection, MadeInput
from batchconsole.jobs.outputs import resending, results
from batchconsole.jobs.tags import edit_tags
from tests.factories import grant, make_job

NOBODY = "http://127.0.0.1:9"
ROLE = "arn:aws:iam::123456789012:role/batch"
Verb = Callable[[BatchJob, User], object]
ON_JOB: dict[str, Verb] = {
    "stop": lifecycle.stop,
    "cancel": lifecycle.cancel,
    "release": lifecycle.release,
    "tag": lambda job, actor: edit_tags(job, actor, []),
    "resend": lambda job, actor: resending.start_resend(job, actor, failed=True, unanswered=True),
    "read results": results.request_results,
    "create a resend": lambda job, actor: create(job.connection, actor, resend_of=job),
}


def asked(**changes: Any) -> JobRequest:
    fields = {"input_s3_uri": "s3://data/in/", "output_s3_uri": "s3://data/out/", "role_arn": ROLE}
    return JobRequest.from_fields({"job_name": "j", "model_id": "amazon.nova-micro-v1:0", **fields, **changes})


def create(connection: Connection, actor: User, *, resend_of: BatchJob | None = None, **changes: Any) -> BatchJob:
    return lifecycle.create_job(connection=connection, actor=actor, request=asked(**changes), resend_of=resend_of)


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(name="prod", title="Production", endpoint_url=NOBODY, bedrock_endpoint_url=NOBODY)


@pytest.fixture
def ada(prod: Connection) -> User:
    """A Submitter."""
    user = User.objects.create_user("ada")
    grant(user, "Submitter", prod)
    return user


@pytest.mark.parametrize("verb", ON_JOB.values(), ids=ON_JOB)
def test_a_submitter_cannot_act_on_the_job_of_somebody_else(verb: Verb, ada: User, prod: Connection) -> None:
    job = make_job(prod, status="Rejected", created_by=User.objects.create_user("bob"))
    before = BatchJob.objects.values().get(pk=job.pk)
    with pytest.raises(NotAllowed, match="operate"):
        verb(job, ada)
    assert BatchJob.objects.values().get() == before


def test_merging_others_jobs_into_a_resend_takes_operate_too(ada: User, prod: Connection) -> None:
    own, others = (make_job(prod, results="ready", status="Completed", created_by=each) for each in (ada, None))
    with pytest.raises(NotAllowed, match="operate"):
        resending.start_resend(own, ada, failed=True, unanswered=False, merges=[others])


def test_a_viewer_creates_no_job_and_checks_no_input(prod: Connection) -> None:
    viewer = User.objects.create_user("eve")
    grant(viewer, "Reader", prod)
    with pytest.raises(NotAllowed, match="submit"):
        create(prod, viewer)
    with pytest.raises(NotAllowed, match="submit"):
        input_checks.start_check(
            prod, input_s3_uri="s3://a/b/", model_id="m", model_invocation_type="Converse", actor=viewer
        )


@pytest.mark.parametrize(
    ("allowed", "changes", "field"),
    [
        ({"input_prefixes": ["s3://data/in/"]}, {"input_s3_uri": "s3://data/inner/"}, "input_s3_uri"),
        ({"output_prefixes": ["s3://data/out/"]}, {"output_s3_uri": "s3://data/"}, "output_s3_uri"),
        ({"service_roles": [ROLE]}, {"role_arn": f"{ROLE}-admin"}, "role_arn"),
    ],
)
def test_a_job_stays_where_the_connection_allows_it(
    allowed: dict[str, list[str]], changes: dict[str, Any], field: str, ada: User, prod: Connection
) -> None:
    for name, values in allowed.items():
        setattr(prod, name, values)
    prod.save()
    create(prod, ada)
    with pytest.raises(NotAllowed) as refused:
        create(prod, ada, **changes)
    assert refused.value.field == field


def test_what_the_console_wrote_to_send_again_may_be_read(ada: User, prod: Connection) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    prod.save()
    job = make_job(prod, created_by=ada, status="Completed")
    beside = f"{job.output_s3_uri}resend-1/input.jsonl"
    with pytest.raises(NotAllowed):
        create(prod, ada, input_s3_uri=beside)
    MadeInput.objects.create(connection=prod, source_size=0, resend_of=job, output_s3_uri=beside)
    create(prod, ada, resend_of=job, input_s3_uri=beside)


def test_a_new_service_role_is_not_made_where_it_could_not_be_used(prod: Connection) -> None:
    operator = User.objects.create_user("olga")
    grant(operator, "Operator", prod)
    prod.service_roles = [ROLE]
    with pytest.raises(NotAllowed, match="only the service roles of its list"):
        service_roles.create_service_role(prod, operator, role_name="new", request=asked())


def test_a_job_whose_output_lies_elsewhere_is_not_read(ada: User, prod: Connection) -> None:
    prod.input_prefixes = prod.output_prefixes = prod.upload_prefixes = ["s3://data/"]
    with pytest.raises(NotAllowed, match="only in s3://data/"):
        results.require_reading(ada, make_job(prod, output_s3_uri="s3://payroll/"))


def test_a_bulk_action_leaves_jobs_alone_that_the_person_may_not_stop(ada: User, prod: Connection) -> None:
    own, others = make_job(prod, created_by=ada), make_job(prod)
    action = bulk_actions.request_stop(connection=prod, actor=ada, jobs=BatchJob.objects.all())
    bulk_actions.stop_jobs(action)
    items = {item.job_id: item for item in BulkActionItem.objects.all()}
    assert items[own.pk].outcome == "cancelled"
    assert items[others.pk].outcome == "failed"
    assert "“operate”" in str(items[others.pk].error)
    assert BatchJob.objects.get(pk=others.pk).status == "Queued"


def test_whoever_lost_the_right_stops_nothing_more(ada: User, prod: Connection) -> None:
    own = make_job(prod, created_by=ada)
    action = bulk_actions.request_stop(connection=prod, actor=ada, jobs=BatchJob.objects.all())
    ada.grants.all().delete()
    bulk_actions.stop_jobs(BulkAction.objects.get(pk=action.pk))
    assert BatchJob.objects.get(pk=own.pk).status == "Queued"


def test_the_rest_of_anothers_bulk_action_takes_operate(ada: User, prod: Connection) -> None:
    make_job(prod)
    action = bulk_actions.request_stop(connection=prod, actor=None, jobs=BatchJob.objects.all())
    with pytest.raises(NotAllowed, match="operate"):
        bulk_actions.cancel_rest(action, ada)
