"""What sets a cluster apart: its most typical samples, and the columns or words in which it differs from the rest.

    medoids          the samples nearest to the cluster's mean code: of all samples of the cluster these have the least
                     summed squared distance to the others
    columns          d = (mean inside − mean outside) / sqrt((variance inside + variance outside) / 2), the standardised
                     mean difference (Cohen 1988); over the observed values. Where both variances are 0, the deviation
                     of all samples takes their place
    words            those that are more than half as common again inside as outside, by c-TF-IDF
                     (`objectives.topics.class_tf_idf`), which alone would put words first that are common everywhere

"Inside" are the samples of the cluster that are no noise, "outside" those of all others. Functions of arrays and
data sets; they know no model and no method of clustering.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse

from nolabel.data.dataset import Dataset
from nolabel.data.table_categories import Category
from nolabel.data.table_numbers import Number, raw_values
from nolabel.objectives.topics import class_tf_idf
from nolabel.types import Batch, DataSpec

_LEAST = 0.2  # of |d|: what Cohen calls small
_MORE = 1.5  # times as common inside as outside is a word that sets a cluster apart


@final
@dataclass(frozen=True)
class Trait:
    """One way in which a cluster differs.

    Parameters
    ----------
    name
        A column ("age", "colour=blue"), a word, or a column of the embedding ("z3").
    weight
        The standardised mean difference, or for a word its c-TF-IDF. Traits are in order of its size.
    inside, outside
        Mean in the cluster and in the others, in the user's units (a share for categories and for true or false, days
        since 1970 for dates); a word's share of the words.
    kind
        "number", "date", "share" or "word".
    """

    name: str
    weight: float
    inside: float
    outside: float
    kind: str = "number"

    def __str__(self) -> str:
        if self.kind == "word":
            return self.name
        return f"{self.name} {self._shown(self.inside)} ({self._shown(self.outside)} elsewhere)"

    def _shown(self, value: float) -> str:
        if self.kind == "share":
            return f"{100 * value:.0f}%"
        if self.kind == "date" and math.isfinite(value):
            try:
                return (date(1970, 1, 1) + timedelta(days=round(value))).isoformat()
            except OverflowError:
                pass
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def medoids(
    codes: Float[np.ndarray, "N L"], labels: Int[np.ndarray, "N"], count: int, many: int
) -> list[Int[np.ndarray, "m"]]:
    """Row numbers of the `many` samples of each cluster nearest to its mean, the nearest first; -1 is in no cluster."""
    found = []
    for cluster in range(count):
        rows = np.flatnonzero(labels == cluster)
        part = codes[rows].astype(np.float64)
        distance = np.square(part - part.mean(axis=0)).sum(axis=1)
        found.append(rows[np.argsort(distance, kind="stable")[:many]])
    return found


# --- columns ---------------------------------------------------------------------------------------------------------


@final
class Moments:
    """Number, sum and sum of squares of the observed values in each column, for each cluster (K, D)."""

    def __init__(self, count: int, width: int) -> None:
        self.known, self.sums, self.squares = (np.zeros((count, width)) for _ in range(3))

    def add(self, labels: Int[np.ndarray, "B"], x: Any, mask: "np.ndarray | None" = None) -> None:
        """Samples x (B, D), dense or scipy's sparse, and their clusters, -1 for none."""
        member = _membership(labels, len(self.known))
        squares = x.multiply(x) if sparse.issparse(x) else np.square(x)
        known = member.sum(axis=1)[:, None] if mask is None else member @ mask.astype(np.float64)
        if mask is not None:
            x, squares = np.where(mask, x, 0), np.where(mask, squares, 0)
        self.known += known
        self.sums += _dense(member @ x)
        self.squares += _dense(member @ squares)

    def differences(
        self,
    ) -> tuple[Float[np.ndarray, "K D"], Float[np.ndarray, "K D"], Float[np.ndarray, "K D"]]:
        """Standardised mean differences, and the means inside and outside; NaN where nothing was observed."""
        totals = [part.sum(axis=0) for part in (self.known, self.sums, self.squares)]
        with np.errstate(invalid="ignore", divide="ignore"):
            inside, variance_in = _mean_and_variance(self.known, self.sums, self.squares)
            outside, variance_out = _mean_and_variance(
                totals[0] - self.known, totals[1] - self.sums, totals[2] - self.squares
            )
            spread = np.sqrt((variance_in + variance_out) / 2)
            whole = np.sqrt(_mean_and_variance(*totals)[1])
            spread = np.where(spread > 1e-6 * whole, spread, whole)
            return (inside - outside) / spread, inside, outside


def _mean_and_variance(known: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = sums / known
    return mean, np.maximum(squares / known - np.square(mean), 0)


def _membership(labels: np.ndarray, count: int) -> "sparse.csr_array":
    inside = np.flatnonzero(labels >= 0)
    ones = np.ones(len(inside))
    return sparse.csr_array((ones, (labels[inside], inside)), shape=(count, len(labels)))


def _dense(product: Any) -> np.ndarray:
    return np.asarray(product.toarray() if sparse.issparse(product) else product)


def column_traits(
    moments: Moments, names: Sequence[str], units: Sequence["Unit"], many: int
) -> list[tuple[Trait, ...]]:
    """For each cluster the `many` columns with the largest differences of at least 0.2, the largest first."""
    differences, inside, outside = moments.differences()
    sizes = np.nan_to_num(np.abs(differences), posinf=0.0)
    return [
        tuple(
            Trait(
                str(names[column]),
                float(differences[cluster, column]),
                units[column].of(float(inside[cluster, column])),
                units[column].of(float(outside[cluster, column])),
                units[column].kind,
            )
            for column in np.argsort(-sizes[cluster], kind="stable")[:many]
            if sizes[cluster, column] >= _LEAST
        )
        for cluster in range(len(sizes))
    ]


@final
@dataclass(frozen=True)
class Unit:
    """From a network column back to the user's numbers: `rule` says how, None for as it is."""

    kind: str = "number"
    rule: Number | None = None

    def of(self, value: float) -> float:
        """A network value in the user's unit."""
        return value if self.rule is None else float(raw_values(self.rule, np.array([value]))[0])


def units_of(spec: DataSpec) -> list[Unit]:
    """The unit of each network column of a table."""
    units: list[Unit] = []
    for raw in spec.recipe.get("columns", ()):
        if raw["kind"] == "category":
            units += [Unit("share")] * len(Category(**raw).labels)
        else:
            kind = {"flag": "share", "date": "date"}.get(raw["kind"], "number")
            units.append(Unit(kind, Number(**raw)))
    return units or [Unit()] * spec.width


# --- words -----------------------------------------------------------------------------------------------------------


def word_traits(counts: Float[np.ndarray, "K V"], words: Sequence[str], many: int) -> list[tuple[Trait, ...]]:
    """For each cluster, of the words that it holds more of than the others the `many` with the largest c-TF-IDF."""
    totals = counts.sum(axis=1)
    elsewhere = counts.sum(axis=0) - counts
    inside = counts / np.maximum(totals, 1)[:, None]
    outside = elsewhere / np.maximum(totals.sum() - totals, 1)[:, None]
    weights = np.nan_to_num(class_tf_idf(torch.from_numpy(counts.T.copy())).T.numpy())  # a cluster may hold no word
    weights = np.where(inside > _MORE * outside, weights, 0)
    return [
        tuple(
            Trait(
                str(words[word]),
                float(weights[cluster, word]),
                float(inside[cluster, word]),
                float(outside[cluster, word]),
                "word",
            )
            for word in np.argsort(-weights[cluster], kind="stable")[:many]
            if weights[cluster, word] > 0
        )
        for cluster in range(len(counts))
    ]


# --- of a data set ---------------------------------------------------------------------------------------------------


def traits(data: Dataset, labels: Int[np.ndarray, "N"], count: int, many: int) -> list[tuple[Trait, ...]]:
    """What sets each cluster of a data set apart; nothing for images and clips, whose medoids speak for them."""
    if data.spec.modality in ("image", "video"):
        return [()] * count
    moments = Moments(count, data.spec.width)
    for batch in data.batches():
        x, mask = _arrays(batch)
        moments.add(labels[batch.index.numpy()], x, mask)
    if data.spec.modality == "text":
        return word_traits(moments.sums, _words(data.spec), many)
    return column_traits(moments, _column_names(data.spec), units_of(data.spec), many)


def _arrays(batch: Batch) -> "tuple[Any, np.ndarray | None]":
    mask = None if batch.mask is None else batch.mask.cpu().numpy()
    x = batch.x.cpu()
    if x.layout != torch.sparse_csr:
        return x.flatten(1).double().numpy(), mask
    parts = (x.values().double().numpy(), x.col_indices().numpy(), x.crow_indices().numpy())
    return sparse.csr_array(parts, shape=tuple(x.shape)), mask


def _words(spec: DataSpec) -> list[str]:
    tokens = spec.recipe.get("tokens")
    return list(tokens) if tokens else [f"column {number}" for number in range(spec.width)]


def _column_names(spec: DataSpec) -> list[str]:
    if "columns" not in spec.recipe:
        return [f"column {number}" for number in range(spec.width)]
    from nolabel.data.tables import column_names  # pandas comes with it

    names = column_names(spec)
    return [f"column {name}" if name.isdigit() else name for name in names]
