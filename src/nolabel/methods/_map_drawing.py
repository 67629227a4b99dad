"""Pictures of a `Map` with matplotlib: U-matrix, hits, component planes, labels and clusters of units.

A picture is one PolyCollection: a square or a regular hexagon around each unit's centre. matplotlib is imported when a
picture is asked for, and a figure is made only when no Axes was given; nothing is shown or saved. Colours that carry a
quantity run from light to dark; groups have the ten colours of matplotlib's cycle, with the label written in.
"""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nolabel.data.recipe_columns import column_slices, in_columns, most_varied_category
from nolabel.errors import ArgumentError, not_a_choice
from nolabel.methods._map import Kind, Map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

_PLANES = 12  # of a table, unless columns are named
_INCHES = 5.0
_SMALL = 2.4


def draw(
    model: Map,
    kind: Kind,
    *,
    X: Any = None,
    y: Any = None,
    columns: Sequence[Hashable] | None = None,
    clusters: int | None = None,
    ax: "Axes | None" = None,
) -> "Axes | NDArray[Any]":
    """One picture of a map; see `Map.plot`.

    Raises
    ------
    ArgumentError
        The kind does not exist, or lacks what it is made of; or matplotlib is not installed.
    """
    _check(kind, X, y)
    _require_matplotlib()
    if kind == "planes":
        return _planes(model, columns, ax)
    ax = _axes(model) if ax is None else ax
    labels = None if X is None or y is None else model.label_map(X, y)
    if kind == "labels":
        assert labels is not None
        _groups(model, ax, labels)
    elif kind == "clusters":
        own = getattr(model, "clusters", None) or min(8, model.grid_.units)
        _groups(model, ax, model.unit_clusters(own if clusters is None else clusters).astype(object), labels)
    else:
        values = model.umatrix() if kind == "umatrix" else model.hits(X)
        named = "mean distance to neighbours" if kind == "umatrix" else "samples"
        _colour_bar(ax, cells(model, ax, values.astype(np.float64)), named)
        _write(model, ax, labels, values)
    return ax


def cells(model: Map, ax: "Axes", values: NDArray[np.float64], cmap: str = "bone_r") -> "PolyCollection":
    """A cell for each unit, coloured by its value (K,)."""
    from matplotlib.collections import PolyCollection

    made = PolyCollection(list(outlines(model)), array=values, cmap=cmap, edgecolors="0.8", linewidths=0.3)
    ax.add_collection(made)
    _frame(model, ax)
    return made


def outlines(model: Map) -> NDArray[np.float64]:
    """(K, corners, 2) the outline of each unit's cell: squares of side 1, or regular hexagons with a corner above."""
    if model.grid == "hexagonal":
        angles = np.pi / 6 + np.arange(6) * np.pi / 3
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) / math.sqrt(3)
    else:
        corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return model.positions()[:, None] + corners


# --- kinds -----------------------------------------------------------------------------------------------------------


def _groups(model: Map, ax: "Axes", groups: NDArray[Any], labels: NDArray[Any] | None = None) -> None:
    """Units in the colours of their groups; None is left pale."""
    import matplotlib as mpl

    names = sorted({group for group in groups if group is not None}, key=str)
    code = {name: number % 10 for number, name in enumerate(names)}
    values = np.array([np.nan if group is None else code[group] for group in groups])
    made = cells(model, ax, np.ma.masked_invalid(values), "tab10")
    made.set_clim(0, 9)
    made.set_cmap(mpl.colormaps["tab10"].with_extremes(bad="0.93"))
    made.set_alpha(0.75)
    _write(model, ax, groups if labels is None else labels)


def _planes(model: Map, columns: Sequence[Hashable] | None, ax: "Axes | None") -> "Axes | NDArray[Any]":
    planes = model.planes(columns)  # refuses columns of images, and unknown ones
    if model.spec_.modality == "image":
        ax = _axes(model) if ax is None else ax
        _pictures(model, ax)
        return ax
    if ax is not None:
        raise ArgumentError("ax must be None for the planes of a table: each column has a picture of its own")
    found = _of_columns(model, planes, columns) if in_columns(model.spec_) else _of_values(planes, columns)
    return _side_by_side(model, found if columns is not None else found[:_PLANES])


def _pictures(model: Map, ax: "Axes") -> None:
    """Every unit's own image, in its cell; the same grey is the same value in all."""
    half = 0.5 if model.grid == "rectangular" else 0.42  # a square that lies inside the hexagon
    channels = model.units_.reshape(-1, *model.spec_.shape).clip(0, 1)
    shown = channels[:, 0] if channels.shape[1] == 1 else channels.transpose(0, 2, 3, 1)
    for (x, y), image in zip(model.positions(), shown):
        where = (x - half, x + half, y + half, y - half)
        ax.imshow(image, extent=where, cmap="gray_r", vmin=0, vmax=1, interpolation="bilinear")
    _frame(model, ax)


Named = tuple[str, NDArray[np.float64]]


def _of_columns(model: Map, planes: "pd.DataFrame | NDArray[Any]", columns: Sequence[Hashable] | None) -> list[Named]:
    """Title and value at each unit (K,) of each column: numbers in the user's units, of a category a share."""
    spec, weights = model.spec_, model.units_
    places = {column["name"]: place for column, place in zip(spec.recipe["columns"], column_slices(spec))}
    rules = {column["name"]: column for column in spec.recipe["columns"]}
    if not isinstance(planes, pd.DataFrame):
        planes = pd.DataFrame(planes, columns=list(range(planes.shape[1]) if columns is None else columns))
    found = []
    for name, values in planes.infer_objects().items():
        title = f"column {name}" if isinstance(name, int) else str(name)
        if pd.api.types.is_numeric_dtype(values):
            found.append((title, values.to_numpy(dtype=np.float64, na_value=np.nan)))
        elif name in places:
            found.append(_of_network(title, rules[name], weights[:, places[name]].astype(np.float64)))
    return found


def _of_network(title: str, column: dict[str, Any], values: NDArray[np.float64]) -> Named:
    """Of a category the share of the one that varies most; of what else is no number the network's value."""
    if column["kind"] != "category":
        return title, values[:, 0]
    most, category = most_varied_category(column, values.var(axis=0))
    return f"{title} = {category}", values[:, most]


def _of_values(planes: Any, columns: Sequence[Hashable] | None) -> list[Named]:
    """The same of sparse rows and texts, whose values are numbers as they are."""
    if isinstance(planes, pd.DataFrame):
        return [(str(name), values.to_numpy(dtype=np.float64)) for name, values in planes.items()]
    names = range(min(planes.shape[1], _PLANES)) if columns is None else columns
    return [(f"column {name}", np.asarray(values, dtype=np.float64)) for name, values in zip(names, planes.T)]


def _side_by_side(model: Map, planes: Sequence[Named]) -> NDArray[Any]:
    import matplotlib.pyplot as plt

    if not planes:
        raise ArgumentError("columns names no column that could be drawn; name one or more, or leave it out")
    across = min(4, len(planes))
    down = -(-len(planes) // across)
    _, grid = plt.subplots(down, across, figsize=(_SMALL * across + 0.6, _SMALL * down), squeeze=False)
    for ax in grid.ravel()[len(planes) :]:
        ax.set_axis_off()
    for ax, (title, values) in zip(grid.ravel(), planes):
        _colour_bar(ax, cells(model, ax, values, "viridis"), "")
        ax.set_title(title, fontsize="small")
    grid[0, 0].figure.tight_layout()
    return np.asarray(grid)


# --- parts of a picture ----------------------------------------------------------------------------------------------


def _check(kind: str, X: Any, y: Any) -> None:
    if kind not in get_args(Kind):
        raise not_a_choice("kind", kind, get_args(Kind))
    if X is None and (kind in ("hits", "labels") or y is not None):
        raise ArgumentError(f"plot({kind!r}) needs X, the samples to place on the map")
    if kind == "labels" and y is None:
        raise ArgumentError("plot('labels') needs y, one label for each sample of X, or y='labels' for the data's own")


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401 - asked for here, so that its absence is told in one place
    except ImportError as error:
        raise ArgumentError("plot needs matplotlib; install it with: pip install 'nolabel[plot]'") from error


def _axes(model: Map) -> "Axes":
    import matplotlib.pyplot as plt

    size = np.ptp(model.positions(), axis=0) + 1
    width, height = _INCHES * size / size.max()
    _, ax = plt.subplots(figsize=(width + 1.2, height + 0.4))
    return ax


def _frame(model: Map, ax: "Axes") -> None:
    corners = outlines(model).reshape(-1, 2)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    ax.set(xlim=(left - 0.05, right + 0.05), ylim=(bottom + 0.05, top - 0.05), aspect="equal")
    ax.set_axis_off()


def _colour_bar(ax: "Axes", made: "PolyCollection", named: str) -> None:
    ax.figure.colorbar(made, ax=ax, label=named, fraction=0.046, pad=0.03)


def _write(model: Map, ax: "Axes", labels: NDArray[Any] | None, values: "NDArray[np.generic] | None" = None) -> None:
    """Each unit's label in its cell, light on dark."""
    if labels is None:
        return
    shade = np.zeros(len(labels)) if values is None else np.asarray(values, dtype=np.float64)
    shade = (shade - shade.min()) / max(float(np.ptp(shade)), 1e-12)
    side = max(model.shape_)
    for (x, y), label, dark in zip(model.positions(), labels, shade):
        if label is not None:
            colour = "white" if dark > 0.55 else "black"
            ax.text(x, y, str(label), ha="center", va="center", color=colour, fontsize=min(10, 160 / side))
