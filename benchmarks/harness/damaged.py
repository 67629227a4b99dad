"""Digits as somebody else might have them: with a hole, or inverted and thickened. NumPy alone."""

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
HOLE = 12  # pixels a side


def masked(digits: Images, seed: int) -> Images:
    """Digits (N, 28, 28) with a black square of 12 x 12 somewhere in the inner 20 x 20, another for each."""
    draws = np.random.default_rng(seed)
    found = digits.copy()
    for image, (top, left) in zip(found, draws.integers(4, 24 - HOLE + 1, (len(digits), 2))):
        image[top : top + HOLE, left : left + HOLE] = 0
    return found


def thick(digits: Images) -> Images:
    """Black digits on white, each line a pixel thicker on every side."""
    padded = np.pad(digits, ((0, 0), (1, 1), (1, 1)))
    height, width = digits.shape[1:]
    shifted = [padded[:, top : top + height, left : left + width] for top in range(3) for left in range(3)]
    return (255 - np.maximum.reduce(shifted)).astype(np.uint8)
