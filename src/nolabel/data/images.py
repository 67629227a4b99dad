"""Images: what one sample is to a network, from arrays and back.

A sample is (C, H, W) with C 1 or 3. Stored values are uint8, or float32 in [0, 1] if the source had more than 8 bits,
by the table in `pixel_values`; image files are uint8.

Arrays are (N, H, W), (N, H, W, C) or (N, C, H, W); the one whose channel axis has 1 or 3 entries is meant. If both do,
as in (N, 3, 3, 3), the channels are last in an array and first in a tensor; but for a model that has been fitted, the
one that gives the shape of its images. Arrays are never resized or recoloured, files are (by the rule in `pictures`).
Images come back in the layout and dtype they came in; files come back as (N, H, W) or (N, H, W, 3). How files are
found, decoded and cached is for other files.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data.pixel_values import as_dtype, check_dtype, stored
from nolabel.errors import DataError
from nolabel.types import DataSpec

Layout = Literal["HW", "HWC", "CHW"]

_CHANNELS = (1, 3)
_TALL = 16  # nobody has images so high (and so many) and only 3 or 4 wide: those are the channels of a single one


def learn(array: NDArray[Any], *, channels_first: bool = False) -> DataSpec:
    """The spec of an array of images.

    Parameters
    ----------
    array
        (N, H, W), (N, H, W, C) or (N, C, H, W).
    channels_first
        The layout to assume where both would do, as for (N, 3, 8, 3).

    Raises
    ------
    DataError
        No axis can be the channels, or the dtype has no stated range.
    """
    check_dtype(array, "images")
    layout = _layout(array.shape, channels_first)
    return _spec(_planes(array, layout).shape[1:], layout, array.dtype.name, "array")


def learn_files(channels: int, height: int, width: int) -> DataSpec:
    """The spec of image files decoded to this size."""
    return _spec((channels, height, width), "HW" if channels == 1 else "HWC", "uint8", "files")


def encode(array: NDArray[Any], spec: DataSpec, *, channels_first: bool = False) -> NDArray[Any]:
    """Stored values (N, C, H, W) of an array of images; a view of it where its dtype allows that.

    Parameters
    ----------
    array
        As for `learn`; its layout and dtype may differ from those that the spec was learned from.
    spec
        What a sample must be.
    channels_first
        The layout to assume where both would do and neither gives the spec's shape.

    Raises
    ------
    DataError
        The images are of another size or number of channels, or values are not finite or not in [0, 1].
    """
    check_dtype(array, "images")
    planes = _planes(array, _fitting_layout(array.shape, spec, channels_first))
    if planes.shape[1:] != spec.shape:
        raise DataError(_wrong_shape(planes.shape[1:], spec) + _both_ways(array.shape))
    return stored(planes, "images")


def restore(spec: DataSpec, values: Tensor) -> NDArray[Any]:
    """Network values (B, C, H, W) as images in the layout and dtype that the spec was learned from."""
    planes = values.detach().cpu().float().numpy()
    layout = spec.recipe["layout"]
    images: NDArray[Any] = planes
    if layout != "CHW":
        images = planes[:, 0] if layout == "HW" else planes.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(as_dtype(images, np.dtype(spec.recipe["dtype"])))


def _spec(shape: tuple[int, ...], layout: Layout, dtype: str, source: str) -> DataSpec:
    return DataSpec("image", tuple(int(n) for n in shape), "unit", {"source": source, "layout": layout, "dtype": dtype})


def _layout(shape: tuple[int, ...], channels_first: bool) -> Layout:
    if len(shape) == 3:
        if shape[2] in (3, 4) and min(shape[:2]) >= _TALL:
            raise DataError(f"shape {shape} looks like one colour image, not like N images; pass image[None]")
        return "HW"
    first, last = shape[1] in _CHANNELS, shape[3] in _CHANNELS
    if first and (channels_first or not last):
        return "CHW"
    if last:
        return "HWC"
    raise DataError(_no_channels(shape))


def _no_channels(shape: tuple[int, ...]) -> str:
    fix = ""
    if shape[3] in (2, 4):
        fix = f"; drop alpha with X[..., :{shape[3] - 1}] or composite it"
    if shape[1] in (2, 4):
        fix = f"; drop alpha with X[:, :{shape[1] - 1}] or composite it"
    return (
        "images must have 1 or 3 channels, as (N, H, W, C) or (N, C, H, W) (if both could be, the channels are last in "
        f"an array and first in a tensor); got shape {shape}{fix}"
    )


def _fitting_layout(shape: tuple[int, ...], spec: DataSpec, channels_first: bool) -> Layout:
    """The layout that gives the spec's shape, if just one does."""
    if len(shape) == 4:
        first, last = shape[1:] == spec.shape, (shape[3], shape[1], shape[2]) == spec.shape
        if first != last:
            return "CHW" if first else "HWC"
    return _layout(shape, channels_first)


def _planes(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """A view of the array as (N, C, H, W)."""
    if layout == "HW":
        return array[:, None]
    return array.transpose(0, 3, 1, 2) if layout == "HWC" else array


def _wrong_shape(got: tuple[int, ...], spec: DataSpec) -> str:
    want = spec.shape
    fix = (
        "make them grey or colour as those were"
        if got[0] != want[0]
        else f"resize them to {want[1]} x {want[2]} (PIL.Image.resize), or pass the image files, which nolabel resizes"
    )
    return f"the model was fitted to images of {_size(want)}; got {_size(got)}: {fix}"


def _both_ways(shape: tuple[int, ...]) -> str:
    """How an array was understood whose shape does not tell."""
    if len(shape) < 4 or not (shape[1] in _CHANNELS and shape[3] in _CHANNELS):
        return ""
    return (
        f". Shape {shape} may be (N, H, W, C) or (N, C, H, W): the channels were taken to be last for an array, first "
        "for a tensor"
    )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} channel{'s' if shape[0] > 1 else ''}, {shape[1]} x {shape[2]} pixels"
