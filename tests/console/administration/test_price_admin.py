"""Prices in the administration."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import ModelPrice
from tests.console.conftest import MakeJob

URL = "/admin/jobs/modelprice/"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def staff(client: Client, person: User) -> Client:
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    return client


def entered(**values: str) -> dict[str, str]:
    price = {"input_usd_per_million": "0.6", "output_usd_per_million": "3", "as_of": "2026-10-01"}
    return {"model_id": HAIKU, "region": "", "profile": "", **price, **values}


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
    assert ("is not a model that this console or any job knows" in page) is is_questioned
