"""Silhouettes of any number of samples, taken against a few samples of every group.

    s(i) = (b − a) / max(a, b)        a: mean distance of i to its own group, b: to the nearest other (Rousseeuw 1987)

Means over a group are estimated by a fixed draw of its samples, so the cost grows with N, not N²; when the draw holds
everything this is scikit-learn's `silhouette_samples`. It knows no method of grouping.
"""

from typing import final

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import euclidean_distances

from nolabel.evaluation.splits import seed_of

_BLOCK = 4096  # samples whose distances are held at a time


@final
class Reference:
    """Some samples of every group.

    Parameters
    ----------
    codes, labels
        (N, L) and (N,): the samples and their groups 0 .. K-1, each of which has one sample or more.
    seed
        Of the draw.
    most
        About how many samples are drawn, equally many of every group; at least one of each.
    """

    def __init__(
        self, codes: Float[np.ndarray, "N L"], labels: Int[np.ndarray, "N"], seed: int, most: int = 1000
    ) -> None:
        self.rows = _drawn(labels, max(1, most // (int(labels.max()) + 1)), seed)
        self.codes = codes[self.rows]
        self.member = np.eye(int(labels.max()) + 1, dtype=np.float64)[labels[self.rows]]  # (R, K)

    def of_members(self, codes: Float[np.ndarray, "N L"], labels: Int[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
        """Silhouettes of the very samples that the draw was made from; no sample is compared with itself."""
        place = np.full(len(codes), -1)
        place[self.rows] = np.arange(len(self.rows))
        return self._silhouettes(codes, labels, place)

    def of_others(self, codes: Float[np.ndarray, "M L"], labels: Int[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
        """Silhouettes of other samples, as if each joined the group that `labels` says."""
        return self._silhouettes(codes, labels, np.full(len(codes), -1))

    def _silhouettes(self, codes: np.ndarray, labels: np.ndarray, place: np.ndarray) -> Float[np.ndarray, "N"]:
        if self.member.shape[1] == 1:
            return np.ones(len(codes))  # there is no other group that a sample could belong to
        blocks = (slice(start, start + _BLOCK) for start in range(0, len(codes), _BLOCK))
        return np.concatenate([self._block(codes[part], labels[part], place[part]) for part in blocks])

    def _block(self, codes: np.ndarray, labels: np.ndarray, place: np.ndarray) -> np.ndarray:
        distances = euclidean_distances(codes.astype(np.float64), self.codes.astype(np.float64))
        itself = np.flatnonzero(place >= 0)
        distances[itself, place[itself]] = 0  # the product formula leaves rounding there
        sums, sizes, rows = distances @ self.member, self.member.sum(axis=0), np.arange(len(codes))
        others = sizes[labels] - (place >= 0)
        a = sums[rows, labels] / np.maximum(others, 1)
        means = sums / sizes
        means[rows, labels] = np.inf
        b = means.min(axis=1)
        s = (b - a) / np.maximum(np.maximum(a, b), np.finfo(float).tiny)
        return np.where(others > 0, s, 0.0)  # alone in its group: 0, by convention


def _drawn(labels: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Row numbers of at most `each` random samples of every group, ascending."""
    shuffled = np.random.default_rng(seed_of(seed, 31)).permutation(len(labels))
    by_group = shuffled[np.argsort(labels[shuffled], kind="stable")]
    starts = np.searchsorted(labels[by_group], np.arange(labels.max() + 1))
    rank = np.arange(len(labels)) - starts[labels[by_group]]
    return np.sort(by_group[rank < each])
