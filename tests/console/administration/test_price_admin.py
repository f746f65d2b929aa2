"""Prices in the administration."""

import html
import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batchconsole.jobs.models import Connection, ModelPrice
from tests.aws.price_list import PRODUCTS, price_list
from tests.console.conftest import Answer, MakeJob

URL = "/admin/jobs/modelprice/"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def staff(client: Client, person: User) -> Client:
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    return client


def entered(**values: str) -> dict[str, str]:
    price = {"input_usd_per_million": "0.6", "output_usd_per_million": "3", "as_of": "2026-10-01"}
    return {"model_id": HAIKU, "region": "", "profile": "", "lane": "batch", **price, **values}


def from_aws(**values: Any) -> ModelPrice:
    amounts = {"input_usd_per_million": Decimal(1), "output_usd_per_million": Decimal(2)}
    return ModelPrice.objects.create(model_id=HAIKU, source=ModelPrice.Source.PRICE_LIST, **amounts, **values)


def test_it_works(staff: Client) -> None:
    from_aws(region="us-east-1")
    assert "AWS Price List" in staff.get(URL).content.decode()


def test_a_price_is_saved_as_an_administrator_s(staff: Client) -> None:
    assert staff.post(f"{URL}add/", entered(model_id=f"us.{HAIKU}")).status_code == 302
    price = ModelPrice.objects.get()
    assert (price.model_id, price.source) == (HAIKU, ModelPrice.Source.ADMIN)


def test_jobs_that_waited_for_it_get_a_cost(staff: Client, make_job: MakeJob) -> None:
    job = make_job(model_id=HAIKU, input_token_count=1_000_000, output_token_count=1_000_000)
    page = staff.post(f"{URL}add/", entered(), follow=True).content.decode()
    job.refresh_from_db()
    assert job.cost_usd == Decimal("3.6")
    assert "1 job has a cost now" in page


def test_a_second_price_for_the_same_is_refused(staff: Client) -> None:
    staff.post(f"{URL}add/", entered())
    page = staff.post(f"{URL}add/", entered(model_id=f"eu.{HAIKU}")).content.decode()
    assert "There is already a price" in page
    assert ModelPrice.objects.count() == 1


def test_a_price_on_demand_stands_beside_that_of_batches(staff: Client) -> None:
    for lane in ("batch", "on_demand"):
        assert staff.post(f"{URL}add/", entered(lane=lane)).status_code == 302
    assert set(ModelPrice.objects.values_list("lane", flat=True)) == {"batch", "on_demand"}
    assert "On demand" in staff.get(URL).text


def test_a_price_may_be_changed(staff: Client) -> None:
    staff.post(f"{URL}add/", entered())
    staff.post(f"{URL}{ModelPrice.objects.get().pk}/change/", entered(input_usd_per_million="9"))
    assert ModelPrice.objects.get().input_usd_per_million == 9


def test_aws_s_prices_are_only_shown(staff: Client) -> None:
    price = from_aws()
    assert staff.post(f"{URL}{price.pk}/change/", entered()).status_code == 403


def test_a_negative_price_is_refused(staff: Client) -> None:
    staff.post(f"{URL}add/", entered(input_usd_per_million="-1"))
    assert not ModelPrice.objects.exists()


@pytest.mark.parametrize(("model_id", "is_questioned"), [(HAIKU, False), ("amazon.nvoa-lite-v1:0", True)])
def test_a_price_for_a_model_that_nobody_knows_is_questioned(staff: Client, model_id: str, is_questioned: bool) -> None:
    page = staff.post(f"{URL}add/", entered(model_id=model_id), follow=True).text
    assert ("is unknown, and no job uses it" in page) is is_questioned


IMPORT = f"{URL}import/"
MICRO = "amazon.nova-micro-v1:0"


def exported(publication: str = "2026-10-05T10:00:00Z", region: str = "us-east-1") -> dict[str, Any]:
    """The bulk file of a service: products and terms by SKU."""
    rows = {row["product"]["sku"]: row for row in deepcopy(PRODUCTS["AmazonBedrock"])}
    for row in rows.values():
        row["product"]["attributes"]["regionCode"] = region
    terms = {sku: row["terms"]["OnDemand"] for sku, row in rows.items()}
    products = {sku: row["product"] for sku, row in rows.items()}
    return {"publicationDate": publication, "products": products, "terms": {"OnDemand": terms}}


def answered() -> dict[str, Any]:
    return {"PriceList": [json.dumps(row) for row in PRODUCTS["AmazonBedrock"]]}


def upload(client: Client, content: bytes) -> Answer:
    return client.post(IMPORT, {"file": SimpleUploadedFile("index.json", content)})


@pytest.mark.parametrize("document", [exported, answered])
@pytest.mark.usefixtures("connection")
def test_a_file_of_prices_is_shown_before_it_is_stored(document: Callable[[], Any], staff: Client) -> None:
    page = upload(staff, json.dumps(document()).encode())
    assert [each.listed.model_id for each in page.context["changes"]].count(MICRO) == 1
    assert "Unheard Of 1" in page.text
    assert not ModelPrice.objects.exists()
    assert staff.post(IMPORT, {"taken": page.context["signed"]}).status_code == 302
    stored = ModelPrice.objects.get(model_id=MICRO)
    assert (stored.region, stored.input_usd_per_million, stored.source) == ("us-east-1", Decimal("0.02"), "price_list")
    if document == exported:
        assert str(stored.as_of) == "2026-10-05"


@pytest.mark.parametrize(("effect", "usd"), [("leave", "7"), ("recompute", "0.1"), ("", "7")])
def test_the_effect_on_past_jobs_is_asked(
    effect: str, usd: str, staff: Client, make_job: MakeJob, connection: Connection
) -> None:
    job = make_job(model_id=MICRO, input_token_count=10**6, output_token_count=10**6, cost_usd=7)
    with price_list() as url:
        Connection.objects.update(endpoint_url=url)
        page = staff.post(IMPORT, {"connection": connection.pk})
    assert (page.context["past"], "What changes" in page.text) == (1, True)
    staff.post(IMPORT, {"taken": page.context["signed"], "past_jobs": effect})
    job.refresh_from_db()
    assert job.cost_usd == Decimal(usd)


def test_a_price_set_by_hand_asks_the_same(staff: Client, make_job: MakeJob) -> None:
    job = make_job(model_id=HAIKU, input_token_count=10**6, output_token_count=10**6, cost_usd=7)
    staff.post(f"{URL}add/", entered(past_jobs="leave"))
    job.refresh_from_db()
    assert job.cost_usd == 7
    staff.post(f"{URL}{ModelPrice.objects.get().pk}/change/", entered(past_jobs="recompute"))
    job.refresh_from_db()
    assert job.cost_usd == Decimal("3.6")


def test_an_administrator_s_price_is_said_to_stand_over_the_list(staff: Client, connection: Connection) -> None:
    staff.post(f"{URL}add/", entered(model_id=MICRO))
    changes = upload(staff, json.dumps(exported()).encode()).context["changes"]
    assert "administrator" in next(each.state[1] for each in changes if each.listed.model_id == MICRO)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SKU,Price\n", "no price list in JSON"),
        (b'{"PriceList": [1]}', "no price list in JSON"),
        (b'{"products": []}', "no price list in JSON"),
        (b"{}", "has no batch price"),
        (json.dumps(exported(region="eu-north-1")).encode(), "its regions are: eu-north-1"),
    ],
)
@pytest.mark.usefixtures("connection")
def test_another_file_is_refused_with_what_to_do(content: bytes, said: str, staff: Client) -> None:
    page = upload(staff, content)
    assert said in html.unescape(page.text)
    assert "aws pricing get-products" in page.text


@pytest.mark.parametrize("taken", ["", "forged", "a:b:c"])
def test_only_what_was_read_here_is_stored(taken: str, staff: Client) -> None:
    page = staff.post(IMPORT, {"taken": taken}, follow=True)
    assert "Read the prices again" in page.text
    assert not ModelPrice.objects.exists()


def test_the_source_is_a_connection_or_a_file(staff: Client, connection: Connection) -> None:
    assert "Choose a connection or a file" in staff.post(IMPORT, {"connection": ""}).text
    assert 'href="/admin/jobs/modelprice/import/"' in staff.get(URL).text


def test_prices_are_imported_by_those_who_administer_all_connections(staff: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_superuser=False)
    assert staff.get(IMPORT).status_code == 403
