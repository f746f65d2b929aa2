"""What the form that makes batch input tells before anything is written: estimates, any row, and what is wrong."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from batchconsole.jobs.inputs import input_surveys
from batchconsole.jobs.models import Connection, MadeInput
from tests.console.conftest import NOBODY

URL = "/local/input/new/"
NOVA = "amazon.nova-lite-v1:0"
CSV = b"id,question\n" + b"".join(b"q-%d,Why is %d odd?\n" % (number, number) for number in range(120))
MISSING = b"id,question,who\nq-1,Why?,Ann\nq-1,How?,\nq-2,Who?,\n"


@pytest.fixture(autouse=True)
def local(db: None, tmp_path: Path, settings: Settings) -> Connection:
    settings.DATA_DIR = tmp_path
    return Connection.objects.create(name="local", endpoint_url=NOBODY, bedrock_endpoint_url=NOBODY)


def post(client: Client, data: Any = CSV, **values: Any) -> Any:
    ending = values.pop("ending", "csv")
    filled = {"source": "upload", "shape": "converse", "template": "{question}", "preview": "1", **values}
    filled["file"] = SimpleUploadedFile(f"q.{ending}", data)
    return client.post(URL, filled, headers={"HX-Request": "true"})


def text(response: Any) -> str:
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def test_records_tokens_and_cost_are_told_before_anything_is_written(client: Client) -> None:
    page = text(post(client, model_id=NOVA, max_tokens="100"))
    assert "<dd>120</dd>" in page
    assert "<dd>About 423</dd>" in page  # characters by 4
    assert "<dd>At most 12,000</dd>" in page
    assert "in all" in page
    assert "Batch price of Nova Lite" in page


@pytest.mark.parametrize(("model_id", "told"), [("", "Choose a model"), ("acme.unheard-of-v1:0", "No public price")])
def test_a_cost_that_is_not_known_is_no_number(client: Client, model_id: str, told: str) -> None:
    assert f"<dd>{told}</dd>" in text(post(client, model_id=model_id))


def test_of_a_long_file_the_beginning_is_read_and_the_rest_guessed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_surveys, "MOST_SURVEYED_BYTES", 2**18)
    data = CSV + b"".join(b"x-%07d,%s\n" % (number, b"y" * 90) for number in range(9_881))
    found = post(client, data).context["estimate"].estimate
    assert not found.is_exact
    assert 2_000 < found.survey.rows < 3_000
    assert found.rows == pytest.approx(10_001, rel=0.1)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"preview_row": "118"}, ["118 odd", "119 odd"]),
        ({"preview_row": "5", "preview_step": "next"}, ["Why is 7 odd?"]),
        ({"preview_row": "2", "preview_step": "previous"}, ["Why is 0 odd?"]),
        ({"preview_row": "121"}, ["The file has no row 121."]),
        ({"preview_row": "x"}, ["Why is 0 odd?"]),
        ({"preview_row": "100", "system": "About {id}."}, ["System prompt", "About q-99."]),
    ],
)
def test_any_row_is_previewed(client: Client, values: dict[str, str], shown: list[str]) -> None:
    page = text(post(client, **values))
    assert [words for words in shown if words not in page] == []


def test_a_row_further_down_than_the_preview_reads_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_surveys, "MOST_SEARCHED_BYTES", 1)
    data = CSV + b"".join(b"x-%d,%s\n" % (number, b"y" * 2_000) for number in range(1_000))
    assert "is further down than the preview reads" in text(post(client, data, preview_row="1100"))


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"max_tokens": "999999", "model_id": NOVA}, "max_tokens", "Nova Lite gives at most"),
        ({"max_tokens": "none"}, "max_tokens", "must be a whole number"),
        ({"temperature": "1.5"}, "temperature", "at most 1"),
        ({"temperature": "9"}, "temperature", "from 0 to 2"),
        ({"shape": "llama", "model_id": NOVA}, "shape", "Choose Converse or Amazon Nova."),
        ({"model_id": "amazon.titan-embed-text-v2:0"}, "shape", "Choose Amazon Titan Text Embeddings."),
    ],
)
def test_what_the_format_or_the_model_refuses_is_told_as_it_is_typed(
    client: Client, values: dict[str, str], field: str, words: str
) -> None:
    page = post(client, **values)
    assert words in errors(page)[field][0]
    assert f'hx-swap-oob="outerHTML:[data-error-slot={field}]"' in text(page)
    assert words in errors(post(client, **values, preview="", output_s3_uri="s3://some-bucket/"))[field][0]


def test_repeated_ids_and_missing_values_are_told(client: Client) -> None:
    page = text(post(client, MISSING, template="{question} {who}", system="For {who}", record_id_column="id"))
    assert "q-1 stands in row 1 and again in row 2." in page
    assert "2 rows have no who, the first is row 2." in page


@pytest.mark.parametrize(
    ("data", "values", "field", "words"),
    [
        (MISSING, {"template": "{who}"}, "file", "Row 2: Its prompt is blank."),
        (MISSING, {"record_id_column": "who"}, "file", "Row 2: Its who is blank"),
        (CSV + b"q-9,\n", {}, "template", "Row 121: Its prompt is blank."),
        (CSV + b",x\n", {"record_id_column": "id"}, "record_id_column", "Row 121: Its id is blank"),
        (CSV + b"q-9\n", {}, "file", "Row 121: It has 1 value"),
    ],
)
def test_a_row_of_which_no_record_can_be_made_is_an_error(
    client: Client, data: bytes, values: dict[str, str], field: str, words: str
) -> None:
    assert words in errors(post(client, data, **values))[field][0]


def test_without_script_warnings_are_told_once_before_it_is_written(client: Client, aws_endpoint: str) -> None:
    fields = {"template": "{question}", "record_id_column": "id", "preview": ""}
    page = post(client, MISSING, **fields, output_s3_uri="s3://no-such-bucket-1/")
    assert "Nothing has been written yet" in text(page)
    assert not MadeInput.objects.exists()
    Connection.objects.update(endpoint_url=aws_endpoint, credentials="local")
    told = {"told": page.context["told"], "output_s3_uri": "s3://no-such-bucket-1/"}
    assert "does not exist" in text(post(client, MISSING, **fields, **told))


def test_another_provider_s_batch_is_estimated_too(client: Client) -> None:
    line = b'{"custom_id": "a", "body": {"messages": [{"role": "user", "content": "Hello, you"}], "max_tokens": 50}}\n'
    page = text(post(client, line * 4, ending="jsonl", model_id=NOVA))
    assert "<dd>4</dd>" in page
    assert "<dd>At most 200</dd>" in page


def test_the_chosen_model_is_chosen_without_script_too(client: Client) -> None:
    page = client.post(URL, {"source": "upload", "select_model": "1"})
    assert "model-picker-title" in page.text
    chosen = client.post(URL, {"source": "upload", "model_choose": "1", "model_pick": NOVA})
    assert chosen.context["form"]["model_id"].value() == NOVA


def test_warnings_of_another_file_are_no_doubt_about_this_one(client: Client) -> None:
    page = post(client, preview="", told="0123456789abcdef", output_s3_uri="s3://some-bucket/")
    assert "Nothing has been written yet" not in text(page)
