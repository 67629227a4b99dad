"""Groups of samples by four methods of scikit-learn, each of which can say where a new sample belongs.

    kmeans         best of 5 k-means++ starts on the drawn samples, then all samples; a sample belongs to the nearest
                   centre, and its confidence is its silhouette (0 where that is negative)
    gmm            mixture of Gaussians with diagonal covariances, variance floor 1e-3, begun at the means of kmeans; a
                   sample belongs to the likeliest component, whose responsibility is the confidence
    agglomerative  Ward's tree of the drawn samples; any other sample belongs where the nearest drawn one does, and the
                   confidence is the silhouette
    hdbscan        density of the drawn samples, 5 neighbours; any other sample, and each that is called noise, belongs
                   where the nearest sample that is no noise does. The confidence is the strength of that one's
                   membership, 0 for noise. A sample that was not drawn is noise when the nearest drawn one is, or when
                   it is farther from the nearest of its group than any sample of the group is from its own nearest one.

Groups are numbered by size, the largest first. Codes should be on one scale (`scaling.evenly`). Functions of arrays and
a seed; they know no model and no data set.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.cluster.hierarchy import fcluster, ward
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import euclidean_distances, pairwise_distances_argmin_min
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from nolabel.evaluation.silhouettes import Reference

METHODS = ("kmeans", "gmm", "hdbscan", "agglomerative")
_STARTS, _NEIGHBOURS = 5, 5


class Assigned(NamedTuple):
    """Group (N,), confidence in [0, 1] (N,), and whether the sample lies outside of all groups (N,)."""

    labels: Int[np.ndarray, "N"]
    confidence: Float[np.ndarray, "N"]
    is_noise: Bool[np.ndarray, "N"]


class Groups(ABC):
    """What a method has found."""

    members: Assigned  # the samples that it was found in

    @abstractmethod
    def assign(self, codes: Float[np.ndarray, "M L"]) -> Assigned:
        """Where new samples belong."""


@contextmanager
def quietly() -> Iterator[None]:
    """One thread, so that sums do not depend on how many there are; no warnings of clusters lost to duplicates."""
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _order(labels: np.ndarray) -> np.ndarray:
    """Labels in use, the most frequent first; noise (-1) is none."""
    sizes = np.bincount(labels[labels >= 0])
    return np.asarray(np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)])


def _renumbered(labels: np.ndarray, order: np.ndarray) -> np.ndarray:
    new = np.full(max(int(labels.max()), 0) + 2, -1, dtype=np.int64)  # its last place answers for -1
    new[order] = np.arange(len(order))
    return np.asarray(new[labels])


# --- k-means ---------------------------------------------------------------------------------------------------------


@final
class Centres(Groups):
    """Groups around centres (K, L)."""

    def __init__(self, codes: np.ndarray, drawn: np.ndarray, k: int, seed: int) -> None:
        found = _k_means(codes[drawn], k, seed)
        if len(drawn) < len(codes):
            found = KMeans(k, init=found.cluster_centers_, n_init=1, random_state=seed).fit(codes)
        order = _order(found.labels_)
        labels = _renumbered(found.labels_, order)
        self.centres = found.cluster_centers_[order]
        self._reference = Reference(codes, labels, seed)
        self.members = _by_silhouette(labels, self._reference.of_members(codes, labels))

    def assign(self, codes: Float[np.ndarray, "M L"]) -> Assigned:
        """Where new samples belong: to the nearest centre."""
        labels = euclidean_distances(codes, self.centres).argmin(axis=1)
        return _by_silhouette(labels, self._reference.of_others(codes, labels))


def _k_means(codes: np.ndarray, k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=_STARTS, random_state=seed).fit(codes)


def _by_silhouette(labels: np.ndarray, silhouettes: np.ndarray) -> Assigned:
    return Assigned(labels, np.clip(silhouettes, 0, 1), np.zeros(len(labels), dtype=bool))


# --- Gaussian mixture ------------------------------------------------------------------------------------------------


@final
class Mixture(Groups):
    """Components of a mixture of Gaussians."""

    def __init__(self, codes: np.ndarray, drawn: np.ndarray, k: int, seed: int) -> None:
        self._mixture = _mixture(codes[drawn], k, seed).fit(codes)
        self._order = _order(self._mixture.predict(codes))
        self.members = self.assign(codes)

    def assign(self, codes: Float[np.ndarray, "M L"]) -> Assigned:
        """Where new samples belong: to the likeliest component."""
        responsibilities = self._mixture.predict_proba(codes)[:, self._order]
        labels = responsibilities.argmax(axis=1)
        confidence = responsibilities[np.arange(len(codes)), labels].astype(np.float64)
        return Assigned(labels, np.clip(confidence, 0, 1), np.zeros(len(codes), dtype=bool))

    @property
    def settled(self) -> bool:
        """Whether expectation maximisation came to its end."""
        return bool(self._mixture.converged_)


def _mixture(drawn: np.ndarray, k: int, seed: int) -> GaussianMixture:
    means = _k_means(drawn, k, seed).cluster_centers_
    return GaussianMixture(k, covariance_type="diag", reg_covar=1e-3, means_init=means, random_state=seed)


# --- trees and densities: the nearest grouped sample says ------------------------------------------------------------


@final
class Tree(Groups):
    """Groups cut from Ward's tree of the drawn samples."""

    def __init__(self, codes: np.ndarray, drawn: np.ndarray, k: int, seed: int) -> None:
        self._samples = codes[drawn]
        raw = cut_tree(codes[drawn], [k])[0]
        nearest = pairwise_distances_argmin_min(codes, self._samples)[0]
        nearest[drawn] = np.arange(len(drawn))  # of duplicates, each is its own nearest
        order = _order(raw[nearest])
        self._labels = _renumbered(raw, order)
        labels = self._labels[nearest]
        self._reference = Reference(codes, labels, seed)
        self.members = _by_silhouette(labels, self._reference.of_members(codes, labels))

    def assign(self, codes: Float[np.ndarray, "M L"]) -> Assigned:
        """Where new samples belong: where the nearest drawn one does."""
        labels = self._labels[pairwise_distances_argmin_min(codes, self._samples)[0]]
        return _by_silhouette(labels, self._reference.of_others(codes, labels))


def cut_tree(codes: np.ndarray, counts: list[int]) -> list[Int[np.ndarray, "N"]]:
    """Ward's tree, cut into each of these numbers of groups."""
    tree = ward(codes)
    return [fcluster(tree, count, criterion="maxclust").astype(np.int64) - 1 for count in counts]


@final
class Densities(Groups):
    """Dense regions of the drawn samples, of at least `smallest` of them each.

    Raises
    ------
    ValueError
        There are none: every sample is noise.
    """

    def __init__(self, codes: np.ndarray, drawn: np.ndarray, smallest: int) -> None:
        raw, strength = densities(codes[drawn], smallest)
        kept = np.flatnonzero(raw >= 0)
        if not len(kept):
            raise ValueError("all noise")
        self._samples, self._labels, self._strength = codes[drawn][kept], raw[kept], strength[kept]
        self._noise = codes[drawn][raw < 0]
        self._reach = np.array([_reach(self._samples[self._labels == group]) for group in range(raw.max() + 1)])
        members = self._all(codes, drawn, raw, strength)
        order = _order(members.labels)
        self._labels, self._reach = _renumbered(self._labels, order), self._reach[order]
        self.members = members._replace(labels=_renumbered(members.labels, order))

    def _all(self, codes: np.ndarray, drawn: np.ndarray, raw: np.ndarray, strength: np.ndarray) -> Assigned:
        """All samples; of the drawn ones HDBSCAN itself has said which are noise."""
        labels, confidence, is_noise = self.assign(codes)
        labels[drawn[raw >= 0]] = self._labels  # of duplicates, each is its own nearest
        confidence[drawn], is_noise[drawn] = np.where(raw >= 0, strength, 0.0), raw < 0
        return Assigned(labels, confidence, is_noise)

    def assign(self, codes: Float[np.ndarray, "M L"]) -> Assigned:
        """Where new samples belong: where the nearest sample does that is no noise."""
        nearest, distance = pairwise_distances_argmin_min(codes, self._samples)
        labels = self._labels[nearest]
        is_noise = distance > self._reach[labels] * (1 + 1e-5)  # rounding alone makes no noise
        if len(self._noise):
            is_noise |= pairwise_distances_argmin_min(codes, self._noise)[1] < distance
        return Assigned(labels, np.where(is_noise, 0.0, self._strength[nearest]), is_noise)


def densities(codes: np.ndarray, smallest: int) -> tuple[Int[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """HDBSCAN's groups (N,), -1 for noise, and the strength of each membership (N,)."""
    least = max(2, smallest)
    found = HDBSCAN(min_cluster_size=least, min_samples=min(_NEIGHBOURS, len(codes)), algorithm="brute", copy=True)
    found.fit(codes)
    return found.labels_.astype(np.int64), np.nan_to_num(found.probabilities_.astype(np.float64))


def _reach(samples: np.ndarray) -> float:
    """The largest distance of a sample to the nearest other one."""
    if len(samples) < 2:
        return 0.0
    return float(NearestNeighbors(n_neighbors=2).fit(samples).kneighbors(samples)[0][:, 1].max())


# --- many groupings of the same samples ------------------------------------------------------------------------------


def labellings(method: str, codes: np.ndarray, values: list[int], seed: int) -> list[Int[np.ndarray, "N"]]:
    """Groups of the samples for each value: numbers of groups, or for hdbscan of the fewest samples in one.

    Noise is put where the nearest sample is that is none; all are in group 0 if all are noise.
    """
    if method == "kmeans":
        return [_k_means(codes, k, seed).labels_.astype(np.int64) for k in values]
    if method == "gmm":
        return [_mixture(codes, k, seed).fit_predict(codes).astype(np.int64) for k in values]
    if method == "agglomerative":
        return cut_tree(codes, values)
    return [_completed(codes, densities(codes, smallest)[0]) for smallest in values]


def _completed(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    kept = np.flatnonzero(labels >= 0)
    if not len(kept):
        return np.zeros(len(labels), dtype=np.int64)
    noise = np.flatnonzero(labels < 0)
    if len(noise):
        labels[noise] = labels[kept][pairwise_distances_argmin_min(codes[noise], codes[kept])[0]]
    return labels
