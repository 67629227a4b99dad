"""`Clusters`: what `nolabel.cluster` found, sample by sample and cluster by cluster; it can say where new ones belong.

It knows no method of clustering (`grouping.py`) and opens no source itself: how new samples become codes is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from nolabel.errors import ArgumentError, OutputError, nearest
from nolabel.evaluation.choosing import Candidate
from nolabel.evaluation.describing import Trait
from nolabel.evaluation.grouping import Assigned, Groups, quietly

_SUFFIXES = (".parquet", ".csv")


@final
@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Parameters
    ----------
    number
        What `Clusters.labels` calls it.
    size, share
        Samples in it, noise that was put here included; and their part of all.
    noise
        How many of them are noise (hdbscan).
    confidence
        Mean over its samples.
    medoids
        Ids of its most typical samples, the most typical first.
    traits
        The columns or words that set it apart, the strongest first.
    classes
        Where labels are known: share of each class among its labelled samples, the largest first.
    """

    number: int
    size: int
    share: float
    noise: int
    confidence: float
    medoids: tuple[str | int, ...]
    traits: tuple[Trait, ...]
    classes: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.traits:
            return ", ".join(map(str, self.traits))
        return "such as " + ", ".join(map(str, self.medoids))


@final
@dataclass(frozen=True, repr=False)
class Clusters:
    """Clusters of samples; made by `nolabel.cluster`.

    Parameters
    ----------
    method
        How they were found.
    ids
        The N ids of the samples.
    labels
        (N,) cluster of each sample, 0 .. k - 1, the largest cluster first. Never -1: noise is in the nearest cluster.
    confidence
        (N,) in [0, 1]; what it means for each method is said in `nolabel.evaluation.grouping`. 0 for noise.
    is_noise
        (N,) whether hdbscan found the sample in no cluster.
    descriptions
        One `Cluster` for each.
    curve
        Silhouette and stability of each number of clusters that was tried; empty when the number was given.
    agreement
        "NMI" and "ARI" with the labels, where there are labels.
    notes
        What should be known before believing them, one sentence each.
    """

    method: str
    ids: Sequence[str | int]
    labels: Int[np.ndarray, "N"]
    confidence: Float[np.ndarray, "N"]
    is_noise: Bool[np.ndarray, "N"]
    descriptions: tuple[Cluster, ...]
    curve: tuple[Candidate, ...]
    agreement: Mapping[str, float]
    notes: tuple[str, ...]
    _groups: Groups
    _codes_of: Callable[[Any], Float[np.ndarray, "M L"]]  # new samples -> codes on the scale of `_groups`

    def __repr__(self) -> str:
        return f"Clusters({self.method}: {len(self.labels)} samples in {self.k} clusters)"

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.descriptions)

    def predict(self, new: Any) -> Int[np.ndarray, "M"]:
        """The cluster of each new sample (M,).

        Parameters
        ----------
        new
            What the clusters were made of: codes (M, L), or a source for the estimator whose codes were clustered.
            kmeans: the nearest centre. gmm: the likeliest component. hdbscan, agglomerative: that of the nearest sample
            that is no noise.

        Raises
        ------
        DataError
            Codes of another width, NaN or infinite ones; or what the estimator's `transform` refuses.
        """
        return self.assign(new).labels

    def assign(self, new: Any) -> Assigned:
        """Cluster, confidence and noise flag of each new sample: three arrays (M,). See `predict`."""
        codes = self._codes_of(new)
        with quietly():
            return self._groups.assign(codes)

    def to_frame(self) -> pd.DataFrame:
        """One row a sample: id, cluster, confidence, is_noise."""
        whole = all(isinstance(name, int | np.integer) for name in self.ids)
        names = list(self.ids) if whole else [_text(name) for name in self.ids]
        return pd.DataFrame(
            {"id": names, "cluster": self.labels, "confidence": self.confidence, "is_noise": self.is_noise}
        )

    def curve_frame(self) -> pd.DataFrame:
        """The curve: value, clusters, silhouette, stability, score."""
        columns = ["value", "clusters", "silhouette", "stability", "score"]
        return pd.DataFrame([[getattr(point, name) for name in columns] for point in self.curve], columns=columns)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write `to_frame()` as .parquet or .csv, whole or not at all; returns the path.

        Raises
        ------
        ArgumentError
            Another suffix.
        OutputError
            The file exists and `overwrite` was not said, or it cannot be written.
        """
        from nolabel.training.checkpoint import write_whole

        file = Path(path)
        if file.suffix.lower() not in _SUFFIXES:
            hint = nearest(file.suffix, _SUFFIXES)
            raise ArgumentError(f"path must end in .parquet or .csv; got {str(file)!r}{hint}")
        if file.exists() and not overwrite:
            raise OutputError(f"{file} exists; choose another name, or say overwrite=True to replace it")
        write_whole(file, _content(self.to_frame(), file.suffix.lower()))
        return file

    def table(self) -> str:
        """The clusters as text, one a line: number, size, confidence, description."""
        lines = [f"{self.method}: {len(self.labels):,} samples in {self.k} cluster{'s' if self.k > 1 else ''}"]
        for one in self.descriptions:
            noise = f", {one.noise:,} noise" if one.noise else ""
            lines.append(f"{one.number:>4} {one.size:>8,} ({one.share:.1%}{noise})  {one.confidence:.2f}  {one}")
        return "\n".join([*lines, *self.notes])


def _text(name: str | int) -> str:
    return str(name).encode("utf-8", "backslashreplace").decode()  # a file's name need not be text


def _content(frame: pd.DataFrame, suffix: str) -> bytes:
    if suffix == ".csv":
        return str(frame.to_csv(index=False)).encode()
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
