"""Bar charts as plain geometry, in the units of an SVG's view box. Pure; what they look like is the stylesheet's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

#: The view box: a strip for the words above a bar, the bars, a strip for the labels below.
WIDTH, HEIGHT, TOP, BOTTOM = 420, 170, 20, 20
#: Width of a letter, at the size that phones show.
LETTER = 7.5
#: Of a bar's share of the width, this much is bar.
FULL = 0.68


@dataclass(frozen=True, slots=True)
class Point:
    """One value, how it is called below its bar, and how it is said above and in the table."""

    label: str
    value: int
    said: str = ""

    @property
    def words(self) -> str:
        return self.said or f"{self.value:,}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``words_at`` is where its words stand, ``label_at`` its label, both moved in from the edges.

    ``named`` is False where its label would touch the next one's.
    """

    point: Point
    x: float
    y: float
    width: float
    height: float
    words_at: float
    label_at: float
    named: bool
    below: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over a base line; values below zero hang from it."""

    title: str
    about: str
    points: tuple[Point, ...]

    @property
    def is_empty(self) -> bool:
        return not any(point.value for point in self.points)

    @property
    def base(self) -> float:
        """Height of the base line."""
        return round(TOP + self._scale * self._largest, 1)

    @property
    def _largest(self) -> int:
        return max([0, *(point.value for point in self.points)])

    @property
    def _scale(self) -> float:
        """Units a value."""
        span = self._largest - min([0, *(point.value for point in self.points)])
        return (HEIGHT - TOP - BOTTOM) / span if span else 0

    @property
    def bars(self) -> list[Bar]:
        share = WIDTH / max(len(self.points), 1)
        every = _every(self.points, share)
        return [self._bar(place, point, share, every) for place, point in enumerate(self.points)]

    def _bar(self, place: int, point: Point, share: float, every: int) -> Bar:
        height = round(abs(point.value) * self._scale, 1)
        left = place * share + share * (1 - FULL) / 2
        top = self.base - height if point.value >= 0 else self.base
        middle = place * share + share / 2
        return Bar(
            point, round(left, 1), round(top, 1), round(share * FULL, 1), height, _inside(middle, point.words),
            _inside(middle, point.label), (len(self.points) - 1 - place) % every == 0, point.value < 0,
        )  # fmt: skip


def _inside(middle: float, words: str) -> float:
    """Where the middle of a text stands so that neither edge cuts it."""
    half = len(words) * LETTER / 2
    return round(min(max(middle, half), WIDTH - half), 1)


def _every(points: Sequence[Point], share: float) -> int:
    """Every how many bars there is room for its texts; one that is moved in from the edge needs more."""
    longest = max((max(len(point.label), len(point.words)) for point in points), default=1) * LETTER
    return max(1, ceil((longest + max(0.0, longest - share) / 2) / share))
