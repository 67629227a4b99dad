"""A `UnitMap` as the values that the page's script draws: cells, scales, groups, pictures of the weights.

It decides where a cell's corners are and how much of a large map is sent; it draws nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nolabel.report.content import Codes, Floats, Plane, UnitMap
from nolabel.report.images import sheet, shrink

_COLOURS, _SHAPES = 10, 4  # as on the map of the codes
_LONGEST = 48
_SHEET_BUDGET = 1_200_000
_PLANE_VALUES = 120_000  # over all planes, so that a large map does not fill the page
_FEWEST_PLANES = 3
_VOTES = 5


def unit_values(shown: UnitMap) -> dict[str, Any]:
    """Everything that the script needs to draw the map of units; plain JSON."""
    centres, corners = _laid_out(shown)
    labels = _label_of(shown)
    return {
        "x": _short(centres[:, 0]),
        "y": _short(centres[:, 1]),
        "corners": corners,
        "columns": shown.shape[1],
        "distances": _short(shown.distances),
        "hits": shown.hits.tolist(),
        "cluster": shown.clusters.tolist(),
        "label": None if labels is None else labels.tolist(),
        "votes": None if shown.votes is None else [_largest(row) for row in shown.votes],
        "groups": {
            "cluster": _groups(shown.clusters, [f"Cluster {code}" for code in range(_count(shown.clusters))]),
            "label": [] if labels is None else _groups(labels, list(shown.classes)),
        },
        "planes": [{"name": plane.name, "values": _short(plane.values)} for plane in planes_sent(shown)],
        "sheet": _sheet(shown),
    }


def _laid_out(shown: UnitMap) -> tuple[Floats, list[list[float]]]:
    """Centres one apart, from (0, 0), and the corners of a cell around its centre.

    A cell is the set of points nearest to its centre: a square, or a hexagon whose corners lie halfway, in angle,
    between the directions of the neighbours.
    """
    centres = np.asarray(shown.centres, dtype=np.float64)
    centres = centres - centres.min(axis=0)
    sides = 6 if shown.grid == "hexagonal" else 4
    if len(centres) == 1:
        return centres, _corners(sides, 0.0)
    away = centres[1:] - centres[0]
    lengths = np.linalg.norm(away, axis=1)
    first = int(lengths.argmin())
    return centres / lengths[first], _corners(sides, math.atan2(away[first, 1], away[first, 0]))


def _corners(sides: int, neighbour: float) -> list[list[float]]:
    """Corners of the regular polygon whose sides are ½ away; `neighbour` is the direction of one side's middle."""
    radius = 0.5 / math.cos(math.pi / sides)
    angles = [neighbour + (2 * step + 1) * math.pi / sides for step in range(sides)]
    return [[round(radius * math.cos(angle), 5), round(radius * math.sin(angle), 5)] for angle in angles]


def _short(values: Floats) -> list[float | None]:
    """Four significant digits; None for what is not a number."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in np.asarray(values).tolist()]


def _label_of(shown: UnitMap) -> Codes | None:
    """(K,) the class that most samples at a unit carry, -1 where none does; the first of equals."""
    if shown.votes is None:
        return None
    return np.where(shown.votes.sum(axis=1) > 0, shown.votes.argmax(axis=1), -1)


def _largest(row: Codes) -> list[list[int]]:
    """[class, samples] of the classes at a unit, most samples first."""
    order = np.argsort(-row, kind="stable")[:_VOTES]
    return [[int(code), int(row[code])] for code in order if row[code] > 0]


def _count(codes: Codes) -> int:
    return int(codes.max(initial=-1)) + 1


def _groups(codes: Codes, names: Sequence[str]) -> list[dict[str, Any]]:
    """Name, look and number of units of every group, in the order of their codes."""
    return [
        {
            "name": name,
            "colour": code % _COLOURS,
            "shape": code // _COLOURS % _SHAPES,
            "count": int((codes == code).sum()),
        }
        for code, name in enumerate(names)
    ]


def planes_sent(shown: UnitMap) -> list[Plane]:
    """The component planes on the page: all that were chosen, or fewer of a very large map."""
    most = max(_FEWEST_PLANES, _PLANE_VALUES // max(1, len(shown.hits)))
    return list(shown.planes)[:most]


def _sheet(shown: UnitMap) -> dict[str, Any] | None:
    if shown.weights is None:
        return None
    made = sheet(shrink(shown.weights, _LONGEST), _SHEET_BUDGET)
    return {"uri": made.uri, "columns": made.columns, "width": made.width, "height": made.height}
