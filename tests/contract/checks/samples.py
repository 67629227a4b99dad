"""The data on which methods are held to the contract, with planted classes, as a user has them.

A table and images; counts of words for methods that read texts; clips for methods that read those; images of things
that stand upright for methods that learn from images alone, for their labels are made from how things stand.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.data import toys
from nolabel.methods._base import Estimator
from nolabel.methods._translator import Translator


@dataclass(frozen=True, eq=False)  # one is the same as itself only, so that what is made of it can be kept
class Samples:
    """Raw samples as an array, and their classes."""

    kind: str
    X: NDArray[Any]
    y: NDArray[np.int64]

    def labels_for(self, cls: type[Estimator]) -> "NDArray[Any] | None":
        """What `fit` is given as y: the classes, half of them unknown, for a method that uses them; targets, which are
        the images inverted, for one that translates.
        """
        if issubclass(cls, Translator):
            return 255 - self.X
        if not cls.uses_labels:
            return None
        return np.where(np.arange(len(self.y)) % 2, self.y, -1)


def table(n: int = 96, seed: int = 0) -> Samples:
    """Three clusters in six columns, of different units."""
    blobs = toys.blobs(n, 6, 3, seed)
    assert blobs.labels is not None
    X = np.asarray(blobs.store, dtype=np.float64) * np.array([1, 10, 0.1, 5, 1, 2]) + np.arange(6)
    return Samples("table", X, blobs.labels)


def images(n: int = 96, seed: int = 0) -> Samples:
    """Grey 8 x 8 images of stripes of four orientations."""
    stripes = toys.stripes(n, 8, seed)
    assert stripes.labels is not None
    return Samples("images", np.asarray(stripes.store)[:, 0], stripes.labels)


def counts(n: int = 96, seed: int = 0) -> Samples:
    """Counts of 30 words in documents of three topics."""
    posts = toys.counts(n, 30, 3, seed)
    return Samples("counts", posts.counts, posts.labels)


GLYPHS = ("..#.. .###. #.#.# ..#.. ..#..", "#.... #.... #.... #.... #####", "##### #.... ###.. #.... #....")


def upright(n: int = 96, seed: int = 0, classes: int = 3) -> Samples:
    """Grey 8 x 8 images of an arrow, an L or an F, each upright, at any place and of any brightness, with noise."""
    masks = np.array([[[mark == "#" for mark in row] for row in glyph.split()] for glyph in GLYPHS[:classes]])
    draws = np.random.default_rng(seed)
    y = draws.permutation(np.arange(n) % classes)
    X = 0.1 + 0.5 * draws.random((n, 1, 1)) + 0.1 * draws.standard_normal((n, 8, 8))
    for image, label, (top, left), light in zip(X, y, draws.integers(0, 4, (n, 2)), 0.3 + 0.2 * draws.random(n)):
        image[top : top + 5, left : left + 5] += light * masks[label]
    return Samples("upright", np.rint(255 * X.clip(0, 1)).astype(np.uint8), y)


def clips(n: int = 96, seed: int = 0) -> Samples:
    """Grey clips of four frames of 8 x 8: a bright bar that goes up, down or sideways, from any place."""
    draws = np.random.default_rng(seed)
    y = draws.permutation(np.arange(n) % 3)
    start, light = draws.integers(0, 8, n), 0.5 + 0.3 * draws.random(n)
    X = 0.1 + 0.05 * draws.random((n, 4, 8, 8))
    for clip, label, first, own in zip(X, y, start, light):
        for frame in range(4):
            place = (first + (-frame if label == 0 else frame)) % 8
            clip[frame][(slice(None), place) if label == 2 else place] += own
    return Samples("clips", np.rint(255 * X).astype(np.uint8), y)


MAKERS = {"table": table, "images": images, "counts": counts, "upright": upright, "clips": clips}


def kinds(cls: type[Estimator]) -> tuple[str, ...]:
    """The kinds of samples that a method learns from; the first stands in wherever one is enough."""
    if cls.reads.get("modality") == "text":
        return ("counts",)
    if cls.reads.get("modality") == "video":
        return ("clips",)
    modalities = getattr(cls, "modalities", ("table", "image"))
    if tuple(modalities) == ("image",):
        return ("upright",)
    return tuple(kind for kind, modality in (("table", "table"), ("images", "image")) if modality in modalities)


def tiny(cls: type[Estimator], samples: Samples, **arguments: Any) -> Any:
    """A tiny estimator for the samples: convolutional for images, where the method has such nets."""
    model = cls.tiny()
    if samples.kind == "images" and "net" in model.get_params():
        model.set_params(net="conv")
    return model.set_params(**arguments)


def fitted(cls: type[Estimator], samples: Samples, **arguments: Any) -> Any:
    """A tiny model, trained."""
    return tiny(cls, samples, **arguments).fit(samples.X.copy(), samples.labels_for(cls))


def begun(cls: type[Estimator], samples: Samples) -> Any:
    """A tiny model with its first weights, as it stands before the first step."""
    model = tiny(cls, samples)
    data, _ = model._take(samples.X, samples.labels_for(cls))
    model._begin(data, samples.X)
    return model
