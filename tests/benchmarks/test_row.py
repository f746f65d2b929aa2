"""A benchmark's row knows whether it has kept its bound."""

import pytest

from tests.benchmarks.row import Row


@pytest.mark.parametrize(
    ("row", "is_reached", "goal"),
    [
        (Row("speed", 0.7, at_least=0.6), True, "at least 0.6 x"),
        (Row("speed", 0.5, at_least=0.6), False, "at least 0.6 x"),
        (Row("memory", 200, "MiB", at_most=200), True, "at most 200 MiB"),
        (Row("memory", 201, "MiB", at_most=200), False, "at most 200 MiB"),
    ],
)
def test_a_goal_is_reached_or_missed(row: Row, is_reached: bool, goal: str) -> None:
    assert (row.is_reached, row.goal) == (is_reached, goal)
