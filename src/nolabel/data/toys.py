"""Toys: tiny data sets with planted structure, made on the spot, for tests and examples.

    blobs     a table: k clusters, far apart, on a plane in d dimensions
    stripes   images: wave patterns whose orientation is the class; shift, wavelength, brightness and noise are not
    mixed     a DataFrame: numbers, categories, dates and missing values that all depend on one hidden class
    counts    how often words occur in documents that are mixtures of k topics
    ring, grid       tables: narrow Gaussians in the plane, whose number is the class (toy_mixtures.py)
    moving_digits    clips of a digit that goes straight on and bounces off the edges (toy_clips.py)

A toy is the same under every version of NumPy, for it is made of the numbers of `toy_draws`. This file knows no files
and no methods.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from nolabel.data import images, tables
from nolabel.data.dataset import Dataset
from nolabel.data.toy_clips import Clips as Clips
from nolabel.data.toy_clips import moving_digits as moving_digits
from nolabel.data.toy_draws import Floats, ToyDraws, at_least
from nolabel.data.toy_mixtures import Mixture as Mixture
from nolabel.data.toy_mixtures import grid as grid
from nolabel.data.toy_mixtures import grid_mixture as grid_mixture
from nolabel.data.toy_mixtures import ring as ring
from nolabel.data.toy_mixtures import ring_mixture as ring_mixture


def blobs(n: int = 300, d: int = 10, k: int = 3, seed: int = 0, *, separation: float = 8.0) -> Dataset:
    """Clusters on a plane, as a table.

    The centres stand on a circle of a random plane through d-dimensional space, neighbours `separation` standard
    deviations apart; a cluster is a round Gaussian within the plane, and what leaves the plane is a tenth as wide.

    Parameters
    ----------
    n
        Samples, at least one; the classes are equally frequent, up to one sample.
    d
        Columns, at least 2.
    k
        Clusters, at least 1.
    seed
        A whole number from 0; the same seed gives the same data.
    separation
        Distance of neighbouring centres, in standard deviations of a cluster.

    Returns
    -------
    Dataset
        A standardised table (n, d) with labels 0 to k - 1.
    """
    at_least(n=(n, 1), d=(d, 2), k=(k, 1), seed=(seed, 0))
    draws = ToyDraws(seed)
    labels = draws.classes(n, k)
    radius = separation / (2 * math.sin(math.pi / k)) if k > 1 else 0.0
    angle = 2 * np.pi * labels / k
    plane = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) + draws.normal(n, 2)
    rows = plane @ _two_directions(draws.normal(2, d)) + 0.1 * draws.normal(n, d)
    frame = tables.from_array(rows)
    spec = tables.learn(frame, kind="array")
    values, _ = tables.encode(frame, spec)
    return Dataset(spec, values, range(n), labels=labels, classes=[str(c) for c in range(k)], name="blobs")


def stripes(n: int = 200, size: int = 16, seed: int = 0, *, k: int = 4) -> Dataset:
    """Waves of k orientations, as grey images.

    The class is the orientation, a multiple of 180 / k degrees (give or take a sixth of the step). Shift, wavelength
    (a fifth to a half of the image, and more than two pixels), contrast and brightness are drawn anew for every image,
    and noise is added. Two images of one class differ in most pixels: of 200 images of 16 x 16, neighbours by pixels
    tell six in ten right, where features that ignore the shift tell nearly all.

    Parameters
    ----------
    n
        Samples, at least one; the classes are equally frequent, up to one sample.
    size
        Height and width in pixels, at least 8.
    seed
        A whole number from 0; the same seed gives the same data.
    k
        Orientations, at least 1.

    Returns
    -------
    Dataset
        uint8 images (n, 1, size, size) with labels 0 to k - 1.
    """
    at_least(n=(n, 1), size=(size, 8), seed=(seed, 0), k=(k, 1))
    draws = ToyDraws(seed)
    labels = draws.classes(n, k)
    angle = np.pi / k * (labels + (draws.uniform(n) - 0.5) / 3)
    cycles = 2 + (min(5, 0.45 * size) - 2) * draws.uniform(n)
    waves = np.sin(_phases(angle, cycles, size) + _across(2 * np.pi * draws.uniform(n)))
    light = 0.3 + 0.4 * draws.uniform(n)
    contrast = 0.1 + 0.2 * draws.uniform(n)
    grey = _across(light) + _across(contrast) * waves + 0.1 * draws.normal(n, size, size)
    pixels = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    spec = images.learn(pixels)
    store = torch.from_numpy(images.encode(pixels, spec))
    classes = [f"{180 * c / k:g} degrees" for c in range(k)]
    return Dataset(spec, store, range(n), labels=labels, classes=classes, name="stripes")


def mixed(n: int = 300, seed: int = 0) -> "tuple[pd.DataFrame, NDArray[np.int64]]":
    """A table with columns of every kind, and the hidden class of each row.

    Columns: `height` (float), `income` (float, large, a tenth missing), `visits` (int), `member` (bool), `colour`
    (text, a tenth missing), `grade` (ordered categorical), `joined` (days, a tenth missing). Each of them depends on
    the class, none of them tells it for sure.

    Parameters
    ----------
    n
        Rows, at least one; the classes are equally frequent, up to one row.
    seed
        A whole number from 0; the same seed gives the same data.

    Returns
    -------
    frame, labels
        (n, 7) DataFrame; (n,) int64, 0 to 2.
    """
    at_least(n=(n, 1), seed=(seed, 0))
    draws = ToyDraws(seed)
    labels = draws.classes(n, 3)
    days = 400 * labels + np.floor(300 * draws.uniform(n))
    frame = pd.DataFrame(
        {
            "height": 160.0 + 10 * labels + 4 * draws.normal(n),
            "income": 1e6 * np.exp(labels + 0.3 * draws.normal(n)),
            "visits": np.floor(10 * draws.uniform(n)).astype(np.int64) + 5 * labels,
            "member": draws.uniform(n) < np.array([0.1, 0.5, 0.9])[labels],
            "colour": _likely(draws, labels, ["red", "green", "blue"]),
            "grade": pd.Categorical(_likely(draws, labels, ["low", "middle", "high"]), ["low", "middle", "high"], True),
            "joined": np.datetime64("2020-01-01", "us") + days.astype(np.int64) * np.timedelta64(1, "D"),
        }
    )
    for name in ("income", "colour", "joined"):
        frame[name] = frame[name].where(draws.uniform(n) >= 0.1)
    return frame, labels


@final
@dataclass(frozen=True)
class Counts:
    """Counts of words (N, V) of planted topics phi (K, V), in mixtures theta (N, K); labels: the main topic of each."""

    counts: NDArray[np.int64]
    phi: Floats
    theta: Floats
    labels: NDArray[np.int64]


def counts(n: int = 200, v: int = 60, k: int = 4, seed: int = 0, *, length: int = 60) -> Counts:
    """Counts of words in documents, each mostly of one topic.

    A topic is at home in v / k words of its own, which it uses unequally and which make up nine tenths of it; the rest
    is spread over all words. A document has about `length` words, three quarters or more of them of its main topic.

    Parameters
    ----------
    n
        Documents, at least one; the main topics are equally frequent, up to one document.
    v
        Words, at least k.
    k
        Topics, at least 1.
    seed
        A whole number from 0; the same seed gives the same data.
    length
        Mean number of words in a document.

    Returns
    -------
    Counts
    """
    at_least(n=(n, 1), k=(k, 1), v=(v, k), seed=(seed, 0), length=(length, 1))
    draws = ToyDraws(seed)
    labels = draws.classes(n, k)
    own = (np.arange(v) * k // v == np.arange(k)[:, None]) * (0.5 + draws.uniform(k, v))
    phi = 0.9 * own / own.sum(1, keepdims=True) + 0.1 / v
    main = 0.75 + 0.25 * draws.uniform(n)
    theta = np.full((n, k), 1.0) * ((1 - main) / max(k - 1, 1))[:, None]
    theta[np.arange(n), labels] = main if k > 1 else 1.0
    edges = np.cumsum(theta @ phi, axis=1)
    sizes = np.floor(length * (0.5 + draws.uniform(n))).astype(np.int64)
    places = draws.uniform(n, int(sizes.max()))
    words = np.stack([np.searchsorted(edge, row * edge[-1]) for edge, row in zip(edges, places)]).clip(0, v - 1)
    found = np.stack([np.bincount(row[:size], minlength=v) for row, size in zip(words, sizes)])
    return Counts(found.astype(np.int64), phi, theta, labels)


def _two_directions(pair: Floats) -> Floats:
    """(2, d) orthonormal rows that span the same plane (Gram and Schmidt)."""
    first = pair[0] / np.linalg.norm(pair[0])
    second = pair[1] - (pair[1] @ first) * first
    return np.stack([first, second / np.linalg.norm(second)])


def _across(values: Floats) -> Floats:
    """(n,) values, ready to meet (n, size, size)."""
    return values[:, None, None]


def _phases(angle: Floats, cycles: Floats, size: int) -> Floats:
    """(n, size, size): how far, in radians, each pixel is along a wave of the given direction and cycles an image."""
    step = 2 * np.pi * cycles / size
    down, right = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    return _across(step * np.cos(angle)) * right + _across(step * np.sin(angle)) * down


def _likely(draws: ToyDraws, labels: NDArray[np.int64], names: list[str]) -> NDArray[Any]:
    """(n,) names: that of the class in seven cases of ten, else any of them."""
    anything = np.floor(len(names) * draws.uniform(len(labels))).astype(np.int64)
    return np.array(names, dtype=object)[np.where(draws.uniform(len(labels)) < 0.7, labels, anything)]
