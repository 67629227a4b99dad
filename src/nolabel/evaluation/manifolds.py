"""Precision, recall, density, coverage, authenticity: generated samples and balls about real ones, or the reverse.

B_k(p) is the ball about p that reaches to its k-th nearest other point; x_i are N real samples, y_j M generated ones.

    precision     1/M Σ_j [ y_j in some B_k(x_i) ]         do they look real?                             [1], k = 3
    recall        1/N Σ_i [ x_i in some B_k(y_j) ]         is everything real within reach?               [1], k = 3
    density       1/(kM) Σ_ij [ y_j in B_k(x_i) ]          precision that no outlier inflates             [2], k = 5
    coverage      1/N Σ_i [ some y_j in B_k(x_i) ]         recall without balls about generated samples   [2], k = 5
    authenticity  1/M Σ_j [ y_j outside of B_1(x) ]        x the training sample nearest to it: new ones?        [3]

The rim of a ball counts as inside, but for density: then a set against itself has 1 of each of the first four.
Distances are Euclidean, in double precision about the mean of the real samples; those that rounding cannot tell apart
count as equal. They are taken in blocks: N x M of them are never held at once.

Shapes: features (N, F) and (M, F).
[1] Kynkäänniemi et al. 2019, arXiv:1904.06991.
[2] Naeem et al. 2020, arXiv:2002.09797.
[3] Alaa et al. 2022, arXiv:2102.08921.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.feature_rows import both, checked

_BLOCK = 512  # rows compared at a time


@final
@dataclass(frozen=True)
class Manifold:
    """Points and the balls about them.

    Parameters
    ----------
    points
        (N, F) features, less `origin`.
    squares
        (N,) ‖p‖².
    reach
        (N, k) squared distances of each point to its 1st to k-th nearest other.
    origin
        (F,) what was taken off: near the points, so that distances keep their digits.
    """

    points: Float[np.ndarray, "N F"]
    squares: Float[np.ndarray, "N"]
    reach: Float[np.ndarray, "N k"]
    origin: Float[np.ndarray, "F"]

    def rounding(self, other: "Float[np.ndarray, 'M']") -> float:
        """What two equal squared distances may differ by, to points of squared lengths `other`."""
        longest = max(self.squares.max(), other.max())
        return float(8 * self.points.shape[1] ** 0.5 * np.finfo(np.float64).eps * longest)


@final
@dataclass(frozen=True)
class Overlap:
    """How two sets of samples overlap, see the file's head."""

    precision: float
    recall: float
    density: float
    coverage: float


def _blocks(
    rows: np.ndarray, squares: np.ndarray, points: np.ndarray, lengths: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Some rows at a time, and their squared distances to all points."""
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        distances = rows[part] @ points.T
        distances *= -2
        distances += lengths
        distances += squares[part, None]
        yield part, np.maximum(distances, 0, out=distances)


def _placed(features: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = np.asarray(features, dtype=np.float64) - origin
    return points, np.einsum("nf,nf->n", points, points)


def manifold(features: Any, k: int = 5, origin: Float[np.ndarray, "F"] | None = None) -> Manifold:
    """The balls about each of N samples up to its k-th nearest other.

    Parameters
    ----------
    features
        (N, F), N > k.
    k
        Neighbours, at least 1.
    origin
        (F,) a point near all that will be compared; None for the samples' mean.

    Raises
    ------
    DataError
        Features cannot be used, or there are too few samples.
    """
    rows = checked(features)
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise ArgumentError(f"k must be a whole number of at least 1; got {k!r}")
    if len(rows) <= k:
        raise DataError(
            f"balls that reach to the {k}-th nearest other sample need more than {k} samples; got {len(rows)}. Give "
            "more samples, or a smaller k"
        )
    middle = rows.mean(axis=0, dtype=np.float64) if origin is None else origin
    points, squares = _placed(rows, middle)
    reach = np.empty((len(points), k))
    for part, distances in _blocks(points, squares, points, squares):
        own = np.arange(len(distances))
        distances[own, own + part.start] = np.inf
        reach[part] = np.sort(np.partition(distances, k - 1, axis=1)[:, :k], axis=1)
    return Manifold(points, squares, reach, middle)


def overlap(real: Manifold, fake: Manifold, *, k: int = 3, k_density: int = 5) -> Overlap:
    """Precision and recall with balls of `k`, density and coverage with balls of `k_density` neighbours.

    Both manifolds must have one origin, and reach as far: `manifold(fake, k, real.origin)`.

    Raises
    ------
    ArgumentError
        They reach to fewer neighbours.
    """
    if min(real.reach.shape[1], fake.reach.shape[1]) < max(k, k_density):
        raise ArgumentError(f"the manifolds must reach to {max(k, k_density)} neighbours; make them with such a k")
    slack = real.rounding(fake.squares)
    wide, ball = real.reach[:, k_density - 1], real.reach[:, k - 1]
    recalled, nearest = np.zeros(len(real.points), dtype=bool), np.full(len(real.points), np.inf)
    precise = inside = 0
    for part, distances in _blocks(fake.points, fake.squares, real.points, real.squares):
        precise += int((distances <= ball + slack).any(axis=1).sum())
        inside += int((distances < wide - slack).sum())
        recalled |= (distances <= fake.reach[part, k - 1, None] + slack).any(axis=0)
        np.minimum(nearest, distances.min(axis=0), out=nearest)
    count = len(fake.points)
    covered = float((nearest <= wide + slack).mean())
    return Overlap(precise / count, float(recalled.mean()), inside / (k_density * count), covered)


def overlap_of(real: Any, fake: Any, *, k: int = 3, k_density: int = 5) -> Overlap:
    """Precision, recall, density and coverage of the features of real and of generated samples.

    Parameters
    ----------
    real
        (N, F) features of real samples.
    fake
        (M, F) features of generated samples.
    k
        Neighbours of precision and recall.
    k_density
        Neighbours of density and coverage.

    Raises
    ------
    DataError
        Features cannot be used, or a side has no more samples than neighbours.
    """
    reals, fakes = both(real, fake)
    reals_balls = manifold(reals, max(k, k_density))
    return overlap(reals_balls, manifold(fakes, max(k, k_density), reals_balls.origin), k=k, k_density=k_density)


def nearest_points(
    among: Manifold, features: Any, k: int = 1
) -> tuple[Float[np.ndarray, "M k"], Int[np.ndarray, "M k"]]:
    """Squared distances of each sample to its `k` nearest of the points, nearest first, and their row numbers."""
    points, squares = _placed(checked(features), among.origin)
    far, index = np.empty((len(points), k)), np.empty((len(points), k), dtype=np.int64)
    for part, distances in _blocks(points, squares, among.points, among.squares):
        some = np.argpartition(distances, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(distances, some, axis=1), axis=1, kind="stable")
        index[part] = np.take_along_axis(some, order, axis=1)
        far[part] = np.take_along_axis(distances, index[part], axis=1)
    return far, index


def authenticity(training: Manifold, fake: Any) -> float:
    """Share of samples farther from the training sample that is nearest to them than that one's nearest other is.

    New samples of the training samples' distribution have 1/3 on a line and about 1/2 in more dimensions, more where
    features are unevenly dense: their own share is what to compare with. What has memorised has less, copies have 0,
    also those of a training sample that is there twice; noise has 1. With only some of the training samples to go by,
    copies of the others are taken for new.
    """
    rows = checked(fake)
    far, index = nearest_points(training, rows)
    slack = training.rounding(_placed(rows, training.origin)[1])
    return float((far[:, 0] > training.reach[index[:, 0], 0] + slack).mean())
