"""How a person wants the table of jobs: columns, their order and widths, how rows look; and back to the defaults."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from batchconsole.console.job_list.columns import ALWAYS, COLUMNS, DEFAULT, arranged, moved
from batchconsole.console.job_list.look import TableLook, read_widths
from batchconsole.jobs.models import Connection
from tests.console.conftest import Answer, MakeJob

URL, COLUMNS_URL, WIDTHS = (f"/local/jobs/{end}" for end in ("", "columns/", "columns/widths/"))


def choose(client: Client, **wishes: Any) -> Answer:
    """Send the form; what is not said is not ticked."""
    return client.post(COLUMNS_URL, {"page_size": "20", "density": "comfortable", **wishes})


def headings(client: Client) -> list[str]:
    return [heading.column.name for heading in client.get(URL).context["table"].headings]


def test_the_headings_of_the_table_are_made_once_for_all_rows(client: Client, make_job: MakeJob) -> None:
    make_job()
    table = client.get(URL).context["table"]
    assert table.headings is table.headings


def test_the_list_reads_its_connection_once_and_not_with_every_job(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    with CaptureQueriesContext(database) as queries:
        assert job.job_name in client.get(URL).text
    assert not any('JOIN "jobs_connection"' in query["sql"] for query in queries)


def listed(response: Answer) -> list[str]:
    """The columns as the form lists them."""
    return re.findall(r'name="order" value="(\w+)"', response.text)


def table_tag(client: Client) -> str:
    return str(re.findall(r"<table[^>]*>", client.get(URL).text)[0])


def test_every_column_can_be_shown(client: Client, make_job: MakeJob) -> None:
    make_job(cost_usd=Decimal("1.5"), tags=[{"key": "team", "value": "nlp"}], input_token_count=1234)
    every = [column.name for column in COLUMNS]
    choose(client, columns=every[1:])
    assert headings(client) == every
    text = client.get(URL).text
    for part in ("$1.50", "team=nlp", "1,234", "s3://prompts/input/"):
        assert part in text


def test_choosing_columns_leads_back_with_the_new_page_size(client: Client, make_job: MakeJob) -> None:
    make_job()
    response = choose(client, page_size="50", columns=["cost"], next=f"{URL}?q=wel&page_size=10&page=3")
    assert response["Location"] == f"{URL}?q=wel"
    assert headings(client) == ["name", "cost"]
    assert client.get(URL).context["table"].page.size == 50


def test_the_name_is_always_a_column(client: Client, make_job: MakeJob) -> None:
    make_job()
    choose(client)
    assert headings(client) == ["name"]


def test_columns_come_in_the_order_that_was_sent(client: Client, make_job: MakeJob) -> None:
    make_job()
    choose(client, columns=["status", "cost"], order=["cost", "name", "type", "status"])
    assert headings(client) == ["cost", "name", "status"]


@pytest.mark.parametrize(
    ("names", "start"),
    [
        ([], ["name", "status", "model", "type"]),
        (["cost", "name"], ["cost", "created", "age"]),
        (["model", "name"], ["model", "type", "progress"]),
    ],
)
def test_a_column_that_is_not_shown_stands_after_the_one_it_follows(names: list[str], start: list[str]) -> None:
    order = [column.name for column in arranged(names)]
    assert order[: len(start)] == start
    assert sorted(order) == sorted(column.name for column in COLUMNS)


@pytest.mark.parametrize(
    ("name", "step", "found"),
    [("status", -1, "status name model"), ("status", 1, "name model status"), ("name", -1, "name status model")],
)
def test_a_column_moves_by_one_place(name: str, step: int, found: str) -> None:
    assert [column.name for column in moved(COLUMNS[:3], name, step)] == found.split()


def test_without_script_a_button_moves_a_column_and_nothing_is_kept_yet(client: Client, make_job: MakeJob) -> None:
    make_job()
    order = [column.name for column in COLUMNS]
    response = choose(client, columns=["cost"], order=order, move="up-status", page_size="50")
    assert listed(response) == ["status", "name", *order[2:]]
    assert 'aria-label="Move Status up" autofocus' in response.text
    assert response.context["form"]["page_size"].value() == "50"
    assert headings(client) == list(DEFAULT)


@pytest.mark.parametrize("move", ["sideways-cost", "up-password", "up", ""])
def test_a_move_that_makes_no_sense_is_none(client: Client, make_job: MakeJob, move: str) -> None:
    make_job()
    assert choose(client, columns=["cost"], move=move)["Location"] == URL
    assert headings(client) == ["name", "cost"]


def test_rows_look_as_wished(client: Client, make_job: MakeJob) -> None:
    make_job()
    assert not re.search("data-(one-line|striped|sticky)", table_tag(client))
    choose(client, striped_rows="on", sticky_column="on", density="compact")
    assert {"data-one-line", "data-striped", "data-sticky"} <= set(table_tag(client).split())
    assert 'data-density="compact"' in client.get(URL).text
    choose(client, wrap_lines="on")
    assert not re.search("data-(one-line|striped|sticky)", table_tag(client))


def test_the_form_shows_how_the_table_looks(client: Client, make_job: MakeJob) -> None:
    choose(client, columns=["cost"], order=["cost", "name"], striped_rows="on")
    response = client.get(COLUMNS_URL)
    form = response.context["form"]
    assert [row.column.name for row in form.rows if row.is_shown] == ["cost", "name"]
    assert (form["striped_rows"].value(), form["wrap_lines"].value()) == (True, False)


def test_a_width_is_kept_and_rendered(client: Client, make_job: MakeJob) -> None:
    make_job()
    assert "data-resized" not in table_tag(client)
    assert client.post(WIDTHS, {"widths": "name-300.cost-9999.password-100.status-x"}).status_code == 204
    client.post(WIDTHS, {"widths": "status-200"})
    assert client.get(URL).context["table"].look.widths == {"name": 300, "cost": 1000, "status": 200}
    assert "data-resized" in table_tag(client)
    assert '<col width="300"><col width="200"><col width="160">' in client.get(URL).text


def test_the_last_column_takes_what_is_left(client: Client, make_job: MakeJob) -> None:
    make_job()
    choose(client, columns=["status"])
    client.post(WIDTHS, {"widths": "name-300.status-200"})
    assert 'width="540"' in table_tag(client)
    assert '<col width="300"><col>' in client.get(URL).text


def test_widths_that_cannot_be_read_are_none() -> None:
    assert read_widths("name-1.name-3000000.-5..name.x-100") == {}


def test_widths_go_to_the_person_and_by_post_only(client: Client, connection: Connection, person: User) -> None:
    assert client.get(WIDTHS).status_code == 405
    client.post(WIDTHS, {"widths": "name-300"})
    elsewhere = Client()
    elsewhere.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    elsewhere.get(URL)
    assert elsewhere.get(URL).context["table"].look.widths == {"name": 300}


def test_the_defaults_come_back_at_once(client: Client, make_job: MakeJob) -> None:
    make_job()
    choose(client, page_size="50", density="compact", columns=["cost"], striped_rows="on")
    client.post(WIDTHS, {"widths": "name-300"})
    response = client.post(COLUMNS_URL, {"reset": "1", "next": f"{URL}?q=wel"})
    assert response["Location"] == f"{URL}?q=wel"
    shown = client.get(URL).context
    wanted = shown["preferences"]
    assert (shown["table"].look, wanted.page_size, wanted.density) == (TableLook(), 20, "comfortable")


def test_what_is_not_offered_is_refused_by_name(client: Client, make_job: MakeJob) -> None:
    make_job()
    text = choose(client, columns=["password"]).text
    assert "Columns: Select a valid choice. password is not one of the available choices." in text
    assert headings(client) == list(DEFAULT)


def test_unknown_columns_of_a_cookie_are_ignored(client: Client, make_job: MakeJob) -> None:
    make_job()
    client.cookies["console-columns"] = "password.secret"
    assert headings(client) == list(DEFAULT)
    client.cookies["console-columns"] = "password.cost.cost"
    assert headings(client) == [ALWAYS, "cost"]


def test_the_preferences_are_a_page_and_a_dialog(client: Client, connection: Connection) -> None:
    assert "<html" in client.get(COLUMNS_URL).text
    assert "<html" not in client.get(COLUMNS_URL, headers={"HX-Request": "true"}).text
