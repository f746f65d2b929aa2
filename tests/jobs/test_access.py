"""Who may do what on which connection."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import BatchJob, Connection, Grant, Right, Role
from batchconsole.jobs.models.access import SHIPPED_ROLES
from batchconsole.jobs.rights import access
from tests.factories import grant

ROLE_ARN = "arn:aws:iam::123456789012:role/batch"


@pytest.fixture
def prod(db: None) -> Connection:
    return Connection.objects.create(name="prod", title="Production")


@pytest.fixture
def test(db: None) -> Connection:
    return Connection.objects.create(name="test", title="Test")


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada")


def rights(user: User, connection: Connection | None) -> set[str]:
    fresh = User.objects.get(pk=user.pk)
    return {right for right in Right.values if fresh.has_perm(right, connection)}


def job_of(person: User | None, connection: Connection) -> BatchJob:
    return BatchJob.objects.create(connection=connection, created_by=person, job_name="j", model_id="m")


def test_nobody_has_a_right_unless_it_is_granted(ada: User, prod: Connection) -> None:
    assert rights(ada, prod) == set()


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_a_role_gives_its_rights_on_its_connection_alone(
    role: str, ada: User, prod: Connection, test: Connection
) -> None:
    grant(ada, role, prod)
    assert rights(ada, prod) == set(SHIPPED_ROLES[role])
    assert rights(ada, test) == rights(ada, None) == set()


def test_a_grant_on_all_connections_counts_on_each(ada: User, prod: Connection) -> None:
    grant(ada, "Reader")
    assert rights(ada, prod) == rights(ada, None) == {"view", "read"}


def test_what_a_group_may_each_of_its_members_may(ada: User, prod: Connection) -> None:
    group = Group.objects.create(name="nlp")
    grant(group, "Submitter", prod)
    assert rights(ada, prod) == set()
    ada.groups.add(group)
    assert rights(ada, prod) == {"view", "read", "submit"}


def test_grants_add_up(ada: User, prod: Connection) -> None:
    grant(ada, "Viewer")
    grant(ada, "Operator", prod)
    assert rights(ada, prod) == set(SHIPPED_ROLES["Operator"])


def test_a_superuser_has_every_right(prod: Connection) -> None:
    assert rights(User.objects.create_superuser("root"), prod) == set(Right.values)


@pytest.mark.parametrize("is_superuser", [True, False])
def test_who_was_deactivated_may_nothing(is_superuser: bool, ada: User, prod: Connection) -> None:
    grant(ada, "Administrator")
    User.objects.update(is_active=False, is_superuser=is_superuser)
    assert rights(ada, prod) == set()
    assert not access.connections_with(User.objects.get())


def test_who_is_not_signed_in_may_nothing(prod: Connection) -> None:
    assert not AnonymousUser().has_perm(Right.VIEW, prod)


def test_an_unknown_right_is_nobodys(ada: User, prod: Connection) -> None:
    grant(ada, "Administrator")
    assert not ada.has_perm("fly", prod)


def test_one_sees_the_connections_one_may_view(ada: User, prod: Connection, test: Connection) -> None:
    grant(ada, "Viewer", test)
    assert list(access.connections_with(ada)) == [test]
    assert not access.connections_with(ada, Right.SUBMIT)


def test_own_jobs_take_submit_and_others_operate(ada: User, prod: Connection) -> None:
    grant(ada, "Submitter", prod)
    access.require_on_job(ada, job_of(ada, prod))
    for owner in (None, User.objects.create_user("bob")):
        with pytest.raises(NotAllowed, match="operate"):
            access.require_on_job(ada, job_of(owner, prod))


def test_an_operator_acts_on_anyones_job(ada: User, prod: Connection) -> None:
    grant(ada, "Operator", prod)
    access.require_on_job(ada, job_of(None, prod))


def test_the_system_may_do_what_it_was_asked(prod: Connection) -> None:
    access.require_on_job(None, job_of(None, prod))


def test_a_refusal_names_the_right_the_roles_and_whom_to_ask(ada: User, prod: Connection) -> None:
    grant(User.objects.create_user("grace", first_name="Grace", last_name="Hopper"), "Administrator", prod)
    with pytest.raises(NotAllowed) as refused:
        access.require(ada, Right.OPERATE, prod)
    assert "“operate” on Production" in refused.value.message
    assert "Operator, Administrator" in refused.value.message
    assert refused.value.hint == "Ask Grace Hopper for it."


@pytest.mark.parametrize(
    ("uri", "is_allowed"),
    [
        ("s3://data/in/", True),
        ("s3://data/in", True),
        ("s3://data/in/a/b.jsonl", True),
        ("s3://data/inner/b.jsonl", False),
        ("s3://data/", False),
        ("s3://database/in/", False),
    ],
)
def test_input_may_lie_only_where_the_connection_allows_it(uri: str, is_allowed: bool, prod: Connection) -> None:
    prod.input_prefixes = ["s3://data/in/"]
    access.require_places(prod, output="s3://elsewhere/out/")
    if is_allowed:
        access.require_places(prod, input=uri)
    else:
        with pytest.raises(NotAllowed, match="only in s3://data/in/") as refused:
            access.require_places(prod, input=uri)
        assert refused.value.field == "input_s3_uri"


def test_reading_is_limited_once_input_output_and_upload_are(prod: Connection) -> None:
    prod.input_prefixes, prod.output_prefixes = ["s3://data/in"], ["s3://data/out"]
    access.require_places(prod, read="s3://other/")
    prod.upload_prefixes = ["s3://data/up"]
    with pytest.raises(NotAllowed):
        access.require_places(prod, read="s3://other/")
    access.require_places(prod, read="s3://data/out/job/x.jsonl.out")


def test_only_the_models_of_the_list_can_be_used(prod: Connection) -> None:
    access.require_model(prod, "amazon.nova-pro-v1:0")
    prod.allowed_models = ["amazon.nova-micro-v1:0"]
    access.require_model(prod, "eu.amazon.nova-micro-v1:0")
    with pytest.raises(NotAllowed, match="does not allow the model amazon") as refused:
        access.require_model(prod, "amazon.nova-pro-v1:0")
    assert refused.value.field == "model_id"


def test_only_the_service_roles_of_the_list_can_be_passed(prod: Connection) -> None:
    access.require_service_role(prod, "arn:aws:iam::123456789012:role/admin")
    prod.service_roles = [ROLE_ARN]
    access.require_service_role(prod, ROLE_ARN)
    with pytest.raises(NotAllowed, match="role/admin"):
        access.require_service_role(prod, "arn:aws:iam::123456789012:role/admin")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input_prefixes", ["data/in"]),
        ("output_prefixes", "s3://data/in"),
        ("upload_prefixes", [1]),
        ("allowed_models", ["amazon nova"]),
        ("service_roles", ["batch"]),
    ],
)
def test_a_list_that_means_nothing_is_refused(field: str, value: object, prod: Connection) -> None:
    setattr(prod, field, value)
    with pytest.raises(ValidationError) as refused:
        prod.full_clean()
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize("value", [["fly"], "view", [1]])
def test_a_role_of_unknown_rights_is_refused(value: object, db: None) -> None:
    with pytest.raises(ValidationError, match="choose among"):
        Role(name="Pilot", rights=value).full_clean()


def test_a_grant_is_of_a_person_or_a_group(ada: User) -> None:
    role = Role.objects.get(name="Viewer")
    with pytest.raises(IntegrityError):
        Grant.objects.create(user=ada, group=Group.objects.create(name="nlp"), role=role)
