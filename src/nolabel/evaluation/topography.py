"""Rows of evidence about maps: how near units are to the samples, and whether the grid keeps neighbourhoods.

The map's quantization and topographic error stand beside those of the same grid laid flat along the first two
principal components ("PCA"), of the grid with its first weights ("untrained"), and, for the quantization error, of as
many centres found by k-means with no grid at all ("raw"): a map pays for its order with some distance, and this shows
how much. The flat grid and k-means are fitted to the very samples that are measured, which favours them.

It knows maps by their type only.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.evaluation.evidence import Cell, Row
from nolabel.evaluation.splits import seed_of
from nolabel.methods._map import Map, flat
from nolabel.objectives import topographic
from nolabel.objectives.first_units import spread
from nolabel.objectives.grids import Grid
from nolabel.randomness import Draws
from nolabel.training.engine import start

_ROUNDS = 20  # of k-means: its error hardly falls after that


class Topography(NamedTuple):
    """Quantization and topographic error; the latter None where there is no grid."""

    quantization: float
    topographic: float | None


def topography(model: Map, data: Any) -> Topography:
    """Both errors of a fitted map on some samples."""
    return Topography(model.quantization_error(data), model.topographic_error(data))


def rows_of_maps(model: Map, untrained: Map, data: Dataset, random_state: int) -> list[Row]:
    """Two rows of evidence for a map.

    Parameters
    ----------
    model, untrained
        The fitted map, and the same untrained, which is given first weights from these samples.
    data
        The samples, encoded as the model's were.
    random_state
        Seed of k-means and of the principal components.
    """
    grid = model.grid_
    start(untrained.learner_, data, seed_of(random_state, 11))
    found = {"model": topography(model, data), "untrained": topography(untrained, data)}
    if data.mask is None and not data.is_sparse:  # k-means knows no gaps, and sparse rows would fill the memory
        values = torch.cat([flat(batch.x).cpu() for batch in data.batches()])
        draws = Draws(seed_of(random_state, 9))
        found["PCA"] = _errors(values, spread(grid, values, draws), grid)
        found["raw"] = Topography(_without_grid(values, grid.units, seed_of(random_state, 10)), None)
    near = (
        "mean distance to the nearest unit; raw: k-means with as many centres, PCA: the same grid laid flat along two "
        "principal components, both fitted to these samples"
    )
    order = "share of samples whose two nearest units are no neighbours on the grid; PCA: the same grid laid flat"
    torn = {name: one.topographic for name, one in found.items()}
    return [
        Row("map", "quantization error", near, False, {name: _cell(one.quantization) for name, one in found.items()}),
        Row("map", "topographic error", order, False, {name: _cell(of) for name, of in torn.items() if of is not None}),
    ]


def _cell(value: float) -> Cell:
    return Cell(value, float("nan"), 1)


def _errors(values: Tensor, weights: Tensor, grid: Grid) -> Topography:
    return Topography(
        topographic.quantization_error(values, weights), topographic.topographic_error(values, weights, grid)
    )


def _without_grid(values: Tensor, count: int, seed: int) -> float:
    from sklearn.cluster import KMeans

    k = min(count, len(np.unique(values.numpy(), axis=0)))
    centres = KMeans(k, init="random", n_init=1, max_iter=_ROUNDS, random_state=seed).fit(values.numpy())
    return topographic.quantization_error(values, torch.from_numpy(centres.cluster_centers_).to(values.dtype))
