"""Merging files in the browser: what is listed, what is refused in place, and the way on to the job."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from batchconsole.aws import s3
from batchconsole.jobs.inputs import merging
from batchconsole.jobs.models import Connection, InputCheck, MadeInput
from batchconsole.records import report as reports
from batchconsole.records.report import Report
from tests.console.conftest import MODEL

URL = "/local/input/merge/"
TOKEN = "0123456789abcdef" * 2


def line(record_id: str) -> bytes:
    body = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    return json.dumps({"recordId": record_id, "modelInput": body}).encode() + b"\n"


@pytest.fixture
def bucket(local: Connection) -> str:
    """Two files in one folder, the second with an id of a third in another, and one that is no input."""
    name = f"merging-{uuid4().hex[:12]}"
    s3.create_bucket(local.target, name)
    for key, data in {
        "in/a.jsonl": line("r-1"),
        "in/b.jsonl": line("r-2"),
        "in/c.csv": b"id\n1\n",
        "in/deep/d.jsonl": line("r-2"),
    }.items():
        s3.put_object(local.target, name, key, data)
    return name


def uris(bucket: str, *names: str) -> list[str]:
    return [f"s3://{bucket}/in/{name}.jsonl" for name in names]


def posted(client: Client, bucket: str, *names: str, **values: Any) -> Any:
    asked = {"folder": f"s3://{bucket}/in/", "files": uris(bucket, *names), "request_token": TOKEN}
    return client.post(URL, {**asked, "output_s3_uri": f"s3://{bucket}/merged/in.jsonl", **values})


def test_it_lists_the_files_of_a_folder(client: Client, bucket: str) -> None:
    page = client.get(URL, {"folder": f"s3://{bucket}/in"}).text
    assert [uri in page for uri in uris(bucket, "a", "b", "deep/d")] == [True, True, False]
    assert f'value="s3://{bucket}/in/deep/"' in page
    assert f'value="s3://{bucket}/merged/in.jsonl"' in page
    assert "c.csv" not in page


def test_files_picked_elsewhere_stay_picked(client: Client, bucket: str) -> None:
    page = posted(client, bucket, "a", open=f"s3://{bucket}/in/deep/").text
    assert f'value="s3://{bucket}/in/a.jsonl" checked' in page
    assert f'value="s3://{bucket}/in/deep/d.jsonl">' in page


def test_the_merged_file_leads_to_the_form(client: Client, local: Connection, bucket: str) -> None:
    answers = [posted(client, bucket, "a", "b") for _ in range(2)]
    where = f"input_s3_uri=s3%3A%2F%2F{bucket}%2Fmerged%2Fin.jsonl&model_invocation_type=Converse"
    assert [answer["Location"] for answer in answers] == [f"/local/jobs/create/?{where}"] * 2
    assert s3.get_range(local.target, bucket, "merged/in.jsonl") == line("r-1") + line("r-2")
    assert MadeInput.objects.get().records == 2


def test_repeated_ids_are_told_and_prefixed_on_request(client: Client, local: Connection, bucket: str) -> None:
    page = posted(client, bucket, "b", "deep/d")
    assert page.status_code == 422
    assert "1 record repeats a recordId: r-2 (line 1 of in/deep/d.jsonl" in page.text
    assert posted(client, bucket, "b", "deep/d", duplicates="prefix").status_code == 302
    merged = s3.get_range(local.target, bucket, "merged/in.jsonl").splitlines()
    assert [json.loads(each)["recordId"] for each in merged] == ["b-r-2", "d-r-2"]


@pytest.mark.parametrize(
    ("names", "values", "words"),
    [
        (["a"], {}, "Choose 2 to 200 files."),
        (["a", "b"], {"output_s3_uri": "merged"}, "Enter a file whose name ends in .jsonl"),
        (["a", "b"], {"output_s3_uri": f"s3://bucket/{'m' * 1024}.jsonl"}, "The S3 URI has too many characters."),
        (["a", "b"], {"output_s3_uri": "s3://bucket/m\0.jsonl"}, "Bedrock does not accept"),
        (["a", "gone"], {}, "in/gone.jsonl"),
        (["a", "b"], {"files": ["x", "y"]}, "is not an S3 location"),
    ],
)
def test_what_cannot_be_merged_is_said_in_the_form(
    names: list[str], values: dict[str, Any], words: str, client: Client, bucket: str
) -> None:
    page = posted(client, bucket, *names, **values)
    assert page.status_code == 422
    assert words in page.text
    assert not MadeInput.objects.exists()


def test_large_files_are_left_to_a_worker(client: Client, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "AT_ONCE_BYTES", 0)
    made_url = posted(client, bucket, "b", "deep/d")["Location"]
    made = MadeInput.objects.get()
    assert made_url == made.get_absolute_url()
    MadeInput.objects.update(state="failed", error={"message": "No.", "hint": "", "code": ""})
    assert "files=s3%3A%2F%2F" in client.get(made_url).text


@pytest.mark.parametrize(("records", "is_offered"), [(99, True), (100, False), (0, False)])
def test_a_check_of_too_few_records_offers_to_merge(
    records: int, is_offered: bool, client: Client, connection: Connection
) -> None:
    report = reports.encode(Report(model_id=MODEL, invocation_type="Converse", records=records)).decode()
    check = InputCheck.objects.create(
        connection=connection, input_s3_uri="s3://b/in/", model_id=MODEL, state="done", report_json=report
    )
    page = client.get(check.get_absolute_url()).text
    assert (f'href="{URL}?folder=s3%3A%2F%2Fb%2Fin%2F"' in page) is is_offered
