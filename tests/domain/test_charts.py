"""Charts: every bar is inside the picture, in proportion, and no label stands on another."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.charts import BOTTOM, HEIGHT, LETTER, TOP, WIDTH, Chart, Point

POINTS = st.lists(st.builds(Point, st.text("abc–", min_size=1, max_size=8), st.integers(-9_999, 99_999)), min_size=1,
                  max_size=40)  # fmt: skip


@given(POINTS)
def test_bars_stay_inside_and_labels_apart(points: list[Point]) -> None:
    chart = Chart("t", "a", tuple(points))
    bars = chart.bars
    assert [bar.point for bar in bars] == points
    for bar in bars:
        assert bar.x >= -0.1
        assert bar.x + bar.width <= WIDTH + 0.1
        assert bar.y >= TOP - 0.2
        assert bar.y + bar.height <= HEIGHT - BOTTOM + 0.2
    tallest = max(bars, key=lambda bar: abs(bar.point.value))
    assert all(bar.height <= tallest.height for bar in bars)
    named = [bar for bar in bars if bar.named]
    assert bars[-1].named
    for left, right in pairwise(named):
        labels = (len(left.point.label) + len(right.point.label)) / 2 * LETTER
        said = (len(left.point.words) + len(right.point.words)) / 2 * LETTER
        assert right.label_at - left.label_at >= labels - 0.2
        assert right.words_at - left.words_at >= said - 0.2


def test_nothing_to_show_is_said_to_be_nothing() -> None:
    assert Chart("t", "a", (Point("one", 0),)).is_empty
    assert not Chart("t", "a", (Point("one", 3),)).is_empty
