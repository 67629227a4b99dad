"""Clusters of a representation: k-means, Gaussian mixture, HDBSCAN, and how well they agree with labels or themselves.

All three are meant for codes scaled by `scaling.evenly`: that changes no cluster of k-means or HDBSCAN, gives the
mixture's variance floor a meaning, and does not blow up idle columns.
HDBSCAN leaves points out as noise (-1). Noise is one more cluster for NMI and ARI, and always wrong for accuracy.
Pure functions of arrays and a seed; they know no model.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, pairwise_distances, silhouette_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import seed_of, some_rows


def k_means(codes: Float[np.ndarray, "N L"], k: int, seed: int, restarts: int = 3) -> Int[np.ndarray, "N"]:
    """Cluster of each sample: the best of `restarts` k-means++ starts."""
    return np.asarray(KMeans(k, n_init=restarts, random_state=seed).fit_predict(codes))


def gaussian_mixture(codes: Float[np.ndarray, "N L"], k: int, seed: int) -> Int[np.ndarray, "N"]:
    """Most probable component of each sample; diagonal covariances, variance floor 1e-3, started from k-means."""
    mixture = GaussianMixture(k, covariance_type="diag", reg_covar=1e-3, random_state=seed)
    return np.asarray(mixture.fit_predict(codes))


def hdbscan(codes: Float[np.ndarray, "N L"], smallest: int, core: int = 5) -> Int[np.ndarray, "N"]:
    """Clusters of at least `smallest` samples by density, -1 for noise; `core` neighbours define density."""
    found = HDBSCAN(min_cluster_size=smallest, min_samples=min(core, len(codes)), algorithm="brute", copy=True)
    return np.asarray(found.fit_predict(codes))


def nmi(labels: Int[np.ndarray, "N"], clusters: Int[np.ndarray, "N"]) -> float:
    """Normalised mutual information, arithmetic mean of the entropies."""
    return float(normalized_mutual_info_score(labels, clusters))


def ari(labels: Int[np.ndarray, "N"], clusters: Int[np.ndarray, "N"]) -> float:
    """Adjusted Rand index: 0 on average for chance, 1 for agreement."""
    return float(adjusted_rand_score(labels, clusters))


def hungarian_accuracy(labels: Int[np.ndarray, "N"], clusters: Int[np.ndarray, "N"]) -> float:
    """Share of samples named right when every class is given the one cluster that makes this share largest.

    Clusters left without a class, and noise (-1), count as wrong.
    """
    kept = clusters >= 0
    if not kept.any():
        return 0.0
    together = contingency_matrix(labels[kept], clusters[kept])
    rows, columns = linear_sum_assignment(together, maximize=True)
    return float(together[rows, columns].sum() / len(labels))


def noise_share(clusters: Int[np.ndarray, "N"]) -> float:
    """Share of samples left out as noise."""
    return float((clusters < 0).mean())


def silhouette(codes: Float[np.ndarray, "N L"], clusters: Int[np.ndarray, "N"], seed: int, most: int = 2000) -> float:
    """Mean silhouette (Euclidean) over at most `most` random samples; NaN when they lie in a single cluster."""
    rows = some_rows(len(codes), most, seed)
    if not 1 < len(np.unique(clusters[rows])) < len(rows):
        return float("nan")
    return float(silhouette_score(codes[rows], clusters[rows]))


def stability(runs: Sequence[Int[np.ndarray, "N"]]) -> list[float]:
    """Adjusted Rand index of every pair of runs: 1 when different seeds find the same clusters."""
    return [ari(one, other) for one, other in combinations(runs, 2)]


def choose_k(codes: Float[np.ndarray, "N L"], seed: int, largest: int = 20, most: int = 2000) -> int:
    """The number of clusters in 2 .. `largest` with the best silhouette over at most `most` random samples.

    Returns 1 when no number of clusters is possible: fewer than three samples, or all codes the same.
    """
    part = evenly(codes[some_rows(len(codes), most, seed)])
    distinct = len(np.unique(part, axis=0))
    distances = pairwise_distances(part)
    candidates = range(2, min(largest, distinct, len(part) - 1) + 1)
    with threadpool_limits(limits=1):  # small fits: threads would only wait for each other
        scores = [silhouette_score(distances, k_means(part, k, seed, 1), metric="precomputed") for k in candidates]
    return candidates[int(np.argmax(scores))] if scores else 1


def cluster_codes(codes: Float[np.ndarray, "N L"], k: int | None = None, seed: int = 0) -> Int[np.ndarray, "N"]:
    """Clusters for display: k-means with `k` clusters, or with the number that `choose_k` finds best.

    Parameters
    ----------
    codes
        (N, L).
    k
        Number of clusters, at least 1; None to choose it by silhouette.
    seed
        Starts of k-means and the samples that the silhouette looks at.

    Returns
    -------
    clusters
        (N,) whole numbers from 0. All 0 when the codes are all the same.
    """
    chosen = choose_k(codes, seed_of(seed)) if k is None else min(k, len(np.unique(codes, axis=0)))
    if chosen < 2:
        return np.zeros(len(codes), dtype=np.int64)
    return k_means(evenly(codes), chosen, seed_of(seed)).astype(np.int64)
