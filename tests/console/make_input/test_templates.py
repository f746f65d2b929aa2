"""Saved prompt templates: kept in versions, used again, archived and deleted, and named by what they made."""

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
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import prompt_templates
from batchconsole.jobs.models import Connection, Event, MadeInput, PromptTemplate, PromptTemplateVersion
from batchconsole.jobs.models.prompt_template import Content
from batchconsole.records.making import Recipe
from tests.console.conftest import NOBODY

URL = "/local/input/new/"
LIST = "/local/input/templates/"
CSV = b"id,question\nq-1,Why?\nq-2,How?\n"
RECIPE = Recipe(template="Answer {question}", system="Be brief.", max_tokens=200, temperature=0.5)
FIELDS: dict[str, Any] = {
    "answer_format": "fields",
    "fields-0-name": "mood",
    "fields-0-kind": "string",
    "fields-0-description": "good or bad",
}


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def local(db: None) -> Connection:
    return Connection.objects.create(name="local", endpoint_url=NOBODY)


def saved(connection: Connection, actor: User | None = None, **changes: Any) -> PromptTemplateVersion:
    recipe = Recipe(**{"template": RECIPE.template, "system": RECIPE.system, **changes})
    return prompt_templates.save_version(connection, actor, name="Answers", content=Content(recipe=recipe))


def make_bucket(connection: Connection) -> str:
    name = f"templates-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    return name


def post(client: Client, **values: Any) -> Any:
    return client.post(URL, {"source": "upload", "shape": "converse", **values})


def value(response: Any, name: str) -> Any:
    return response.context["form"][name].value()


def test_a_template_is_saved_and_then_used(client: Client, local: Connection, person: User) -> None:
    said = {"template": "Answer {question}\r\nnow", "system": "Be brief.", "max_tokens": "200", "temperature": "0.5"}
    page = post(client, save_template="1", save_as="  Answers ", **said, **FIELDS)
    assert "Saved as Answers, version 1." in page.text
    version = PromptTemplateVersion.objects.get()
    assert version.created_by == person
    assert f'<option value="{version.pk}" selected>Answers, version 1</option>' in page.text
    used = post(client, use_template="1", chosen_template=version.pk, template="x")
    assert [value(used, name) for name in said] == ["Answer {question}\nnow", "Be brief.", "200", "0.5"]
    assert 'id="id_fields-0-name" value="mood"' in used.text
    assert 'value="good or bad"' in used.text
    assert (value(used, "answer_format"), value(used, "save_as")) == ("fields", "Answers")


def test_the_same_name_gets_a_new_version_and_the_same_words_none(local: Connection) -> None:
    numbers = [saved(local, template=text).number for text in ("{a}", "{b}", "{b}", "{a}")]
    assert numbers == [1, 2, 2, 3]
    assert PromptTemplate.objects.count() == 1
    assert Event.objects.filter(verb="prompt_saved", target="Answers").count() == 3


def test_the_address_names_an_old_version_to_use(client: Client, local: Connection) -> None:
    old, _ = saved(local, template="{old}"), saved(local, template="{new}")
    page = client.get(URL, {"template": old.pk})
    assert value(page, "template") == "{old}"
    assert value(page, "template_version") == str(old.pk)


@pytest.mark.parametrize("key", ["", "x", "0", "9" * 30, "²"])
def test_a_version_that_is_not_there_is_said_at_the_field(client: Client, local: Connection, key: str) -> None:
    page = post(client, use_template="1", chosen_template=key, template="mine")
    assert page.context["form"].errors["chosen_template"] == ["Choose a template."]
    assert value(page, "template") == "mine"
    assert client.get(URL, {"template": key}).status_code == 200


def test_a_template_of_another_connection_is_not_offered(client: Client, local: Connection) -> None:
    other = saved(Connection.objects.create(name="other"))
    assert "Answers, version" not in client.get(URL).text
    page = post(client, use_template="1", chosen_template=other.pk)
    assert page.context["form"].errors["chosen_template"]
    assert client.get(f"{LIST}{other.template_id}/").status_code == 404


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"save_as": " "}, "save_as", "Enter a name"),
        ({"save_as": "x" * 81}, "save_as", "at most 80"),
        ({"save_as": "a", "template": " "}, "template", "Prompt template is required."),
    ],
)
def test_what_keeps_it_from_being_saved_is_said_at_its_field(
    client: Client, local: Connection, values: dict[str, Any], field: str, words: str
) -> None:
    page = post(client, **{"template": "{question}", **values}, save_template="1")
    assert words in page.context["form"].errors[field][0]
    assert not PromptTemplate.objects.exists()


def test_the_number_of_versions_is_bounded(local: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_templates, "MOST_VERSIONS", 1)
    monkeypatch.setattr(prompt_templates, "MOST_TEMPLATES", 1)
    saved(local)
    with pytest.raises(UserError, match="has 1 versions already"):
        saved(local, template="{more}")
    with pytest.raises(UserError, match="has 1 templates already"):
        prompt_templates.save_version(local, None, name="Other", content=Content(recipe=RECIPE))


def test_the_pages_tell_who_saved_what_and_when(client: Client, local: Connection, person: User) -> None:
    saved(local, template="{old}")
    version = saved(local, person, template="<b>{new}", max_tokens=77)
    assert "No prompt templates" not in client.get(LIST).text
    page = unescape(client.get(f"{LIST}{version.template_id}/").text)
    assert [page.index(words) for words in ("Version 2", "<b>{new}", "Version 1", "{old}")] == sorted(
        page.index(words) for words in ("Version 2", "<b>{new}", "Version 1", "{old}")
    )
    assert f"by {person}" in page
    assert ">77<" in page
    assert f"{URL}?template={version.pk}" in page


def test_an_empty_list_says_what_to_do(client: Client, local: Connection) -> None:
    assert "choose Save template there" in client.get(LIST).text


def test_it_is_archived_restored_and_deleted(client: Client, local: Connection) -> None:
    page = f"{LIST}{saved(local).template_id}/"
    assert "Archive it first." in client.post(f"{page}delete/", follow=True).text
    assert "Answers was archived." in client.post(f"{page}archive/", follow=True).text
    assert "Answers, version 1" not in client.get(URL).text
    client.post(f"{page}restore/")
    assert "Answers, version 1" in client.get(URL).text
    client.post(f"{page}archive/")
    assert "All its versions are deleted." in client.get(f"{page}delete/").text
    assert "Answers was deleted." in client.post(f"{page}delete/", follow=True).text
    assert not PromptTemplateVersion.objects.exists()
    verbs = list(Event.objects.filter(target="Answers").order_by("id").values_list("verb", flat=True))
    ends = ["prompt_archived", "prompt_restored", "prompt_archived", "prompt_deleted"]
    assert verbs == ["prompt_saved", *ends]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({}, "Answers, version 1"), ({"record_id_column": "id"}, "Answers, version 1"), ({"system": ""}, "changed")],
)
def test_what_was_made_names_its_template(
    client: Client, aws_endpoint: str, local: Connection, changes: dict[str, str], told: str
) -> None:
    version = saved(local)
    used = post(client, use_template="1", chosen_template=version.pk, file=SimpleUploadedFile("q.csv", CSV))
    names = ("upload", "upload_name", "template", "system", "template_version")
    fields = {name: value(used, name) or "" for name in names}
    Connection.objects.update(endpoint_url=aws_endpoint, credentials="local")
    made_in = make_bucket(Connection.objects.get())
    response = post(client, **{**fields, "output_s3_uri": f"s3://{made_in}/a.jsonl", **changes})
    assert response.status_code == 302
    made = MadeInput.objects.get()
    assert re.search(f"{told}$", made.made_with)
    assert made.made_with in client.get(made.get_absolute_url()).text
    assert Event.objects.get(verb="input_made").data["template"] == made.made_with
