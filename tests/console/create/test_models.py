"""The models page, a model's own page, and the picker of the form: what is offered, and why something is not."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from batchconsole.aws.bedrock import FoundationModel, InferenceProfile
from batchconsole.console.model_choices import ModelChoice, Offered, model_choices, refusal, serves
from batchconsole.console.samples import samples
from batchconsole.jobs.models import Connection, ModelPrice
from batchconsole.records import catalogue
from tests.console.create.conftest import MODEL

OPUS = "anthropic.claude-opus-5"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


def choice_of(model_id: str, region: str = "us-east-1", offered: Offered | None = None) -> ModelChoice:
    return next(c for c in model_choices(region, offered or Offered()) if c.model.model_id == model_id)


def test_a_model_offers_each_way_to_invoke_it() -> None:
    assert choice_of(MODEL).ids == (MODEL, f"us.{MODEL}")


def test_only_profiles_of_the_regions_geography_are_offered() -> None:
    assert choice_of(OPUS).ids == (f"us.{OPUS}", f"global.{OPUS}")
    assert choice_of(OPUS, "eu-west-1").ids == (f"eu.{OPUS}", f"global.{OPUS}")
    assert f"jp.{OPUS}" in choice_of(OPUS, "ap-northeast-1").ids


@pytest.mark.parametrize(
    ("profile", "region", "answer"),
    [
        ("us.x.y", "us-east-1", True),
        ("us.x.y", "us-gov-west-1", False),
        ("us-gov.x.y", "us-gov-west-1", True),
        ("eu.x.y", "us-east-1", False),
        ("jp.x.y", "ap-south-1", False),
        ("au.x.y", "ap-southeast-2", True),
        ("global.x.y", "sa-east-1", True),
        ("my-own-profile", "us-east-1", True),
    ],
)
def test_a_geography_serves_its_regions(profile: str, region: str, answer: bool) -> None:
    assert serves(profile, region) is answer


def test_a_model_without_batch_support_says_so() -> None:
    choice = choice_of("anthropic.claude-opus-4-8")
    assert choice.obstacle == "Batch inference is not supported."
    assert choice.support == "Not supported"


def test_a_model_the_region_does_not_list_says_so() -> None:
    offered = Offered.of([FoundationModel(model_id="someone.else-v1", model_arn="")], [])
    assert choice_of(MODEL, offered=offered).obstacle == "Not offered in us-east-1."


def test_an_application_profile_of_the_account_is_offered() -> None:
    own = InferenceProfile(
        inference_profile_id="abc123",
        inference_profile_arn="arn:x",
        model_arns=(f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",),
    )
    model = FoundationModel(model_id=MODEL, model_arn="")
    assert "abc123" in choice_of(MODEL, offered=Offered.of([model], [own])).ids


def test_a_model_newer_than_the_catalogue_can_be_chosen() -> None:
    newer = FoundationModel(model_id="someone.new-v9:0", model_arn="", model_name="New", provider_name="Someone")
    choice = choice_of("someone.new-v9:0", offered=Offered.of([newer], []))
    assert (choice.model.name, choice.ids, choice.price, choice.obstacle) == ("New", ("someone.new-v9:0",), None, "")


def test_an_administrators_price_is_shown() -> None:
    ModelPrice.objects.create(
        model_id=MODEL,
        source=ModelPrice.Source.ADMIN,
        input_usd_per_million="7.5",
        output_usd_per_million="8.5",
    )
    price = choice_of(MODEL).price
    assert price is not None
    assert price.input_usd_per_million == 7.5


@pytest.mark.parametrize(
    ("model_id", "words"),
    [
        (MODEL, ""),
        (f"us.{OPUS}", ""),
        (OPUS, f"only through an inference profile. Enter us.{OPUS} or global.{OPUS}."),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{OPUS}", "only through an inference profile"),
        ("anthropic.claude-sonnet-5", "Batch inference is not supported for the requested model: Claude Sonnet 5."),
        ("nobody.knows-v1", ""),
    ],
)
def test_a_model_that_would_be_refused_is_refused_with_the_way_out(model_id: str, words: str) -> None:
    found = refusal(model_id, "us-east-1")
    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize("model", catalogue.models(), ids=lambda model: model.model_id)
def test_a_sample_is_one_line_of_json(model: catalogue.Model) -> None:
    found = samples(model)
    assert found
    for sample in found:
        assert "\n" not in sample.line
        assert json.loads(sample.line) == json.loads(sample.pretty) == sample.record


def test_embeddings_have_no_sample_for_converse() -> None:
    model = catalogue.find("amazon.titan-embed-text-v2:0")
    assert model is not None
    assert [sample.invocation_type for sample in samples(model)] == ["InvokeModel"]


def test_the_page_works(client: Client, away: Connection) -> None:
    page = client.get("/away/models/").content.decode()
    assert "Claude Opus 5" in page
    assert "ListFoundationModels · EndpointUnreachable" in page


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ({"find": "haiku"}, "Claude 3 Haiku", "Nova Micro"),
        ({"find": "NOVA pro"}, "Nova Pro", "Nova Micro"),
        ({"provider": "Meta"}, "meta.llama3-1-8b", "Claude"),
        ({"batch": "1"}, "Claude Opus 5", "Claude Opus 4.8"),
        ({"find": "no such model"}, "No matches", "Claude"),
        ({"provider": "nobody"}, "Claude Opus 5", "No matches"),
    ],
)
def test_models_are_found(client: Client, away: Connection, query: dict[str, str], found: str, not_found: str) -> None:
    page = client.get("/away/models/", query).content.decode()
    table = page[page.index("<tbody>") :]
    assert found in table
    assert not_found not in table


def test_a_model_has_a_page_with_limits_and_samples_to_copy(client: Client, away: Connection) -> None:
    page = client.get(f"/away/models/{MODEL}/").content.decode()
    assert "100 to 50,000" in page
    model = catalogue.find(MODEL)
    assert model is not None
    for sample in samples(model):
        assert f'data-copy="{escape(sample.line)}"' in page


def test_an_unknown_model_has_no_page(client: Client, away: Connection) -> None:
    assert client.get("/away/models/nobody.knows-v1/").status_code == 404


def test_the_picker_is_a_fragment_that_works_with_bedrock_away(client: Client, away: Connection) -> None:
    page = client.get("/away/models/picker/", headers=HTMX).content.decode()
    assert "<html" not in page
    assert f'name="model_pick" value="{MODEL}"' in page
    assert "could not be asked which models this region offers" in page


def test_a_search_in_the_picker_gives_the_results_only(client: Client, away: Connection) -> None:
    headers: Any = HTMX | {"HX-Target": "model-results"}
    page = client.get("/away/models/picker/", {"find": "haiku"}, headers=headers).content.decode()
    assert page.lstrip().startswith('<div id="model-results">')
    assert "Nova" not in page


@pytest.mark.parametrize(
    ("model_id", "words"),
    [
        (MODEL, "Batch inference supported"),
        (OPUS, "Cannot be used"),
        ("nobody.knows-v1", "Not in the catalogue of this version"),
    ],
)
def test_a_typed_id_is_explained(client: Client, away: Connection, model_id: str, words: str) -> None:
    assert words in client.get("/away/models/summary/", {"model_id": model_id}).content.decode()


def test_nothing_typed_is_not_explained(client: Client, away: Connection) -> None:
    assert not client.get("/away/models/summary/").content.strip()


def test_the_page_asks_the_database_little(
    client: Client, away: Connection, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9):
        client.get("/away/models/")


@pytest.mark.parametrize("modality", ["Image input", "Embedding output"])
def test_models_are_found_by_modality(client: Client, connection: Connection, modality: str) -> None:
    text = client.get("/local/models/", {"modality": modality}).text
    assert f"<option selected>{modality}</option>" in text
    assert "Titan Multimodal Embeddings" in text
    assert "Nova Micro" not in text
