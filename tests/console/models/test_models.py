"""The models page, a model's own page, and the picker of the form: what is offered, and why something is not."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils.html import escape

from batchconsole.console.models.choices import ModelChoice, model_choices
from batchconsole.console.models.samples import samples
from batchconsole.jobs.model_rules import refusal, serves
from batchconsole.jobs.models import Connection, ModelPrice
from batchconsole.jobs.offered_models import FoundationModel, InferenceProfile, OfferedModels
from batchconsole.records import catalogue
from tests.console.conftest import MODEL

OPUS = "anthropic.claude-opus-5"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db


def choice_of(model_id: str, region: str = "us-east-1", offered: OfferedModels | None = None) -> ModelChoice:
    return next(c for c in model_choices(region, offered or OfferedModels()) if c.model.model_id == model_id)


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
    offered = OfferedModels.of([FoundationModel(model_id="someone.else-v1", model_arn="")], [])
    assert choice_of(MODEL, offered=offered).obstacle == "Not offered in us-east-1."


def test_an_application_profile_of_the_account_is_offered() -> None:
    own = InferenceProfile(
        inference_profile_id="abc123",
        inference_profile_arn="arn:x",
        model_arns=(f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",),
    )
    model = FoundationModel(model_id=MODEL, model_arn="")
    assert "abc123" in choice_of(MODEL, offered=OfferedModels.of([model], [own])).ids


def test_a_model_newer_than_the_catalogue_can_be_chosen() -> None:
    newer = FoundationModel(model_id="someone.new-v9:0", model_arn="", model_name="New", provider_name="Someone")
    choice = choice_of("someone.new-v9:0", offered=OfferedModels.of([newer], []))
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
    model = catalogue.find_model("amazon.titan-embed-text-v2:0")
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
    model = catalogue.find_model(MODEL)
    assert model is not None
    for sample in samples(model):
        assert f'data-copy="{escape(sample.line)}"' in page


def test_a_model_says_in_words_what_it_refuses(client: Client, away: Connection) -> None:
    model = next(model for model in catalogue.models() if {"prefill", "thinking.enabled"} <= {*model.refuses})
    text = client.get(f"/away/models/{model.model_id}/").text
    assert "A conversation that ends with the assistant" in text
    assert "thinking with a budget of tokens" in text


def test_a_model_leads_to_its_jobs_and_to_a_new_one(client: Client, away: Connection) -> None:
    text = client.get(f"/away/models/{MODEL}/").text
    assert f'href="/away/jobs/create/?model_id={quote(MODEL)}"' in text
    link = re.findall(r'href="([^"]+)">View jobs', text)[0]
    assert "Model : " + MODEL in client.get(link).text


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
    with django_assert_max_num_queries(10):  # one of them reads the rights
        client.get("/away/models/")


@pytest.mark.parametrize("modality", ["Image input", "Embedding output"])
def test_models_are_found_by_modality(client: Client, connection: Connection, modality: str) -> None:
    text = client.get("/local/models/", {"modality": modality}).text
    assert f"<option selected>{modality}</option>" in text
    assert "Titan Multimodal Embeddings" in text
    assert "Nova Micro" not in text


def names(client: Client, query: dict[str, str]) -> list[str]:
    """The models that the page lists, in its order."""
    client.cookies["console-page-size"] = "100"
    return re.findall(r'<th scope="row"><a[^>]*>([^<]+)', client.get("/away/models/", query).text)


def test_each_column_sorts_both_ways_and_says_so(client: Client, away: Connection) -> None:
    text = client.get("/away/models/").text
    links = dict(re.findall(r'id="sort-(\w+)" href="([^"]+)"', text))
    assert "aria-sort" not in text
    for name, link in links.items():
        up = client.get(link).text
        assert re.search(rf'aria-sort="ascending"><a class="table-sort" id="sort-{name}" href="[^"]*sort=-{name}"', up)
        assert ", sorted ascending" in up
        assert 'aria-sort="descending"' in client.get(f"{link.replace('sort=', 'sort=-')}").text
    assert len(links) == 9


def test_the_cheapest_come_first_and_the_unpriced_last_in_either_order(client: Client, away: Connection) -> None:
    ModelPrice.objects.create(model_id=OPUS, input_usd_per_million="0.001", output_usd_per_million="500")
    unpriced = choice_of("anthropic.claude-opus-4-8").model.name
    for sort, first in (
        ("input_price", "Claude Opus 5"),
        ("-output_price", "Claude Opus 5"),
        ("name", "Claude 3 Haiku"),
    ):
        assert names(client, {"sort": sort, "provider": "Anthropic"})[0] == first
    assert unpriced in names(client, {"sort": "input_price"})[-30:]
    assert unpriced in names(client, {"sort": "-input_price"})[-30:]


def test_prices_of_the_page_have_the_same_decimals_and_say_whose_they_are(client: Client, away: Connection) -> None:
    text = client.get("/away/models/").text
    shown = re.findall(r"\$([\d.]+)<", text)
    assert shown
    assert {len(price.partition(".")[2]) for price in shown} == {4}
    assert "Amazon Bedrock pricing page, batch, us-east-1 (2026-10-01)" in text


def test_the_list_comes_in_pages_and_an_odd_address_shows_what_makes_sense(client: Client, away: Connection) -> None:
    client.cookies["console-page-size"] = "20"
    second = client.get("/away/models/", {"page": "2", "sort": "name"}).text
    assert second.count('<th scope="row">') == 20
    assert 'aria-current="true"><span class="visually-hidden">Page </span>2' in second
    odd = client.get("/away/models/", {"page": "-1", "sort": "colour", "provider": "nobody"}).text
    assert odd.count('<th scope="row">') == 20
    assert "aria-sort" not in odd


def test_the_page_s_own_filter_gets_the_table_and_a_clean_address(client: Client, away: Connection) -> None:
    asked = {"find": "haiku", "provider": "", "modality": "", "sort": "-input_price"}
    answer = client.get("/away/models/", asked, headers=HTMX)
    assert "<html" not in answer.text
    assert answer.headers["HX-Push-Url"] == "/away/models/?find=haiku&sort=-input_price"
    assert re.search(r'hx-swap-oob="innerHTML:#live-status">\d matches', answer.text)


def test_a_model_tells_the_price_of_each_inference_type(client: Client, away: Connection) -> None:
    text = client.get(f"/away/models/{OPUS}/").text
    rows = re.findall(r'<th scope="row">Inference profile: (\w+)</th>.*?\$([\d.]+)<.*?\$([\d.]+)<', text, re.DOTALL)
    assert rows == [("US", "2.75", "13.75"), ("Global", "2.50", "12.50")]
