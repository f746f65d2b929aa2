"""A session that is over, and a form older than its session: nothing that was filled in is lost, and it is said."""

from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batchconsole.console.frame import drafts
from batchconsole.console.frame.session_life import SEEN
from batchconsole.jobs.models import BatchJob, Connection, JobTemplate, NotificationChannel, Role
from tests.console.conftest import Answer, MakeJob, filled_in

HERE = {"Origin": "http://testserver"}
ELSEWHERE = {"Origin": "https://evil.example"}
CREATE = "/local/jobs/create/"
ENDED = "Your session has ended. Sign in to continue"


def after_signing_in(browser: Client, person: User, posted: Answer) -> Answer:
    """The page that somebody sees who signs in where the answer *posted* led to."""
    assert posted.status_code == 302, posted.content[:200]
    back = posted["Location"].partition("next=")[2]
    page = browser.post(
        "/login/", {"username": person.username, "password": "correct horse battery staple", "next": unquote(back)}
    )
    return browser.get(page["Location"])


def test_a_create_form_outlives_its_session(connection: Connection, person: User) -> None:
    browser = Client()
    posted = browser.post(CREATE, filled_in(job_name="after-lunch", **{"tags-0-key": "team"}), headers=HERE)
    page = after_signing_in(browser, person, posted)
    assert 'value="after-lunch"' in page.text
    assert 'value="team"' in page.text
    assert "Your entries were restored. Nothing has been submitted yet." in page.text
    assert not BatchJob.objects.exists()


def test_the_sign_in_page_says_that_the_session_has_ended_and_the_form_is_kept(connection: Connection) -> None:
    page = Client().post(CREATE, filled_in(), follow=True, headers=HERE)
    assert f"{ENDED}. Your entries are kept." in page.text


def test_the_address_of_the_sign_in_page_holds_nothing_of_the_form(connection: Connection) -> None:
    posted = Client().post(CREATE, filled_in(job_name="after-lunch"), headers=HERE)
    assert posted["Location"] == f"/login/?next={CREATE}%3Frestored%3D1"


def test_a_draft_is_there_as_long_as_nothing_was_submitted(connection: Connection, person: User) -> None:
    browser = Client()
    after_signing_in(browser, person, browser.post(CREATE, filled_in(job_name="after-lunch"), headers=HERE))
    assert 'value="after-lunch"' in browser.get(f"{CREATE}?restored=1").text
    assert 'value="after-lunch"' not in browser.get(CREATE).text


def test_what_was_filled_in_to_make_input_outlives_the_session(connection: Connection, person: User) -> None:
    browser = Client()
    form = {"source": "upload", "template": "Sum up: {text}", "file": SimpleUploadedFile("a.csv", b"text\nhello\n")}
    page = after_signing_in(browser, person, browser.post("/local/input/new/", form, headers=HERE))
    assert "Sum up: {text}" in page.text


def test_edited_tags_outlive_the_session(make_job: MakeJob, person: User) -> None:
    job = make_job()
    browser = Client()
    rows = {"tags-TOTAL_FORMS": "1", "tags-INITIAL_FORMS": "0", "tags-0-key": "team", "tags-0-value": "blue"}
    posted = browser.post(f"/local/jobs/{job.pk}/tags/", rows, headers=HERE)
    assert 'value="blue"' in after_signing_in(browser, person, posted).text


def test_the_choices_of_a_resend_outlive_the_session(make_job: MakeJob, person: User) -> None:
    job = make_job(status="Completed", results="ready", error_record_count=3, total_record_count=10)
    browser = Client()
    posted = browser.post(f"/local/jobs/{job.pk}/resend/", {"outcomes": "failed"}, headers=HERE)
    page = after_signing_in(browser, person, posted)
    assert not page.context["question"].sends_unanswered


def test_preferences_that_were_chosen_outlive_the_session(db: None, person: User) -> None:
    browser = Client()
    page = after_signing_in(browser, person, browser.post("/preferences/", {"theme": "dark"}, headers=HERE))
    assert page.context["form"]["theme"].value() == "dark"


def test_a_note_outlives_the_session_on_the_page_of_its_job(make_job: MakeJob, person: User) -> None:
    job = make_job()
    came_from = f"http://testserver{job.get_absolute_url()}?tab=details"
    browser = Client()
    note = {"text": "Ask Grace first."}
    posted = browser.post(f"/local/jobs/{job.pk}/notes/", note, headers=HERE | {"Referer": came_from})
    page = after_signing_in(browser, person, posted)
    assert page.request["QUERY_STRING"] == "tab=details&restored=1"
    assert ">Ask Grace first.</textarea>" in page.text


def test_a_note_is_kept_by_the_script_of_a_page_whose_session_is_over(make_job: MakeJob, client: Client) -> None:
    job = make_job()
    data = {"draft_path": f"/local/jobs/{job.pk}/notes/", "text": "Ask Grace first."}
    assert client.post("/drafts/", data).json() == {"url": f"{job.get_absolute_url()}?restored=1"}


def test_a_note_that_was_added_leaves_no_draft(make_job: MakeJob, client: Client) -> None:
    path = f"/local/jobs/{make_job().pk}/notes/"
    client.post("/drafts/", {"draft_path": path, "text": "Ask Grace"})
    client.post(path, {"text": "Ask Grace first."})
    assert client.session[drafts.KEY] == {}


def test_a_page_that_updates_itself_says_only_once_that_entries_were_restored(
    make_job: MakeJob, client: Client
) -> None:
    job = make_job()
    client.post("/drafts/", {"draft_path": f"/local/jobs/{job.pk}/notes/", "text": "Ask Grace first."})
    part = client.get(f"{job.get_absolute_url()}?restored=1", headers={"X-Part": "true"})
    assert ">Ask Grace first.</textarea>" in part.text
    assert "Your entries were restored" not in part.text + client.get("/preferences/").text


OTHER_FORMS = {
    "template of a job": ("/local/jobs/{job}/template/", {"name": "After lunch"}),
    "name of a template": ("/local/job-templates/{template}/rename/", {"name": "After lunch"}),
    "channel of a person": ("/account/notifications/create/", {"kind": "chat", "name": "After lunch"}),
    "channel of a connection": ("/local/notifications/create/", {"kind": "chat", "name": "After lunch"}),
    "changed channel": ("/account/notifications/{channel}/edit/", {"name": "After lunch"}),
    "API key": ("/account/keys/create/", {"name": "After lunch", "days": "30"}),
    "name of an object": ("/local/s3/object/rename/?uri=s3://some-bucket/a.jsonl", {"name": "After lunch"}),
    "budget": ("/admin/jobs/budget/add/", {"tag_value": "After lunch", "amount_usd": "12"}),
    "connection": ("/admin/jobs/connection/{connection}/change/", {"title": "After lunch"}),
    "person": ("/admin/auth/user/add/", {"username": "After lunch"}),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_outlive_the_session(form: str, make_job: MakeJob, connection: Connection, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    template = JobTemplate.objects.create(connection=connection, name="Standard", values={})
    channel = NotificationChannel.objects.create(user=person, kind="email", name="Mail", occasions=["Failed"])
    path, values = OTHER_FORMS[form]
    keys = {"job": make_job().pk, "template": template.pk, "channel": channel.pk, "connection": connection.pk}
    browser = Client()
    page = after_signing_in(browser, person, browser.post(path.format_map(keys), values, headers=HERE))
    assert 'value="After lunch"' in page.text
    assert "Your entries were restored. Nothing has been submitted yet." in page.text


def test_tags_for_many_jobs_outlive_the_session_together_with_the_selection(make_job: MakeJob, person: User) -> None:
    jobs = [make_job(job_arn=f"arn:aws:bedrock:us-east-1:1:model-invocation-job/{name}") for name in "ab"]
    rows = {"tags-TOTAL_FORMS": "1", "tags-INITIAL_FORMS": "0", "tags-0-key": "team", "tags-0-value": "blue"}
    browser = Client()
    posted = browser.post("/local/jobs/tag/", rows | {"job": [job.pk for job in jobs]}, headers=HERE)
    page = after_signing_in(browser, person, posted)
    assert 'value="blue"' in page.text
    assert page.context["question"].count == 2


def test_rows_of_a_table_in_the_administration_outlive_the_session(connection: Connection, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    rows = {"grants-TOTAL_FORMS": "1", "grants-INITIAL_FORMS": "0", "grants-0-role": str(Role.objects.all()[0].pk)}
    browser = Client()
    posted = browser.post("/admin/auth/group/add/", {"name": "Data team"} | rows, headers=HERE)
    page = after_signing_in(browser, person, posted)
    assert page.context["inline_admin_formsets"][0].formset.forms[0]["role"].value() == rows["grants-0-role"]


@pytest.mark.parametrize("adds", ["bucket", "folder"])
def test_the_name_of_a_new_place_outlives_the_session(adds: str, connection: Connection, person: User) -> None:
    browser = Client()
    came_from = f"http://testserver/local/s3/?uri=s3://some-bucket/&add={adds}"
    posted = browser.post(f"/local/s3/{adds}/", {"name": "after-lunch"}, headers=HERE | {"Referer": came_from})
    assert after_signing_in(browser, person, posted).context["name"] == "after-lunch"


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("/admin/auth/user/add/", {"username": "grace", "password1": "correct-horse", "password2": "correct-horse"}),
        ("/account/notifications/create/", {"kind": "chat", "address": "https://hooks.example.com/correct-horse"}),
    ],
)
def test_a_draft_holds_no_secret(path: str, secret: dict[str, str], connection: Connection) -> None:
    browser = Client()
    browser.post(path, secret, headers=HERE)
    assert drafts.KEY in browser.session
    assert "correct-horse" not in str(browser.session[drafts.KEY])


def test_a_page_of_another_site_fills_in_no_form(connection: Connection, person: User) -> None:
    browser = Client()
    posted = browser.post(CREATE, filled_in(job_name="from-elsewhere"), headers=ELSEWHERE)
    assert "from-elsewhere" not in after_signing_in(browser, person, posted).text


def test_a_button_that_was_pressed_too_late_leads_back_to_its_page(make_job: MakeJob, person: User) -> None:
    job = make_job()
    came_from = f"http://testserver{job.get_absolute_url()}?tab=check"
    posted = Client().post(f"/local/jobs/{job.pk}/release/", headers=HERE | {"Referer": came_from})
    assert posted["Location"] == f"/login/?next={job.get_absolute_url()}%3Ftab%3Dcheck"


def test_what_is_too_large_for_a_form_is_not_kept(connection: Connection) -> None:
    posted = Client().post(CREATE, filled_in(job_name="a" * drafts.MOST_BYTES), headers=HERE)
    assert posted["Location"] == "/login/?next=/"


def test_a_script_is_told_that_the_session_is_over_and_gets_no_page(connection: Connection) -> None:
    answer = Client().post(CREATE, filled_in(), headers=HERE | {"HX-Request": "true"})
    assert (answer.status_code, bool(answer["X-Form-Token"])) == (401, True)


@pytest.fixture
def strict(person: User) -> Client:
    """A signed-in browser whose forms need the token of their session."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def test_a_form_older_than_its_session_is_kept_and_one_button_leads_back(
    connection: Connection, strict: Client
) -> None:
    refused = strict.post(CREATE, filled_in(job_name="other-tab"), headers=HERE)
    assert refused.status_code == 403
    assert "Nothing was submitted" in refused.text
    assert f'href="{CREATE}?restored=1">Go back to the form</a>' in refused.text
    assert 'value="other-tab"' in strict.get(f"{CREATE}?restored=1").text


def test_a_form_that_another_site_sent_is_refused_and_not_kept(connection: Connection, strict: Client) -> None:
    refused = strict.post(CREATE, filled_in(job_name="from-elsewhere"), headers=ELSEWHERE)
    assert refused.status_code == 403
    assert "from-elsewhere" not in strict.get(f"{CREATE}?restored=1").text


def test_a_script_keeps_the_form_with_the_token_it_was_told(connection: Connection, strict: Client) -> None:
    told = strict.post(CREATE, filled_in(), headers=HERE | {"HX-Request": "true"})
    data = {"draft_path": f"{CREATE}?clone=1", "job_name": "typed-on"}
    answer = strict.post("/drafts/", data, headers={"X-CSRFToken": told["X-Form-Token"]})
    assert answer.json() == {"url": f"{CREATE}?clone=1&restored=1"}
    assert 'value="typed-on"' in strict.get(f"{CREATE}?restored=1").text


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_keeping_a_form_leads_to_no_other_site(client: Client, path: str) -> None:
    assert client.post("/drafts/", {"draft_path": path, "job_name": "x"}).json() == {"url": "/"}


def test_a_job_that_was_created_leaves_no_draft(
    local: Connection, bucket: str, role_arn: str, client: Client, person: User
) -> None:
    client.post("/drafts/", {"draft_path": CREATE, "job_name": "typed"})
    posted: Any = client.post(CREATE, filled_in(bucket, role_arn=role_arn))
    assert posted.status_code == 302
    assert drafts.KEY in client.session
    assert client.session[drafts.KEY] == {}


@pytest.mark.parametrize("is_same", [True, False])
def test_what_one_person_filled_in_is_not_shown_to_another(
    is_same: bool, client: Client, connection: Connection, person: User
) -> None:
    session = client.session
    session[SEEN] = 1
    session.save()
    posted = client.post(CREATE, filled_in(job_name="after-lunch"), headers=HERE)
    other = User.objects.create_superuser("eve", password="correct horse battery staple")
    page = after_signing_in(client, person if is_same else other, posted)
    assert ('value="after-lunch"' in page.text) == is_same


def test_nobody_leaves_drafts_without_end(connection: Connection, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"draft": "1/h/ip"}
    places = [Client().post(CREATE, filled_in(), headers=HERE)["Location"] for _ in range(2)]
    assert ["restored" in place for place in places] == [True, False]


def test_an_endless_address_is_not_kept(connection: Connection) -> None:
    path = f"/{'a' * drafts.MOST_BYTES}/jobs/create/"
    browser = Client()
    browser.post("/drafts/", {"draft_path": path, "job_name": "x"})
    assert drafts.KEY not in browser.session
