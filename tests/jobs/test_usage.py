"""What ended jobs add up to, by UTC day and by what they have in common."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from batchconsole.jobs.costs import usage
from batchconsole.jobs.costs.usage import DAY, MODEL, PERSON, REST, TAG, Days, Group, Usage, cells, job_usages, tag_keys
from batchconsole.jobs.models import BatchJob, Connection, Status

pytestmark = pytest.mark.django_db

OCTOBER = Days(date(2026, 10, 1), date(2026, 10, 31))
Make = Callable[..., BatchJob]


@pytest.fixture
def account() -> Connection:
    return Connection.objects.create(name="c", region="us-east-1")


@pytest.fixture
def make(account: Connection) -> Make:
    def job(day: int = 3, *, hour: int = 12, cost: str | None = "1.5", **values: Any) -> BatchJob:
        return BatchJob.objects.create(
            **{
                "connection": account,
                "model_id": "amazon.nova-micro-v1:0",
                "job_name": f"job-{day}",
                "status": Status.COMPLETED,
                "end_time": datetime(2026, 10, day, hour, 59, 59, 999999, UTC),
                "input_token_count": 1000,
                "output_token_count": 100,
                "cost_usd": None if cost is None else Decimal(cost),
                **values,
            }
        )

    return job


def added_up(account: Connection, by: str, *, days: Days = OCTOBER, tag: str = "") -> Usage:
    return Usage.of(cells(account, days, by=by, tag=tag))


def tags(**values: str) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def test_tokens_and_cost_are_added_up(account: Connection, make: Make) -> None:
    make(3)
    make(4, cost="0.25")
    total = added_up(account, MODEL).total
    assert (total.jobs, total.input_tokens, total.output_tokens, total.cost_usd) == (2, 2000, 200, Decimal("1.75"))


def test_nothing_ended_is_nothing(account: Connection) -> None:
    assert added_up(account, MODEL).total == usage.Totals()


def test_a_job_without_a_price_is_counted_apart(account: Connection, make: Make) -> None:
    make()
    make(cost=None)
    total = added_up(account, MODEL).total
    assert (total.cost_usd, total.unpriced, total.tokens) == (Decimal("1.5"), 1, 2200)


def test_a_cost_nobody_knows_is_not_zero(account: Connection, make: Make) -> None:
    make(cost=None)
    assert added_up(account, MODEL).total.cost_usd is None


def test_a_job_whose_output_was_not_read_is_counted_apart(account: Connection, make: Make) -> None:
    make(cost=None, input_token_count=None, output_token_count=None)
    total = added_up(account, MODEL).total
    assert (total.uncounted, total.unpriced) == (1, 0)


def test_a_job_that_failed_before_it_ran_lacks_nothing(account: Connection, make: Make) -> None:
    make(cost=None, status=Status.FAILED, input_token_count=None, output_token_count=None)
    total = added_up(account, MODEL).total
    assert (total.jobs, total.uncounted, total.unpriced) == (1, 0, 0)


def test_days_begin_at_midnight_utc_and_both_ends_count(account: Connection, make: Make) -> None:
    make(1, end_time=datetime(2026, 9, 30, 23, 59, 59, 999999, UTC))
    make(1, end_time=datetime(2026, 10, 1, tzinfo=UTC))
    make(31, hour=23)
    make(1, end_time=datetime(2026, 11, 1, tzinfo=UTC))
    assert sorted(added_up(account, DAY).by_day) == [date(2026, 10, 1), date(2026, 10, 31)]


def test_jobs_still_running_and_those_of_other_connections_do_not_count(account: Connection, make: Make) -> None:
    make(end_time=None, status=Status.IN_PROGRESS)
    make(connection=Connection.objects.create(name="other"))
    assert added_up(account, MODEL).total.jobs == 0


def test_one_model_under_several_ids_is_one_group(account: Connection, make: Make) -> None:
    make()
    make(model_id="us.amazon.nova-micro-v1:0")
    make(model_id="meta.llama3-1-8b-instruct-v1:0")
    found = {group.name: totals.jobs for group, totals in added_up(account, MODEL).by_group.items()}
    assert found == {"amazon.nova-micro-v1:0": 2, "meta.llama3-1-8b-instruct-v1:0": 1}


def test_jobs_created_elsewhere_are_a_group_without_a_name(account: Connection, make: Make) -> None:
    make(created_by=User.objects.create(username="ada"))
    make()
    assert set(added_up(account, PERSON).by_group) == {Group("ada"), Group("")}


def test_by_tag_each_job_counts_once_under_the_tag_s_value(account: Connection, make: Make) -> None:
    make(tags=tags(team="nlp", run="1"))
    make(tags=tags(run="2", team="nlp"))
    make(tags=tags(run="3"))
    make(tags=[])
    found = added_up(account, TAG, tag="team")
    assert {group.name: totals.jobs for group, totals in found.by_group.items()} == {"nlp": 2, "": 2}
    assert found.total.jobs == 4


def test_the_tag_on_most_jobs_comes_first(account: Connection, make: Make) -> None:
    make(tags=tags(team="nlp", run="1"))
    make(tags=tags(run="2"))
    make(tags=tags(run="2"))
    make(day=1, end_time=datetime(2026, 9, 1, tzinfo=UTC), tags=tags(old="1"))
    assert tag_keys(account, OCTOBER) == ["run", "team"]


def test_groups_beyond_the_limit_are_added_up_together() -> None:
    one = usage.Totals(jobs=1)
    many = (usage.Cell(date(2026, 10, 1), Group(str(number)), one) for number in range(usage.MOST_GROUPS + 5))
    found = Usage.of(many)
    assert found.by_group[REST].jobs == 5
    assert found.total.jobs == usage.MOST_GROUPS + 5


def test_groups_days_and_both_add_up_to_the_total(account: Connection, make: Make) -> None:
    for day in (1, 1, 2, 30):
        make(day, model_id=f"vendor.model-{day}-v1")
    found = added_up(account, MODEL)
    for parts in (found.by_group, found.by_day, found.by_both):
        assert sum(totals.cost_usd or 0 for totals in parts.values()) == found.total.cost_usd == Decimal(6)


def test_every_job_is_listed_with_what_it_used(account: Connection, make: Make) -> None:
    make(5, job_name="later", tags=tags(team="nlp"))
    make(4, job_name="earlier", cost=None, created_by=User.objects.create(username="ada"))
    earlier, later = job_usages(account, OCTOBER)
    assert (earlier.job_name, earlier.person, earlier.cost_usd) == ("earlier", "ada", None)
    assert (later.job_name, later.model_id, later.tags) == ("later", "amazon.nova-micro-v1:0", tags(team="nlp"))


def test_a_range_knows_its_days() -> None:
    days = Days(date(2026, 2, 27), date(2026, 3, 1))
    assert len(days) == 3
    assert list(days) == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert days.end - days.start == timedelta(days=3)
