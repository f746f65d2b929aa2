"""What the console answers to somebody who may not do what a URL stands for."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from batchconsole.jobs.models import BatchJob, Connection, Event, Grant
from batchconsole.urls import urlpatterns as ours
from tests.console.conftest import Answer, MakeJob, filled_in
from tests.factories import grant

PAGE = {"Accept": "text/html"}
ROLE = "arn:aws:iam::123456789012:role/batch"


def unsaid(request: HttpRequest) -> HttpResponse:
    return HttpResponse("secret")


urlpatterns = [path("unsaid/", unsaid), *ours]


@pytest.fixture
def viewer(person: User, connection: Connection) -> User:
    Grant.objects.all().delete()
    grant(person, "Viewer", connection)
    return person


@pytest.mark.urls(__name__)
def test_a_url_that_names_no_right_is_refused_to_a_superuser_too(admin_client: Client) -> None:
    answer = admin_client.get("/unsaid/", headers=PAGE)
    assert answer.status_code == 403
    assert "Nothing says who may open this page" in answer.text


def test_a_refusal_is_a_page_that_says_what_is_missing_and_who_grants_it(client: Client, viewer: User) -> None:
    User.objects.create_superuser("grace", first_name="Grace", last_name="Hopper")
    answer = client.get("/local/s3/", headers=PAGE)
    assert answer.status_code == 403
    assert "the right “read” on Local stack" in answer.text
    assert "Ask Grace Hopper for it." in answer.text
    assert "side-navigation" in answer.text


def test_a_script_gets_the_part_of_the_page(client: Client, viewer: User) -> None:
    answer = client.get("/local/s3/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert answer.text.startswith('<div class="alert"')


def test_the_script_of_an_upload_gets_a_message(client: Client, viewer: User) -> None:
    answer = client.post("/local/s3/upload/start/", headers={"Accept": "application/json"})
    assert answer.status_code == 403
    assert "the right “submit”" in answer.json()["message"]


def test_a_program_gets_text(client: Client, viewer: User, make_job: MakeJob) -> None:
    answer = client.get(f"/local/jobs/{make_job().pk}/results.csv")
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/plain")
    assert "the right “read”" in answer.text


def test_who_has_no_right_on_a_connection_does_not_learn_of_it(client: Client, viewer: User, other: Connection) -> None:
    assert client.get("/production/").status_code == client.get("/no-such/").status_code == 404
    assert "Production" not in client.get("/local/").text


def test_a_job_of_another_connection_is_not_found(client: Client, make_job: MakeJob, other: Connection) -> None:
    key = make_job().pk
    for what in ("", "stop/", "tags/", "resend/"):
        assert client.get(f"/production/jobs/{key}/{what}").status_code == 404


def test_ones_own_job_takes_submit_and_others_operate(client: Client, person: User, make_job: MakeJob) -> None:
    Grant.objects.all().delete()
    grant(person, "Submitter")
    own, others = make_job(), make_job(created_by=None)
    assert client.get(f"/local/jobs/{own.pk}/stop/").status_code == 200
    refused = client.get(f"/local/jobs/{others.pk}/stop/")
    assert refused.status_code == 403
    assert "“operate”" in refused.text


def test_a_new_account_is_told_whom_to_ask(client: Client, connection: Connection) -> None:
    Grant.objects.all().delete()
    User.objects.create_superuser("grace")
    answer: Answer = client.get("/")
    assert "have access to any connection yet" in answer.text
    assert "Ask grace for it." in answer.text
    assert "Local stack" not in answer.text


def test_the_administration_is_for_staff(client: Client) -> None:
    assert client.get("/admin/").status_code == 403


@pytest.mark.parametrize("role", ["Viewer", "Submitter"])
def test_what_one_may_not_do_is_not_offered(role: str, client: Client, person: User, make_job: MakeJob) -> None:
    Grant.objects.all().delete()
    grant(person, role)
    job = make_job(status="Queued", created_by=None)
    page, list_ = client.get(job.get_absolute_url()).text, client.get("/local/jobs/").text
    assert "/stop/" not in page
    assert (
        ("?clone=" in page) == ("Create job</a>" in list_) == ('data-place="input-new"' in list_) == (role != "Viewer")
    )
    assert ("?tab=results" in page) == ('data-place="s3-browse"' in list_) == (role != "Viewer")


def test_answers_are_not_shown_to_who_may_not_read_them(client: Client, viewer: User, make_job: MakeJob) -> None:
    answer = client.get(f"{make_job(results='ready').get_absolute_url()}?tab=results")
    assert answer.context["tab"] == "details"


def test_activity_and_its_filter_know_only_what_one_may_view(
    client: Client, viewer: User, connection: Connection, other: Connection
) -> None:
    hidden, seen = User.objects.create_user("hidden-person"), User.objects.create_user("seen-person")
    Event.objects.create(connection=other, actor=hidden, verb="created", data={"secret": "payroll"})
    Event.objects.create(connection=connection, actor=seen, verb="created")
    Event.objects.create(actor=hidden, verb="api_key_created")
    text = client.get("/activity/").text
    assert "seen-person" in text
    for word in ("hidden-person", "payroll", "Production", "API key created</td>"):
        assert word not in text
    assert "hidden-person" not in client.get("/local/jobs/").text


def test_answers_that_lie_where_the_connection_allows_no_reading_are_not_shown(
    client: Client, connection: Connection, make_job: MakeJob
) -> None:
    connection.input_prefixes = connection.output_prefixes = connection.upload_prefixes = ["s3://prompts/"]
    connection.save()
    job = make_job(results="ready", output_s3_uri="s3://payroll/")
    assert client.get(f"{job.get_absolute_url()}?tab=results").context["tab"] == "details"
    for part in ("records/0/", "results.csv", "table.csv"):
        answer = client.get(f"{job.get_absolute_url()}{part}")
        assert answer.status_code == 403
        assert "allows read only in s3://prompts/" in answer.text


@pytest.mark.parametrize(
    ("role", "listed", "is_offered"), [("Submitter", [], False), ("Operator", [], True), ("Operator", [ROLE], False)]
)
def test_a_new_service_role_is_offered_to_who_may_make_one(
    role: str, listed: list[str], is_offered: bool, client: Client, person: User, connection: Connection
) -> None:
    Grant.objects.all().delete()
    grant(person, role)
    Connection.objects.update(service_roles=listed)
    text = client.get("/local/jobs/create/").text
    assert ("Create and use a new service role" in text) == ('name="role_name"' in text) == is_offered
    assert 'name="role_arn"' in text


def test_a_submitter_who_asks_for_a_new_role_all_the_same_gets_none(
    client: Client, person: User, connection: Connection
) -> None:
    Grant.objects.all().delete()
    grant(person, "Submitter")
    answer = client.post("/local/jobs/create/", filled_in(service_role="new", role_name="mine"))
    assert answer.status_code == 200
    assert "the right “roles” on Local stack" in answer.text
    assert not BatchJob.objects.exists()
