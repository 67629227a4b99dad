"""Line charts as geometry: values in, path strings, ticks and label places out. The template draws them.

It knows nothing of HTML, colours or what the lines mean.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from nolabel.report.numbers import tick

WIDTH, HEIGHT = 340, 210  # small, so that the text keeps its size on a phone
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 34
_MOST_POINTS = 400  # more than the pixels of a chart say nothing


@dataclass(frozen=True)
class Line:
    """One line: `ys` over `xs`, gaps where a value is NaN; `spreads` are half-heights of a band, when given.

    `role` names the look: a column of the evidence, "train" or "heldout".
    """

    name: str
    role: str
    xs: Sequence[float]
    ys: Sequence[float]
    spreads: Sequence[float] = ()


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Drawn:
    """One line as the template needs it: `path` and `band` in SVG's path language, `points` as (x, y) in pixels."""

    name: str
    role: str
    path: str
    band: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Plot:
    """A chart on one pair of scales."""

    scale: Literal["linear", "log"]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Drawn]


@dataclass(frozen=True)
class Axis:
    """Values between `low` and `high` to pixels between `start` and `end`, linear or logarithmic."""

    low: float
    high: float
    start: int
    end: int
    log: bool = False

    def pixel(self, value: float) -> float:
        """Where `value` is drawn."""
        low, high, at = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 1)


@dataclass(frozen=True)
class Chart:
    """A chart: its plot on a linear y axis and, where every value is above 0, the same on a logarithmic one.

    `across` is the x axis, which both share.
    """

    title: str
    x_label: str
    lines: Sequence[Line]
    across: Axis
    linear: Plot
    log: Plot | None


def chart(title: str, x_label: str, lines: Sequence[Line], *, log_x: bool = False) -> Chart:
    """A chart of some lines; lines without a finite value are left out."""
    thinned = [thin(line) for line in lines if any(map(math.isfinite, line.ys))]
    across = _x_axis(thinned, log_x)
    positive = all(low > 0 for line in thinned for low in _lows(line))
    log = _plot(thinned, across, log_y=True) if positive else None
    return Chart(title, x_label, thinned, across, _plot(thinned, across, log_y=False), log)


def thin(line: Line) -> Line:
    """The line with at most a few hundred points: the first, the last, and every k-th between."""
    count = len(line.xs)
    if count <= _MOST_POINTS:
        return line
    keep = sorted({round(place * (count - 1) / (_MOST_POINTS - 1)) for place in range(_MOST_POINTS)})
    spreads = [line.spreads[place] for place in keep] if line.spreads else ()
    return Line(line.name, line.role, [line.xs[i] for i in keep], [line.ys[i] for i in keep], spreads)


def linear_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between `low` and `high`."""
    step = _round_step((high - low) / about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between `low` and `high`; on a short axis 2 and 5 times each; linear ones on a very short axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    short = math.log10(high / low) < 2.2
    marks = [factor * 10.0**power for power in powers for factor in ((1, 2, 5) if short else (1,))]
    inside = [mark for mark in marks if low <= mark <= high]
    return inside if len(inside) >= 3 else linear_ticks(low, high)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _lows(line: Line) -> list[float]:
    return [y - s for y, s in zip(line.ys, line.spreads or [0.0] * len(line.ys)) if math.isfinite(y)]


def _highs(line: Line) -> list[float]:
    return [y + s for y, s in zip(line.ys, line.spreads or [0.0] * len(line.ys)) if math.isfinite(y)]


def _range(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    low, high = min(known), max(known)
    if low < high:
        return low, high
    margin = abs(low) / 2 or 1.0
    return low - margin, high + margin


def _x_axis(lines: Sequence[Line], log: bool) -> Axis:
    low, high = _range(x for line in lines for x in line.xs)
    return Axis(max(low, high / 1e6) if log else low, high, LEFT, WIDTH - RIGHT, log)


def _plot(lines: Sequence[Line], across: Axis, *, log_y: bool) -> Plot:
    low, high = _range(y for line in lines for each in (_lows(line), _highs(line)) for y in each)
    up = Axis(low, high, HEIGHT - BOTTOM, TOP, log_y)
    return Plot(
        "log" if log_y else "linear",
        [Tick(across.pixel(x), tick(x)) for x in _x_marks(lines, across)],
        [Tick(up.pixel(y), tick(y)) for y in (log_ticks if log_y else linear_ticks)(low, high)],
        [_drawn(line, across, up) for line in lines],
    )


def _x_marks(lines: Sequence[Line], across: Axis) -> list[float]:
    if across.log:  # few points, each chosen by hand: mark them all
        return sorted({x for line in lines for x in line.xs})
    whole = [mark for mark in linear_ticks(across.low, across.high) if mark == round(mark)]
    return whole or [across.low]


def _drawn(line: Line, across: Axis, up: Axis) -> Drawn:
    known = [place for place, y in enumerate(line.ys) if math.isfinite(y)]
    points = [(across.pixel(line.xs[place]), up.pixel(line.ys[place])) for place in known]
    runs = _runs(known)
    path = "".join(_walk([points[place] for place in run]) for run in runs)
    return Drawn(line.name, line.role, path, _band(line, across, up) if line.spreads else "", points)


def _runs(known: Sequence[int]) -> list[list[int]]:
    """Positions in `known`, cut wherever a value is missing between two neighbours."""
    runs: list[list[int]] = [[0]] if known else []
    for place, (before, after) in enumerate(pairwise(known), start=1):
        if after == before + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _walk(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _band(line: Line, across: Axis, up: Axis) -> str:
    known = [place for place, y in enumerate(line.ys) if math.isfinite(y)]
    above = [(across.pixel(line.xs[place]), up.pixel(line.ys[place] + line.spreads[place])) for place in known]
    below = [(across.pixel(line.xs[place]), up.pixel(line.ys[place] - line.spreads[place])) for place in known]
    return _walk([*above, *reversed(below)]) + "Z"
