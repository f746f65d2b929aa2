"""Budgets of a month and models of a role: what counts, what is refused, and for whom."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest, Tag
from batchconsole.jobs.costs.spending import first_of_month, spending, spendings
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.inputs.input_checks import check_input
from batchconsole.jobs.lifecycle import create_job, release
from batchconsole.jobs.models import BatchJob, Budget, Connection, InputCheck, Role, utc_today
from batchconsole.jobs.queue.waiting import unhold
from batchconsole.jobs.retrying import check_again
from batchconsole.jobs.tags import edit_tags
from batchconsole.records import report as reports
from tests.factories import MODEL, grant, make_job

ROLE = "arn:aws:iam::123456789012:role/batch"
TEAM = {"key": "team", "value": "nlp"}


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(name="prod", title="Production", account_id="123456789012")


@pytest.fixture
def ada(prod: Connection) -> User:
    user = User.objects.create_user("ada")
    grant(user, "Submitter", prod)
    return user


def asked(**changes: Any) -> JobRequest:
    fields = {"input_s3_uri": "s3://data/in/", "output_s3_uri": "s3://data/out/", "role_arn": ROLE, "tags": ()}
    return JobRequest.from_fields({"job_name": "j", "model_id": MODEL, **fields, **changes})


def budget(usd: int, **changes: Any) -> Budget:
    return Budget.objects.create(usd_per_month=usd, **changes)


def spent(connection: Connection, usd: int, **changes: Any) -> BatchJob:
    values = {"status": "Completed", "end_time": timezone.now(), "cost_usd": usd}
    return make_job(connection, **values | changes)


def checked(connection: Connection, usd: int | None) -> InputCheck:
    values = {"input_s3_uri": "s3://data/in/", "model_id": MODEL, "model_invocation_type": "InvokeModel"}
    return InputCheck.objects.create(
        connection=connection, state=InputCheck.State.DONE, finished_at=timezone.now(), usd_at_most=usd, **values
    )


def test_it_works(prod: Connection, ada: User) -> None:
    limit = budget(100, connection=prod)
    spent(prod, 30)
    make_job(prod, status="InProgress", input_check=checked(prod, 25))
    make_job(prod, status="Queued")
    spent(prod, 40, end_time=first_of_month(utc_today()) - timedelta(seconds=1))
    found = spending(limit)
    assert (int(found.ended_usd), int(found.in_flight_usd), found.unknown) == (30, 25, 1)
    assert (found.percent, found.level, int(found.left_usd), found.is_refusing) == (55, 50, 45, False)


@pytest.mark.parametrize(("usd", "level"), [(49, 0), (50, 50), (79, 50), (80, 80), (99, 80), (100, 100), (250, 100)])
def test_it_warns_at_three_levels(usd: int, level: int, prod: Connection) -> None:
    spent(prod, usd)
    assert spending(budget(100, connection=prod)).level == level


@pytest.mark.parametrize("narrowed_to", ["connection", "all", "user", "group", "tag"])
def test_above_a_budget_a_job_is_refused_and_others_are_not(narrowed_to: str, prod: Connection, ada: User) -> None:
    group, other = Group.objects.create(name="nlp"), Connection.objects.create(name="other")
    bob = User.objects.create_user("bob")
    grant(bob, "Submitter")
    ada.groups.add(group)
    fields: dict[str, dict[str, Any]] = {
        "connection": {"connection": prod},
        "all": {},
        "user": {"user": ada},
        "group": {"group": group},
        "tag": {"tag_key": "team", "tag_value": "nlp"},
    }
    budget(10, **fields[narrowed_to])
    spent(prod, 10, created_by=ada, tags=[TEAM])
    with pytest.raises(NotAllowed, match=r"10.00 of 10.00 USD"):
        create_job(connection=prod, actor=ada, request=asked(tags=(Tag(key="team", value="nlp"),)))
    if narrowed_to != "all":
        where = other if narrowed_to == "connection" else prod
        create_job(connection=where, actor=bob, request=asked(job_name="bob"))


@pytest.mark.parametrize(("usd", "is_created"), [(5, True), (6, False), (None, True)])
def test_the_estimate_of_the_new_job_counts(usd: int | None, is_created: bool, prod: Connection, ada: User) -> None:
    budget(10, connection=prod)
    spent(prod, 5)
    checked(prod, usd)
    if is_created:
        create_job(connection=prod, actor=ada, request=asked())
    else:
        with pytest.raises(NotAllowed, match=r"this job costs up to 6\.00 USD"):
            create_job(connection=prod, actor=ada, request=asked())
    assert BatchJob.objects.filter(job_name="j").exists() == is_created


def test_above_a_budget_that_holds_a_job_waits_for_approval(prod: Connection, ada: User) -> None:
    budget(10, connection=prod, above=Budget.Above.HOLD)
    create_job(connection=prod, actor=ada, request=asked(job_name="below"))
    spent(prod, 10)
    job = create_job(connection=prod, actor=ada, request=asked())
    assert (job.is_held, job.awaits_approval) == (True, True)
    assert "10.00 of 10.00 USD" in job.events.get(verb="approval_asked").data["budget"]
    assert not BatchJob.objects.get(job_name="below").is_held


def test_a_budget_that_only_warns_refuses_nothing(prod: Connection, ada: User) -> None:
    budget(1, connection=prod, above=Budget.Above.WARN)
    spent(prod, 5)
    create_job(connection=prod, actor=ada, request=asked())


def test_a_person_sees_the_budgets_that_count(prod: Connection, ada: User) -> None:
    mine, everybodys = budget(1, user=ada), budget(2, connection=prod)
    budget(3, user=User.objects.create_user("bob"))
    budget(4, connection=Connection.objects.create(name="other"))
    assert {each.budget for each in spendings(prod, ada)} == {mine, everybodys}


def test_cents_are_added_up_exactly(prod: Connection) -> None:
    for _ in range(3):
        spent(prod, 0, cost_usd=Decimal("0.100001"))
    assert spending(budget(1, connection=prod)).used_usd == Decimal("0.300003")


@pytest.mark.parametrize(
    ("allowed", "model", "is_created"),
    [
        (["amazon.nova-micro-v1:0"], MODEL, True),
        (["amazon.nova-*"], f"us.{MODEL}", True),
        (["anthropic.*"], MODEL, False),
        ([], "anthropic.claude-opus", True),
    ],
)
def test_a_role_allows_some_models(
    allowed: list[str], model: str, is_created: bool, prod: Connection, ada: User
) -> None:
    ada.grants.all().delete()
    role = Role.objects.create(name="Small models", rights=["view", "submit"], model_ids=allowed)
    ada.grants.create(role=role, connection=prod)
    if is_created:
        create_job(connection=prod, actor=ada, request=asked(model_id=model))
    else:
        with pytest.raises(NotAllowed, match=r"do not allow the model amazon\.nova"):
            create_job(connection=prod, actor=ada, request=asked(model_id=model))


def test_one_role_that_allows_any_model_is_enough(prod: Connection, ada: User) -> None:
    role = Role.objects.create(name="Small models", rights=["submit"], model_ids=["anthropic.*"])
    ada.grants.create(role=role)
    create_job(connection=prod, actor=ada, request=asked())


def test_jobs_without_a_check_of_their_own_use_up_the_budget_by_their_estimates(prod: Connection, ada: User) -> None:
    budget(100, connection=prod)
    checked(prod, 90)
    job = create_job(connection=prod, actor=ada, request=asked())
    assert job.estimate_usd == 90
    with pytest.raises(NotAllowed, match=r"90\.00 of 100\.00 USD"):
        create_job(connection=prod, actor=ada, request=asked(job_name="second"))


@pytest.mark.parametrize(("usd", "counted"), [(None, 90), (25, 25)])
def test_the_estimate_counts_until_the_jobs_own_check_is_done(usd: int | None, counted: int, prod: Connection) -> None:
    make_job(prod, status="Checking", estimate_usd=90, input_check=checked(prod, usd))
    assert spending(budget(100, connection=prod)).in_flight_usd == counted


def test_a_job_that_waits_for_approval_counts_once_it_is_approved(prod: Connection, ada: User) -> None:
    limit = budget(100, connection=prod, above=Budget.Above.HOLD)
    checked(prod, 500)
    job = create_job(connection=prod, actor=ada, request=asked())
    assert spending(limit).used_usd == 0
    unhold(job, None, comment="Once.")
    assert spending(limit).used_usd == 500


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"results": "pending", "estimate_usd": 90}, (90, 0)),
        ({"results": "failed", "estimate_usd": 90}, (90, 0)),
        ({"results": "pending"}, (0, 1)),
        ({"results": "ready", "input_token_count": 5, "estimate_usd": 90}, (90, 0)),
        ({"results": "ready", "cost_usd": 70, "estimate_usd": 90}, (70, 0)),
        ({"results": "ready", "estimate_usd": 90}, (0, 0)),
        ({"status": "Failed", "results": "none", "estimate_usd": 90}, (0, 0)),
    ],
)
def test_an_ended_job_counts_with_its_estimate_until_its_cost_is_known(
    changes: dict[str, Any], expected: tuple[int, int], prod: Connection
) -> None:
    make_job(prod, **{"status": "Completed", "end_time": timezone.now()} | changes)
    found = spending(budget(100, connection=prod))
    assert (int(found.ended_usd), found.unknown) == expected


def rejected(connection: Connection, user: User) -> BatchJob:
    places = {"input_s3_uri": "s3://data/in/", "output_s3_uri": "s3://data/out/", "role_arn": ROLE}
    return make_job(connection, status="Rejected", created_by=user, **places)


@pytest.mark.parametrize("verb", [release, check_again])
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"allowed_models": ["anthropic.*"]}, "does not allow the model"),
        ({"output_prefixes": ["s3://other/"]}, "allows output only in"),
        ({"service_roles": ["arn:aws:iam::123456789012:role/other"]}, "does not allow the service role"),
        ({}, "costs up to 90.00 USD"),
    ],
)
def test_a_rejected_job_comes_back_by_the_rules_of_today(
    verb: Callable[[BatchJob, Any], None], rules: dict[str, Any], said: str, prod: Connection, ada: User
) -> None:
    budget(80, connection=prod)
    checked(prod, 10 if rules else 90)
    job = rejected(prod, ada)
    Connection.objects.filter(pk=prod.pk).update(**rules)
    with pytest.raises(NotAllowed, match=said):
        verb(job, ada)
    assert BatchJob.objects.get(pk=job.pk).status == "Rejected"


@pytest.mark.parametrize("verb", [release, check_again])
@pytest.mark.parametrize("asks_approval", [True, False])
def test_a_rejected_job_comes_back_held_where_it_needs_approval(
    verb: Callable[[BatchJob, Any], None], asks_approval: bool, prod: Connection, ada: User
) -> None:
    Connection.objects.filter(pk=prod.pk).update(asks_approval=asks_approval)
    budget(100 if asks_approval else 80, connection=prod, above=Budget.Above.HOLD)
    checked(prod, 90)
    verb(job := rejected(prod, ada), ada)
    job.refresh_from_db()
    assert (job.is_held, job.awaits_approval, int(job.estimate_usd or 0)) == (True, True, 90)
    assert ("budget" in job.events.get(verb="approval_asked").data) != asks_approval


@pytest.mark.parametrize(
    ("above", "usd", "status", "is_held"),
    [
        (Budget.Above.REFUSE, 50_000, "Rejected", False),
        (Budget.Above.HOLD, 50_000, "Queued", True),
        (Budget.Above.WARN, 50_000, "Queued", False),
        (Budget.Above.REFUSE, 90, "Queued", False),
    ],
)
def test_a_job_is_judged_by_its_own_check(
    above: str, usd: int, status: str, is_held: bool, prod: Connection, ada: User
) -> None:
    budget(100, connection=prod, above=above)
    check, report = checked(prod, usd), reports.Report(model_id=MODEL, invocation_type="InvokeModel")
    InputCheck.objects.update(report_json=reports.encode(report).decode())
    job = make_job(prod, status="Checking", created_by=ada, input_check=check, estimate_usd=20)
    check_input.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.is_held, "50,000.00 USD" in job.message) == (status, is_held, status == "Rejected")
    assert job.events.filter(verb="approval_asked").exists() == is_held


def tagged(connection: Connection, user: User | None, **changes: Any) -> BatchJob:
    values = {"status": "Queued", "created_by": user, "tags": [TEAM], "estimate_usd": 30}
    return make_job(connection, **values | changes)


OCR = {"key": "team", "value": "ocr"}
ON_AWS = {"status": "InProgress", "job_arn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abc"}
ENDED = {**ON_AWS, "status": "Completed", "end_time": timezone.now(), "results": "ready", "cost_usd": 30}


@pytest.mark.parametrize("wanted", [[], [OCR], [{"key": "team", "value": ""}]])
@pytest.mark.parametrize("state", [{}, {"estimate_usd": None}, {"status": "Checking"}, ON_AWS, ENDED])
@pytest.mark.parametrize("above", [Budget.Above.REFUSE, Budget.Above.HOLD])
def test_a_job_leaves_a_budget_of_its_tags_only_by_somebody_who_may_operate(
    above: str, state: dict[str, Any], wanted: list[dict[str, str]], prod: Connection, ada: User
) -> None:
    budget(100, tag_key="team", tag_value="nlp", above=above)
    job = tagged(prod, ada, **state)
    with pytest.raises(NotAllowed, match="counts toward the budget for tag team=nlp") as refused:
        edit_tags(job, ada, wanted)
    assert ("clone it with other tags" in refused.value.hint) == (job.status in {"Queued", "Checking"})
    assert (BatchJob.objects.get(pk=job.pk).tags, job.events.count()) == ([TEAM], 0)


@pytest.mark.parametrize(
    ("rule", "role", "wanted", "changes"),
    [
        (Budget.Above.REFUSE, "Operator", [OCR], {}),
        (Budget.Above.REFUSE, "Submitter", [TEAM, {"key": "stage", "value": "test"}], {}),
        (Budget.Above.WARN, "Submitter", [], {}),
        (Budget.Above.REFUSE, "Submitter", [], {"status": "Rejected"}),
        (Budget.Above.REFUSE, "Submitter", [], {"status": "Completed", "end_time": timezone.now(), "results": "none"}),
    ],
)
def test_a_change_that_takes_nothing_from_a_budget_is_free(
    rule: str, role: str, wanted: list[dict[str, str]], changes: dict[str, Any], prod: Connection, ada: User
) -> None:
    grant(ada, role, prod)
    budget(100, tag_key="team", tag_value="nlp", above=rule)
    job = tagged(prod, ada, **changes)
    edit_tags(job, ada, wanted)
    assert BatchJob.objects.get(pk=job.pk).tags == wanted


@pytest.mark.parametrize("role", ["Submitter", "Operator"])
@pytest.mark.parametrize("state", [{}, {"estimate_usd": None}, ON_AWS, ENDED])
def test_a_job_that_enters_a_budget_is_judged_like_a_new_one(
    state: dict[str, Any], role: str, prod: Connection, ada: User
) -> None:
    grant(ada, role, prod)
    budget(20, tag_key="team", tag_value="nlp")
    checked(prod, 30)
    job = tagged(prod, ada, **state, tags=[], input_s3_uri="s3://data/in/")
    with pytest.raises(NotAllowed, match=r"costs up to 30\.00 USD\. No job is moved above it"):
        edit_tags(job, ada, [TEAM])
    assert BatchJob.objects.get(pk=job.pk).tags == []


def test_a_job_that_enters_a_budget_takes_its_estimate_along(prod: Connection, ada: User) -> None:
    """It was created where no budget asked, so nobody knew what it would cost."""
    limit = budget(100, tag_key="team", tag_value="nlp")
    checked(prod, 30)
    edit_tags(tagged(prod, ada, tags=[], estimate_usd=None, input_s3_uri="s3://data/in/"), ada, [TEAM])
    found = spending(limit)
    assert (int(found.in_flight_usd), found.unknown) == (30, 0)


def test_a_job_in_the_queue_that_enters_a_full_budget_is_held(prod: Connection, ada: User) -> None:
    budget(20, tag_key="team", tag_value="nlp", above=Budget.Above.HOLD)
    job = tagged(prod, ada, tags=[])
    edit_tags(job, ada, [TEAM])
    job.refresh_from_db()
    assert (job.tags, job.is_held, job.awaits_approval) == ([TEAM], True, True)
    assert "30.00 USD" in job.events.get(verb="approval_asked").data["budget"]


def test_a_sent_job_enters_a_full_budget_that_holds_only_by_somebody_who_may_operate(
    prod: Connection, ada: User
) -> None:
    budget(20, tag_key="team", tag_value="nlp", above=Budget.Above.HOLD)
    with pytest.raises(NotAllowed, match="takes the right “operate”"):
        edit_tags(tagged(prod, ada, **ON_AWS, tags=[]), ada, [TEAM])


def test_tags_that_aws_does_not_take_are_put_back(nowhere: Connection) -> None:
    job = tagged(nowhere, None, **ON_AWS, tags_unread=True)
    with pytest.raises(AwsError):
        edit_tags(job, None, [OCR])
    row = BatchJob.objects.get(pk=job.pk)
    assert (row.tags, row.tags_unread) == ([TEAM], True)
    assert [event.data["after"] for event in job.events.order_by("pk")] == [[OCR], [TEAM]]
