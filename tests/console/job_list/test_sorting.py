"""Sorting by one column or several, and only by an index where the table is large."""

import pytest

from batchconsole.console.job_list.sorting import order_by, read_sort, usable
from batchconsole.jobs.models import BatchJob
from tests.console.conftest import MakeJob


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("name", ["name"]),
        ("status,-created", ["status", "-created"]),
        ("name,nonsense,-cost", ["name", "-cost"]),
        ("name,-name", ["name"]),
        ("--name", []),
    ],
)
def test_what_does_not_sort_is_left_out(text: str, names: list[str]) -> None:
    assert read_sort(text) == names


def test_the_newest_come_first_unless_asked_otherwise() -> None:
    assert order_by([]) == ["-created_at", "-id"]


def test_the_rest_of_the_order_is_the_index_s_own_read_forward_or_back() -> None:
    assert order_by(["status"]) == ["status", "-created_at", "-id"]
    assert order_by(["-status"]) == ["-status", "created_at", "id"]
    assert order_by(["name"]) == ["job_name", "id"]


def test_a_large_table_is_sorted_by_an_index_only() -> None:
    assert usable(["-cost", "name"], is_large=True) == ["name"]
    assert usable(["-cost", "name"], is_large=False) == ["-cost", "name"]


@pytest.mark.parametrize(("sort", "expected"), [("cost", ["cheap", "dear", "?"]), ("-cost", ["dear", "cheap", "?"])])
def test_unknown_values_come_last_in_either_order(make_job: MakeJob, sort: str, expected: list[str]) -> None:
    make_job("?")
    make_job("dear", cost_usd=9)
    make_job("cheap", cost_usd=1)
    assert [job.job_name for job in BatchJob.objects.order_by(*order_by([sort]))] == expected
