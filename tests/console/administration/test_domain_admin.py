"""Connections, jobs, events and limits in the administration: what can be changed there, and what cannot."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.db.models.signals import pre_save
from django.test import Client
from django.utils import timezone

from batchconsole.console.administration.jobs import BatchJobAdmin
from batchconsole.jobs.models import (
    BatchJob,
    Connection,
    Event,
    InputCheck,
    InputSplit,
    MadeInput,
    ModelLimit,
    Role,
    Status,
    Verb,
)
from tests.console.conftest import MakeJob

NEW = {
    "name": "production",
    "title": "Production",
    "is_enabled": "on",
    "region": "eu-west-1",
    "credentials": "default",
}
NO_PEOPLE = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}


@pytest.fixture
def client(client: Client, person: User) -> Client:
    person.is_staff = person.is_superuser = True
    person.save()
    return client


def test_it_works(client: Client, connection: Connection) -> None:
    assert client.post("/admin/jobs/connection/add/", NEW).status_code == 302
    made = Connection.objects.get(name="production")
    assert (made.region, made.credentials, made.sync_due_at <= timezone.now()) == ("eu-west-1", "default", True)


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., None]]:
    """What a worker writes between the moment at which a page reads a row and that at which it saves it."""
    writers = []

    def write(model: type[Model], **values: Any) -> None:
        def update(sender: type[Model], **_: Any) -> None:
            sender._default_manager.update(**values)

        writers.append(update)
        pre_save.connect(update, sender=model)

    yield write
    for each in writers:
        pre_save.disconnect(each)


def test_saving_a_connection_keeps_what_a_sync_wrote_meanwhile(
    client: Client, connection: Connection, meanwhile: Callable[..., None]
) -> None:
    meanwhile(Connection, sync_failures=3, sync_lease="held", tags_error={"code": "Throttled"})
    page = f"/admin/jobs/connection/{connection.pk}/change/"
    assert client.post(page, NEW | NO_PEOPLE | {"title": "New"}).status_code == 302
    connection.refresh_from_db()
    assert (connection.title, connection.name) == ("New", "production")
    assert (connection.sync_failures, connection.sync_lease, bool(connection.tags_error)) == (3, "held", True)


def test_an_account_that_was_found_while_the_page_was_open_stays(client: Client, connection: Connection) -> None:
    page = f"/admin/jobs/connection/{connection.pk}/change/"
    assert 'name="initial-account_id"' in client.get(page).text
    client.post(page, NEW | NO_PEOPLE | {"account_id": "", "initial-account_id": ""})
    assert Connection.objects.get().account_id == connection.account_id != ""


def shown_on(page: Any) -> dict[str, Any]:
    """What a browser would post of the form on an administration page that nobody touched."""
    posted: dict[str, Any] = {}
    for bound in page.context["adminform"].form:
        value = bound.value()
        posted |= {} if value in (False, []) else {bound.html_name: "" if value is None else value}
        posted |= {} if value == [] else {bound.html_initial_name: "" if value is None else value}
    return posted | NO_PEOPLE


def test_a_change_of_another_tab_stays_where_this_one_changes_something_else(
    client: Client, connection: Connection
) -> None:
    page = f"/admin/jobs/connection/{connection.pk}/change/"
    seen = shown_on(client.get(page))
    Connection.objects.update(title="Renamed elsewhere", is_enabled=False)
    assert client.post(page, seen | {"input_prefixes": "s3://incoming/"}).status_code == 302
    connection.refresh_from_db()
    assert (connection.title, connection.is_enabled) == ("Renamed elsewhere", False)
    assert connection.input_prefixes == ["s3://incoming/"]


def test_a_deadline_of_jobs_is_set_taken_back_and_audited(client: Client, connection: Connection) -> None:
    page = f"/admin/jobs/connection/{connection.pk}/change/"
    for hours in ("12", ""):
        assert client.post(page, shown_on(client.get(page)) | {"on_demand_after_hours": hours}).status_code == 302
        connection.refresh_from_db()
        assert (connection.on_demand_after_hours or "", connection.on_demand_due_at is not None) == (
            int(hours) if hours else "",
            bool(hours),
        )
    cleared, deadline = Event.objects.filter(verb=Verb.ROW_CHANGED)[:2]
    assert (deadline.after, cleared.before) == ({"on_demand_after_hours": 12}, {"on_demand_after_hours": 12})
    refused = client.post(page, shown_on(client.get(page)) | {"on_demand_after_hours": "0"})
    assert "greater than or equal to 1" in refused.text


@pytest.mark.parametrize(
    ("here", "elsewhere", "told"),
    [
        ({"title": "Mine"}, {"title": "Theirs"}, "“Theirs”"),
        ({"input_prefixes": "s3://mine/"}, {"input_prefixes": ["s3://a/", "s3://b/"]}, "“s3://a/"),
        ({"credentials": "profile", "profile_name": "mine"}, {"credentials": "default"}, "“Default credential chain"),
    ],
)
def test_two_tabs_that_change_one_field_are_told_and_the_second_save_holds(
    here: dict[str, Any], elsewhere: dict[str, Any], told: str, client: Client, connection: Connection
) -> None:
    page = f"/admin/jobs/connection/{connection.pk}/change/"
    seen = shown_on(client.get(page))
    Connection.objects.update(**elsewhere)
    refused = client.post(page, seen | here)
    assert "Changed after you opened this page: it is " in refused.text
    assert told in refused.text
    name = next(iter(here))
    hidden = refused.context["adminform"].form.data[f"initial-{name}"]
    assert client.post(page, seen | here | {f"initial-{name}": hidden}).status_code == 302


def test_a_group_that_another_tab_added_stays(client: Client, person: User) -> None:
    page = f"/admin/auth/user/{person.pk}/change/"
    seen = shown_on(client.get(page))
    person.groups.add(Group.objects.create(name="Data team"))
    assert client.post(page, seen | {"first_name": "Ada"}).status_code == 302
    person.refresh_from_db()
    assert (person.first_name, person.groups.count()) == ("Ada", 1)


def test_saving_a_person_keeps_a_sign_in_of_that_moment(
    client: Client, person: User, meanwhile: Callable[..., None]
) -> None:
    now = timezone.now()
    meanwhile(User, last_login=now)
    person.refresh_from_db()
    asked = {"username": "ada", "first_name": "Ada", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert client.post(f"/admin/auth/user/{person.pk}/change/", asked | NO_PEOPLE).status_code == 302
    person.refresh_from_db()
    assert (person.first_name, person.last_login) == ("Ada", now)


@pytest.mark.parametrize(("credentials", "missing"), [("profile", "Profile name"), ("assume_role", "Role ARN")])
def test_a_way_to_credentials_must_be_complete(client: Client, credentials: str, missing: str) -> None:
    answer = client.post("/admin/jobs/connection/add/", NEW | {"credentials": credentials})
    assert f"{missing} is required" in answer.content.decode()


def test_a_name_is_part_of_urls(client: Client) -> None:
    answer = client.post("/admin/jobs/connection/add/", NEW | {"name": "not a slug"})
    assert "valid “slug”" in answer.content.decode()


@pytest.mark.parametrize("name", ["activity", "admin", "login", "help", "aws", "openai"])
def test_a_name_that_a_page_has_is_refused(client: Client, name: str) -> None:
    answer = client.post("/admin/jobs/connection/add/", NEW | {"name": name})
    assert f"“{name}” is the address of another page" in answer.content.decode()


def test_the_models_of_openai_batches_are_pairs_on_lines(client: Client) -> None:
    models = {"openai_models": "gpt-4o-mini = amazon.nova-lite-v1:0\r\n\r\ngpt-4* = anthropic.claude-opus-5"}
    assert client.post("/admin/jobs/connection/add/", NEW | models).status_code == 302
    made = Connection.objects.get(name="production")
    assert made.openai_models == {"gpt-4o-mini": "amazon.nova-lite-v1:0", "gpt-4*": "anthropic.claude-opus-5"}
    shown = client.get(f"/admin/jobs/connection/{made.pk}/change/").content.decode()
    assert "gpt-4o-mini = amazon.nova-lite-v1:0" in shown


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"openai_models": "gpt-4o-mini"}, "gpt-4o-mini is not a pair"),
        ({"openai_models": "gpt-4o-mini = a model"}, "a model is not the id or ARN of a model"),
        ({"openai_folder": "s3://bucket/openai"}, "s3://bucket/openai is not a folder"),
        ({"openai_role_arn": "batch"}, "batch is not the ARN of a role"),
    ],
)
def test_what_openai_batches_need_is_checked(client: Client, given: dict[str, str], says: str) -> None:
    assert says in client.post("/admin/jobs/connection/add/", NEW | given).content.decode()


@pytest.mark.parametrize("url", ["http://ministack:4566", "http://127.0.0.1:4566", "https://s3.eu-west-1.example/x"])
def test_an_endpoint_may_be_any_host_the_operator_lists(client: Client, url: str, settings: LazySettings) -> None:
    settings.ALLOWED_ENDPOINTS = ["ministack", "127.0.0.1:4566", "*.example"]
    assert client.post("/admin/jobs/connection/add/", NEW | {"endpoint_url": url}).status_code == 302


@pytest.mark.parametrize("field", ["endpoint_url", "bedrock_endpoint_url", "bedrock_runtime_endpoint_url"])
@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://127.0.0.1:6379", "http://[:", "http://redis"])
def test_no_other_host_is_taken(client: Client, field: str, url: str, settings: LazySettings) -> None:
    settings.ALLOWED_ENDPOINTS = []
    answer = client.post("/admin/jobs/connection/add/", NEW | {field: url})
    assert f"This console may not call {url}." in answer.content.decode()


def test_the_local_stack_is_allowed_as_aws_env_names_it(client: Client, settings: LazySettings) -> None:
    settings.ALLOWED_ENDPOINTS = []
    settings.DATA_FOLDER.aws_env.write_text("export AWS_ENDPOINT_URL=http://127.0.0.1:4999\nexport AWS_REGION=x\n")
    try:
        local = NEW | {"endpoint_url": "http://127.0.0.1:4999"}
        assert client.post("/admin/jobs/connection/add/", local).status_code == 302
    finally:
        settings.DATA_FOLDER.aws_env.unlink()


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "ftp://host", "javascript:alert(1)", "http://"])
def test_other_text_is_no_endpoint(client: Client, url: str) -> None:
    answer = client.post("/admin/jobs/connection/add/", NEW | {"endpoint_url": url})
    assert "Enter an address like https://host" in answer.content.decode()


def test_the_last_trouble_is_shown(client: Client, connection: Connection) -> None:
    connection.sync_error = {
        "code": "NoCredentials",
        "message": "Unable to locate credentials",
        "hint": "Give it some.",
    }
    connection.save()
    for page in ("/admin/jobs/connection/", f"/admin/jobs/connection/{connection.pk}/change/"):
        assert "NoCredentials: Unable to locate credentials. Give it some." in client.get(page).content.decode()


def test_trying_out_says_what_is_wrong(client: Client, connection: Connection) -> None:
    asked = {"action": "try_out", "_selected_action": [connection.pk]}
    answer = client.post("/admin/jobs/connection/", asked, follow=True)
    assert "The endpoint could not be reached" in answer.content.decode()


def test_a_connection_with_jobs_stays(client: Client, connection: Connection, make_job: MakeJob) -> None:
    make_job()
    answer = client.post(f"/admin/jobs/connection/{connection.pk}/delete/", {"post": "yes"})
    assert "Cannot delete connection" in answer.content.decode()
    assert Connection.objects.filter(pk=connection.pk).exists()


def test_a_job_can_be_looked_at_only(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    page = f"/admin/jobs/batchjob/{job.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    assert client.post(f"{page}/change/", {"job_name": "other"}).status_code == 403
    assert client.get(f"{page}/delete/").status_code == 403
    assert client.get("/admin/jobs/batchjob/add/").status_code == 403


def test_jobs_are_listed_and_searched(client: Client, make_job: MakeJob) -> None:
    job = make_job(job_name="summaries")
    assert job.job_name in client.get("/admin/jobs/batchjob/?q=summ").content.decode()


def test_a_waiting_job_can_be_hurried(client: Client, make_job: MakeJob) -> None:
    waiting = make_job(status=Status.QUEUED, due_at=timezone.now() + timedelta(hours=1))
    running = make_job(status=Status.IN_PROGRESS, due_at=None)
    asked = {"action": "try_now", "_selected_action": [waiting.pk, running.pk]}
    client.post("/admin/jobs/batchjob/", asked)
    due = dict(BatchJob.objects.values_list("pk", "due_at"))
    assert waiting.due_at != due[waiting.pk]
    assert due[running.pk] is None


def test_an_action_that_every_job_refuses_is_no_success(client: Client, make_job: MakeJob) -> None:
    asked = {"action": "read_again", "_selected_action": [make_job(status=Status.IN_PROGRESS).pk]}
    said = client.post("/admin/jobs/batchjob/", asked, follow=True).context["messages"]
    assert [message.level_tag for message in said] == ["warning"]


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("stop", Status.QUEUED, Status.CANCELLED),
        ("release", Status.REJECTED, Status.QUEUED),
        ("check", Status.REJECTED, Status.CHECKING),
        ("check", Status.COMPLETED, Status.COMPLETED),
        ("hurry", Status.QUEUED, Status.QUEUED),
        ("sync", Status.IN_PROGRESS, Status.IN_PROGRESS),
    ],
)
def test_the_verbs_of_the_domain_are_buttons(
    verb: str, before: str, after: str, client: Client, make_job: MakeJob
) -> None:
    job = make_job(status=before)
    page = f"/admin/jobs/batchjob/{job.pk}/change/"
    assert (f"/do/{verb}/" in client.get(page).text) == (before != Status.COMPLETED)
    assert client.post(f"/admin/jobs/batchjob/{job.pk}/do/{verb}/")["Location"] == page
    assert BatchJob.objects.get(pk=job.pk).status == after


def test_results_are_read_again(client: Client, make_job: MakeJob) -> None:
    job = make_job(status=Status.COMPLETED, results=BatchJob.Results.FAILED)
    client.post(f"/admin/jobs/batchjob/{job.pk}/do/results/")
    assert BatchJob.objects.get().results == BatchJob.Results.PENDING


def test_the_page_of_a_job_shows_every_field(client: Client, make_job: MakeJob) -> None:
    shown = {name for _, group in BatchJobAdmin.fieldsets for name in group["fields"]}
    elsewhere = {"id", "lease", "modified_at", "subnet_ids", "security_group_ids", "tags", "manifest", "results_error"}
    hidden = {field.name for field in BatchJob._meta.concrete_fields} - shown - elsewhere
    assert {name for name in hidden if not name.startswith("tags_")} == set()  # when AWS was asked for them
    assert client.get(f"/admin/jobs/batchjob/{make_job().pk}/change/").status_code == 200


WORK: dict[str, Callable[[Connection], Any]] = {
    "check": lambda connection: InputCheck.objects.create(
        connection=connection, input_s3_uri="s3://b/in/", state="failed"
    ),
    "making": lambda connection: MadeInput.objects.create(
        connection=connection, source_name="rows.csv", source_size=1, output_s3_uri="s3://b/in/", state="failed"
    ),
    "split": lambda connection: InputSplit.objects.create(connection=connection, state="failed"),
    "sync": lambda connection: connection,
}


@pytest.mark.parametrize("kind", WORK)
def test_work_is_listed_and_tried_again(kind: str, client: Client, connection: Connection) -> None:
    row = WORK[kind](connection)
    url = f"/admin/work/{kind}/{row.pk}/retry/"
    assert url in client.get("/admin/work/").text
    assert client.post(url, follow=True).text.count("done.") == 1


@pytest.mark.parametrize("kind", ["check", "making", "split"])
def test_waiting_work_is_cancelled(kind: str, client: Client, connection: Connection) -> None:
    row = WORK[kind](connection)
    type(row).objects.update(state="queued")
    client.post(f"/admin/work/{kind}/{row.pk}/cancel/")
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_the_audit_trail_can_be_looked_at_only(client: Client, make_job: MakeJob) -> None:
    make_job().record(Verb.CREATED)
    event = Event.objects.get()
    assert "Created" in client.get("/admin/jobs/event/").content.decode()
    assert client.post(f"/admin/jobs/event/{event.pk}/change/", {"verb": "x"}).status_code == 403
    assert client.get(f"/admin/jobs/event/{event.pk}/delete/").status_code == 403
    assert client.get("/admin/jobs/event/add/").status_code == 403


def test_a_limit_is_set_once_for_each_model(client: Client) -> None:
    arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0"
    assert client.post("/admin/jobs/modellimit/add/", {"model_id": arn, "jobs_at_once": 5}).status_code == 302
    assert ModelLimit.objects.get().model_id == "amazon.nova-micro-v1:0"
    again = client.post("/admin/jobs/modellimit/add/", {"model_id": "amazon.nova-micro-v1:0", "jobs_at_once": 6})
    assert "already limits for this connection and model" in again.content.decode()


def test_a_limit_without_a_number_is_refused(client: Client) -> None:
    page = client.post("/admin/jobs/modellimit/add/", {"model_id": "amazon.nova-micro-v1:0"})
    assert "Enter at least one number." in page.content.decode()
    assert not ModelLimit.objects.exists()


def test_an_empty_list_says_what_it_is_for(client: Client) -> None:
    page = client.get("/admin/jobs/budget/").content.decode()
    assert "No budgets" in page
    assert "Monthly spending limits, and what happens when they are exceeded." in page
    assert "No matches" in client.get("/admin/jobs/budget/", {"q": "x"}).content.decode()


def test_fields_are_called_by_their_usual_spelling(client: Client, connection: Connection) -> None:
    page = client.get("/admin/jobs/connection/").content.decode()
    assert "Account ID" in page
    assert "Is enabled" not in page


def test_a_limit_of_service_quotas_is_only_shown(client: Client) -> None:
    row = ModelLimit.objects.create(model_id="m.n", jobs_at_once=5, source=ModelLimit.Source.SERVICE_QUOTAS)
    assert client.post(f"/admin/jobs/modellimit/{row.pk}/change/", {"jobs_at_once": 9}).status_code == 403


@pytest.mark.parametrize("model", ["inputcheck", "madeinput", "resultfile", "bulkaction", "bulkactionitem", "event"])
def test_what_workers_write_can_be_looked_at_only(client: Client, connection: Connection, model: str) -> None:
    assert client.get(f"/admin/jobs/{model}/", {"q": "x"} if model != "bulkaction" else {}).status_code == 200
    assert client.get(f"/admin/jobs/{model}/add/").status_code == 403


def test_the_administration_shows_a_check_without_the_prompts(client: Client, connection: Connection) -> None:
    check = InputCheck.objects.create(
        connection=connection, input_s3_uri="s3://prompts/in/", report_json='"secret prompt"', problems=12
    )
    assert "s3://prompts/in/" in client.get("/admin/jobs/inputcheck/").text
    page = client.get(f"/admin/jobs/inputcheck/{check.pk}/change/").text
    assert "s3://prompts/in/" in page
    assert "secret prompt" not in page
    assert 'name="_save"' not in page


def test_testing_a_connection_says_why_it_does_not_work(client: Client, connection: Connection) -> None:
    page = f"/admin/jobs/connection/{connection.pk}/test/"
    assert client.get(page).status_code == 302
    assert "The connection does not work" in client.post(page).text


def test_a_new_connection_is_saved_and_tested(client: Client) -> None:
    answer = client.post("/admin/jobs/connection/add/", NEW | {"_test": "1"})
    pk = Connection.objects.get(name="production").pk
    assert (answer.status_code, answer["Location"]) == (307, f"/admin/jobs/connection/{pk}/test/")


def test_connections_are_disabled_and_enabled_in_the_list(client: Client, connection: Connection) -> None:
    for action in ("disable", "enable"):
        client.post("/admin/jobs/connection/", {"action": action, "_selected_action": [connection.pk]})
        assert Connection.objects.get(pk=connection.pk).is_enabled == (action == "enable")


def test_the_page_of_a_connection_shows_its_people_and_jobs(
    client: Client, connection: Connection, make_job: MakeJob
) -> None:
    make_job(job_name="nightly")
    page = client.get(f"/admin/jobs/connection/{connection.pk}/change/").text
    assert "People on this connection" in page
    assert "ada: Operator" in page  # on all connections
    assert "nightly" in page


def test_a_connection_that_has_jobs_is_not_deleted_and_the_page_says_what_to_do(
    client: Client, connection: Connection, make_job: MakeJob
) -> None:
    make_job()
    url = f"/admin/jobs/connection/{connection.pk}/delete/"
    page = client.get(url).text
    assert "1 job of Local stack. To take the connection out of use, clear Enabled instead" in page
    client.post(url, {"post": "yes"})
    assert Connection.objects.filter(pk=connection.pk).exists()


@pytest.mark.django_db
def test_the_page_on_retention_tells_the_settings_and_what_goes(client: Client, settings: LazySettings) -> None:
    settings.AUDIT_DAYS, settings.RESULT_DAYS = 30, 0
    page = client.get("/admin/retention/").text
    assert "BATCHCONSOLE_AUDIT_DAYS" in page
    assert "30 days" in page
    assert "Indefinitely" in page
    assert 'href="/admin/retention/"' in client.get("/admin/").text


def test_staff_of_one_connection_does_not_see_retention(client: Client, person: User, connection: Connection) -> None:
    User.objects.filter(pk=person.pk).update(is_superuser=False)
    assert client.get("/admin/retention/").status_code == 403
    assert "/admin/retention/" not in client.get("/admin/").text


def test_columns_of_json_read_as_text(client: Client, connection: Connection) -> None:
    error = {"code": "AccessDenied", "message": "You may not.", "hint": "Ask <somebody>."}
    made = MadeInput.objects.create(
        connection=connection, output_s3_uri="s3://b/made.jsonl", source_size=1, error=error
    )
    page = client.get(f"/admin/jobs/madeinput/{made.pk}/change/").content.decode()
    assert "You may not. Ask &lt;somebody&gt;." in page
    role = Role.objects.get(name="Reader")
    assert "view, read" in client.get(f"/admin/jobs/role/{role.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("table", "teaches", "next_step"),
    [
        ("jobs/budget", "Monthly spending limits", ">Add budget</a>"),
        ("jobs/madeinput", "Users create input from tables under Make batch input.", 'href="/">Open the console</a>'),
        ("jobs/notificationchannel", "Users create channels", 'href="/account/notifications/">View notifications</a>'),
    ],
)
def test_an_empty_table_says_what_it_is_for_and_has_a_next_step(
    table: str, teaches: str, next_step: str, client: Client
) -> None:
    empty = client.get(f"/admin/{table}/").text.partition("table-empty")[2]
    assert teaches in empty
    assert next_step in empty


def test_an_empty_table_offers_no_search_and_no_filters(client: Client, connection: Connection) -> None:
    assert "Find budgets" not in client.get("/admin/jobs/budget/").text
    assert "Find connections" in client.get("/admin/jobs/connection/").text
    assert "Find budgets" in client.get("/admin/jobs/budget/?q=nothing").text


def test_what_cannot_be_deleted_leads_to_what_can_be_done(client: Client, make_job: MakeJob) -> None:
    connection = make_job().connection
    page = client.get(f"/admin/jobs/connection/{connection.pk}/delete/").text
    assert "To take the connection out of use, clear Enabled instead" in page
    assert f'href="/admin/jobs/connection/{connection.pk}/change/">Edit connection</a>' in page
