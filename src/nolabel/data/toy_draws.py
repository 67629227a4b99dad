"""The numbers that toys are made of: from the raw bits of PCG64, which NumPy promises to keep.

The arithmetic is written out here, so that a toy is the same under every version of NumPy (to the rounding of sin, cos
and log). Global generators are not touched. Knows no toy.
"""

import math
from typing import final

import numpy as np
from numpy.typing import NDArray

from nolabel.errors import ArgumentError

Floats = NDArray[np.float64]


@final
class ToyDraws:
    """Random numbers of one toy; the same seed gives the same, in the order in which they are asked for."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> Floats:
        """Numbers in [0, 1), from the upper 53 of 64 bits."""
        raw: NDArray[np.uint64] = self._bits.random_raw(math.prod(shape))
        numbers: Floats = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return numbers.reshape(shape)

    def normal(self, *shape: int) -> Floats:
        """Standard normal numbers, by Box and Muller's formula."""
        length: Floats = np.sqrt(-2 * np.log1p(-self.uniform(*shape)))
        return length * np.cos(2 * np.pi * self.uniform(*shape))

    def classes(self, n: int, k: int) -> NDArray[np.int64]:
        """(n,) labels 0 to k - 1, equally frequent, in random order."""
        order = np.argsort(self.uniform(n), kind="stable")
        return (order % k).astype(np.int64)


def at_least(**arguments: tuple[int, int]) -> None:
    """Refuse an argument that is below its least value."""
    for name, (value, least) in arguments.items():
        if value < least:
            raise ArgumentError(f"{name} must be at least {least}; got {value}")
