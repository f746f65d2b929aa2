"""Pages that cost the same in any table."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from batchconsole.console.kit.pagination import LOOK_AHEAD, Page, page_number, paginate
from batchconsole.jobs.models import Connection, Event


def page(number: int = 1, count: int = 95) -> Page:
    return Page(rows=[], number=number, size=10, count=count, has_more=False)


@pytest.fixture
def many(connection: Connection) -> None:
    Event.objects.bulk_create(Event(connection=connection, verb="created") for _ in range(LOOK_AHEAD + 50))


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("", 1), ("-2", 1), ("x", 1), ("²", 1), ("9" * 30, 1)])
def test_a_page_number_that_is_none_is_the_first(text: str, number: int) -> None:
    assert page_number(text) == number


def test_the_ends_and_the_neighbours_are_offered() -> None:
    assert list(page(number=5).numbers()) == [1, None, 3, 4, 5, 6, 7, None, 10]
    assert list(page(count=0).numbers()) == [1]


def test_there_is_no_page_before_the_first_or_after_the_last() -> None:
    assert (page(1).previous, page(1).next) == (None, 2)
    assert (page(10).previous, page(10).next) == (9, None)


def test_a_page_past_the_end_is_the_last(connection: Connection) -> None:
    Event.objects.bulk_create(Event(connection=connection, verb="created") for _ in range(25))
    found = paginate(Event.objects.order_by("pk"), number=99, size=10)
    assert (found.number, len(found.rows), found.count_text) == (3, 5, "25")


def test_whole_rows_are_read_by_the_keys_of_the_page(connection: Connection) -> None:
    Event.objects.bulk_create(Event(connection=connection, verb=f"verb-{number}") for number in range(25))
    with CaptureQueriesContext(database) as queries:
        whole = Event.objects.select_related("connection")
        found = paginate(Event.objects.order_by("-verb"), number=2, size=3, whole=whole)
    assert [event.verb for event in found.rows] == ["verb-6", "verb-5", "verb-4"]
    assert len(queries) == 3
    assert [" JOIN " in query["sql"] for query in queries] == [False, False, True]


def test_counting_stops_some_way_ahead_and_says_so(many: None) -> None:
    found = paginate(Event.objects.order_by("pk"), number=1, size=10)
    assert found.has_more
    assert found.count_text == "1,000+"


def test_going_on_finds_the_rest(many: None) -> None:
    found = paginate(Event.objects.order_by("pk"), number=101, size=10)
    assert not found.has_more
    assert found.count_text == "1,050"


def test_a_page_tells_which_items_it_displays(many: None) -> None:
    assert paginate(Event.objects.order_by("pk"), number=2, size=20).displaying == "Displaying items 21 to 40 of 1,000+"
    assert page(count=0).displaying == "Displaying no items"
