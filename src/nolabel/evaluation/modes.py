"""How many of the modes that were planted a generator keeps, and how many of its samples lie in any.

A sample is *good* if it lies within three standard deviations of the nearest centre, in the plane 1 − e^(−9/2) = 98.9 %
of the data themselves. A mode is *kept* if its good samples are at least a tenth of what the same share of each mode
would be: one stray sample, which is enough in Srivastava et al. 2017 (arXiv:1705.07761), keeps no mode here.

Knows centres and samples, no data set and no model.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nolabel.errors import ArgumentError

REACH = 3.0  # standard deviations


@final
@dataclass(frozen=True)
class ModesKept:
    """What was found. counts: good samples of each mode (K,).  good: share of the samples that are.  kept: modes."""

    counts: NDArray[np.int64]
    good: float
    kept: int

    def __str__(self) -> str:
        return f"{self.kept} of {len(self.counts)} modes kept, {self.good:.1%} of the samples good"


def modes_kept(
    samples: NDArray[np.floating[Any]], centres: NDArray[np.floating[Any]], deviation: float, *, least: float = 0.1
) -> ModesKept:
    """Count the modes that samples (N, D) keep of a mixture of round Gaussians of equal weight.

    Parameters
    ----------
    samples : array of shape (N, D)
        In the units of the centres. One that is not finite is no good sample.
    centres : array of shape (K, D)
        The modes.
    deviation : float
        Standard deviation of each, in every direction; above 0.
    least : float, default=0.1
        Good samples that keep a mode, as a share of N / K; above 0, at most 1.

    Returns
    -------
    ModesKept

    Raises
    ------
    ArgumentError
        There are no samples, they have other columns than the centres, or a number is out of range.
    """
    _refuse(samples, centres, deviation, least)
    apart = np.linalg.norm(np.asarray(samples, np.float64)[:, None] - centres, axis=-1)
    nearest = np.where(np.isnan(apart), np.inf, apart).argmin(1)
    good = apart[np.arange(len(samples)), nearest] <= REACH * deviation
    counts = np.bincount(nearest[good], minlength=len(centres))
    kept = int((counts >= least * len(samples) / len(centres)).sum())
    return ModesKept(counts.astype(np.int64), float(good.mean()), kept)


def _refuse(
    samples: NDArray[np.floating[Any]], centres: NDArray[np.floating[Any]], deviation: float, least: float
) -> None:
    if samples.ndim != 2 or centres.ndim != 2 or samples.shape[1] != centres.shape[1]:
        raise ArgumentError(
            f"samples (N, D) and centres (K, D) must have the same columns; got {samples.shape} and {centres.shape}"
        )
    if not len(samples) or not len(centres):
        raise ArgumentError(f"samples and centres must be at least one each; got {len(samples)} and {len(centres)}")
    if not deviation > 0:
        raise ArgumentError(f"deviation must be above 0; got {deviation!r}")
    if not 0 < least <= 1:
        raise ArgumentError(f"least must be above 0 and at most 1, a share of N / K; got {least!r}")
