"""Job templates: kept from the create form or a job, chosen for the next job, changed, deleted, and audited."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import BatchJob, Connection, Event, JobTemplate, Verb
from tests.console.conftest import Answer, MakeJob, filled_in
from tests.factories import grant

CREATE = "/local/jobs/create/"
TAGS = {"tags-0-key": "team", "tags-0-value": "nlp"}
REQUIRED_ONLY_OF_JOBS = ("job_name", "input_s3_uri", "output_s3_uri", "role_arn")


def save(client: Client, name: Any = "Reviews", **changes: Any) -> Answer:
    """Press Save template in the filled-in form; a change to None empties a field."""
    form = filled_in(save_template="1", keep_as=name, check_input="on", **changes)
    return client.post(CREATE, form)


def seen(template: JobTemplate) -> str:
    return f"{template.pk}-{template.version}"


def test_the_form_is_saved_as_a_template_and_stays_as_it_is(client: Client, connection: Connection) -> None:
    text = save(client, **TAGS).text
    template = JobTemplate.objects.get()
    assert "The job template Reviews was saved. No job has been created." in text
    assert f'value="{seen(template)}"' in text
    assert 'value="s3://some-bucket/input/"' in text
    assert template.request.tags == ({"key": "team", "value": "nlp"},)
    assert (template.name, template.request.job_name, template.check_input) == ("Reviews", "support-triage", True)
    assert not BatchJob.objects.exists()
    event = Event.objects.get(verb=Verb.TEMPLATE_SAVED)
    assert (event.target, event.actor, event.after) == ("Reviews", template.created_by, template.values)


def test_a_template_may_leave_fields_out(client: Client, connection: Connection) -> None:
    nothing: dict[str, Any] = dict.fromkeys(REQUIRED_ONLY_OF_JOBS)
    save(client, **nothing)
    assert set(JobTemplate.objects.get().values) == {"model_id", "model_invocation_type"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "The template needs a name."),
        ({"input_s3_uri": "s3://UPPER/"}, "uppercase"),
        ({"tags-0-value": "nlp"}, "You must specify a tag key"),
        ({"timeout_duration_in_hours": "1"}, "24"),
    ],
)
def test_what_is_filled_in_has_to_be_right(
    changes: dict[str, str], said: str, client: Client, connection: Connection
) -> None:
    text = save(client, **changes).text
    assert said in text
    assert "<title>Error:" in text
    assert not JobTemplate.objects.exists()


def test_a_template_opens_the_form_with_a_free_name(client: Client, connection: Connection, make_job: MakeJob) -> None:
    save(client, **TAGS)
    make_job("support-triage")
    template = JobTemplate.objects.get()
    text = client.get(CREATE, {"template": template.pk}).text
    for value in ("support-triage-2", "s3://some-bucket/output/", "nlp", seen(template)):
        assert f'value="{value}"' in text
    assert f'<option value="{template.pk}" selected>Reviews</option>' in text
    assert client.get(CREATE, {"template": template.pk + 1}).status_code == 404


def test_a_template_is_changed_under_its_name(client: Client, connection: Connection) -> None:
    save(client)
    template = JobTemplate.objects.get()
    save(client, template_seen=seen(template), output_s3_uri="s3://other/out/")
    template.refresh_from_db()
    assert (template.request.output_s3_uri, template.version) == ("s3://other/out/", 2)
    event = Event.objects.get(verb=Verb.TEMPLATE_CHANGED)
    assert event.before == {"output_s3_uri": "s3://some-bucket/output/"}
    assert event.after == {"output_s3_uri": "s3://other/out/"}


def test_what_somebody_has_changed_meanwhile_is_not_overwritten(client: Client, connection: Connection) -> None:
    save(client)
    before = seen(JobTemplate.objects.get())
    JobTemplate.objects.update(version=2)
    text = save(client, template_seen=before, output_s3_uri="s3://other/out/").text
    assert "was changed or deleted after you opened it" in text
    assert JobTemplate.objects.get().request.output_s3_uri == "s3://some-bucket/output/"


def test_a_name_that_is_taken_is_refused(client: Client, connection: Connection) -> None:
    save(client)
    assert "There is a template Reviews already." in save(client).text
    assert JobTemplate.objects.count() == 1


def test_a_job_is_saved_as_a_template(client: Client, make_job: MakeJob) -> None:
    job = make_job("nightly", timeout_duration_in_hours=48)
    url = f"{job.get_absolute_url()}template/"
    assert 'value="nightly"' in client.get(url).text
    text = client.post(url, {"name": " Night\n shift "}, follow=True).text
    assert "The job template Night shift was saved." in text
    assert JobTemplate.objects.get().request.timeout_duration_in_hours == 48
    assert "There is a template Night shift already." in client.post(url, {"name": "Night shift"}).text


def test_a_template_is_deleted(client: Client, make_job: MakeJob) -> None:
    save(client)
    template = JobTemplate.objects.get()
    url = f"/local/job-templates/{template.pk}/delete/"
    assert "Delete the job template" in client.get(url).text
    assert "No job templates" in client.post(url, follow=True).text
    assert Event.objects.get(verb=Verb.TEMPLATE_DELETED).before == template.values


def test_a_template_is_renamed(client: Client, connection: Connection) -> None:
    save(client), save(client, "Night")
    template = JobTemplate.objects.get(name="Reviews")
    url = f"/local/job-templates/{template.pk}/rename/"
    assert 'value="Reviews"' in client.get(url).text
    assert "There is a template Night already." in client.post(url, {"name": "Night"}).text
    assert "renamed to Customer reviews" in client.post(url, {"name": "Customer  reviews"}, follow=True).text
    template.refresh_from_db()
    assert (template.name, template.version, template.request.job_name) == ("Customer reviews", 2, "support-triage")
    event = Event.objects.get(verb=Verb.TEMPLATE_CHANGED)
    assert (event.before, event.after) == ({"name": "Reviews"}, {"name": "Customer reviews"})


def test_a_template_of_somebody_else_is_changed_by_operators_only(client: Client, connection: Connection) -> None:
    save(client)
    template = JobTemplate.objects.get()
    bob = User.objects.create_user("bob")
    grant(bob, "Submitter", connection)
    client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    assert "operate" in save(client, template_seen=seen(template), output_s3_uri="s3://other/out/").text
    client.post(f"/local/job-templates/{template.pk}/delete/")
    assert JobTemplate.objects.get().request.output_s3_uri == "s3://some-bucket/output/"
