"""Values of pixels in arrays: which dtypes have a stated range, what is stored of them, and the way back.

Images and clips have this in common; their axes are each one's own affair.

    source dtype         stored      network value     restored as
    uint8                uint8       v / 255           uint8, rounded and clipped
    bool                 uint8       0 or 1            bool, v >= 0.5
    uint16               float32     v / 65535         uint16, rounded and clipped
    float, in [0, 1]     float32     v                 float32
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from nolabel.errors import DataError

_TOLERANCE = 1e-6  # floats may leave [0, 1] by so much, which resampling in float32 does
_BLOCK_BYTES = 2**26


def check_dtype(array: NDArray[Any], things: str) -> None:
    """Refuse numbers of which nobody can say what is white.

    Parameters
    ----------
    array
        Samples of any shape.
    things
        What they are: "images".

    Raises
    ------
    DataError
        The dtype has no stated range.
    """
    if array.dtype.kind in "bf" or array.dtype in (np.uint8, np.uint16):
        return
    raise DataError(
        f"{things} of dtype {array.dtype} have no stated range. Pass X.astype('uint8') if 255 is white, or X / X.max() "
        "as float in [0, 1]; uint8, uint16, bool and float are understood"
    )


def stored(values: NDArray[Any], things: str) -> NDArray[Any]:
    """What is stored of samples (N, ...); a view of them where their dtype allows that.

    Raises
    ------
    DataError
        Values are not finite, or not in [0, 1].
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return np.asarray(values).astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return np.asarray(values).astype(np.float32) / np.float32(65535)
    inside = _in_range(values, things)
    if inside and values.dtype == np.float32:
        return values
    clipped: NDArray[Any] = np.clip(np.asarray(values), 0, 1)
    return clipped.astype(np.float32)


def as_dtype(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Network values in the dtype that they came in."""
    if dtype.kind == "f":
        return values
    if dtype.kind == "b":
        return cast("NDArray[Any]", values >= 0.5)
    levels: NDArray[Any] = np.rint(np.clip(values, 0, 1) * np.iinfo(dtype).max)
    return levels.astype(dtype)


def _in_range(values: NDArray[Any], things: str) -> bool:
    """Whether floats lie in [0, 1] exactly; an error if not even nearly."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(_not_finite(values, things))
    if low < -_TOLERANCE or high > 1 + _TOLERANCE:
        raise DataError(_out_of_range(low, high, things))
    return low >= 0 and high <= 1


def _not_finite(values: NDArray[Any], things: str) -> str:
    block = max(1, _BLOCK_BYTES // values[0].nbytes)
    bad: list[int] = []
    for start in range(0, len(values), block):
        part = values[start : start + block]
        bad += (start + np.flatnonzero(~np.isfinite(part).reshape(len(part), -1).all(axis=1))).tolist()
    rows = ", ".join(map(str, bad[:10])) + (", ..." if len(bad) > 10 else "")
    share = f"{len(bad)} of {len(values)} samples"
    return f"{things} must be finite; NaN or infinity found in {share}, row {rows}. Take them out, or fill them in"


def _out_of_range(low: float, high: float, things: str) -> str:
    if low >= 0:
        fix = "divide by the largest value that a pixel can have"
        if 128 <= high <= 255:
            fix = "divide by 255 (or pass X.astype('uint8') as it is)"
    else:
        fix = "pass (X + 1) / 2" if low >= -1.001 and high <= 1.001 else "pass (X - X.min()) / (X.max() - X.min())"
    return f"float {things} must lie in [0, 1]; got min {low:g}, max {high:g}: {fix}"
