"""What a user gives as masks of images -> where images are missing, and images of any size as they are.

No method is named here.
"""

import os
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import DataError, ModalityError
from nolabel.types import DataSpec


def own_size(X: Any, spec: DataSpec) -> Dataset:
    """Images as they are, of any height and width, with as many channels as those of `spec`.

    Raises
    ------
    ModalityError
        They are no images.
    DataError
        They have another number of channels, which can be changed in files only.
    """
    channels = spec.shape[0]
    data = X if isinstance(X, Dataset) else source.open(X)
    if data.spec.modality != "image":
        raise ModalityError(f"the model was fitted to images; {data!r} is of kind {data.spec.modality!r}")
    if data.spec.shape[0] != channels and data is not X and data.spec.recipe.get("source") == "files":
        return source.open(X, channels=1 if channels == 1 else 3)
    if data.spec.shape[0] != channels:
        raise DataError(
            f"the model was fitted to images with {channels} channel(s); {data!r} has {data.spec.shape[0]}: make them "
            "grey or colour as those were"
        )
    return data


def missing_from(mask: Any, data: Dataset) -> Tensor:
    """Where images are missing, (N, H, W) bool, on the CPU.

    Parameters
    ----------
    mask
        (N, H, W), or (H, W) for all of them: True, or any number but 0, where a value is missing; or a source of grey
        images for `nolabel.open`, at least half white where it is.
    data
        The images.

    Raises
    ------
    DataError
        It has another size or number.

    Warns
    -----
    UserWarning
        Nothing is missing anywhere.
    """
    size, count = tuple(data.spec.shape[1:]), len(data)
    missing = _from_source(mask) if isinstance(mask, str | os.PathLike | Dataset) else _from_array(mask)
    if missing.ndim == 2:
        missing = missing.expand(count, *missing.shape)
    if tuple(missing.shape) != (count, *size):
        raise DataError(
            f"mask must be (N, H, W), or (H, W) for all images: {(count, *size)} or {size}; got {tuple(missing.shape)}"
        )
    if not missing.any():
        blank = "mask marks nothing as missing, for all of it is 0 (black): the images come back as they are"
        warnings.warn(blank, UserWarning, stacklevel=3)
    return missing


def _from_source(mask: Any) -> Tensor:
    opened = mask if isinstance(mask, Dataset) else source.open(mask, channels=1)
    if opened.spec.modality != "image" or opened.spec.shape[0] != 1:
        raise DataError(f"mask must hold grey images, white where something is missing; got {opened!r}")
    return torch.cat([batch.x[:, 0] >= 0.5 for batch in opened.batches()])


def _from_array(mask: Any) -> Tensor:
    array = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    if array.dtype.kind not in "buif":
        raise DataError(f"mask must be an array of numbers or truths (N, H, W); got dtype {array.dtype}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise DataError(
            f"mask holds NaN in {int(np.isnan(array).sum()):,} place(s), which says neither that a value is there nor "
            "that it is missing: give 0 or False where it is there, 1 or True where it is missing"
        )
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[3]):
        array = array[:, 0] if array.shape[1] == 1 else array[..., 0]
    return torch.from_numpy(np.ascontiguousarray(array != 0))
