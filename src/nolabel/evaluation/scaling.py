"""Putting a representation on a common scale before a classifier or a clustering sees it.

All columns are divided by *one* number. Dividing each column by its own spread would lift idle columns to the height
of busy ones: on `digits` that takes PCA's accuracy with one label a class from 0.65 down to 0.43, and so flatters
whatever is compared with PCA. Pure function of an array.
"""

import numpy as np
from jaxtyping import Float


def evenly(codes: Float[np.ndarray, "N L"], by: Float[np.ndarray, "A L"] | None = None) -> Float[np.ndarray, "N L"]:
    """Codes centred and divided by the overall standard deviation of `by` (the codes themselves by default).

    The overall standard deviation is the root of the mean of the columns' variances. Codes that are all the same
    become zeros.
    """
    reference = codes if by is None else by
    mean = reference.mean(axis=0, dtype=np.float64).astype(codes.dtype)
    spread = float(np.sqrt(reference.var(axis=0, dtype=np.float64).mean()))
    return np.asarray((codes - mean) / codes.dtype.type(spread or 1.0))
