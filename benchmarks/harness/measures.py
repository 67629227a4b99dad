"""Measures that every contender uses, in NumPy and double precision, so that no library's rounding favours it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-7  # probabilities are kept this far from 0 and 1, as Keras does
LEAST_ERROR = 1e-10  # squared, of an image that is the other: 100 dB


def bce_per_pixel(x: NDArray[Any], p: NDArray[Any]) -> float:
    """Binary cross-entropy of probabilities `p` for intensities `x` in [0, 1], a mean over images and pixels (nats)."""
    x, p = _flat(x), np.clip(_flat(p), EPSILON, 1 - EPSILON)
    return float(-(x * np.log(p) + (1 - x) * np.log1p(-p)).mean())


def negative_elbo(x: NDArray[Any], p: NDArray[Any], mu: NDArray[Any], log_var: NDArray[Any]) -> float:
    """−ELBO in nats an image: BCE summed over pixels plus KL(N(μ, σ²) ‖ N(0, I)), a mean over images."""
    mu, log_var = mu.astype(np.float64), log_var.astype(np.float64)
    kl = -0.5 * (1 + log_var - mu**2 - np.exp(log_var)).sum(1).mean()
    return bce_per_pixel(x, p) * _flat(x).shape[1] + float(kl)


def psnr(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each image in dB, for intensities with a peak of 1: (N,)."""
    error = np.maximum(((_flat(x) - _flat(y)) ** 2).mean(1), LEAST_ERROR)
    return np.asarray(-10 * np.log10(error), dtype=np.float64)


def mean_psnr(x: NDArray[Any], y: NDArray[Any]) -> float:
    """The same for pixels from 0 to 255, a mean over the images."""
    return float(psnr(x / 255, y / 255).mean())


def _flat(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
