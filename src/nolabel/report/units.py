"""A `Map` model and its data to a `UnitMap`: U-matrix, hits, labels, clusters, planes, and how good the map is.

It knows maps by their type only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_names, column_slices, in_columns, most_varied_category
from nolabel.evaluation.clusters import choose_k
from nolabel.evaluation.splits import seed_of
from nolabel.methods._map import Map
from nolabel.report.codes_map import Groups, Placing
from nolabel.report.content import Codes, Floats, Measure, Plane, UnitMap
from nolabel.report.looks import pixels, restored_columns, value_names
from nolabel.report.numbers import number
from nolabel.types import DataSpec

_PLANES = 12
_WITHIN = 0.44  # of the distance between units: a cell reaches half of it
_GOLDEN = np.pi * (3 - np.sqrt(5))  # the angle by which a sunflower goes on


def unit_map(
    model: Map, data: Dataset, units: Codes, *, labels: Codes | None, classes: tuple[str, ...], seed: int
) -> UnitMap:
    """What the page shows of a map.

    Parameters
    ----------
    model
        Fitted.
    data
        The N samples to be placed on it: all there are.
    units
        (N,) unit of each.
    labels, classes
        (N,) class codes, -1 for unknown, and their names; None without labels.
    seed
        Of the samples by which the number of clusters is chosen.
    """
    weights, image = np.asarray(model.units_), data.spec.modality == "image"
    return UnitMap(
        grid=model.grid,
        shape=model.shape_,
        toroid=model.topology == "toroid",
        centres=model.positions(),
        distances=model.umatrix(),
        hits=np.bincount(units, minlength=len(weights)),
        clusters=_clusters(model, seed),
        measures=_measures(model, data),
        votes=None if labels is None else _votes(units, labels, len(weights), len(classes)),
        classes=classes,
        planes=() if image else _planes(model, weights, data.spec),
        of=len(column_names(data.spec)) if in_columns(data.spec) else data.spec.width,
        weights=pixels(torch.from_numpy(weights).reshape(-1, *data.spec.shape)) if image else None,
    )


def units_of(model: Map, data: Dataset) -> Codes:
    """(N,) the nearest unit of each sample."""
    return model.units(data)


def placing(model: Map, units: Codes) -> Placing:
    """Each sample within the cell of its unit: the first in the middle, the others around it in a spiral."""
    order = np.zeros(len(units), dtype=np.int64)
    for unit in np.unique(units):
        members = np.flatnonzero(units == unit)
        order[members] = np.arange(len(members))
    radius, angle = _WITHIN * np.sqrt(order / np.bincount(units)[units]), _GOLDEN * order
    around = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    across, down = (model.positions()[units] + around).T
    how = "Each sample lies in the cell of its unit on the map above, anywhere within it."
    return Placing(np.stack([across, -down], axis=1), how, "samples", "Samples of near cells are alike.")


def unit_groups(model: Map, units: Codes, seed: int) -> Groups:
    """The clusters of the units in place of others: each sample belongs to that of its unit."""
    return Groups(_clusters(model, seed)[units], "cluster", (), "Clusters are those of the units.")


def _clusters(model: Map, seed: int) -> Codes:
    """(K,) as many clusters as the model gives itself, else as silhouette finds best."""
    own: int | None = model.get_params(deep=False).get("clusters")  # type: ignore[attr-defined]
    return model.unit_clusters(choose_k(model.units_, seed_of(seed)) if own is None else own)


def _votes(units: Codes, labels: Codes, count: int, classes: int) -> Codes:
    """(K, C) samples of each class at each unit."""
    votes, known = np.zeros((count, classes), dtype=np.int64), labels >= 0
    np.add.at(votes, (units[known], labels[known]), 1)
    return votes


def _measures(model: Map, data: Dataset) -> list[Measure]:
    quantization, topographic = model.quantization_error(data), model.topographic_error(data)
    mean = _spread(data)
    against = f" With a single unit at the mean of the data it would be {number(mean, 3)}." if mean else ""
    return [
        Measure(
            "Quantization error",
            number(quantization, 3),
            f"Mean distance of a sample to the weights of its unit; lower is closer.{against}",
        ),
        Measure(
            "Topographic error",
            number(topographic, 3),
            "Share of the samples whose two nearest units are no neighbours on the map: 0 keeps every neighbourhood. "
            f"With units in no order it would be about {number(_by_chance(model), 2)}.",
        ),
    ]


def _spread(data: Dataset) -> float | None:
    """Mean distance of the samples to their mean; None where that is no plain sum (gaps, sparse rows)."""
    if data.mask is not None or data.is_sparse:
        return None
    total = sum(batch.x.flatten(1).double().sum(0) for batch in data.batches())
    mean = torch.as_tensor(total) / len(data)
    apart = sum(float((batch.x.flatten(1).double() - mean).norm(dim=1).sum()) for batch in data.batches())
    return apart / len(data)


def _by_chance(model: Map) -> float:
    """Topographic error if the second best unit were any of the others."""
    count = len(model.positions())
    return 1 - len(model.neighbours()) / (count * (count - 1))


def _planes(model: Map, weights: Floats, spec: DataSpec) -> list[Plane]:
    """The columns that vary most from unit to unit, as the network sees them: there all have the same scale."""
    if not in_columns(spec):
        names, order = value_names(spec), _most_varied(weights.var(axis=0))
        return [Plane(names[column], weights[:, column]) for column in order]
    places, names = column_slices(spec), column_names(spec)
    order = _most_varied(np.array([float(weights[:, where].var(axis=0).sum()) for where in places]))
    restored = restored_columns(spec, torch.from_numpy(weights))
    return [_plane(names[at], restored[at], weights[:, places[at]], spec.recipe["columns"][at]) for at in order]


def _most_varied(varies: Floats) -> list[int]:
    order = np.argsort(-varies, kind="stable")[:_PLANES]
    return [int(column) for column in order if varies[column] > 0]


def _plane(name: str, restored: Sequence[Any], weights: Floats, column: Mapping[str, Any]) -> Plane:
    """Numbers in the user's units; of a category, the share of the one that varies most."""
    if column["kind"] == "category":
        most, category = most_varied_category(column, weights.var(axis=0))
        return Plane(f"{name} = {category}", weights[:, most])
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in restored)
    return Plane(name, np.array(restored, dtype=np.float64) if numeric else weights[:, 0])
