"""The geometry of the chart: what is drawn where, from figures alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.console.kit.charts import HEIGHT, Series, StackedBars, tick_values


def bars(*values: Sequence[float]) -> StackedBars:
    labels = [f"d{number}" for number in range(len(values[0]))]
    series = [Series(f"s{number}", each) for number, each in enumerate(values)]
    return StackedBars(labels, labels, series, "{:g}".format, lambda values: [f"{value:g}" for value in values])


@pytest.mark.parametrize(
    ("tallest", "expected"),
    [(0, [0, 1]), (10, [0, 5, 10]), (7, [0, 2, 4, 6, 8]), (1, [0, 0.5, 1]), (2_300_000, [0, 1e6, 2e6, 3e6])],
)
def test_ticks_are_round(tallest: float, expected: list[float]) -> None:
    assert tick_values(tallest) == expected


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_ticks_reach_the_tallest_bar_and_are_few(tallest: float) -> None:
    values = tick_values(tallest)
    assert values[-1] >= tallest * 0.999
    assert 2 <= len(values) <= 6


def test_the_segments_of_a_bar_stand_on_each_other() -> None:
    first, second = bars([4.0], [6.0]).draw().segments
    assert first.y + first.height == HEIGHT
    assert second.y + second.height == pytest.approx(first.y)
    assert (first.number, second.number) == (1, 2)


def test_the_tallest_tick_is_the_top() -> None:
    [segment] = bars([10.0]).draw().segments
    assert (segment.y, segment.height) == (0, HEIGHT)


def test_nothing_is_drawn_for_nothing() -> None:
    assert bars([0.0, 0.0]).draw().segments == []


def test_a_segment_says_what_it_is() -> None:
    assert bars([3.0]).draw().segments[0].title == "d0: s0, 3"


def test_a_year_of_bars_has_a_dozen_labels() -> None:
    chart = bars([1.0] * 366).draw()
    assert len(chart.marks) <= 12
    assert len(chart.segments) == 366


def test_one_bar_is_not_as_wide_as_the_chart() -> None:
    assert bars([1.0]).draw().segments[0].width == "6.000%"


def test_every_second_label_may_be_left_out() -> None:
    assert [mark.is_minor for mark in bars([1.0] * 4).draw().marks] == [False, True, False, True]
