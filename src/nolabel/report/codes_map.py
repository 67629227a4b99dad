"""Codes to a `Map`: a 2-D picture, clusters, nearest neighbours, and what each sample looks like.

It knows codes and a `Dataset`, not the model that made them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_names, in_columns
from nolabel.evaluation.clusters import cluster_codes
from nolabel.evaluation.neighbours import nearest
from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import seed_of
from nolabel.report.content import Codes, Floats, Map
from nolabel.report.looks import is_seen, lines, pixels, texts

_FEWEST_FOR_TSNE = 50  # below, neighbourhoods are too small to be arranged by
_PERPLEXITY = 30
_WIDTH = 32  # t-SNE looks at distances only: beyond this many principal components they hardly change
_NEIGHBOURS = 6
_HOVER_COLUMNS = 10


@dataclass(frozen=True)
class Groups:
    """Clusters that the model itself has: (n,) codes, what one is called, their names, and a line on what they are."""

    codes: Codes
    noun: str
    names: Sequence[str]
    how: str


@dataclass(frozen=True)
class Placing:
    """Where the model itself puts the samples: (n, 2) coordinates, a line on them, and how to read them."""

    coords: Floats
    how: str
    things: str
    reading: str


def make_map(
    codes: NDArray[np.float32],
    data: Dataset,
    *,
    labels: Codes | None,
    classes: tuple[str, ...],
    total: int,
    seed: int,
    groups: Groups | None = None,
    placing: Placing | None = None,
) -> Map:
    """The map of some samples.

    Parameters
    ----------
    codes
        (n, L), finite.
    data
        The same n samples.
    labels, classes
        (n,) class codes, -1 for unknown, and their names; None without labels.
    total
        Samples in the whole data set.
    seed
        Of t-SNE and k-means.
    groups
        The model's own clusters, to be shown in place of those of k-means.
    placing
        The model's own picture, to be shown in place of t-SNE's.
    """
    placed = _arranged(codes, seed) if placing is None else placing
    shown = _clustered(codes, labels, seed) if groups is None else groups
    table = in_columns(data.spec)
    return Map(
        coords=placed.coords,
        clusters=shown.codes,
        noun=shown.noun,
        names=shown.names,
        ids=[str(name) for name in data.ids],
        how=f"{placed.how} {shown.how}",
        things=placed.things,
        reading=placed.reading,
        total=total,
        labels=labels,
        classes=classes,
        thumbnails=pixels(data) if is_seen(data.spec) else None,
        columns=column_names(data.spec)[:_HOVER_COLUMNS] if table else (),
        rows=[row[:_HOVER_COLUMNS] for row in texts(data)] if table else (),
        lines=lines(data),
        neighbours=nearest(codes, codes, _NEIGHBOURS, leave_one_out=True)[1] if len(codes) > _NEIGHBOURS else None,
    )


def _clustered(codes: NDArray[np.float32], labels: Codes | None, seed: int) -> Groups:
    k = None if labels is None else len(np.unique(labels[labels >= 0])) or None
    clusters = cluster_codes(codes, k, seed)
    found = len(np.unique(clusters))
    why = f"k = {found}, " + ("the number of classes" if k is not None else "chosen by silhouette")
    return Groups(clusters, "cluster", (), f"Clusters are those of k-means, {why}.")


def _arranged(codes: NDArray[np.float32], seed: int) -> Placing:
    coords, how = _flattened(codes, seed)
    return Placing(coords, how, "codes", "Near points have similar codes; distances between far groups mean little.")


def _flattened(codes: NDArray[np.float32], seed: int) -> tuple[Floats, str]:
    """(n, 2) coordinates, and how they were made."""
    count, width = codes.shape
    scaled = evenly(codes).astype(np.float64)
    if not scaled.any():
        return np.zeros((count, 2)), "All codes are the same, so there is nothing to arrange."
    flat = PCA(min(_WIDTH, count, width), random_state=seed_of(seed)).fit_transform(scaled)
    if width == 1 or count < _FEWEST_FOR_TSNE:
        padded = np.pad(flat, ((0, 0), (0, 1)))[:, :2]
        return padded, f"The first two principal components of the {width}-dimensional codes."
    perplexity = min(_PERPLEXITY, (count - 1) // 3)
    # One thread: t-SNE's parallel loops are so short that, on a busy machine, waiting for each other takes ten times
    # as long as the work.
    with threadpool_limits(1):
        made = TSNE(2, init="pca", perplexity=perplexity, random_state=seed_of(seed)).fit_transform(flat)
    return np.asarray(made), f"t-SNE (perplexity {perplexity}) of the {width}-dimensional codes."
