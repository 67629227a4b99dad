"""Features that are the same everywhere, for the measures of generators: those that other libraries were asked about."""

import numpy as np


def normal(seed, rows, columns):
    """Box and Muller's normal numbers from raw bits, the same under every version of NumPy."""
    bits = np.random.PCG64(seed).random_raw(2 * rows * columns)
    even = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
    first, second = even[: rows * columns], even[rows * columns :]
    return (np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second)).reshape(rows, columns)


def planted(n, m, f):
    """Features of real samples (n, f) and of narrower, shifted ones (m, f), of one shape of covariance."""
    mixing = normal(1, f, f) / f**0.5
    return normal(2, n, f) @ mixing + 0.3, 0.8 * normal(3, m, f) @ mixing + 0.35
