"""Bar charts as plain geometry, in the units of an SVG's view box. Pure; what they look like is the stylesheet's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: The view box: a strip for the words above a bar, the bars, a strip for the labels below.
WIDTH, HEIGHT, TOP, BOTTOM = 640, 200, 18, 22
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
    """One bar; ``middle`` is where its words stand. ``named`` is False where its label would touch the next one."""

    point: Point
    x: float
    y: float
    width: float
    height: float
    middle: float
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
        return Bar(
            point, round(left, 1), round(top, 1), round(share * FULL, 1), height,
            round(place * share + share / 2, 1), (len(self.points) - 1 - place) % every == 0, point.value < 0,
        )  # fmt: skip


def _every(points: Sequence[Point], share: float) -> int:
    """Every how many bars there is room for a label, some seven units a letter."""
    longest = max((max(len(point.label), len(point.words)) for point in points), default=1)
    return max(1, -(-int(longest * 7 + 8) // int(share)))
