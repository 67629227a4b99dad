"""What a code costs to write down, and what is left of it: whole numbers, and real numbers cut to a few bits.

    log₂ K            a number of K, all of one length
    H = −Σ p log₂ p   a number, by a code made for the shares p of the numbers (Shannon 1948); less cannot be had unless
                      neighbours are looked at, too
    b                 a real number, put on the nearest of 2^b levels evenly from its least to its greatest value

Pure functions of arrays.
"""

import numpy as np
from jaxtyping import Float, Int


def entropy(numbers: Int[np.ndarray, "*shape"], choices: int) -> float:
    """H in bits of numbers below `choices`, all of one distribution: their shares."""
    shares = np.bincount(numbers.ravel(), minlength=choices) / numbers.size
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def quantised(codes: Float[np.ndarray, "N L"], bits: int) -> Float[np.ndarray, "N L"]:
    """Codes on the nearest of 2^bits levels of each column, from its least to its greatest value."""
    low, high = codes.min(0), codes.max(0)
    step = (high - low) / (2**bits - 1)
    safe = np.where(step > 0, step, 1)  # of a column that never varies
    rounded: np.ndarray = (low + np.rint((codes - low) / safe) * step).astype(np.float32)
    return rounded


def halved(codes: Float[np.ndarray, "N L"]) -> Float[np.ndarray, "N L"]:
    """Codes as float16, 16 bits each; what is too large for it becomes the largest that is not."""
    most = float(np.finfo(np.float16).max)
    return codes.clip(-most, most).astype(np.float16).astype(np.float32)
