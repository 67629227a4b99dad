"""Fréchet distance of two sets of features, each taken for a Gaussian; FID where the features are Inception's.

    d² = ‖μ_a − μ_b‖² + Tr Σ_a + Tr Σ_b − 2 Tr (Σ_a Σ_b)^{1/2}                                       [1], after [2]

The last trace is the sum of the singular values of R_a R_b, with R = Σ^{1/2} from the eigenvectors of Σ: their squares
are the eigenvalues of the symmetric R_b Σ_a R_b, so nothing is ever complex and no covariance is too near to singular.
Taken from R_a R_b itself, and not from its square, small ones keep their digits.

Shapes: features (N, F); μ (F,), Σ (F, F) with N − 1 in the denominator; all in double precision.
What it does not know: what the features are. d² is biased upwards by a few samples; numbers of one count only compare.
[1] Heusel et al. 2017, arXiv:1706.08500.
[2] Dowson and Landau 1982, "The Fréchet distance between multivariate normal distributions".
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Float

from nolabel.errors import DataError
from nolabel.evaluation.feature_rows import both, checked

_BLOCK = 8192  # rows made double at a time


@final
@dataclass(frozen=True)
class Gaussian:
    """The Gaussian of a set of features: its `mean` (F,) and `covariance` (F, F), double precision."""

    mean: Float[np.ndarray, "F"]
    covariance: Float[np.ndarray, "F F"]

    @cached_property
    def root(self) -> Float[np.ndarray, "F F"]:
        """Σ^{1/2}, symmetric; eigenvalues that rounding alone could have made count as 0."""
        values, vectors = np.linalg.eigh(self.covariance)
        rounding = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        scales = np.sqrt(np.where(values > rounding, values, 0.0))
        return np.asarray((vectors * scales) @ vectors.T)


def gaussian(features: Float[np.ndarray, "N F"]) -> Gaussian:
    """Mean and covariance of at least 2 samples, read in blocks, two passes, so that a far-off mean costs no digits.

    Raises
    ------
    DataError
        Features cannot be used, or belong to one sample only.
    """
    rows = checked(features)
    if len(rows) < 2:
        raise DataError(f"a covariance needs at least 2 samples; got {len(rows)}")
    mean = rows.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        centred = rows[start : start + _BLOCK] - mean
        scatter += centred.T @ centred
    return Gaussian(mean, scatter / (len(rows) - 1))


def frechet(a: Gaussian, b: Gaussian) -> float:
    """d² of two Gaussians of the same width, at least 0."""
    shared = np.linalg.svd(a.root @ b.root, compute_uv=False).sum()
    spread = np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared
    return max(0.0, float(np.square(a.mean - b.mean).sum() + spread))


def refusal(samples: int, width: int) -> str:
    """Why so many samples of so many features have no Fréchet distance; '' if they have one."""
    if samples > width:
        return ""
    return (
        f"the Fréchet distance needs more samples than features; here {samples:,} samples have {width:,} features, so "
        "their covariance is singular and the number would tell how many samples there are, not how good. Give more "
        f"than {width:,} samples, or narrower features, or take the kernel distance (KID): it has no bias at any count"
    )


def fid(real: Any, fake: Any) -> float:
    """d² of the features of real and of generated samples.

    Parameters
    ----------
    real
        (N, F) features of real samples, N > F.
    fake
        (M, F) features of generated samples, M > F.

    Raises
    ------
    DataError
        Features cannot be used, or a side has no more samples than features.
    """
    reals, fakes = both(real, fake)
    reason = refusal(min(len(reals), len(fakes)), reals.shape[1])
    if reason:
        raise DataError(reason)
    return frechet(gaussian(reals), gaussian(fakes))
