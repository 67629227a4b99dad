"""How many clusters? The number whose clusters lie apart *and* come back on other samples of the same data.

    score(k) = silhouette(k) x stability(k)

silhouette: mean over the drawn samples.  stability: mean adjusted Rand index between the clusters of all drawn samples
and those found anew in four random parts of four fifths of them (Ben-Hur, Elisseeff and Guyon 2002, with one side held
fixed). For hdbscan, which finds the number itself, the same score chooses the fewest samples that make a cluster.
Functions of arrays and a seed; they know no model.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score

from nolabel.evaluation.grouping import labellings, quietly
from nolabel.evaluation.splits import seed_of, some_rows

PARTS, SHARE = 4, 0.8
_SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)  # fewest samples in one of hdbscan's clusters, of all


@final
@dataclass(frozen=True)
class Candidate:
    """One point of the curve: `value` is k, or hdbscan's fewest samples in a cluster; `clusters` what it gave."""

    value: int
    clusters: int
    silhouette: float
    stability: float

    @property
    def score(self) -> float:
        """Silhouette x stability, negative ones counting as 0; 0 where there is one cluster."""
        return max(self.silhouette, 0.0) * max(self.stability, 0.0) if self.clusters > 1 else 0.0


def candidates(method: str, codes: Float[np.ndarray, "N L"], largest: int) -> list[int]:
    """Values that can be tried on these samples; none when they are too few or too alike."""
    least = int(len(codes) * SHARE)
    if method == "hdbscan":
        floor = min(5, len(codes) // 2)
        return sorted({max(floor, round(share * len(codes))) for share in _SHARES}) if floor >= 2 else []
    distinct = len(np.unique(codes, axis=0))
    return list(range(2, min(largest, distinct, len(codes) - 1, least) + 1))


def curve(method: str, codes: Float[np.ndarray, "N L"], values: list[int], seed: int) -> tuple[Candidate, ...]:
    """Silhouette and stability for each value."""
    if not values:
        return ()
    parts = [some_rows(len(codes), int(len(codes) * SHARE), seed, part) for part in range(PARTS)]
    with quietly():
        whole = labellings(method, codes, values, seed_of(seed, 40))
        again = [labellings(method, codes[rows], values, seed_of(seed, 41 + part)) for part, rows in enumerate(parts)]
        distances = pairwise_distances(codes)
        found = []
        for place, (value, labels) in enumerate(zip(values, whole)):
            agreement = [adjusted_rand_score(labels[rows], other[place]) for rows, other in zip(parts, again)]
            count = len(np.unique(labels))
            apart = silhouette_score(distances, labels, metric="precomputed") if 1 < count < len(codes) else np.nan
            found.append(Candidate(value, count, float(apart), float(np.mean(agreement))))
    return tuple(found)


def best(points: tuple[Candidate, ...]) -> Candidate:
    """The point with the highest score; of equal ones the first, which has the fewest clusters or the smallest."""
    return max(points, key=lambda point: point.score)
