"""The page that makes batch input: its steps, its errors in place, what it writes, and where it leads."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from batchconsole.aws import s3
from batchconsole.jobs.inputs import making
from batchconsole.jobs.models import Connection, Event, MadeInput
from batchconsole.jobs.s3 import uploads
from tests.conftest import REGION
from tests.console.conftest import NOBODY

URL = "/local/input/new/"
CSV = b"id,question\n" + b"".join(b"q-%d,Why is %d odd?\n" % (number, number) for number in range(120))
OPENAI = b"".join(
    json.dumps({"custom_id": f"t-{number}", "body": {"messages": [{"role": "user", "content": "Hi"}]}}).encode() + b"\n"
    for number in range(3)
)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def connection(db: None, aws_endpoint: str) -> Connection:
    return Connection.objects.create(
        name="local", title="Local", region=REGION, endpoint_url=aws_endpoint, credentials="local"
    )


@pytest.fixture
def bucket(connection: Connection) -> str:
    name = f"making-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    return name


def file(data: bytes = CSV, name: str = "questions.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def post(client: Client, *, htmx: bool = False, **values: Any) -> Any:
    filled = {"source": "upload", "shape": "converse", **values}
    return client.post(URL, filled, headers={"HX-Request": "true"} if htmx else {})


def text(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.content.decode())


def kept(response: Any) -> str:
    """The token of the upload that the form carries on."""
    return str(response.context["form"]["upload"].value())


def written(connection: Connection, bucket: str, key: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in s3.get_range(connection.target, bucket, key).splitlines()]


def test_it_begins_with_an_object_that_the_address_names(client: Client, connection: Connection, bucket: str) -> None:
    s3.put_object(connection.target, bucket, "raw/q.csv", CSV)
    text = client.get(URL, {"input_s3_uri": f"s3://{bucket}/raw/q.csv"}).text
    assert f'value="s3://{bucket}/raw/q.csv"' in text
    assert "{question}" in text


def test_it_works(client: Client, connection: Connection, bucket: str) -> None:
    response = post(
        client,
        file=file(),
        template="Answer: {question}",
        record_id_column="id",
        output_s3_uri=f"s3://{bucket}/made/",
    )
    assert response.status_code == 302
    uri = f"s3%3A%2F%2F{bucket}%2Fmade%2Fquestions.jsonl"
    assert response["Location"] == f"/local/jobs/create/?input_s3_uri={uri}&model_invocation_type=Converse"
    records = written(connection, bucket, "made/questions.jsonl")
    assert (len(records), records[0]["recordId"]) == (120, "q-0")


TOKEN = "0123456789abcdef" * 2


def test_a_button_pressed_twice_makes_one_input(
    client: Client, connection: Connection, bucket: str, data_folder: Path
) -> None:
    values: dict[str, Any] = {"template": "{question}", "output_s3_uri": f"s3://{bucket}/made/", "request_token": TOKEN}
    answers = [post(client, file=file(), **values) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert MadeInput.objects.count() == Event.objects.filter(verb="input_made").count() == 1
    assert not list((data_folder / "uploads").iterdir())


def test_pressed_twice_after_the_file_was_read_it_makes_one_input(
    client: Client, connection: Connection, bucket: str
) -> None:
    token = kept(post(client, file=file(), read="1"))
    values: dict[str, Any] = {"template": "{question}", "output_s3_uri": f"s3://{bucket}/made/", "request_token": TOKEN}
    answers = [post(client, upload=token, upload_name="questions.csv", **values) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert MadeInput.objects.count() == 1


@pytest.mark.parametrize("changed", [CSV.replace(b"odd", b"old"), CSV + b"more,Why?\n"])
def test_gone_back_with_another_file_it_makes_another_input(
    client: Client, connection: Connection, bucket: str, changed: bytes
) -> None:
    for data in (CSV, changed):
        post(client, file=file(data), template="{question}", output_s3_uri=f"s3://{bucket}/", request_token=TOKEN)
    assert MadeInput.objects.count() == 2


def test_the_form_has_a_token_however_it_is_opened(client: Client, connection: Connection, bucket: str) -> None:
    pages = [client.get(URL), client.get(URL, {"input_s3_uri": f"s3://{bucket}/x.csv"})]
    found = [re.findall('name="request_token" value="([0-9a-f]{32})"', page.text) for page in pages]
    assert [len(tokens) for tokens in found] == [1, 1]


def test_the_blank_form_needs_no_aws(client: Client, connection: Connection) -> None:
    Connection.objects.update(endpoint_url=NOBODY)
    assert "Prompt template" in text(client.get(URL))


def test_it_needs_a_sign_in(connection: Connection) -> None:
    assert Client().post(URL, {"file": file()}).status_code == 302
    assert not (uploads.folder() / "x").exists()
    assert list(uploads.folder().iterdir()) == []


def test_a_post_without_its_token_is_refused(connection: Connection, person: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(URL, {"file": file()}).status_code == 403
    assert list(uploads.folder().iterdir()) == []


def test_reading_the_file_shows_its_columns_and_suggests_a_prompt(client: Client, connection: Connection) -> None:
    page = text(post(client, file=file(), read="1", htmx=True))
    assert "<html" not in page
    assert "CSV with 2 columns" in page
    assert 'data-column="question"' in page
    assert "{question}" in page
    assert '<option value="id" selected>' in page
    assert "Why is 0 odd?" in page


def test_reading_does_not_overwrite_what_was_typed(client: Client, connection: Connection) -> None:
    response = post(client, file=file(), template="Mine: {id}", read="1")
    assert response.context["form"]["template"].value() == "Mine: {id}"


def test_the_upload_is_kept_from_step_to_step(client: Client, connection: Connection, bucket: str) -> None:
    first = post(client, file=file(), read="1")
    fields: dict[str, Any] = {"upload": kept(first), "upload_name": "questions.csv", "template": "{question}"}
    assert "Why is 2 odd?" in text(post(client, preview="1", **fields))
    assert post(client, output_s3_uri=f"s3://{bucket}/", **fields).status_code == 302
    assert len(written(connection, bucket, "questions.jsonl")) == 120
    assert list(uploads.folder().iterdir()) == []


def test_an_upload_can_be_removed(client: Client, connection: Connection) -> None:
    token = kept(post(client, file=file(), read="1"))
    response = post(client, upload=token, upload_name="questions.csv", forget_upload="1")
    assert kept(response) == ""
    assert list(uploads.folder().iterdir()) == []


def test_the_preview_alone_comes_to_htmx(client: Client, connection: Connection) -> None:
    token = kept(post(client, file=file(), read="1"))
    fields = {"upload": token, "upload_name": "questions.csv", "template": "Q: {question}\r\nA:", "preview": "1"}
    page = text(post(client, htmx=True, **fields))
    assert "Q: Why is 0 odd?\nA:" in page
    assert '"recordId": "row-0000001"' in page
    assert "Prompt template" not in page


def test_the_preview_says_what_is_wrong(client: Client, connection: Connection) -> None:
    token = kept(post(client, file=file(), read="1"))
    page = text(post(client, htmx=True, upload=token, upload_name="a.csv", template="{answer}", preview="1"))
    assert "There is no column answer. The columns are: id, question." in page


def test_an_object_in_s3_is_a_source_and_suggests_its_folder(
    client: Client, connection: Connection, bucket: str
) -> None:
    s3.put_object(connection.target, bucket, "raw/q.csv", CSV)
    response = post(client, source="s3", input_s3_uri=f"s3://{bucket}/raw/q.csv", read="1")
    assert "CSV with 2 columns" in text(response)
    assert response.context["form"]["output_s3_uri"].value() == f"s3://{bucket}/raw/"


def test_another_provider_s_batch_is_converted_without_a_prompt(
    client: Client, connection: Connection, bucket: str
) -> None:
    page = text(post(client, file=file(OPENAI, "batch.jsonl"), read="1"))
    assert "The OpenAI batch requests are converted" in page
    assert "Prompt template" not in page
    response = post(client, file=file(OPENAI, "batch.jsonl"), shape="anthropic", output_s3_uri=f"s3://{bucket}/")
    assert response["Location"].endswith("model_invocation_type=InvokeModel")
    assert written(connection, bucket, "batch.jsonl")[0]["modelInput"]["anthropic_version"]


def test_the_source_is_never_written_over(client: Client, connection: Connection, bucket: str) -> None:
    s3.put_object(connection.target, bucket, "batch.jsonl", OPENAI)
    uri = f"s3://{bucket}/batch.jsonl"
    assert "This is the source file" in text(post(client, source="s3", input_s3_uri=uri, output_s3_uri=uri))
    post(client, source="s3", input_s3_uri=uri, output_s3_uri=f"s3://{bucket}/")
    assert s3.get_range(connection.target, bucket, "batch.jsonl") == OPENAI
    assert len(written(connection, bucket, "batch-records.jsonl")) == 3


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"template": "{answer}"}, "template", "There is no column answer."),
        ({"template": "Why?"}, "template", "The prompt names no column"),
        ({"template": ""}, "template", "Prompt template is required."),
        ({"system": "{x}"}, "system", "There is no column x."),
        ({"record_id_column": "key"}, "record_id_column", "There is no column key."),
        ({"max_tokens": "many"}, "max_tokens", "must be a whole number"),
        ({"temperature": "3"}, "temperature", "must be from 0 to 2"),
        ({"shape": "titan_embeddings", "temperature": "1"}, "temperature", "takes no temperature"),
        ({"output_s3_uri": ""}, "output_s3_uri", "S3 URI is required."),
        ({"output_s3_uri": "s3://bucket-a/a.csv"}, "output_s3_uri", "names end in .jsonl"),
        ({"file": None}, "file", "File is required."),
        ({"file": file(b"", "empty.csv")}, "file", "The file is empty."),
        ({"file": file(b"q\n\xe9\x81\n")}, "file", "Line 2 is not UTF-8."),
        ({"file": file(b"a,b\n1\n")}, "file", "Row 1: It has 1 value,"),
        ({"file": file(b'{"modelInput": {}}', "a.jsonl")}, "file", "The file holds batch records already."),
        ({"source": "s3", "input_s3_uri": ""}, "input_s3_uri", "S3 URI is required."),
        ({"source": "s3", "input_s3_uri": "bucket/a"}, "input_s3_uri", "must begin with s3://"),
        ({"source": "s3", "input_s3_uri": "s3://no-such-bucket-1/a.csv"}, "input_s3_uri", "There is no object at"),
        ({"source": "s3", "input_s3_uri": "s3://no-such-bucket-1/"}, "input_s3_uri", "not a folder"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: Client, connection: Connection, values: dict[str, Any], field: str, words: str
) -> None:
    if (given := values.get("file")) is not None:
        given.seek(0)
    filled = {"file": file(), "template": "{question}", "output_s3_uri": "s3://bucket-a/", **values}
    response = post(client, **{name: value for name, value in filled.items() if value is not None})
    assert words in " ".join(response.context["form"].errors[field])
    assert list(response.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in text(response)


def test_a_missing_bucket_is_said_at_the_destination(client: Client, connection: Connection) -> None:
    response = post(client, file=file(), template="{question}", output_s3_uri="s3://no-such-bucket-1/")
    assert response.context["form"].errors["output_s3_uri"] == ["The bucket no-such-bucket-1 does not exist."]
    assert kept(response)


def test_s3_away_is_said_above_the_actions(client: Client, connection: Connection) -> None:
    Connection.objects.update(endpoint_url=NOBODY)
    page = text(post(client, file=file(), template="{question}", output_s3_uri="s3://some-bucket/"))
    assert "EndpointUnreachable" in page


def test_a_bad_row_further_down_is_said_and_nothing_is_written(
    client: Client, connection: Connection, bucket: str
) -> None:
    data = CSV + b"q-120,\n"
    response = post(client, file=file(data), template="{question}", output_s3_uri=f"s3://{bucket}/")
    assert "Row 121: Its prompt is blank." in text(response)
    assert s3.list_objects(connection.target, bucket).objects == []


def test_few_records_are_doubted(client: Client, connection: Connection, bucket: str) -> None:
    response = post(client, file=file(b"q\nWhy?\n"), template="{q}", output_s3_uri=f"s3://{bucket}/")
    page = text(client.get(response["Location"]))
    assert "1 record was written" in page
    assert "Most models require at least 100 records per job" in page


def test_the_chooser_works_without_script(client: Client, connection: Connection, bucket: str) -> None:
    token = kept(post(client, file=file(), read="1"))
    page = post(
        client, upload=token, upload_name="questions.csv", output_s3_uri=f"s3://{bucket}/", browse="output_s3_uri"
    )
    assert f"Objects in s3://{bucket}/" in text(page)
    assert kept(page) == token


def test_a_large_file_is_left_to_a_worker(client: Client, connection: Connection, bucket: str) -> None:
    data = CSV + b"".join(b"x-%d,%s\n" % (number, b"y" * 2000) for number in range(making.AT_ONCE_BYTES // 2000))
    response = post(client, file=file(data), template="{question}", output_s3_uri=f"s3://{bucket}/")
    made = MadeInput.objects.get()
    assert response["Location"] == made.get_absolute_url()
    page = text(client.get(response["Location"]))
    assert "Waiting for a worker" in page
    asked = {"X-Part": "true", "X-Version": re.findall(r'data-version="(\w+)"', page)[0]}
    assert client.get(response["Location"], headers=asked).status_code == 204
    making.make_input.run(made.pk)
    page = text(client.get(response["Location"], headers=asked))
    assert "data-live" not in page
    assert f"input_s3_uri=s3%3A%2F%2F{bucket}%2Fquestions.jsonl&model_invocation_type=Converse" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "running", "bytes_read": 500, "records": 7}, "50%"),
        (
            {"state": "queued", "error": {"message": "Could not connect.", "hint": ""}},
            "The console retries automatically.",
        ),
        ({"state": "failed", "error": {"message": "Row 3: Its prompt is blank.", "hint": "Fill it."}}, "Row 3"),
        ({"state": "done", "records": 60_000}, "up to 50,000 records"),
    ],
)
def test_every_state_of_a_worker_is_shown(
    client: Client, connection: Connection, values: dict[str, Any], words: str
) -> None:
    made = MadeInput.objects.create(
        connection=connection,
        source_name="q.csv",
        source_size=1000,
        kind="csv",
        recipe_json="{}",
        output_s3_uri="s3://b/q.jsonl",
        **values,
    )
    assert words in text(client.get(made.get_absolute_url()))


def test_what_another_connection_makes_is_not_found(client: Client, connection: Connection) -> None:
    other = Connection.objects.create(name="other")
    made = MadeInput.objects.create(connection=other, source_name="a", source_size=1, kind="csv", recipe_json="{}")
    assert client.get(f"/local/input/{made.pk}/").status_code == 404


def test_the_create_form_is_put_aside_and_comes_back_as_it_was(
    client: Client, connection: Connection, bucket: str
) -> None:
    filled = {
        "job_name": "triage",
        "model_id": "amazon.nova-lite-v1:0",
        "model_invocation_type": "InvokeModel",
        "output_s3_uri": "s3://answers/here/",
        "tags-TOTAL_FORMS": "1",
        "tags-INITIAL_FORMS": "0",
        "tags-0-key": "team",
        "tags-0-value": "nlp",
        "make_input": "1",
    }
    making = client.post("/local/jobs/create/", filled)["Location"]
    assert making == f"{URL}?resume=1"
    assert "/local/jobs/create/?resume=1" in client.get(making).text  # where Cancel leads
    made = post(client, file=file(), template="{question}", output_s3_uri=f"s3://{bucket}/made/")
    page = client.get(made["Location"]).text
    for value in ("triage", "amazon.nova-lite-v1:0", "s3://answers/here/", "team", "nlp", f"s3://{bucket}/made/"):
        assert f'value="{value}' in page
    assert re.search(r'name="check_input"(?![^>]*checked)', page)


def test_a_form_put_aside_is_forgotten_by_who_comes_another_way(
    client: Client, connection: Connection, bucket: str
) -> None:
    client.post("/local/jobs/create/", {"job_name": "triage", "make_input": "1"})
    client.get(URL)
    made = post(client, file=file(), template="{question}", output_s3_uri=f"s3://{bucket}/made/")
    assert "resume" not in made["Location"]
    assert "triage" not in client.get("/local/jobs/create/?resume=1").text


def test_making_is_cancelled_from_its_page(client: Client, connection: Connection, person: User) -> None:
    made = MadeInput.objects.create(
        connection=connection, created_by=person, source_name="a", source_size=1, kind="csv", recipe_json="{}"
    )
    page = client.post(f"{made.get_absolute_url()}cancel/", follow=True).content.decode()
    assert "No data was written to S3." in page
    again = client.post(f"{made.get_absolute_url()}cancel/", follow=True).content.decode()
    assert "This has ended already." in again


PET = '{"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": false}'
ROWS: dict[str, Any] = {
    "answer_format": "fields",
    "fields-0-name": "mood",
    "fields-0-kind": "string",
    "fields-0-description": "good or bad",
    "fields-0-required": "on",
    "fields-1-name": "stars",
    "fields-1-kind": "integer",
}
MADE_OF_ROWS = {
    "type": "object",
    "properties": {"mood": {"type": "string", "description": "good or bad"}, "stars": {"type": "integer"}},
    "required": ["mood"],
    "additionalProperties": False,
}
ASKED: dict[str, Any] = {"template": "{question}", "record_id_column": "id"}
SCHEMA_IN: dict[str, Any] = {
    "converse": lambda body: json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]),
    "anthropic": lambda body: body["output_config"]["format"]["schema"],
    "openai_chat": lambda body: body["response_format"]["json_schema"]["schema"],
}


@pytest.mark.parametrize("shape", SCHEMA_IN)
@pytest.mark.parametrize(
    ("chosen", "schema"),
    [(ROWS, MADE_OF_ROWS), ({"answer_format": "schema", "output_schema": PET}, json.loads(PET))],
)
def test_an_output_schema_is_written_for_the_record_format(
    client: Client, connection: Connection, bucket: str, shape: str, chosen: dict[str, Any], schema: dict[str, Any]
) -> None:
    output = f"s3://{bucket}/a.jsonl"
    post(client, file=file(), output_s3_uri=output, **ASKED, **chosen, shape=shape)
    assert SCHEMA_IN[shape](written(connection, bucket, "a.jsonl")[0]["modelInput"]) == schema


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"answer_format": "schema"}, "JSON Schema is required"),
        ({"answer_format": "schema", "output_schema": "{"}, "The schema is not JSON"),
        ({"answer_format": "schema", "output_schema": '{"minimum": 1}'}, "$.minimum"),
        ({"answer_format": "schema", "output_schema": PET, "shape": "nova"}, "Amazon Nova takes no output schema"),
        (ROWS | {"shape": "titan_text"}, "Amazon Titan Text takes no output schema"),
        ({"answer_format": "fields"}, "Name at least one field"),
        (ROWS | {"fields-1-name": "mood"}, "Another field has this name"),
        ({"answer_format": "fields", "fields-0-description": "x", "fields-0-kind": "string"}, "Name is required"),
    ],
)
def test_what_is_wrong_with_an_output_schema_is_said_in_place(
    client: Client, connection: Connection, bucket: str, chosen: dict[str, Any], said: str
) -> None:
    assert said in text(post(client, file=file(), output_s3_uri=f"s3://{bucket}/a.jsonl", **{**ASKED, **chosen}))


def test_rows_of_fields_are_added_and_removed_without_script(client: Client, connection: Connection) -> None:
    more = post(client, **ROWS, add_field="1")
    assert 'name="fields-2-name"' in text(more)
    assert 'name="fields-0-name" id="id_fields-0-name" value="mood"' in text(more)
    fewer = text(post(client, **ROWS, remove_field="0"))
    assert 'name="fields-0-name" id="id_fields-0-name" value="stars"' in fewer
    assert "fields-1-name" not in fewer


def test_the_preview_shows_the_schema(client: Client, connection: Connection) -> None:
    assert '"mood"' in text(post(client, htmx=True, file=file(), preview="1", **ASKED, **ROWS)).replace("\\", "")


SEMICOLONS = b"id;question\n" + b"".join("q-%d;Wie hei\u00dft, %d?\n".encode("cp1252") % (n, n) for n in range(3))


def test_separator_and_encoding_can_be_chosen(client: Client, connection: Connection, bucket: str) -> None:
    chosen: dict[str, Any] = {"separator": "pipe", "encoding": "cp1252"}
    assert "{id;question}" in text(post(client, htmx=True, file=file(SEMICOLONS), read="1", **chosen))
    chosen["separator"] = "semicolon"
    post(client, file=file(SEMICOLONS), output_s3_uri=f"s3://{bucket}/a.jsonl", **ASKED, **chosen)
    first = written(connection, bucket, "a.jsonl")[0]["modelInput"]
    assert first["messages"][0]["content"][0]["text"] == "Wie heißt, 0?"


def test_a_worker_reads_with_the_separator_and_the_encoding_chosen(
    client: Client, connection: Connection, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "AT_ONCE_BYTES", 10)
    chosen: dict[str, Any] = {"separator": "semicolon", "encoding": "cp1252"}
    post(client, file=file(SEMICOLONS), output_s3_uri=f"s3://{bucket}/a.jsonl", **ASKED, **chosen, **ROWS)
    made = MadeInput.objects.get()
    making.make_input(made)
    made.refresh_from_db()
    assert (made.state, made.separator, made.encoding) == ("done", ";", "cp1252")
    assert json.loads(made.recipe.output_schema) == MADE_OF_ROWS


def test_an_uploaded_table_is_kept_beside_its_records(client: Client, connection: Connection, bucket: str) -> None:
    post(client, file=file(), output_s3_uri=f"s3://{bucket}/a.jsonl", **ASKED)
    made = MadeInput.objects.get()
    assert (made.state, made.records, made.source_s3_uri) == ("done", 120, f"s3://{bucket}/a.jsonl.source")
    assert s3.get_range(connection.target, bucket, "a.jsonl.source") == CSV


@pytest.mark.parametrize(("length", "is_kept"), [(1017, True), (1018, False)])
def test_a_table_is_kept_only_if_its_uri_fits_the_column(
    length: int, is_kept: bool, client: Client, connection: Connection, bucket: str
) -> None:
    uri = f"s3://{bucket}/{'folder/' * 130}"
    uri += "a" * (length - len(uri) - len(".jsonl")) + ".jsonl"
    post(client, file=file(), template="{question}", told="1", output_s3_uri=uri)
    made = MadeInput.objects.get()
    assert (made.state, made.source_s3_uri) == ("done", f"{uri}.source" if is_kept else "")
