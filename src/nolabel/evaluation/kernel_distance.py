"""Kernel distance of two sets of features: the squared maximum mean discrepancy; KID where they are Inception's.

    MMD² = 1/(N(N−1)) Σ_{i≠j} k(x_i, x_j) + 1/(M(M−1)) Σ_{i≠j} k(y_i, y_j) − 2/(NM) Σ_{ij} k(x_i, y_j)      [1]
    k(x, y) = (x·y / F + 1)³

Unbiased: sets of one distribution come out about 0, below it as well as above, however few samples there are. As is the
custom since [2], the number is the mean over random subsets, and their standard deviation stands beside it.

Shapes: features x (N, F), y (M, F); sums in double precision.
[1] Gretton et al. 2012, "A kernel two-sample test", JMLR 13, lemma 6.
[2] Bińkowski et al. 2018, arXiv:1801.01401.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.feature_rows import both
from nolabel.evaluation.splits import seed_of

_BLOCK = 1024  # rows of one side at a time


@final
@dataclass(frozen=True)
class KernelDistance:
    """MMD²: the `mean` over `subsets` of `size` samples a side, and the standard deviation `sd` of one subset.

    `sd` divides by the number of subsets, as other KIDs do; it is NaN where one subset is all there are.
    """

    mean: float
    sd: float
    subsets: int
    size: int


def _summed(x: np.ndarray, y: np.ndarray) -> float:
    """Σ_ij k(x_i, y_j)."""
    total = 0.0
    for start in range(0, len(x), _BLOCK):
        inner = x[start : start + _BLOCK] @ y.T
        inner /= x.shape[1]
        inner += 1
        total += float(np.vdot(inner * inner, inner))  # a power of 3 would take ten times as long
    return total


def _own(x: np.ndarray) -> float:
    """Mean of k(x_i, x_j) over i ≠ j."""
    diagonal = (np.square(x).sum(axis=1) / x.shape[1] + 1) ** 3
    return (_summed(x, x) - float(diagonal.sum())) / (len(x) * (len(x) - 1))


def mmd(x: Float[np.ndarray, "N F"], y: Float[np.ndarray, "M F"]) -> float:
    """MMD² of all samples, at least 2 a side; in blocks, N x M kernel values are never held at once."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return _own(x) + _own(y) - 2 * _summed(x, y) / (len(x) * len(y))


def kid(real: Any, fake: Any, *, subsets: int = 100, size: int = 1000, random_state: int = 0) -> KernelDistance:
    """MMD² of the features of real and of generated samples, over random subsets.

    Parameters
    ----------
    real
        (N, F) features of real samples, N ≥ 2.
    fake
        (M, F) features of generated samples, M ≥ 2.
    subsets
        How many are drawn, at least 1; one is enough where it holds everything.
    size
        Samples of either side in a subset, drawn without replacement; at least 2. Where there are fewer, all.
    random_state
        Seed of the subsets.

    Raises
    ------
    DataError
        Features cannot be used, or a side has one sample.
    ArgumentError
        `subsets` or `size` is too small.
    """
    reals, fakes = both(real, fake)
    for name, number, least in (("subsets", subsets, 1), ("size", size, 2)):
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < least:
            raise ArgumentError(f"{name} must be a whole number of at least {least}; got {number!r}")
    size = min(size, len(reals), len(fakes))
    if size < 2:
        raise DataError(f"the kernel distance needs 2 samples a side; got {len(reals)} real and {len(fakes)} generated")
    if size == len(reals) == len(fakes):
        return KernelDistance(mmd(reals, fakes), math.nan, 1, size)
    rng = np.random.default_rng(seed_of(random_state, 5))
    found = [mmd(_some(reals, size, rng), _some(fakes, size, rng)) for _ in range(subsets)]
    return KernelDistance(float(np.mean(found)), float(np.std(found)) if subsets > 1 else math.nan, subsets, size)


def _some(rows: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    return rows[rng.choice(len(rows), size, replace=False)]
