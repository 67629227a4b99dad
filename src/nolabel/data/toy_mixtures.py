"""Planted modes: narrow Gaussians in the plane, far apart, on which it can be counted what a generator leaves out.

    ring    8 of standard deviation 0.02 on a circle of radius 2 (as in Metz et al. 2017, arXiv:1611.02163)
    grid    25 of standard deviation 0.05 at the crossings of a square grid, 2 apart (as in Srivastava et al. 2017,
            arXiv:1705.07761)

A generator that was fitted to them gives samples in the table's own units, as `centres` are, so that
`nolabel.evaluation.modes` can count. This file knows no files and no methods.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from nolabel.data import tables
from nolabel.data.dataset import Dataset
from nolabel.data.toy_draws import Floats, ToyDraws, at_least


@final
@dataclass(frozen=True)
class Mixture:
    """Gaussians of equal weight. centres: (K, 2).  deviation: standard deviation of each, in both directions."""

    name: str
    centres: Floats
    deviation: float

    def draw(self, n: int, seed: int) -> Dataset:
        """(n, 2) standardised samples, the number of the Gaussian of each as its label."""
        at_least(n=(n, 1), seed=(seed, 0))
        draws, modes = ToyDraws(seed), len(self.centres)
        labels = draws.classes(n, modes)
        frame = tables.from_array(self.centres[labels] + self.deviation * draws.normal(n, 2))
        spec = tables.learn(frame, kind="array")
        values, _ = tables.encode(frame, spec)
        classes = [str(mode) for mode in range(modes)]
        return Dataset(spec, values, range(n), labels=labels, classes=classes, name=self.name)


def ring_mixture() -> Mixture:
    """The eight Gaussians of `ring`; the first lies to the right, the others follow against the clock."""
    angle = 2 * np.pi * np.arange(8) / 8
    return Mixture("ring", 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.02)


def grid_mixture() -> Mixture:
    """The 25 Gaussians of `grid`, row by row from the lower left."""
    steps = 2.0 * np.arange(-2, 3)
    up, right = np.meshgrid(steps, steps, indexing="ij")
    return Mixture("grid", np.stack([right.ravel(), up.ravel()], axis=1), 0.05)


def ring(n: int = 2000, seed: int = 0) -> Dataset:
    """Eight narrow Gaussians on a circle, as a table.

    Parameters
    ----------
    n
        Samples, at least one; the modes are equally frequent, up to one sample.
    seed
        A whole number from 0; the same seed gives the same data.

    Returns
    -------
    Dataset
        A standardised table (n, 2) with the modes, 0 to 7, as labels.
    """
    return ring_mixture().draw(n, seed)


def grid(n: int = 5000, seed: int = 0) -> Dataset:
    """Twenty-five narrow Gaussians on a square grid, as a table.

    Parameters
    ----------
    n
        Samples, at least one; the modes are equally frequent, up to one sample.
    seed
        A whole number from 0; the same seed gives the same data.

    Returns
    -------
    Dataset
        A standardised table (n, 2) with the modes, 0 to 24, as labels.
    """
    return grid_mixture().draw(n, seed)
