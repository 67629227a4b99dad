"""Putting a representation on a common scale before a classifier or a clustering sees it.

All columns are divided by *one* number. Dividing each column by its own spread would lift idle columns to the height
of busy ones: on `digits` that takes PCA's accuracy with one label a class from 0.65 down to 0.43, and so flatters
whatever is compared with PCA. Pure function of an array.
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from jaxtyping import Float


def evenly(codes: Float[np.ndarray, "N L"], by: Float[np.ndarray, "A L"] | None = None) -> Float[np.ndarray, "N L"]:
    """Codes centred and divided by the overall standard deviation of `by` (the codes themselves by default).

    The overall standard deviation is the root of the mean of the columns' variances. Codes that are all the same
    become zeros.
    """
    return Scale.of(codes if by is None else by).applied(codes)


@final
@dataclass(frozen=True)
class Scale:
    """Mean of each column (L,) and overall standard deviation of some codes, for others that come later."""

    mean: Float[np.ndarray, "L"]
    spread: float

    @classmethod
    def of(cls, codes: Float[np.ndarray, "A L"]) -> Self:
        """The scale of these codes; a spread of 0 counts as 1."""
        spread = float(np.sqrt(codes.var(axis=0, dtype=np.float64).mean()))
        return cls(codes.mean(axis=0, dtype=np.float64), spread or 1.0)

    def applied(self, codes: Float[np.ndarray, "N L"]) -> Float[np.ndarray, "N L"]:
        """Codes, centred and divided, in their own precision."""
        return np.asarray((codes - self.mean.astype(codes.dtype)) / codes.dtype.type(self.spread))
