"""Codes to a `Map`: a 2-D picture, clusters, nearest neighbours, and what each sample looks like.

It knows codes and a `Dataset`, not the model that made them.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from nolabel.data.dataset import Dataset
from nolabel.evaluation.clusters import cluster_codes
from nolabel.evaluation.neighbours import nearest
from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import seed_of
from nolabel.report.content import Codes, Floats, Map
from nolabel.report.looks import column_names, pixels, texts

_FEWEST_FOR_TSNE = 50  # below, neighbourhoods are too small to be arranged by
_PERPLEXITY = 30
_WIDTH = 32  # t-SNE looks at distances only: beyond this many principal components they hardly change
_NEIGHBOURS = 6
_HOVER_COLUMNS = 10


def make_map(
    codes: NDArray[np.float32], data: Dataset, *, labels: Codes | None, classes: tuple[str, ...], total: int, seed: int
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
    """
    coords, how = _arranged(codes, seed)
    k = None if labels is None else len(np.unique(labels[labels >= 0])) or None
    clusters = cluster_codes(codes, k, seed)
    table = data.spec.modality == "table"
    return Map(
        coords=coords,
        clusters=clusters,
        ids=[str(name) for name in data.ids],
        how=f"{how} Clusters are those of k-means, {_why(k, clusters)}.",
        total=total,
        labels=labels,
        classes=classes,
        thumbnails=None if table else pixels(data),
        columns=column_names(data.spec)[:_HOVER_COLUMNS] if table else (),
        rows=[row[:_HOVER_COLUMNS] for row in texts(data)] if table else (),
        neighbours=nearest(codes, codes, _NEIGHBOURS, leave_one_out=True)[1] if len(codes) > _NEIGHBOURS else None,
    )


def _why(k: int | None, clusters: Codes) -> str:
    found = len(np.unique(clusters))
    return f"k = {found}, " + ("the number of classes" if k is not None else "chosen by silhouette")


def _arranged(codes: NDArray[np.float32], seed: int) -> tuple[Floats, str]:
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
