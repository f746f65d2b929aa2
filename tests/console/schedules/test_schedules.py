"""The pages of schedules: the form, the list, one schedule with its runs or files, and the buttons."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.jobs.models import BatchJob, Connection, Grant, Schedule, WatchedFile
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.repeating.schedules import Wanted
from tests.console.conftest import Answer, MakeJob, filled_in
from tests.factories import grant

LIST = "/local/schedules/"


def form(**changes: Any) -> dict[str, Any]:
    values = {
        "title": "Nightly",
        "kind": "rule",
        "rule": "30 2 * * *",
        "zone": "Europe/Berlin",
        "missed": "latest",
        "interval_minutes": "5",
        "stable_seconds": "60",
        "job_name": "nightly-{date:%Y%m%d}",
        "input_s3_uri": "s3://some-bucket/{date:%Y-%m-%d}/",
        "model_id": "amazon.nova-lite-v1:0",
    }
    return filled_in(service_role=None, **{**values, **changes})


def save(client: Client, **changes: Any) -> Answer:
    return client.post(f"{LIST}create/", form(**changes), follow=True)


@pytest.fixture
def schedule(client: Client, connection: Connection) -> Schedule:
    save(client)
    return Schedule.objects.get()


def test_it_works(client: Client, connection: Connection, person: User) -> None:
    answer = save(client)
    for part in ("The schedule Nightly was saved.", "At 02:30 (Europe/Berlin)", "Active", "No runs", "Run now"):
        assert part in answer.text.replace("every day", "").replace("  ", " ")
    assert Schedule.objects.get().created_by == person


def test_the_list_teaches_when_it_is_empty_and_shows_what_is_there(client: Client, connection: Connection) -> None:
    assert "Save as schedule" in client.get(LIST).text
    save(client)
    assert "Nightly" in client.get(LIST).text


def test_saving_the_form_twice_makes_one(client: Client, connection: Connection) -> None:
    for _ in range(2):
        save(client, request_token="a" * 32)
    assert Schedule.objects.count() == 1


def test_a_watched_folder_takes_its_options(client: Client, connection: Connection) -> None:
    answer = save(
        client, kind="folder", input_s3_uri="s3://some-bucket/in/", min_records="100", takes_overwritten="on", rule=""
    )
    made = Schedule.objects.get()
    assert (made.folder_s3_uri, made.min_records, made.takes_overwritten) == ("s3://some-bucket/in/", 100, True)
    assert "For each new .jsonl file in s3://some-bucket/in/" in answer.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "Title is required."),
        ({"rule": "30 2 * *"}, "A rule has five fields"),
        ({"zone": "Mars"}, "There is no time zone Mars."),
        ({"job_name": "n-{datum}"}, "There is no placeholder {datum}."),
        ({"input_s3_uri": "s3://some-bucket/{date:%Q}/"}, "There is no %Q"),
        ({"kind": "folder", "input_s3_uri": "s3://some-bucket/in/", "interval_minutes": "0"}, "from 1 to 1,440"),
    ],
)
def test_a_mistake_is_told_at_its_field(
    client: Client, connection: Connection, changes: dict[str, Any], words: str
) -> None:
    assert words in save(client, **changes).text
    assert not Schedule.objects.exists()


def test_editing_keeps_what_was_not_changed(client: Client, schedule: Schedule) -> None:
    url = f"{schedule.get_absolute_url()}edit/"
    assert "s3://some-bucket/{date:%Y-%m-%d}/" in client.get(url).text
    client.post(url, form(title="Every night"))
    schedule.refresh_from_db()
    assert (schedule.title, schedule.rule) == ("Every night", "30 2 * * *")


@pytest.mark.parametrize("kind", ["rule", "folder"])
def test_what_the_page_of_a_schedule_posts_can_be_saved(kind: str, client: Client, connection: Connection) -> None:
    save(
        client,
        kind=kind,
        interval_minutes="7",
        **({"input_s3_uri": "s3://some-bucket/in/"} if kind == "folder" else {}),
    )
    made = Schedule.objects.get()
    url = f"{made.get_absolute_url()}edit/"
    text = client.get(url).text
    shown = form(title="Changed", kind=None, input_s3_uri="s3://some-bucket/in/")
    posted = {name: value for name, value in shown.items() if f'name="{name}"' in text}
    assert client.post(url, posted).status_code == 302
    saved = Schedule.objects.get()
    assert (saved.title, saved.zone, saved.stable_seconds) == ("Changed", made.zone, made.stable_seconds)


SEEN = re.compile(r'name="seen" value="([^"]*)"')


@pytest.mark.parametrize(
    ("elsewhere", "told"),
    [
        ({"title": "Weekly"}, "Changed after you opened this page: it is “Weekly” now."),
        ({"rule": "0 4 * * *"}, "it is “0 4 * * *” now."),
        ({"input_s3_uri": "s3://some-bucket/other/"}, "it is “s3://some-bucket/other/” now."),
        ({"tags-0-key": "team", "tags-0-value": "blue"}, "Tags: Changed after you opened this page: it is “team=blue”"),
    ],
)
def test_two_tabs_that_change_a_schedule_are_told_and_the_second_save_holds(
    client: Client, schedule: Schedule, elsewhere: dict[str, str], told: str
) -> None:
    url = f"{schedule.get_absolute_url()}edit/"
    seen = unescape(SEEN.findall(client.get(url).text)[0])
    client.post(url, form(**elsewhere))
    mine = form(title="Every night", rule="30 3 * * *")
    refused = client.post(url, mine | {"seen": seen})
    assert told in refused.text
    assert client.post(url, mine | {"seen": unescape(SEEN.findall(refused.text)[0])}).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.title, schedule.rule) == ("Every night", "30 3 * * *")


def test_a_button_without_script_keeps_what_was_typed(client: Client, connection: Connection) -> None:
    text = client.post(f"{LIST}create/", form(add_tag="1")).text
    assert "nightly-{date:%Y%m%d}" in text
    assert "tags-1-key" in text


def test_a_job_and_the_create_form_become_a_schedule(client: Client, make_job: MakeJob) -> None:
    job = make_job("welcome")
    assert "welcome-{date:%Y%m%d}" in client.get(f"{LIST}create/?clone={job.pk}").text
    posted = filled_in(save_as_schedule="1", output_s3_uri="s3://some-bucket/of-the-form/")
    assert "s3://some-bucket/of-the-form/" in client.post("/local/jobs/create/", posted, follow=True).text


def test_running_now_creates_a_job_once(client: Client, schedule: Schedule) -> None:
    for _ in range(2):
        answer = client.post(f"{schedule.get_absolute_url()}run/", {"request_token": "b" * 32}, follow=True)
    assert BatchJob.objects.get().job_name in answer.text
    assert "Job created" in answer.text


def test_a_refused_run_says_why(client: Client, schedule: Schedule) -> None:
    Connection.objects.update(allowed_models=["anthropic.*"])
    answer = client.post(f"{schedule.get_absolute_url()}run/", follow=True)
    assert answer.text.count("does not allow the model") == 2


def test_it_is_paused_resumed_and_deleted(client: Client, schedule: Schedule) -> None:
    here = schedule.get_absolute_url()
    assert "Paused" in client.post(f"{here}pause/", follow=True).text
    assert "Active" in client.post(f"{here}resume/", follow=True).text
    assert "No schedules" in client.post(f"{here}delete/", follow=True).text


def test_a_stopped_one_says_why(client: Client, schedule: Schedule) -> None:
    Schedule.objects.update(is_active=False, stop_reason="ada may not submit jobs any more.")
    assert "ada may not submit jobs any more." in client.get(schedule.get_absolute_url()).text


def test_the_files_of_a_folder_are_shown_with_their_fate(
    client: Client, connection: Connection, person: User, schedule: Schedule
) -> None:
    wanted = Wanted(title="F", kind="folder", request=schedule.request, folder_s3_uri="s3://some-bucket/in/")
    folder = schedules.create_schedule(connection, person, wanted)
    uri, now = "s3://some-bucket/in/night.jsonl", timezone.now()
    file = WatchedFile.objects.create(
        schedule=folder, s3_uri=uri, etag="e", size=2000, state="skipped", reason="It is empty.", modified_at=now
    )
    text = client.get(folder.get_absolute_url()).text
    for part in ("night.jsonl", "Skipped", "It is empty.", "Check again", "Look now"):
        assert part in text
    client.post(f"{LIST}files/{file.pk}/retry/")
    file.refresh_from_db()
    assert file.state == "waiting"


def test_another_person_may_look_and_not_touch(client: Client, schedule: Schedule) -> None:
    Schedule.objects.update(created_by=None)
    Grant.objects.all().delete()
    grant(User.objects.get(), "Submitter")
    text = client.get(schedule.get_absolute_url()).text
    assert f"{schedule.get_absolute_url()}run/" not in text
    for act in ("run", "pause", "resume", "delete", "edit"):
        assert client.post(f"{schedule.get_absolute_url()}{act}/").status_code == 403
