"""Grants in the administration, and what staff sees who is no superuser."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission, User
from django.core.mail import EmailMessage
from django.test import Client

from batchconsole.jobs.models import Connection, Event, Grant, Right, Role, Verb
from batchconsole.jobs.rights.api_keys import create_api_key
from tests.factories import grant, make_job

HOSTILE = "<script>alert(1)</script>{{ 7 }}'; --"


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", first_name=HOSTILE)


@pytest.fixture
def staff(connection: Connection) -> Client:
    """Staff with every permission of the administration, who administers the connection ``local`` alone."""
    user = User.objects.create_user("sam", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    grant(user, "Administrator", connection)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def granting(role: str, connection: Connection | None, **fields: str) -> dict[str, str]:
    """What the form of a user or group posts with one new grant."""
    key = str(Role.objects.get(name=role).pk)
    return {
        "grants-TOTAL_FORMS": "1",
        "grants-INITIAL_FORMS": "0",
        "grants-0-role": key,
        "grants-0-connection": str(connection.pk) if connection else "",
        **fields,
    }


@pytest.mark.parametrize("on_all", [False, True])
def test_a_grant_is_made_on_the_page_of_a_group(on_all: bool, admin_client: Client, connection: Connection) -> None:
    group = Group.objects.create(name=HOSTILE)
    url = f"/admin/auth/group/{group.pk}/change/"
    assert "<script>alert(1)" not in admin_client.get(url).text
    answer = admin_client.post(url, granting("Submitter", None if on_all else connection, name=HOSTILE))
    assert answer.status_code == 302
    assert Grant.objects.get().connection == (None if on_all else connection)


def test_the_page_of_a_user_says_what_the_person_may_and_why(
    admin_client: Client, ada: User, connection: Connection, other: Connection
) -> None:
    group = Group.objects.create(name=HOSTILE)
    ada.groups.add(group)
    grant(group, "Reader")
    grant(ada, "Submitter", connection)
    assert f"/admin/auth/user/{ada.pk}/rights/" in admin_client.get(f"/admin/auth/user/{ada.pk}/change/").text
    page = admin_client.get(f"/admin/auth/user/{ada.pk}/rights/").text
    assert "Submitter on this connection" in page
    assert "Reader on all connections, through the group &lt;script&gt;" in page
    assert "<script>alert(1)" not in page


def test_staff_sees_what_belongs_to_connections_it_administers(
    staff: Client, connection: Connection, other: Connection
) -> None:
    seen, hidden = make_job(connection, job_name="seen-job"), make_job(other, job_name="hidden-job")
    for each in (seen, hidden):
        Event.objects.create(connection=each.connection, job=each, verb="created")
    for kind in ("connection", "batchjob", "event", "modellimit", "inputcheck", "madeinput", "bulkaction"):
        text = staff.get(f"/admin/jobs/{kind}/").text
        assert "hidden-job" not in text
        assert "Production" not in text, kind
    assert "seen-job" in staff.get("/admin/jobs/batchjob/").text
    assert staff.get(f"/admin/jobs/connection/{other.pk}/change/").status_code == 302
    assert staff.get(f"/admin/jobs/batchjob/{hidden.pk}/change/").status_code == 302


def test_staff_grants_only_on_connections_it_administers(
    staff: Client, ada: User, connection: Connection, other: Connection
) -> None:
    url, fields = f"/admin/auth/user/{ada.pk}/change/", {"username": "ada", "date_joined_0": "2026-01-01"}
    fields |= {"date_joined_1": "00:00:00", "is_active": "on"}
    for on in (other, None):
        assert staff.post(url, granting("Operator", on, **fields)).status_code == 200
    assert not Grant.objects.filter(user=ada).exists()
    assert staff.post(url, granting("Operator", connection, **fields)).status_code == 302
    assert Grant.objects.get(user=ada).connection == connection


def test_staff_makes_nobody_a_superuser_and_touches_none(staff: Client, ada: User) -> None:
    root = User.objects.create_superuser("root")
    for path in ("change", "password"):
        assert (
            staff.post(f"/admin/auth/user/{root.pk}/{path}/", {"password1": "x", "password2": "x"}).status_code == 403
        )
    fields = {"username": "ada", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "is_active": "on"}
    none = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}
    assert staff.post(f"/admin/auth/user/{ada.pk}/change/", fields | none | {"is_superuser": "on"}).status_code == 302
    ada.refresh_from_db()
    assert not ada.is_superuser


NEW_PASSWORD = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}


@pytest.mark.parametrize(("is_elsewhere", "status"), [(True, 403), (False, 302)])
def test_staff_sets_no_password_of_somebody_with_rights_that_it_lacks(
    is_elsewhere: bool, status: int, staff: Client, ada: User, connection: Connection, other: Connection
) -> None:
    grant(ada, "Reader", other if is_elsewhere else connection)
    assert staff.post(f"/admin/auth/user/{ada.pk}/password/", NEW_PASSWORD).status_code == status
    assert staff.get(f"/admin/auth/user/{ada.pk}/delete/").status_code == (403 if is_elsewhere else 200)


def test_staff_changes_no_address_of_somebody_who_has_more_rights_but_grants_all_the_same(
    staff: Client, ada: User, connection: Connection, other: Connection
) -> None:
    group = Group.objects.create(name="elsewhere")
    ada.groups.add(group)
    grant(group, "Reader", other)
    fields = {"username": "eve", "email": "sam@evil.example"}
    fields |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    url = f"/admin/auth/user/{ada.pk}/change/"
    assert staff.post(url, granting("Operator", connection, **fields)).status_code == 302
    ada.refresh_from_db()
    assert (ada.username, ada.email, ada.is_active) == ("ada", "", True)
    assert Grant.objects.get(user=ada).connection == connection


def test_staff_of_one_connection_changes_no_role(staff: Client) -> None:
    role = Role.objects.create(name="Watcher", rights=["view"])
    rights = {"name": "Watcher", "rights": '["view", "administer"]'}
    assert staff.post(f"/admin/jobs/role/{role.pk}/change/", rights).status_code == 403
    assert staff.post(f"/admin/jobs/role/{role.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_new_account_has_no_right(admin_client: Client, connection: Connection) -> None:
    assert admin_client.post("/admin/auth/user/add/", {"username": "new", **NEW_PASSWORD}).status_code == 302
    assert not User.objects.get(username="new").has_perm("view", connection)


def test_a_shipped_role_stays_what_it_is(admin_client: Client) -> None:
    role = Role.objects.get(name="Viewer")
    assert admin_client.post(f"/admin/jobs/role/{role.pk}/change/", {"name": "x", "rights": "[]"}).status_code == 403


POINTED = {"name": "local", "title": "Mine", "region": "eu-west-1", "account_id": "999999999999", "is_enabled": "on"}
POINTED |= {
    "grants-TOTAL_FORMS": "0",
    "grants-INITIAL_FORMS": "0",
    "credentials": "default",
    "endpoint_url": "http://127.0.0.1:1",
    "input_prefixes": "s3://a-bucket/in/\n\n",
}


def test_staff_points_no_connection_at_other_credentials_or_endpoints(
    staff: Client, connection: Connection, other: Connection
) -> None:
    before: dict[str, object] = {**Connection.objects.values().get(pk=connection.pk)}
    assert staff.post(f"/admin/jobs/connection/{connection.pk}/change/", POINTED).status_code == 302
    after: dict[str, object] = {**Connection.objects.values().get(pk=connection.pk)}
    kept = ("title", "input_prefixes", "sync_due_at")
    assert {name for name, value in after.items() if value != before[name]} <= set(kept)
    assert (after["title"], after["input_prefixes"]) == ("Mine", ["s3://a-bucket/in/"])
    assert staff.post("/admin/jobs/connection/add/", POINTED | {"name": "new"}).status_code == 403
    assert staff.post(f"/admin/jobs/connection/{connection.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("line", ["bucket/in", "s3://UPPER/", "arn:aws:iam::1:role/x"])
def test_a_place_that_is_no_s3_location_is_refused(admin_client: Client, connection: Connection, line: str) -> None:
    url, places = f"/admin/jobs/connection/{connection.pk}/change/", {"input_prefixes": f"s3://good/\n{line}"}
    assert "an S3 location like" in admin_client.post(url, POINTED | places).text


def act(client: Client, person: User, name: str) -> str:
    return client.post(f"/admin/auth/user/{person.pk}/do/{name}/", follow=True).text


def test_an_invite_link_sets_a_password_once(admin_client: Client, ada: User) -> None:
    found = re.search(r"http://testserver(/account/password/reset/link/[^ <&]+)", act(admin_client, ada, "link"))
    assert found
    guest = Client()
    form = guest.get(found[1], follow=True)
    assert "Set a new password" in form.text
    guest.post(
        form.redirect_chain[-1][0], {"password1": NEW_PASSWORD["password1"], "password2": NEW_PASSWORD["password1"]}
    )
    ada.refresh_from_db()
    assert ada.check_password(NEW_PASSWORD["password1"])
    assert "has been used" in Client().get(found[1], follow=True).text


def test_an_invite_is_mailed_where_mail_is_set_up(
    admin_client: Client, ada: User, settings: LazySettings, mailoutbox: list[EmailMessage]
) -> None:
    assert "No mail is set up" in act(admin_client, ada, "mail")
    settings.EMAIL_HOST = "mail.example"
    assert "has no e-mail address" in act(admin_client, ada, "mail")
    User.objects.update(email="ada@example.org")
    act(admin_client, ada, "mail")
    assert mailoutbox[0].to == ["ada@example.org"]
    assert "/account/password/reset/link/" in str(mailoutbox[0].body)


def test_who_is_deactivated_is_out_at_once_with_sessions_and_keys(
    admin_client: Client, ada: User, connection: Connection
) -> None:
    key, _ = create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    UserSession.objects.create(user=ada, session_key="abc", ip="127.0.0.1", user_agent="Browser")
    assert "nightly" in admin_client.get(f"/admin/auth/user/{ada.pk}/change/").text
    assert "is deactivated" in act(admin_client, ada, "deactivate")
    key.refresh_from_db()
    ada.refresh_from_db()
    assert (ada.is_active, key.is_usable, UserSession.objects.filter(user=ada).exists()) == (False, False, False)
    act(admin_client, ada, "activate")
    key.refresh_from_db()
    assert not key.is_usable


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sign-out", "ada is signed out of 1 session."),
        ("keys", "Revoked 1 key of ada."),
        ("factors", "Removed 1 second factor of ada."),
    ],
)
def test_what_was_done_to_one_is_said_in_the_singular(name: str, said: str, admin_client: Client, ada: User) -> None:
    create_api_key(user=ada, name="nightly", rights=[Right.VIEW])
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={"secret": "x"})
    UserSession.objects.create(user=ada, session_key="abc", ip="127.0.0.1", user_agent="Browser")
    assert said in act(admin_client, ada, name)


@pytest.mark.parametrize("name", ["link", "deactivate", "factors", "keys", "sign-out"])
def test_staff_does_nothing_to_somebody_with_rights_that_it_lacks(
    name: str, staff: Client, ada: User, connection: Connection, other: Connection
) -> None:
    url = f"/admin/auth/user/{ada.pk}/do/{name}/"
    assert staff.post(url).status_code == 302
    User.objects.update(is_active=True)
    grant(ada, "Reader", other)
    assert staff.post(url).status_code == 403


def test_tables_of_the_sign_in_library_are_out_of_sight(admin_client: Client) -> None:
    for path in ("account/emailaddress", "mfa/authenticator", "socialaccount/socialapp", "usersessions/usersession"):
        assert admin_client.get(f"/admin/{path}/").status_code == 404


def test_staff_of_one_connection_sets_no_limit_or_budget_for_all(staff: Client, connection: Connection) -> None:
    assert "This field is required" in staff.post("/admin/jobs/modellimit/add/", {"jobs_at_once": "1"}).text
    assert "This field is required" in staff.post("/admin/jobs/budget/add/", {"usd_per_month": "1"}).text
    assert staff.get("/admin/jobs/modelprice/add/").status_code == 403


def test_a_budget_is_of_one_kind(admin_client: Client, ada: User, connection: Connection) -> None:
    fields = {"connection": str(connection.pk), "usd_per_month": "10", "above": "refuse"}
    both = fields | {"user": str(ada.pk), "tag_key": "team", "tag_value": "nlp"}
    assert "Choose a user, a group or a tag" in admin_client.post("/admin/jobs/budget/add/", both).text
    assert admin_client.post("/admin/jobs/budget/add/", fields | {"user": str(ada.pk)}).status_code == 302
    assert "jobs of ada" in admin_client.get("/admin/jobs/budget/").text


def test_a_role_names_models_by_their_own_ids(admin_client: Client) -> None:
    role = {"name": "Small", "rights": ["view", "submit"], "model_ids": "amazon.nova-*\nus.amazon.nova-pro-v1:0"}
    assert "Enter amazon.nova-pro-v1:0 instead" in admin_client.post("/admin/jobs/role/add/", role).text
    assert admin_client.post("/admin/jobs/role/add/", role | {"model_ids": "amazon.nova-*"}).status_code == 302
    assert Role.objects.get(name="Small").model_ids == ["amazon.nova-*"]


def test_somebody_whom_the_audit_trail_names_is_deactivated_instead(admin_client: Client) -> None:
    named, unnamed = User.objects.create_user("named"), User.objects.create_user("unnamed")
    Event.objects.create(verb=Verb.SIGNED_IN, actor=named)
    page = admin_client.post(f"/admin/auth/user/{named.pk}/delete/", {"post": "yes"}).content.decode()
    assert "deactivate it instead" in page
    admin_client.post(f"/admin/auth/user/{unnamed.pk}/delete/", {"post": "yes"})
    assert set(User.objects.values_list("username", flat=True)) >= {"named"}
    assert not User.objects.filter(username="unnamed").exists()
