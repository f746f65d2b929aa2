"""Whose price holds for a job, and what a job without one gets later."""

from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from batchconsole.jobs.costs.price_list import take_prices
from batchconsole.jobs.costs.prices import (
    cost_of,
    on_demand_at_most,
    price_for,
    price_in_lane,
    price_of,
    price_the_unpriced,
)
from batchconsole.jobs.models import BatchJob, Connection, ModelPrice, Status
from batchconsole.records.prices import find_price
from tests.aws.price_list import price_list

pytestmark = pytest.mark.django_db

MICRO = "amazon.nova-micro-v1:0"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
ON_DEMAND = BatchJob.Lane.ON_DEMAND
ADMIN, PRICE_LIST = ModelPrice.Source.ADMIN, ModelPrice.Source.PRICE_LIST


def price(usd: str, model_id: str = MICRO, **values: Any) -> ModelPrice:
    return ModelPrice.objects.create(
        model_id=model_id, input_usd_per_million=Decimal(usd), output_usd_per_million=Decimal(usd) * 2, **values
    )


def input_price(model_id: str = MICRO, region: str = "us-east-1") -> Decimal | None:
    found = price_for(model_id, region)
    return found.input_usd_per_million if found else None


def job(model_id: str = MICRO, *, connection: Connection | None = None, **values: Any) -> BatchJob:
    connection = connection or Connection.objects.get_or_create(name="c", region="us-east-1")[0]
    return BatchJob.objects.create(
        connection=connection, model_id=model_id, job_name="j", status=Status.COMPLETED, **values
    )


def test_without_a_row_the_shipped_price_holds() -> None:
    assert price_of(job()) == find_price(MICRO)


def test_an_unknown_model_has_no_price_and_no_cost() -> None:
    unheard = job("unheard.of-v1")
    assert price_of(unheard) is None
    assert cost_of(unheard, 1000, 1000) is None


def test_an_administrator_stands_over_the_price_list_and_the_price_list_over_the_shipped_table() -> None:
    price("1", source=PRICE_LIST, region="us-east-1")
    assert input_price() == 1
    price("2")
    assert input_price() == 2


def test_jobs_on_demand_have_a_price_of_their_own_where_an_administrator_has_set_one() -> None:
    price("1")
    batch, here = job(), job(lane=ON_DEMAND)
    assert [cost_of(each, 1_000_000, 0) for each in (batch, here)] == [1, 2]
    price("5", lane=ON_DEMAND)
    assert [cost_of(each, 1_000_000, 0) for each in (batch, here)] == [1, 5]
    found = price_in_lane(MICRO, "us-east-1", ON_DEMAND)
    assert found
    assert (found.source, found.inferred) == ("Set by an administrator", False)


def test_an_on_demand_price_gives_a_cost_where_no_batch_price_is_known() -> None:
    waiting = job("unheard.of-v1", lane=ON_DEMAND, input_token_count=1_000_000, output_token_count=0)
    price("5", "unheard.of-v1", lane=ON_DEMAND)
    assert price_the_unpriced() == 1
    waiting.refresh_from_db()
    assert waiting.cost_usd == 5
    assert price_of(job("unheard.of-v1")) is None


@pytest.mark.parametrize(
    ("batch", "on_demand", "usd"),
    [((1, 2), None, 20), ((1, 2), (3, 4), 30), ((1, 2), (1, 8), 40), ((0, 2), (3, 4), None), (None, (3, 4), None)],
    ids=["derived", "of input", "of output", "free as a batch", "no batch price"],
)
def test_the_cost_of_a_batch_tells_that_on_demand_at_most(
    batch: tuple[int, int] | None, on_demand: tuple[int, int] | None, usd: int | None, db: None
) -> None:
    for lane, amounts in (("batch", batch), (ON_DEMAND, on_demand)):
        if amounts:
            ModelPrice.objects.create(
                model_id="new.model", lane=lane, input_usd_per_million=amounts[0], output_usd_per_million=amounts[1]
            )
    assert on_demand_at_most(Decimal(10), "new.model", "us-east-1") == usd
    assert on_demand_at_most(None, "new.model", "us-east-1") is None


def test_a_price_for_the_region_stands_over_one_for_all() -> None:
    price("1")
    price("3", region="eu-west-1")
    assert (input_price(region="eu-west-1"), input_price(region="us-east-1")) == (Decimal(3), Decimal(1))


def test_the_global_profile_may_cost_less_than_the_others() -> None:
    price("0.5", HAIKU, profile="global")
    price("0.55", HAIKU, profile="other")
    assert input_price(f"global.{HAIKU}") == Decimal("0.5")
    assert input_price(f"us.{HAIKU}") == Decimal("0.55")
    assert input_price(f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.{HAIKU}") == Decimal("0.5")


def test_a_price_entered_for_a_profile_id_is_stored_for_the_model() -> None:
    assert price("1", f"eu.{HAIKU}").model_id == HAIKU


def test_a_price_says_where_it_comes_from() -> None:
    price("1", source=PRICE_LIST, region="us-east-1")
    found = price_of(job())
    assert found is not None
    assert found.source == "AWS Price List, us-east-1"


def test_a_cost_is_rounded_to_the_millionth_of_a_dollar() -> None:
    price("0.0175")
    assert cost_of(job(), 33, 0) == Decimal("0.000001")


def test_jobs_without_a_cost_get_one_as_soon_as_there_is_a_price() -> None:
    waiting = job("unheard.of-v1", input_token_count=2_000_000, output_token_count=500_000)
    assert price_the_unpriced() == 0
    price("1.5", "unheard.of-v1")
    assert price_the_unpriced() == 1
    waiting.refresh_from_db()
    assert waiting.cost_usd == Decimal("4.5")


def test_a_later_price_does_not_rewrite_a_cost() -> None:
    done = job(input_token_count=1_000_000, output_token_count=0, cost_usd=Decimal("7"))
    price("1")
    price_the_unpriced()
    done.refresh_from_db()
    assert done.cost_usd == 7


def test_the_price_list_is_taken_over_by_name_id_and_usage_type() -> None:
    with price_list() as url:
        taken = take_prices(Connection(endpoint_url=url, credentials="local").target, "us-east-1")
    assert set(taken.models) == {
        MICRO,
        HAIKU,
        "mistral.mistral-large-3-675b-instruct",
        "amazon.titan-embed-text-v2:0",
    }
    assert taken.unknown == ["Unheard Of 1"]
    assert taken.incomplete == ["qwen.qwen3-32b-v1:0"]
    assert input_price() == Decimal("0.02")


def test_an_embedding_has_no_output_to_pay_for() -> None:
    with price_list() as url:
        take_prices(Connection(endpoint_url=url, credentials="local").target, "us-east-1")
    found = price_for("amazon.titan-embed-text-v2:0", "us-east-1")
    assert found is not None
    assert (found.input_usd_per_million, found.output_usd_per_million) == (Decimal("0.01"), Decimal(0))


def test_taking_the_price_list_again_replaces_its_rows_and_no_others() -> None:
    price("9", source=ADMIN)
    with price_list() as url:
        for _ in range(2):
            take_prices(Connection(endpoint_url=url, credentials="local").target, "us-east-1")
    assert ModelPrice.objects.filter(model_id=HAIKU).count() == 2
    assert input_price() == 9


def test_the_command_reads_the_regions_of_the_connections_and_prices_what_waited() -> None:
    output = StringIO()
    with price_list() as url:
        connection = Connection.objects.create(name="c", region="us-east-1", endpoint_url=url, credentials="local")
        job(f"us.{HAIKU}", connection=connection, input_token_count=1_000_000, output_token_count=0)
        call_command("refresh_prices", connection="c", stdout=output)
    assert "us-east-1: batch prices of 4 models stored." in output.getvalue()
    assert BatchJob.objects.get().cost_usd == Decimal("0.55")


def test_the_command_tells_what_aws_refused() -> None:
    with price_list({}) as url:
        Connection.objects.create(name="c", region="us-east-1", endpoint_url=url, credentials="local")
        with pytest.raises(CommandError, match="pricing:GetProducts"):
            call_command("refresh_prices", connection="c")


def test_the_command_needs_a_connection_to_aws_itself() -> None:
    Connection.objects.create(name="local", endpoint_url="http://127.0.0.1:1", credentials="local")
    with pytest.raises(CommandError, match="no enabled connection to AWS itself"):
        call_command("refresh_prices")


def test_cached_tokens_are_priced_as_soon_as_there_is_a_price() -> None:
    waiting = job("unheard.of-v1", input_token_count=1_000_000, output_token_count=0, cache_read_token_count=1_000_000)
    ModelPrice.objects.create(model_id="unheard.of-v1", input_usd_per_million=1, output_usd_per_million=1)
    price_the_unpriced()
    waiting.refresh_from_db()
    assert waiting.cost_usd == 2
