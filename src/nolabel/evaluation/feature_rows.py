"""Features of samples as the measures of generators want them: (N, F) finite numbers, as many columns on either side.

It knows neither where features come from nor what is measured on them.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from nolabel.errors import DataError


def checked(features: Any, whose: str = "features") -> Float[np.ndarray, "N F"]:
    """Features as an array of two axes; `whose` names them in errors.

    Raises
    ------
    DataError
        They are no numbers, have not two axes, no row or column, or hold NaN or infinite values.
    """
    try:
        given = np.asarray(features.detach().cpu() if isinstance(features, Tensor) else features)
        rows = given if given.dtype.kind == "f" else given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{whose} must be an array of numbers (N, F): {error}") from error
    if rows.ndim != 2 or 0 in rows.shape:
        raise DataError(f"{whose} must be (N, F), a row of numbers for each sample; got the shape {rows.shape}")
    bad = int((~np.isfinite(rows).all(axis=1)).sum())
    if bad:
        raise DataError(
            f"{whose} hold NaN or infinite values for {bad:,} of {len(rows):,} samples, so nothing can be measured: "
            "look at those samples, or at the network that made the features"
        )
    return rows


def both(real: Any, fake: Any) -> tuple[Float[np.ndarray, "N F"], Float[np.ndarray, "M F"]]:
    """Features of real samples and of generated ones, checked, of one width.

    Raises
    ------
    DataError
        As for `checked`, or their widths differ.
    """
    reals, fakes = checked(real, "features of real samples"), checked(fake, "features of generated samples")
    if reals.shape[1] != fakes.shape[1]:
        raise DataError(
            f"real samples have {reals.shape[1]} features and generated ones {fakes.shape[1]}; take both from one "
            "network and layer"
        )
    return reals, fakes
