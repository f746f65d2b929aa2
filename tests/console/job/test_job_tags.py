"""The tags of a job, edited: what AWS has is shown, what was edited is sent, and nothing else is lost."""

import html
import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import bedrock
from batchconsole.jobs.models import BatchJob, Budget, Connection
from tests.console.conftest import Answer, MakeJob, arn
from tests.factories import grant

HTMX = {"HX-Request": "true"}


def url(job: BatchJob) -> str:
    return f"{job.get_absolute_url()}tags/"


def posted(*rows: dict[str, str], **more: str) -> dict[str, str]:
    """What a browser posts: each row's key and value and, for a tag the job has, its marks."""
    return {f"tags-{number}-{part}": value for number, row in enumerate(rows) for part, value in row.items()} | more


def row(key: str, value: str = "", **marks: str) -> dict[str, str]:
    return {"key": key, "value": value, **marks}


@pytest.fixture
def job(make_job: MakeJob) -> BatchJob:
    """A job that waits here."""
    return make_job(status="Queued", tags=[row("team", "nlp"), row("stage", "test")])


@pytest.fixture
def sent(make_job: MakeJob, connection: Connection, aws_endpoint: str, bedrock_endpoint: str, boto: Any) -> BatchJob:
    """A job on the local Bedrock with the tag team = nlp."""
    connection.endpoint_url, connection.bedrock_endpoint_url = aws_endpoint, bedrock_endpoint
    connection.save()
    job = make_job(f"tagged-{uuid4().hex[:8]}", status="Queued", tags=[row("team", "nlp")])
    job.job_arn = bedrock.create_model_invocation_job(connection.target, job.request)
    job.status = "Submitted"
    job.save()
    return job


def on_aws(job: BatchJob) -> dict[str, str]:
    tags = bedrock.list_tags_for_resource(job.connection.target, str(job.job_arn))
    return {tag["key"]: tag["value"] for tag in tags}


def save(client: Client, job: BatchJob, *rows: dict[str, str], **headers: Any) -> Answer:
    return client.post(url(job), posted(*rows), **headers)


def test_it_works(client: Client, job: BatchJob) -> None:
    rows = [row("team", "vision", existing="1"), row("stage", "test", existing="1", removed="1"), row("new", "1")]
    response = save(client, job, *rows)
    assert response.url == f"{job.get_absolute_url()}?tab=tags"
    job.refresh_from_db()
    assert job.tags == [row("team", "vision"), row("new", "1")]
    assert job.events.get().data["after"] == job.tags


def seen(**values: str) -> dict[str, str]:
    """What the form says the job had when it was opened."""
    return {"seen": json.dumps(values)}


def test_what_somebody_else_has_changed_meanwhile_is_told_with_both_values(client: Client, job: BatchJob) -> None:
    rows = posted(row("team", "vision", existing="1"), row("stage", "test", existing="1"))
    BatchJob.objects.update(tags=[row("team", "speech"), row("stage", "test")])
    page = client.post(url(job), rows | seen(team="nlp", stage="test"))
    assert 'team: "speech" on the job now, "vision" here.' in html.unescape(page.text)
    job.refresh_from_db()
    assert job.tags[0] == row("team", "speech")


def test_saved_again_what_stands_in_the_form_counts(client: Client, job: BatchJob) -> None:
    rows = posted(row("team", "vision", existing="1"))
    BatchJob.objects.update(tags=[row("team", "speech")])
    page = client.post(url(job), rows | seen(team="nlp"))
    again = {"seen": page.context["form"]["seen"].value()}
    assert client.post(url(job), rows | again).status_code == 302
    job.refresh_from_db()
    assert job.tags == [row("team", "vision")]


@pytest.mark.parametrize("now", [[], [row("team", "")]])
def test_a_tag_that_was_removed_or_emptied_meanwhile_is_told(
    client: Client, job: BatchJob, now: list[dict[str, str]]
) -> None:
    BatchJob.objects.update(tags=now)
    page = client.post(url(job), posted(row("team", "nlp", existing="1")) | seen(team="nlp"))
    assert "The tags were changed after you opened this page." in page.text


def test_a_tag_that_others_added_or_changed_alike_is_no_conflict(client: Client, job: BatchJob) -> None:
    BatchJob.objects.update(tags=[row("team", "vision"), row("cost", "7")])
    answer = client.post(url(job), posted(row("team", "vision", existing="1")) | seen(team="nlp"))
    assert answer.status_code == 302
    job.refresh_from_db()
    assert job.tags == [row("team", "vision"), row("cost", "7")]


def test_the_tags_of_a_sent_job_are_changed_on_aws(client: Client, sent: BatchJob) -> None:
    save(client, sent, row("team", "nlp", existing="1", removed="1"), row("stage", "live"))
    assert on_aws(sent) == {"stage": "live"}


def test_the_editor_shows_what_aws_has(client: Client, sent: BatchJob) -> None:
    """A job that was created elsewhere comes without its tags."""
    BatchJob.objects.update(tags=[])
    text = client.get(url(sent)).text
    assert 'value="team"' in text
    assert 'value="nlp"' in text


def test_a_tag_that_somebody_added_meanwhile_stays(client: Client, sent: BatchJob) -> None:
    bedrock.tag_resource(sent.connection.target, str(sent.job_arn), [row("cost", "42")])
    save(client, sent, row("team", "vision", existing="1"))
    assert on_aws(sent) == {"team": "vision", "cost": "42"}


def test_all_fifty_can_be_replaced_at_once(client: Client, job: BatchJob) -> None:
    BatchJob.objects.update(tags=[row(f"old-{number}") for number in range(50)])
    old = [row(f"old-{number}", existing="1", removed="1") for number in range(50)]
    save(client, job, *old, *[row(f"new-{number}") for number in range(50)])
    job.refresh_from_db()
    assert [tag["key"] for tag in job.tags] == [f"new-{number}" for number in range(50)]


def test_one_too_many_is_refused_and_kept_in_the_form(client: Client, job: BatchJob) -> None:
    response = save(client, job, *[row(f"key-{number}") for number in range(51)])
    assert "You have exceeded the limit of 50 tags." in response.text
    assert 'value="key-50"' in response.text


def test_what_is_wrong_stands_beside_the_tag(client: Client, job: BatchJob) -> None:
    response = save(client, job, row("aws:mine", "1"), headers=HTMX)
    assert "Cannot start with aws:" in response.text
    assert "<html" not in response.text


def test_an_error_of_aws_stands_beside_the_form_and_nothing_typed_is_lost(client: Client, make_job: MakeJob) -> None:
    response = save(client, make_job(job_arn=arn()), row("team", "nlp"))
    assert "EndpointUnreachable" in response.text
    assert 'value="team"' in response.text


def test_without_an_answer_there_is_nothing_to_edit(client: Client, make_job: MakeJob) -> None:
    text = client.get(url(make_job(job_arn=arn()))).text
    assert "The tags could not be read" in text
    assert "Save changes" not in text


def test_the_form_says_why_a_job_stays_in_the_budget_of_its_tag(client: Client, job: BatchJob, person: User) -> None:
    Budget.objects.create(usd_per_month=100, tag_key="team", tag_value="nlp")
    person.grants.all().delete()
    grant(person, "Submitter")
    page = save(client, job, row("team", "nlp", existing="1", removed="1"))
    assert "counts toward the budget for tag team=nlp on all connections" in html.unescape(page.text)
    assert "cancel the job, and clone it with other tags" in page.text


def test_a_job_that_aws_refused_has_no_tags_to_change(client: Client, make_job: MakeJob) -> None:
    response = save(client, make_job(status="SubmitFailed", attempts=1), row("team", "nlp"))
    assert "AWS did not accept this job" in response.text


def test_without_script_a_tag_is_marked_and_taken_back(client: Client, job: BatchJob) -> None:
    rows = [row("team", "nlp", existing="1"), row("stage", "test", existing="1")]
    text = client.post(url(job), posted(*rows, remove_tag="0")).text
    assert 'name="tags-0-removed" value="1"' in text
    assert re.search(r'name="undo_tag" value="0" formnovalidate autofocus', text)
    text = client.post(url(job), posted(rows[0] | {"removed": "1"}, rows[1], undo_tag="0")).text
    assert 'name="tags-0-removed" value=""' in text


@pytest.mark.parametrize(("removed", "focused"), [("0", 'id="id_tags-0-key"'), ("1", 'name="add_tag"')])
def test_without_script_the_focus_goes_on_from_a_row_that_is_removed(
    removed: str, focused: str, client: Client, job: BatchJob
) -> None:
    text = client.post(url(job), posted(row("team"), row("stage"), remove_tag=removed)).text
    assert [focused in control for control in re.findall(r"<[^>]* autofocus[^>]*>", text)] == [True]


def test_saved_by_script_the_page_goes_back_to_the_tab(client: Client, job: BatchJob) -> None:
    response = save(client, job, row("team", "nlp", existing="1"), headers=HTMX)
    assert response.headers["HX-Redirect"] == f"{job.get_absolute_url()}?tab=tags"


def test_a_job_of_another_connection_is_not_found(client: Client, make_job: MakeJob, other: Connection) -> None:
    job = make_job(connection=other)
    assert client.get(f"/local/jobs/{job.pk}/tags/").status_code == 404


def test_tags_that_are_not_read_yet_are_said_to_be_and_read_when_asked(client: Client, sent: BatchJob) -> None:
    BatchJob.objects.filter(pk=sent.pk).update(tags=[], tags_unread=True)
    tab = f"{sent.get_absolute_url()}?tab=tags"
    assert "Not read yet" in client.get(tab).text
    page = client.post(f"{url(sent)}read/", follow=True).text
    assert "Not read yet" not in page
    assert '<th scope="row">team</th><td>nlp</td>' in page


def test_tags_that_cannot_be_read_are_said_to_be(client: Client, make_job: MakeJob) -> None:
    job = make_job(tags_unread=True, job_arn=arn())
    assert "The tags could not be read." in client.post(f"{url(job)}read/", follow=True).text
