"""A `Map` as the values that the page's script draws: positions, groups with colour and shape, thumbnails, rows.

It decides what a group is called and looks like; it draws nothing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nolabel.report.content import Codes, Floats, Map
from nolabel.report.images import sheet, shrink

NameOf = Callable[[int], tuple[str, str]]  # code -> (short name, name)

_COLOURS = 10  # --p0 to --p9 in page.css
_SHAPES = 4  # circle, square, triangle, diamond: 40 groups can be told apart
_LONGEST_THUMBNAIL = 48


def script_values(shown: Map) -> dict[str, Any]:
    """Everything that the script needs to draw the map; plain JSON."""
    across, up = _unit_square(shown.coords)
    clusters, cluster_of = _grouped(shown.clusters, shown.coords, lambda code: _cluster_name(shown, code))
    labels: list[dict[str, Any]] = []
    label_of: list[int] | None = None
    if shown.labels is not None:
        labels, label_of = _grouped(shown.labels, shown.coords, lambda code: _class_name(shown.classes, code))
    return {
        "x": across,
        "y": up,
        "ids": list(shown.ids),
        "cluster": cluster_of,
        "label": label_of,
        "groups": {"cluster": clusters, "label": labels},
        "sheet": _sheet(shown),
        "columns": list(shown.columns),
        "rows": [list(row) for row in shown.rows],
        "lines": list(shown.lines),
        "noun": shown.noun,
        "neighbours": None if shown.neighbours is None else shown.neighbours.tolist(),
    }


def _unit_square(coords: Floats) -> tuple[list[float], list[float]]:
    low, high = coords.min(axis=0), coords.max(axis=0)
    unit = (coords - low) / np.where(high > low, high - low, 1)
    across, up = np.round(unit.astype(np.float64), 4).T.tolist()
    return across, up


def _grouped(codes: Codes, coords: Floats, name_of: NameOf) -> tuple[list[dict[str, Any]], list[int]]:
    """The groups in the order of the legend (no group, code -1, last), and each sample's place among them."""
    present = sorted({int(code) for code in codes}, key=lambda code: (code < 0, code))
    groups = [_group(code, codes, coords, *name_of(code)) for code in present]
    places = {code: place for place, code in enumerate(present)}
    return groups, [places[int(code)] for code in codes]


def _group(code: int, codes: Codes, coords: Floats, short: str, name: str) -> dict[str, Any]:
    members = np.flatnonzero(codes == code)
    middle = np.median(coords[members], axis=0)
    anchor = members[np.argmin(((coords[members] - middle) ** 2).sum(axis=1))]
    return {
        "name": name,
        "short": short,
        "colour": None if code < 0 else code % _COLOURS,
        "shape": 0 if code < 0 else code // _COLOURS % _SHAPES,
        "count": len(members),
        "anchor": int(anchor),
    }


def _class_name(classes: Sequence[str], code: int) -> tuple[str, str]:
    name = "unknown" if code < 0 else classes[code] if code < len(classes) else str(code)
    return name, name


def _cluster_name(shown: Map, code: int) -> tuple[str, str]:
    """The cluster's number, with its name if it has one, else with the label that most of its members carry."""
    short = "none" if code < 0 else str(code)
    long = f"in no {shown.noun}" if code < 0 else f"{shown.noun.capitalize()} {code}"
    if 0 <= code < len(shown.names):
        return short, f"{long} · {shown.names[code]}"
    if shown.labels is None or code < 0:
        return short, long
    inside = [int(label) for label in shown.labels[shown.clusters == code] if label >= 0]
    if not inside:
        return short, long
    label, votes = Counter(inside).most_common(1)[0]
    return short, f"{long} · {votes / len(inside):.0%} {_class_name(shown.classes, label)[0]}"


def _sheet(shown: Map) -> dict[str, Any] | None:
    if shown.thumbnails is None:
        return None
    made = sheet(shrink(shown.thumbnails, _LONGEST_THUMBNAIL))
    return {"uri": made.uri, "columns": made.columns, "width": made.width, "height": made.height}
