"""Clips: what one sample is to a network, from arrays and back.

A sample is (C, T, H, W): T frames of one size, C 1 or 3. What is stored of which dtype is said in `pixel_values`.

Arrays of five axes are (N, T, H, W, C), (N, T, C, H, W) or (N, C, T, H, W); the one whose channel axis has 1 or 3
entries is meant. If several could be, the channels are last in an array and first in a tensor; but for a model that has
been fitted, the one that gives the shape of its clips. Arrays of four axes are (N, T, H, W), where it is said that they
are clips: images in colour have four axes, too. Frames of arrays are never resized or recoloured, and all are kept
unless `frames` asks for the first few. Clips come back in the layout and dtype they came in; those of files as
(N, T, H, W) or (N, T, H, W, 3). How files become clips is for `clip_files` and `clip_sets`.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data.pixel_values import as_dtype, check_dtype, stored
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.types import DataSpec

Layout = Literal["THW", "THWC", "TCHW", "CTHW"]

_ORDER: dict[Layout, tuple[int, ...]] = {  # of the axes of an array, to be (N, C, T, H, W)
    "CTHW": (0, 1, 2, 3, 4),
    "TCHW": (0, 2, 1, 3, 4),
    "THWC": (0, 4, 1, 2, 3),
}
_CHANNELS = (1, 3)
_TALL = 16  # nobody has frames so high (and so many) and only 3 or 4 wide: those are the channels of colour images


def learn(array: NDArray[Any], *, frames: int | None = None, channels_first: bool = False) -> DataSpec:
    """The spec of an array of clips.

    Parameters
    ----------
    array
        (N, T, H, W), or with an axis of 1 or 3 channels besides.
    frames
        How many of each clip's first frames are meant; None for all.
    channels_first
        The layout to assume where several would do.

    Raises
    ------
    ModalityError
        It has too few axes for clips, or is one of colour images.
    DataError
        No axis can be the channels, the dtype has no stated range, or there are fewer frames.
    """
    _refuse_images(array)
    check_dtype(array, "clips")
    layout = _layout(array.shape, channels_first)
    shape = _cut(_planes(array, layout), frames).shape[1:]
    return _spec(shape, layout, array.dtype.name, "array")


def learn_files(channels: int, frames: int, height: int, width: int, *, step: int | None = None) -> DataSpec:
    """The spec of clips whose frames were decoded to this size, each for `step` milliseconds if that is known."""
    layout: Layout = "THW" if channels == 1 else "THWC"
    return _spec((channels, frames, height, width), layout, "uint8", "files", step)


def encode(
    array: NDArray[Any], spec: DataSpec, *, frames: int | None = None, channels_first: bool = False
) -> NDArray[Any]:
    """Stored values (N, C, T, H, W) of an array of clips; a view of it where its dtype allows that.

    Parameters
    ----------
    array
        As for `learn`; its layout and dtype may differ from those that the spec was learned from.
    spec
        What a sample must be.
    frames, channels_first
        As for `learn`.

    Raises
    ------
    ModalityError
        It has too few axes for clips, or is one of colour images.
    DataError
        The clips are of another size, length or number of channels, or values are not finite or not in [0, 1].
    ArgumentError
        `frames` is not what the spec says.
    """
    _refuse_images(array)
    check_dtype(array, "clips")
    refuse_other_length(spec, frames)
    planes = _cut(_planes(array, _fitting_layout(array.shape, spec, channels_first)), frames)
    if planes.shape[1:] != spec.shape:
        raise DataError(_wrong_shape(planes.shape[1:], spec))
    return stored(planes, "clips")


def restore(spec: DataSpec, values: Tensor) -> NDArray[Any]:
    """Network values (B, C, T, H, W) as clips in the layout and dtype that the spec was learned from."""
    planes = values.detach().cpu().float().numpy()
    layout = spec.recipe["layout"]
    clips = planes[:, 0] if layout == "THW" else planes.transpose(np.argsort(_ORDER[layout]))
    return np.ascontiguousarray(as_dtype(clips, np.dtype(spec.recipe["dtype"])))


def size(shape: tuple[int, ...]) -> str:
    """A sample's shape (C, T, H, W) in words."""
    channels, frames, height, width = shape
    many = f"{channels} channel{'s' if channels > 1 else ''}"
    return f"{frames} frame{'s' if frames > 1 else ''} of {height} x {width} pixels, {many}"


def refuse_other_length(spec: DataSpec, frames: int | None) -> None:
    """Raise ArgumentError where `frames` contradicts the spec."""
    if frames not in (None, spec.shape[1]):
        raise ArgumentError(f"frames={frames}, but the model was fitted to clips of {size(spec.shape)}")


def _spec(shape: tuple[int, ...], layout: Layout, dtype: str, source: str, step: int | None = None) -> DataSpec:
    recipe = {"source": source, "layout": layout, "dtype": dtype, **({} if step is None else {"step": step})}
    return DataSpec("video", tuple(int(n) for n in shape), "unit", recipe)


def _refuse_images(array: NDArray[Any]) -> None:
    shape = array.shape
    if array.ndim < 4:
        one = "; one grey clip is X[None]" if array.ndim == 3 else ""
        raise ModalityError(f"clips were expected, (N, T, H, W) or (N, T, H, W, C); got images of shape {shape}{one}")
    if array.ndim == 4 and shape[3] in (3, 4) and min(shape[1:3]) >= _TALL:
        raise ModalityError(
            f"clips were expected, (N, T, H, W) or (N, T, H, W, C); shape {shape} looks like colour images, or like "
            "one clip in colour, which is X[None]"
        )


def _layout(shape: tuple[int, ...], channels_first: bool) -> Layout:
    if len(shape) == 4:
        return "THW"
    possible = _possible(shape)
    if not possible:
        raise DataError(
            "clips must have 1 or 3 channels, as (N, T, H, W, C), (N, T, C, H, W) or (N, C, T, H, W); got shape "
            f"{shape}{'; drop alpha with X[..., :3]' if shape[4] == 4 else ''}"
        )
    return possible[0 if channels_first else -1]


def _possible(shape: tuple[int, ...]) -> list[Layout]:
    """Layouts of five axes whose channels are 1 or 3, the one with channels first before the others."""
    return [layout for layout, order in _ORDER.items() if shape[order[1]] in _CHANNELS]


def _fitting_layout(shape: tuple[int, ...], spec: DataSpec, channels_first: bool) -> Layout:
    """The layout that gives the spec's channels and size of frames, if just one does."""
    if len(shape) == 5:
        want = (spec.shape[0], *spec.shape[2:])
        fitting = [one for one in _possible(shape) if tuple(shape[_ORDER[one][place]] for place in (1, 3, 4)) == want]
        if len(fitting) == 1:
            return fitting[0]
    return _layout(shape, channels_first)


def _planes(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """A view of the array as (N, C, T, H, W)."""
    return array[:, None] if layout == "THW" else array.transpose(_ORDER[layout])


def _cut(planes: NDArray[Any], frames: int | None) -> NDArray[Any]:
    """The first `frames` of each clip."""
    if frames is not None and frames > planes.shape[2]:
        raise DataError(f"frames={frames}, but these clips have {planes.shape[2]}; ask for as many at most")
    return planes if frames is None else planes[:, :, :frames]


def _wrong_shape(got: tuple[int, ...], spec: DataSpec) -> str:
    want = spec.shape
    if got[2:] != want[2:]:
        fix = f"resize their frames to {want[2]} x {want[3]}, or pass files, which nolabel resizes"
    elif got[0] != want[0]:
        fix = "make them grey or colour as those were"
    elif got[1] > want[1]:
        fix = f"keep the first {want[1]} frames, or cut them into clips of so many"
    else:
        fix = "pass longer ones"
    return f"the model was fitted to clips of {size(want)}; got {size(got)}: {fix}"
