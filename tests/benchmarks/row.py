"""What a benchmark says: one figure, and the bound it has to keep."""

from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table that `manage.py bench` prints.

    ``value`` is a ratio against a yardstick run in the same process, a count, or a size in ``unit``; never a bare time,
    which says more about the machine than about the code. One of ``at_least`` and ``at_most`` is the goal.
    """

    what: str
    value: float
    unit: str = "x"
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def is_reached(self) -> bool:
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    @property
    def goal(self) -> str:
        bounds = {"at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{words} {bound:g} {self.unit}" for words, bound in bounds.items() if bound is not None)
