"""Rows of evidence about clusters: how stable they are, and how far they agree with labels where there are any.

Every representation is clustered once per repeat, and all rows read those same clusterings. From arrays to rows; it
knows no model and no file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nolabel.evaluation import clusters
from nolabel.evaluation.evidence import Row
from nolabel.evaluation.repeats import Codes, Repeats, cells, default_of
from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import some_rows

Found = list[tuple[np.ndarray, np.ndarray]]  # one (row numbers, their clusters) per repeat


@dataclass(frozen=True)
class Clusterings:
    """What the three clusterings found on every representation: method -> representation -> repeats."""

    k: int
    smallest: int
    hdbscan_samples: int
    found: Mapping[str, Mapping[str, Found]]


def _seeded_runs(scaled: np.ndarray, name: str, k: int, repeats: Repeats) -> dict[str, Found]:
    everything = np.arange(len(scaled))
    runs: dict[str, Found] = {"k-means": [], "Gaussian mixture": []}
    for seed in repeats.seeds(5):
        with repeats.tally.watch("k-means", name):
            runs["k-means"].append((everything, clusters.k_means(scaled, k, seed)))
        with repeats.tally.watch("Gaussian mixture", name):
            runs["Gaussian mixture"].append((everything, clusters.gaussian_mixture(scaled, k, seed)))
    return runs


def _density_runs(scaled: np.ndarray, smallest: int, parts: Sequence[np.ndarray]) -> Found:
    return [(rows, clusters.hdbscan(scaled[rows], smallest)) for rows in parts]


def cluster_all(codes: Codes, k: int, repeats: Repeats, most: int = 2000) -> Clusterings:
    """Cluster every representation, `repeats.count` times each, with the same seeds.

    HDBSCAN has no seed and quadratic cost: it is repeated on random parts of four fifths, at most `most` samples, and
    asks for clusters of a fiftieth of them.
    """
    total = len(codes["model"])
    size = min(most, max(2, total * 4 // 5))
    smallest = max(5, size // 50) if size > 5 else 2
    parts = [some_rows(total, size, seed) for seed in repeats.seeds(6)]
    found: dict[str, dict[str, Found]] = {"k-means": {}, "Gaussian mixture": {}, "HDBSCAN": {}}
    for name, of in codes.items():
        scaled = evenly(of)
        for method, runs in _seeded_runs(scaled, name, k, repeats).items():
            found[method][name] = runs
        found["HDBSCAN"][name] = _density_runs(scaled, smallest, parts)
    return Clusterings(k, smallest, size, found)


def _protocol(method: str, made: Clusterings, repeats: Repeats) -> str:
    if method == "HDBSCAN":
        return (
            f"HDBSCAN, clusters of at least {made.smallest}, {default_of(clusters.hdbscan, 'core')} neighbours for "
            f"density; {repeats.count} random parts of {made.hdbscan_samples:,} samples"
        )
    if method == "k-means":
        starts = default_of(clusters.k_means, "restarts")
        return f"k-means, k = {made.k}, best of {starts} starts; {repeats.count} seeds"
    return f"Gaussian mixture, k = {made.k}, diagonal covariances, from k-means; {repeats.count} seeds"


def unlabelled_cluster_rows(codes: Codes, made: Clusterings, repeats: Repeats, why_k: str) -> list[Row]:
    """Stability over seeds, silhouette, and the share that HDBSCAN leaves out as noise."""
    runs = {name: [of for _, of in found] for name, found in made.found["k-means"].items()}
    stable = {name: clusters.stability(of) for name, of in runs.items()}
    shape = {name: _silhouettes(codes[name], runs[name], repeats) for name in runs}
    noise = {name: [clusters.noise_share(of) for _, of in found] for name, found in made.found["HDBSCAN"].items()}
    how = f"{_protocol('k-means', made, repeats)}; k is {why_k}"
    most = min(len(codes["model"]), default_of(clusters.silhouette, "most"))
    pairs = f"adjusted Rand index between pairs of runs; {how}"
    near = f"Euclidean, each space its own, {most:,} samples; {how}"
    left = f"share of samples in no cluster; {_protocol('HDBSCAN', made, repeats)}"
    return [
        Row("clusters", "stability of k-means", pairs, True, cells(stable)),
        Row("clusters", "silhouette of k-means", near, None, cells(shape)),
        Row("clusters", "HDBSCAN noise", left, None, cells(noise)),
    ]


def _silhouettes(codes: np.ndarray, runs: Sequence[np.ndarray], repeats: Repeats) -> list[float]:
    return [clusters.silhouette(codes, of, seed) for of, seed in zip(runs, repeats.seeds(7))]


_AGREEMENT: tuple[tuple[str, str, Callable[..., float]], ...] = (
    ("NMI", "normalised mutual information, arithmetic mean", clusters.nmi),
    ("ARI", "adjusted Rand index", clusters.ari),
    ("accuracy", "each class gets the one cluster that is best for the whole (Hungarian)", clusters.hungarian_accuracy),
)


def _agreement(found: Found, y: np.ndarray, measure: Callable[..., float]) -> list[float]:
    values = []
    for rows, of in found:
        known = y[rows] >= 0
        values.append(measure(y[rows][known], of[known]) if known.any() else float("nan"))
    return values


def cluster_agreement_rows(made: Clusterings, y: np.ndarray, repeats: Repeats) -> list[Row]:
    """NMI, ARI and Hungarian accuracy of the three clusterings with the known classes."""
    rows = []
    for method, found in made.found.items():
        noise = "; noise is one more cluster, and wrong for accuracy" if method == "HDBSCAN" else ""
        for name, how, measure in _AGREEMENT:
            values = cells({of: _agreement(runs, y, measure) for of, runs in found.items()})
            protocol = f"{how}; {_protocol(method, made, repeats)}{noise}; {(y >= 0).sum():,} labelled samples in all"
            rows.append(Row("cluster agreement", f"{method} {name}", protocol, True, values))
    return rows
