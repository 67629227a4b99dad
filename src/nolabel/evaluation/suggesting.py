"""`nolabel.suggest`: which samples to label first: typical of many others, and unlike each other.

    ψ(x) = 1 / mean over the k nearest x' in its cluster of |z − z'|             (typicality, eq. 4 of [1])

Codes are put into as many k-means clusters as there will be labelled samples: those wanted and those there are.
Clusters that hold a labelled sample are covered; of the others, the largest first, each gives its most typical sample.
With few labels this beats asking for what the model is least sure of, which are outliers as long as it knows little.

It draws from codes alone, so labels have no say but for where they are. The same seed gives the same samples.
[1] Hacohen, Dekel and Weinshall 2022, "Active learning on a budget: opposite strategies suit high and low budgets",
ICML (TypiClust).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances
from threadpoolctl import threadpool_limits

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.data.label_files import by_id, is_by_id, opened
from nolabel.data.labels import coded
from nolabel.errors import ArgumentError, DataError, OutputError
from nolabel.evaluation.probing import embedder
from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import seed_of, some_rows
from nolabel.methods._base import Embedder

K = 20  # neighbours that say how typical a sample is
_MOST = 500  # clusters; a sample more is one of a cluster that has given some already
_LARGEST = 2_000  # samples of a cluster that are compared with each other


@final
@dataclass(frozen=True)
class Suggestions:
    """Samples to label, the first one first.

    Parameters
    ----------
    rows
        (n,) row numbers in the data.
    ids
        n ids.
    sizes
        (n,) samples in the cluster that each stands for.
    total
        Samples in the data.
    """

    rows: Int[np.ndarray, "n"]
    ids: Sequence[str | int]
    sizes: Int[np.ndarray, "n"]
    total: int

    def __len__(self) -> int:
        return len(self.rows)

    def why(self) -> list[str]:
        """A sentence for each: what it stands for."""
        return [f"{_typical(size)} ({size / self.total:.1%})" for size in self.sizes.tolist()]

    def to_frame(self) -> pd.DataFrame:
        """The columns id, label (empty, to be filled in), rank, why."""
        ranks = np.arange(1, len(self) + 1)
        return pd.DataFrame({"id": list(self.ids), "label": "", "rank": ranks, "why": self.why()})

    def save(self, path: str | Path) -> Path:
        """Write `to_frame` as a .csv, which `finetune` and `probe` take as labels once it is filled in.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        file = Path(path).expanduser()
        try:
            self.to_frame().to_csv(file, index=False)
        except OSError as error:
            raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
        return file


def _typical(size: int) -> str:
    return f"most typical of {size:,} samples like it" if size > 1 else "like no other"


def suggest(
    model: Any,
    data: Any = None,
    n: int = 50,
    *,
    labelled: Any = None,
    max_samples: int = 20_000,
    random_state: int = 0,
) -> Suggestions:
    """Which samples to label first: each typical of many, and all unlike each other and those labelled already.

    Parameters
    ----------
    model
        A fitted estimator that can `transform`, its folder, or codes (N, L) as an array.
    data
        The samples: anything that `nolabel.open` takes, or a `Dataset`. With codes it only gives ids.
    n
        How many.
    labelled
        Labels that are known already, in any form that `nolabel.probe` takes; None for none, whatever the data have.
    max_samples
        Larger data are sub-sampled to so many; labelled samples are always among them.
    random_state
        Seed of the sub-sample and the clusters.

    Returns
    -------
    Suggestions
        Ids and what each stands for; `save` writes them as a .csv to be filled in.

    Raises
    ------
    ArgumentError
        The model is none, n is below 1, or data are missing.
    DataError
        There are fewer unlabelled samples than n, or codes that are not finite.
    """
    for name, value in (("n", n), ("max_samples", max_samples)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ArgumentError(f"{name} must be a whole number of at least 1; got {value!r}")
    codes, found = _codes_of(model, data, labelled)
    ids: Sequence[str | int] = range(len(codes)) if found is None else found.ids
    is_known = _is_known(found, labelled, len(codes))
    free = int((~is_known).sum())
    if not free:
        raise DataError("every sample has a label already; there is nothing to suggest")
    if n > free:
        raise DataError(f"{n} samples were asked for, and {free} are without a label; ask for at most {free}")
    rows = _looked_at(is_known, max(max_samples, n), random_state)
    with threadpool_limits(limits=1):  # so that sums do not depend on how many there are
        chosen, sizes = typical(evenly(codes[rows]), n, is_known[rows], seed_of(random_state, 31))
    scale = len(codes) / len(rows)
    picked = rows[chosen]
    return Suggestions(picked, [ids[row] for row in picked], np.round(sizes * scale).astype(int), len(codes))


def typical(
    codes: Float[np.ndarray, "N L"], n: int, is_known: NDArray[np.bool_], seed: int
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Rows of n samples by the rule at the head of this file, and the sizes of the clusters that they stand for."""
    count = min(n + int(is_known.sum()), _MOST, len(np.unique(codes, axis=0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # duplicates leave clusters empty
        cluster = KMeans(count, n_init=1, random_state=seed).fit_predict(codes)
    members = [np.flatnonzero(cluster == number) for number in np.unique(cluster)]
    taken = is_known.copy()
    chosen: list[int] = []
    sizes: list[int] = []
    while len(chosen) < n:  # once round is enough unless there are fewer clusters than samples wanted
        held = [(int(taken[rows].sum()), -len(rows), place) for place, rows in enumerate(members)]
        fewest = min(known for known, _, place in held if not taken[members[place]].all())
        for known, _, place in sorted(held, key=lambda one: one[1:]):
            rows = members[place]
            if known == fewest and not taken[rows].all() and len(chosen) < n:
                best = _most_typical(codes, rows, taken, seed)
                taken[best] = True
                chosen.append(best)
                sizes.append(len(rows))
    return np.asarray(chosen), np.asarray(sizes)


def _most_typical(codes: np.ndarray, rows: np.ndarray, taken: np.ndarray, seed: int) -> int:
    """The free row of a cluster with the nearest neighbours in it; of several, the first."""
    among = rows[some_rows(len(rows), _LARGEST, seed, int(rows[0]))]
    free = among[~taken[among]]
    if not len(free):
        among = free = rows[~taken[rows]][:_LARGEST]
    apart = np.sort(pairwise_distances(codes[free], codes[among]), axis=1)[:, 1 : K + 1]
    return int(free[apart.mean(1).argmin()]) if apart.shape[1] else int(free[0])


def _codes_of(model: Any, data: Any, labelled: Any) -> tuple[np.ndarray, Dataset | None]:
    if isinstance(model, Embedder | str | Path):
        fitted = embedder(model)
        if data is None:
            raise ArgumentError("data is missing: give the samples to choose from, as in suggest(model, X, 50)")
        options = {"spec": fitted.spec_, **fitted._later()}
        opened_data = _opened(data, labelled, **options)
        return _finite(fitted.transform(opened_data)), opened_data
    given = model.detach().cpu() if isinstance(model, torch.Tensor) else model
    try:
        codes = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"model must be a fitted estimator, its folder, or codes (N, L): {error}") from error
    if codes.ndim != 2 or len(codes) < 2:
        raise ArgumentError(f"model must be a fitted estimator, its folder, or codes (N, L); got shape {codes.shape}")
    found = None if data is None else _opened(data, labelled)
    if found is not None and len(found) != len(codes):
        raise DataError(
            f"data holds {len(found)} samples and there are {len(codes)} codes; give the samples behind them"
        )
    return _finite(codes), found


def _opened(data: Any, labelled: Any, **options: Any) -> Dataset:
    return source.open(data, **options) if labelled is None else opened(data, labelled, **options)


def _finite(codes: np.ndarray) -> np.ndarray:
    if not np.isfinite(codes).all():
        raise DataError("codes hold NaN or infinite values; fit the model again, with a smaller learning_rate")
    return codes


def _is_known(found: Dataset | None, labelled: Any, count: int) -> NDArray[np.bool_]:
    if labelled is None:
        return np.zeros(count, dtype=bool)
    if found is None:
        one_each = by_id(labelled, range(count)) if is_by_id(labelled) else labelled
        return coded(one_each, count).codes >= 0
    assert found.labels is not None
    return np.asarray(found.labels >= 0)


def _looked_at(is_known: NDArray[np.bool_], most: int, random_state: int) -> Int[np.ndarray, "m"]:
    """All labelled rows, and as many others as are looked at."""
    free = np.flatnonzero(~is_known)
    some = free[some_rows(len(free), most, random_state, 30)]
    return np.sort(np.concatenate([np.flatnonzero(is_known), some]))
