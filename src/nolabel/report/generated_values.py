"""A `Generated` as the template needs it: rows of pictures as addresses, clouds as paths, measures as text.

It knows neither models nor HTML.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nolabel.report.content import Clouds, Floats, Strips
from nolabel.report.images import strip
from nolabel.report.numbers import number, sentence_case

_TINY = 48  # pictures below this many pixels are drawn with hard edges
SIDE = 160  # of a cloud's picture
_MARGIN = 0.06  # of the extent, around the data


@dataclass(frozen=True)
class StripRow:
    """One row of pictures: its name, a few words, its address."""

    name: str
    note: str
    uri: str


@dataclass(frozen=True)
class StripFigure:
    """A `Strips` as the template needs it."""

    caption: str
    low: str
    high: str
    tiny: bool
    rows: Sequence[StripRow]


@dataclass(frozen=True)
class CloudFigure:
    """A `Clouds` as the template needs it: `data`, and the samples of each moment, in SVG's path language."""

    how: str
    side: int
    data: str
    moments: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class JudgedRow:
    """One measure of samples, beside what real samples and noise get."""

    measure: str
    how: str
    arrow: str
    direction: str
    value: str
    sd: str
    floor: str
    ceiling: str


@dataclass(frozen=True)
class JudgedTable:
    """A judgement: its rows, the classes in one line, the protocol as (what, how), and notes."""

    rows: Sequence[JudgedRow]
    classes: str
    protocol: Sequence[tuple[str, str]]
    notes: Sequence[str]


def strip_figure(shown: Strips) -> StripFigure:
    """Each row of pictures as one picture."""
    rows = [StripRow(*each) for each in zip(shown.names, shown.notes, map(strip, shown.pictures))]
    return StripFigure(shown.caption, *shown.ends, max(shown.pictures.shape[2:4]) < _TINY, rows)


def cloud_figure(shown: Clouds) -> CloudFigure:
    """All clouds on the scales of the data; samples outside lie on the rim."""
    low, high = shown.data.min(axis=0), shown.data.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    low, extent = low - _MARGIN * extent, (1 + 2 * _MARGIN) * extent
    moments = [(name, _dots((points - low) / extent)) for name, points in shown.moments]
    return CloudFigure(shown.how, SIDE, _dots((shown.data - low) / extent), moments)


def _dots(shares: Floats) -> str:
    """Points in [0, 1], x to the right and y upwards, as strokes without length, which round caps make dots."""
    finite = shares[np.isfinite(shares).all(axis=1)]
    across, up = (SIDE * np.clip(finite, 0.01, 0.99)).T.round(1)
    return "".join(f"M{x:g} {SIDE - y:g}h0" for x, y in zip(across.tolist(), up.tolist()))


def judged_table(judged: Mapping[str, Any]) -> JudgedTable | None:
    """A judgement as text; None when there is none."""
    if not judged:
        return None
    protocol = [(sentence_case(name), str(told)) for name, told in judged.get("protocol", {}).items()]
    return JudgedTable(
        [_row(row) for row in judged.get("rows", [])],
        _classes(judged.get("classes", [])),
        protocol,
        list(judged.get("notes", [])),
    )


def _row(row: Mapping[str, Any]) -> JudgedRow:
    higher = bool(row["higher_is_better"])
    numbers = [_number(row[name]) for name in ("value", "floor", "ceiling")]
    sd = "" if row.get("sd") is None else f"{row['sd']:.2g}"
    arrow, direction = ("↑", "higher is better") if higher else ("↓", "lower is better")
    value, floor, ceiling = numbers
    return JudgedRow(sentence_case(row["measure"]), row["how"], arrow, direction, value, sd, floor, ceiling)


def _number(value: float | None) -> str:
    if value is None:
        return number(None)
    return number(value, 0 if abs(value) >= 1000 else None)


def _classes(classes: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} {one['samples']:.1%} ({one['reference']:.1%})" for one in classes)
