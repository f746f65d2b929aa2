"""Stacked bars with a line across them, as geometry for a template to render as SVG, without style or data of its own.

Horizontal positions are percentages, so that the chart fills any width while its texts keep their size; vertical
positions are pixels.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

HEIGHT = 240  # in pixels: the bars, without the labels below them
LABEL_ROOM = 28  # in pixels: the space below the bars
MOST_TICKS = 5
MOST_LABELS = 12
BAR_SHARE = 0.72  # the width of a bar as a share of its slot
WIDEST_BAR = 6.0  # in percent of the chart's width

Format = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """One color of the chart, with a value for each bar (0 for none)."""

    name: str
    values: Sequence[float]

    @property
    def total(self) -> float:
        return sum(self.values)


@dataclass(frozen=True)
class Segment:
    """One rectangle; ``number`` is the number of its series, starting at 1."""

    number: int
    x: str
    y: float
    width: str
    height: float
    title: str


@dataclass(frozen=True)
class Stroke:
    """A piece of a line, from the middle of one bar's slot to the next, with the value at its end."""

    x1: str
    y1: float
    x2: str
    y2: float
    title: str


@dataclass(frozen=True)
class Mark:
    """An axis label: at ``x`` percent below the bars, or at ``y`` pixels beside them."""

    text: str
    x: str = ""
    y: float = 0
    is_minor: bool = False  # may be hidden on a narrow screen


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    segments: list[Segment]
    marks: list[Mark]
    ticks: list[Mark]
    legend: list[tuple[int, str]]
    strokes: list[Stroke] = field(default_factory=list)
    height: int = HEIGHT
    label_y: int = HEIGHT + 18
    full_height: int = HEIGHT + LABEL_ROOM


@dataclass
class StackedBars:
    """The data of a chart.

    ``labels`` are shown below the bars, ``titles`` are the bars' full names; ``show`` formats a value, ``show_ticks``
    formats the round values beside the bars. ``line`` is drawn across the bars; it may be shorter than they.
    """

    labels: Sequence[str]
    titles: Sequence[str]
    series: Sequence[Series]
    show: Format
    show_ticks: Callable[[list[float]], list[str]]
    line: Series | None = None
    steps: list[float] = field(init=False)

    def __post_init__(self) -> None:
        tallest = max((sum(column) for column in zip(*(each.values for each in self.series), strict=True)), default=0)
        self.steps = tick_values(max([tallest, *(self.line.values if self.line else ())]))

    def draw(self) -> Chart:
        return Chart(
            segments=[segment for position in range(len(self.labels)) for segment in self._bar(position)],
            marks=self._marks(),
            ticks=[
                Mark(text, y=self._y(value))
                for text, value in zip(self.show_ticks(self.steps), self.steps, strict=True)
            ],
            legend=[(number, each.name) for number, each in enumerate(self.series, 1)],
            strokes=list(self._strokes(self.line)) if self.line else [],
        )

    def _strokes(self, line: Series) -> Iterator[Stroke]:
        room = 100 / len(self.labels)
        points = [(percent((position + 0.5) * room), self._y(value)) for position, value in enumerate(line.values)]
        for position, ((x1, y1), (x2, y2)) in enumerate(pairwise(points), 1):
            title = f"{line.name}, {self.titles[position]}: {self.show(line.values[position])}"
            yield Stroke(x1, y1, x2, y2, title)

    def _y(self, value: float) -> float:
        return round(HEIGHT - HEIGHT * value / self.steps[-1], 2)

    def _bar(self, position: int) -> list[Segment]:
        room = 100 / len(self.labels)
        width = min(room * BAR_SHARE, WIDEST_BAR)
        x = percent((position + 0.5) * room - width / 2)
        segments, below = [], 0.0
        for number, each in enumerate(self.series, 1):
            value = each.values[position]
            if value > 0:
                top = self._y(below + value)
                title = f"{self.titles[position]}: {each.name}, {self.show(value)}"
                segments.append(Segment(number, x, top, percent(width), round(self._y(below) - top, 2), title))
                below += value
        return segments

    def _marks(self) -> list[Mark]:
        room = 100 / max(len(self.labels), 1)
        step = max(1, math.ceil(len(self.labels) / MOST_LABELS))
        return [
            Mark(self.labels[position], x=percent((position + 0.5) * room), is_minor=bool(position // step % 2))
            for position in range(0, len(self.labels), step)
        ]


def percent(value: float) -> str:
    return f"{value:.3f}%"


def tick_values(tallest: float) -> list[float]:
    """Return a few round values from 0 to at least *tallest*, in steps of 1, 2 or 5 times a power of ten."""
    if tallest <= 0:
        return [0, 1]
    rough = tallest / (MOST_TICKS - 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999999)
    return [step * number for number in range(math.ceil(tallest / step - 1e-9) + 1)]
