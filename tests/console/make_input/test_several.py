"""Several tables at once: a list of what becomes of each, one recipe, one folder, one message at the end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import s3
from batchconsole.console.make_input.several import MOST_FILES
from batchconsole.jobs.inputs.making import make_input
from batchconsole.jobs.models import Connection, MadeInput
from tests.console.make_input.test_making import bucket, connection, data_folder, file, post, text, written

__all__ = ["bucket", "connection", "data_folder"]
GOOD = (file(b"id,question\n1,Why?\n2,How?\n", "first.csv"), file(b"question\nWhen?\n", "second table.csv"))
BROKEN = (file(b"", "empty.csv"), file(b"answer\nYes\n", "other.csv"))
ASKED: dict[str, Any] = {"template": "{question}", "told": "1"}


def files(*more: Any) -> list[Any]:
    for each in (found := [BROKEN[0], *GOOD, BROKEN[1], *more]):
        each.seek(0)
    return found


def kept(response: Any) -> dict[str, Any]:
    """The fields with which the form carries the files on."""
    fates = response.context["fates"]
    first, others = fates[0].file, [fate.file for fate in fates[1:]]
    tokens, names = [each.token for each in others], [each.name for each in others]
    return {"upload": first.token, "upload_name": first.name, "other_upload": tokens, "other_name": names}


def wait_for_workers() -> None:
    for made in MadeInput.objects.filter(state="queued"):
        make_input(made)


def test_the_form_tells_what_becomes_of_each_file(client: Client, connection: Connection) -> None:
    response = post(client, file=files(), read="1", template="{question}")
    told = {fate.file.name: fate.problem for fate in response.context["fates"]}
    assert list(told) == ["first.csv", "second table.csv", "other.csv", "empty.csv"]
    assert told["empty.csv"].startswith("The file is empty.")
    assert told["other.csv"].startswith("There is no column question.")
    assert "no column id" in told["second table.csv"]
    assert told["first.csv"] == ""
    assert "The preview is of first.csv." in text(response)


def test_the_list_follows_the_settings(client: Client, connection: Connection) -> None:
    values = kept(post(client, file=files(), read="1"))
    response = post(client, htmx=True, **values, preview="1", template="{question}", record_id_column="")
    assert 'hx-swap-oob="true"' in response.text
    assert [fate.file.name for fate in response.context["fates"] if not fate.problem] == [
        "first.csv",
        "second table.csv",
    ]


def test_each_good_file_is_written_and_one_sentence_tells_of_all(
    client: Client, connection: Connection, bucket: str
) -> None:
    values = {**kept(post(client, file=files(), read="1")), **ASKED, "output_s3_uri": f"s3://{bucket}/in/"}
    answers = [post(client, **values, request_token="0" * 32) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    wait_for_workers()
    page = client.get(answers[0]["Location"])
    rows = {row.source_name: row for row in page.context["several"].rows}
    assert [name for name, row in rows.items() if row.state == "done"] == ["first.csv", "second table.csv"]
    folder = rows["first.csv"].output_s3_uri.rpartition("/")[0] + "/"
    assert f"2 of 4 files were written: 3 records in {folder}." in text(page)
    assert "The file is empty." in text(page)
    key = rows["second table.csv"].output_s3_uri.partition(f"{bucket}/")[2]
    assert [record["recordId"] for record in written(connection, bucket, key)] == ["second-table-row-0000001"]
    assert f"input_s3_uri={folder.replace(':', '%3A').replace('/', '%2F')}" in page.context["job_url"]
    listed = s3.list_objects(connection.target, bucket, prefix=folder.partition(f"{bucket}/")[2]).objects
    assert len([each for each in listed if each.key.endswith(".jsonl")]) == 2


def test_files_of_one_name_become_objects_of_their_own(client: Client, connection: Connection, bucket: str) -> None:
    same = [file(b"question\nWhen?\n", "a.csv"), file(b"question\nWhere?\n", "a.tsv")]
    post(client, file=same, **ASKED, output_s3_uri=f"s3://{bucket}")
    assert [uri.rpartition("/")[2] for uri in _uris()] == ["a.jsonl", "a-2.jsonl"]


def _uris() -> Sequence[str]:
    return list(MadeInput.objects.order_by("pk").values_list("output_s3_uri", flat=True))


def test_several_files_need_a_folder(client: Client, connection: Connection) -> None:
    response = post(client, file=files(), **ASKED, output_s3_uri="s3://some-bucket/one.jsonl")
    assert "Enter a folder, which ends with a slash" in text(response)
    assert not MadeInput.objects.exists()


@pytest.mark.parametrize(("removed", "left"), [(0, ["second table.csv", "empty.csv"]), (1, ["first.csv", "empty.csv"])])
def test_a_file_is_taken_out_of_the_list(removed: int, left: list[str], client: Client, connection: Connection) -> None:
    response = post(client, file=[*files()[:3]], read="1")
    gone = response.context["fates"][removed].file.token
    after = post(client, **kept(response), forget_upload=gone)
    assert [fate.file.name for fate in after.context["fates"]] == left


def test_inputs_of_another_connection_are_not_found(client: Client, connection: Connection, person: User) -> None:
    other = Connection.objects.create(name="other", title="Other")
    made = MadeInput.objects.create(connection=other, created_by=person, source_size=0, output_s3_uri="s3://b/a.jsonl")
    assert client.get("/local/input/several/", {"made": made.pk}).status_code == 404


def test_posted_files_are_bounded_and_fit_their_columns(client: Client, connection: Connection) -> None:
    values = kept(post(client, file=files(), read="1"))
    token = values["other_upload"][0]
    more = [values["upload"], token, "no token", *(f"{number:032x}" for number in range(100))]
    names = ["a\0" + "b" * 2000 + ".csv"] * 200
    fates = post(client, **values | {"other_upload": [token, *more], "other_name": names}, preview="1").context["fates"]
    assert len(fates) == len({fate.file.token for fate in fates}) == MOST_FILES
    assert {len(fate.file.name) for fate in fates[1:]} == {255}
    assert not any("\0" in fate.file.name for fate in fates)


def test_an_object_in_s3_has_no_files_beside_it(client: Client, connection: Connection, bucket: str) -> None:
    s3.put_object(connection.target, bucket, "raw/table.csv", b"question\nWhy?\n")
    values = {**kept(post(client, file=files(), read="1")), "input_s3_uri": f"s3://{bucket}/raw/table.csv"}
    post(client, **values, **ASKED, source="s3", output_s3_uri=f"s3://{bucket}/in/")
    assert [uri.rpartition("/in/")[2] for uri in _uris()] == ["table.jsonl"]


@pytest.mark.parametrize("more", [{}, {"other_upload": "0" * 32, "other_name": "b" * 200}])
def test_a_name_that_makes_the_uri_too_long_is_refused(
    more: dict[str, str], client: Client, connection: Connection
) -> None:
    values = {"file": file(b"question\nWhy?\n", "a" * 200 + ".csv"), **ASKED, **more}
    response = post(client, **values, output_s3_uri=f"s3://some-bucket/{'f' * 990}/")
    assert "characters" in response.context["form"].errors["output_s3_uri"][0]
    assert not MadeInput.objects.exists()


def test_a_form_sent_again_makes_the_files_that_were_not_made(
    client: Client, connection: Connection, bucket: str
) -> None:
    values = {**kept(post(client, file=files(), read="1")), **ASKED, "output_s3_uri": f"s3://{bucket}/in/"}
    first = post(client, **values, request_token="0" * 32)["Location"]
    MadeInput.objects.exclude(source_name="first.csv").delete()  # as if the process had been killed after the first
    wait_for_workers()  # which uses up the file that the form shows
    page = client.get(post(client, **values, request_token="0" * 32)["Location"])
    rows = page.context["several"].rows
    assert [row.source_name for row in rows] == ["first.csv", "second table.csv", "other.csv", "empty.csv"]
    assert [row.state for row in rows] == ["done", "queued", "failed", "failed"]
    assert f"made={rows[0].pk}" in first
    assert len({row.output_s3_uri.rpartition("/")[0] for row in rows}) == 1


def test_a_form_sent_again_leads_to_all_files_once_they_are_used_up(
    client: Client, connection: Connection, bucket: str, data_folder: Path
) -> None:
    sent = {**ASKED, "output_s3_uri": f"s3://{bucket}/in/", "request_token": "0" * 32}
    first = post(client, file=files(), **sent)["Location"]
    wait_for_workers()
    assert post(client, file=files(), **sent)["Location"] == first
    assert [path for path in (data_folder / "uploads").iterdir() if path.is_file()] == []


def test_files_that_cannot_be_made_any_more_are_counted(client: Client, connection: Connection, bucket: str) -> None:
    values = {**kept(post(client, file=files(), read="1")), **ASKED, "output_s3_uri": f"s3://{bucket}/in/"}
    post(client, **values, request_token="0" * 32)
    MadeInput.objects.exclude(source_name="first.csv").delete()
    connection.upload_prefixes = ["s3://elsewhere/"]
    connection.save()
    page = client.get(post(client, **values, request_token="0" * 32)["Location"])
    assert [row.source_name for row in page.context["several"].rows] == ["first.csv"]
    assert "3 files were not made" in text(page)
