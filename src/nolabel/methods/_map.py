"""`Map`: a method whose codes live on a grid of units, each with weights of its own, as a self-organizing map has.

It says what can be asked of any such method: where the units are and how far apart their weights, which samples and
labels each one holds, what its weights are in the user's own units, how true the map is to the data, and its pictures
(`_map_drawing.py`). A method says how its units are learned. No method is named here.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.data import source
from nolabel.errors import ArgumentError, DataError, nearest
from nolabel.objectives import topographic
from nolabel.objectives.grids import Form, Grid, Topology
from nolabel.types import Batch, DataSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["umatrix", "hits", "planes", "labels", "clusters"]


class Map(ABC):
    """A method whose samples are placed on a grid of units.

    Attributes
    ----------
    grid : {"rectangular", "hexagonal"}
        Kind of grid.
    topology : {"plane", "toroid"}
        Whether opposite edges meet.
    """

    grid: Form
    topology: Topology
    learner_: Any
    spec_: DataSpec

    @abstractmethod
    def _grid(self) -> Grid:
        """The grid of units, as the arguments say."""

    @property
    def units_(self) -> NDArray[np.float32]:
        """(K, D) weights of the units, row by row of the grid, in network space (scaled as the recipe says)."""
        return self._weights().cpu().numpy().copy()

    @property
    def shape_(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        check_is_fitted(self)
        return self._grid().rows, self._grid().columns

    @property
    def grid_(self) -> Grid:
        """The grid of units: where they are, how far apart, which are neighbours."""
        check_is_fitted(self)
        return self._grid()

    def positions(self) -> NDArray[np.float64]:
        """(K, 2) centres (x, y) of the units: x to the right, y down, neighbours 1 apart (hexagons are hexagons)."""
        check_is_fitted(self)
        return self._grid().positions.numpy().copy()

    def neighbours(self) -> NDArray[np.int64]:
        """(E, 2) every ordered pair of neighbouring units: 8 around a unit on a rectangular grid, 6 on a hexagonal."""
        check_is_fitted(self)
        return self._grid().edges.numpy().copy()

    def umatrix(self) -> NDArray[np.float64]:
        """(K,) mean distance in network space from the weights of each unit to those of its neighbours."""
        return topographic.umatrix(self._weights().cpu().double(), self._grid()).numpy()

    def planes(self, columns: Sequence[Hashable] | None = None) -> "NDArray[Any] | pd.DataFrame":
        """Component planes: the weights of every unit in the user's own units and form (K, ...).

        Parameters
        ----------
        columns : sequence or None, default=None
            Of a table: names (of a frame) or places (of an array) of the columns wanted; None for all.

        Raises
        ------
        ArgumentError
            There is no such column, or the samples are no table.
        """
        spec = self._fitted().spec_
        restored = source.restore(spec, self._weights().cpu().view(-1, *spec.shape))
        if columns is None:
            return restored
        return _columns(restored, columns)

    @torch.no_grad()
    def units(self, X: Any) -> NDArray[np.int64]:
        """(N,) the nearest unit of each sample of `X`, row · columns + column."""
        found = [topographic.best_units(x, self._weights(), mask).first for x, mask, _ in self._placed(X)]
        return torch.cat(found).cpu().numpy()

    @torch.no_grad()
    def hits(self, X: Any) -> NDArray[np.int64]:
        """(K,) how many samples of `X` each unit is the nearest to."""
        return np.bincount(self.units(X), minlength=self._grid().units)

    @torch.no_grad()
    def label_map(self, X: Any, y: Any) -> NDArray[Any]:
        """(K,) the label that most samples at each unit have; None for a unit without labelled samples.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Samples to place on the map.
        y : array of N labels, or "labels"
            -1, NaN or None is "unknown"; "labels" takes those of the data set. Equal numbers: the first in order.
        """
        codes, names = self._coded(X, y)
        units, known = self.units(X), codes >= 0
        votes = np.zeros((self._grid().units, len(names)), dtype=np.int64)
        np.add.at(votes, (units[known], codes[known]), 1)
        named = np.array([*names, None], dtype=object)
        return named[np.where(votes.any(axis=1), votes.argmax(axis=1), -1)]

    @torch.no_grad()
    def quantization_error(self, X: Any) -> float:
        """Mean distance in network space from the samples of `X` to the weights of their units; lower is closer."""
        total, count = 0.0, 0
        for x, mask, _ in self._placed(X):
            units = topographic.best_units(x, self._weights(), mask).first
            total += float(topographic.distances_to(x, self._weights(), units, mask).double().sum())
            count += len(x)
        return total / count

    @torch.no_grad()
    def topographic_error(self, X: Any) -> float:
        """Share of the samples of `X` whose best and second best units are no neighbours; 0 keeps neighbourhoods."""
        wrong, count = 0, 0
        for x, mask, _ in self._placed(X):
            found = topographic.best_units(x, self._weights(), mask)
            wrong += int((~self._grid().adjacent(found.first, found.second)).sum())
            count += len(x)
        return wrong / count

    def unit_clusters(self, k: int) -> NDArray[np.int64]:
        """(K,) cluster of each unit: Ward's clusters of the weights, each one connected on the map.

        Numbered in the order in which they begin on the grid.

        Parameters
        ----------
        k : int
            How many, at most the number of units.
        """
        units = self._grid().units
        if not isinstance(k, int | np.integer) or not 1 <= k <= units:
            raise ArgumentError(f"clusters must be a whole number from 1 to the {units} units of the map; got {k!r}")
        return _ward(self._weights().cpu().double().numpy(), self._grid().edges.numpy(), int(k))

    def plot(
        self,
        kind: Kind = "umatrix",
        *,
        X: Any = None,
        y: Any = None,
        columns: Sequence[Hashable] | None = None,
        clusters: int | None = None,
        ax: "Axes | None" = None,
    ) -> "Axes | NDArray[Any]":
        """Draw the map with matplotlib (the extra `nolabel[plot]`); hexagons are drawn as hexagons.

        Parameters
        ----------
        kind : {"umatrix", "hits", "planes", "labels", "clusters"}, default="umatrix"
            "umatrix": distances between neighbouring units, ridges between groups; "hits": samples at each unit, needs
            `X`; "planes": one picture for each column, in the user's units (images: each unit's picture); "labels":
            the commonest label at each unit, needs `X` and `y`; "clusters": groups of units.
        X : any source that `nolabel.open` takes, or None, default=None
            Samples to place.
        y : array of labels, "labels", or None, default=None
            With `X`: the commonest label is written into each unit of any kind of picture.
        columns : sequence or None, default=None
            For "planes": which columns; None for the first 12.
        clusters : int or None, default=None
            For "clusters": how many; None for the method's own number.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure. Not for "planes" of a table, which need one each.

        Returns
        -------
        The Axes, or an array of them for "planes" of a table.

        Raises
        ------
        ArgumentError
            The kind does not exist, or lacks `X` or `y`; or matplotlib is not installed.
        """
        check_is_fitted(self)
        from nolabel.methods import _map_drawing

        return _map_drawing.draw(self, kind, X=X, y=y, columns=columns, clusters=clusters, ax=ax)

    # --- what these are made of --------------------------------------------------------------------------------------

    def _fitted(self) -> Any:
        check_is_fitted(self)
        return self

    def _weights(self) -> Tensor:
        weights: Tensor = self._fitted().learner_.weights.detach()
        return weights

    def _placed(self, X: Any) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
        """Samples as rows (B, D), their masks and row numbers, a batch at a time."""
        model = self._fitted()
        for batch in model._batches(model._open(X)):
            refuse_blank(batch)
            yield flat(batch.x), batch.mask, batch.index

    def _coded(self, X: Any, y: Any) -> tuple[NDArray[np.int64], list[Any]]:
        model = self._fitted()
        own = isinstance(y, str) and y == "labels"
        data = model._open(X) if own else source.open(X, spec=model.spec_, labels=y)
        if data.labels is None:
            raise ArgumentError("y='labels': this data set has none; give y, one label for each sample")
        return np.asarray(data.labels), list(data.classes)


def flat(x: Tensor) -> Tensor:
    """Samples (B, *shape) as rows (B, D); sparse ones are rows already."""
    return x if x.layout == torch.sparse_csr else x.flatten(1)


def refuse_blank(batch: Batch) -> None:
    """Refuse a sample of which no value was observed: it is as near to one unit as to another.

    Raises
    ------
    DataError
        Names the first such row.
    """
    if batch.mask is None or bool((seen := batch.mask.any(1)).all()):
        return
    row = int(batch.index[int((~seen).nonzero()[0])])
    raise DataError(
        f"{int((~seen).sum())} sample(s) have no observed value at all, the first in row {row}: there is nothing to "
        "place them on the map by; drop them, or fill them in"
    )


def _columns(restored: Any, columns: Sequence[Hashable]) -> Any:
    wanted = list(columns)
    if isinstance(restored, pd.DataFrame):
        missing = [name for name in wanted if name not in restored.columns]
        if missing:
            near = nearest(str(missing[0]), [str(name) for name in restored.columns])
            raise ArgumentError(f"columns: there is no column {missing[0]!r}{near}")
        return restored[wanted]
    if restored.ndim != 2:
        raise ArgumentError(f"columns={wanted!r}: images have no columns; leave it out")
    bad = [place for place in wanted if not isinstance(place, int) or not 0 <= place < restored.shape[1]]
    if bad:
        raise ArgumentError(f"columns must be places from 0 to {restored.shape[1] - 1}; got {bad[0]!r}")
    return restored[:, wanted]


def _ward(weights: NDArray[np.float64], edges: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from sklearn.cluster import AgglomerativeClustering

    joined = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(weights), len(weights)))
    found = AgglomerativeClustering(k, linkage="ward", connectivity=joined.tocsr()).fit_predict(weights)
    order, begins = np.unique(found, return_index=True)
    number: NDArray[np.int64] = np.empty(len(order), dtype=np.int64)
    number[order[np.argsort(begins)]] = np.arange(len(order))
    clusters: NDArray[np.int64] = number[found]
    return clusters
