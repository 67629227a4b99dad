"""Arrays, tensors, nested lists, .npy and .npz files. Nothing in a file is ever unpickled.

Three or four axes are images, five are clips; all else is for `tables` to take, or to refuse in its own words.
"""

import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data.raw import RawArray, RawSparse, RawTable
from nolabel.errors import ArgumentError, DataError

DATA_NAMES = ("x", "X", "data", "images", "arr_0")  # of the samples in an .npz, the first that is there
_SHOWN = 5
LABEL_NAMES = ("y", "labels", "target")


def open_array(
    array: Any, *, name: str | None = None, channels_first: bool = False, labels: object = None
) -> RawArray | RawTable:
    """An array, or nested lists of numbers.

    Parameters
    ----------
    array
        (N, D) for a table; (N, H, W), (N, H, W, C) or (N, C, H, W) for images; (N, T, H, W, C) for clips. Where both
        the first and the last of the axes could be channels (1 or 3 of them), as in (N, 3, 3, 3), the last are, but in
        a tensor the first.
    name
        What to call it; None for its shape.
    channels_first
        The layout of images or clips to assume where their shape does not tell.
    labels
        The class of each sample, if known.

    Raises
    ------
    DataError
        It is no array of numbers with two to five axes, or it is empty.
    """
    values = _as_array(array)
    name = name or f"array {' x '.join(map(str, values.shape))}"
    if values.ndim < 3:
        from nolabel.data import tables  # only here: pandas takes a while to import

        return RawTable(tables.from_array(array), name, "array", labels)
    _check(values, name)
    native = values if values.dtype.isnative else np.asarray(values).astype(values.dtype.newbyteorder("="))
    return RawArray(native, name, channels_first, labels)


def open_sparse(matrix: Any, labels: object = None) -> RawSparse:
    """A scipy sparse matrix or array."""
    return RawSparse(matrix, f"sparse table {' x '.join(map(str, matrix.shape))}", labels)


def open_tensor(tensor: Tensor) -> RawArray | RawTable | RawSparse:
    """A torch tensor, of any device; images in it have their channels first."""
    if tensor.layout in (torch.sparse_coo, torch.sparse_csr) and tensor.ndim == 2:
        return open_sparse(_as_scipy(tensor.detach().cpu()))
    if tensor.layout != torch.strided:
        raise DataError(f"a tensor of layout {tensor.layout} is not supported; pass x.to_dense()")
    held = tensor.detach().cpu()
    if held.dtype == torch.bfloat16:
        held = held.float()  # NumPy has no bfloat16
    name = f"tensor {' x '.join(map(str, held.shape))}"
    return open_array(held.resolve_conj().resolve_neg().numpy(), name=name, channels_first=True)


def _as_scipy(tensor: Tensor) -> Any:
    from scipy.sparse import coo_array

    entries = (tensor if tensor.layout == torch.sparse_coo else tensor.to_sparse(layout=torch.sparse_coo)).coalesce()
    rows, columns = entries.indices().numpy()
    return coo_array((entries.values().numpy(), (rows, columns)), shape=tuple(entries.shape))


def open_npy(path: Path) -> RawArray | RawTable:
    """The array in an .npy file, memory-mapped."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(_unreadable(path, error)) from error
    return open_array(values, name=path.name)


def open_npz(path: Path, split: str | None = None) -> RawArray | RawTable:
    """The samples in an .npz file (named x, X, data, images or arr_0) and their labels (y, labels or target), if any.

    Parameters
    ----------
    path
        The file.
    split
        For files with names such as `x_train`: which part; None for "train" when there is no undivided array.

    Raises
    ------
    DataError
        The file is damaged, would have to be unpickled, or no array has one of these names.
    ArgumentError
        There is no such split.
    """
    values, labels, part = _read_npz(path, split)
    return open_array(values, name=f"{path.name}{part.replace('_', ':')}", labels=labels)


def _read_npz(path: Path, split: str | None) -> tuple[NDArray[Any], NDArray[Any] | None, str]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            name, part = _find(path, held.files, split)
            beside = next((label + part for label in LABEL_NAMES if label + part in held.files), None)
            return held[name], None if beside is None else held[beside], part
    except (DataError, ArgumentError):
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(_unreadable(path, error)) from error


def _find(path: Path, names: list[str], split: str | None) -> tuple[str, str]:
    """The name of the array of samples, and the ending that its labels share."""
    for part in ("", "_train") if split is None else (f"_{split}",):
        for name in DATA_NAMES:
            if name + part in names:
                return name + part, part
    if split is not None:
        raise ArgumentError(f"split={split!r}: '{path}' has no array named x_{split}; it has {_listed(names)}")
    raise DataError(
        f"'{path}' has no array named {', '.join(DATA_NAMES)}; it has {_listed(names)}. "
        "Load it with numpy.load and pass the array you mean"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _unreadable(path: Path, error: Exception) -> str:
    if "pickle" in str(error) or "Python objects" in str(error):
        return (
            f"'{path}' holds Python objects, which could run code when loaded; nolabel never unpickles. "
            "Save plain numbers: numpy.save(path, array.astype('float32'))"
        )
    return f"cannot read '{path}': {error or 'it ends too early'}"


def _as_array(array: Any) -> NDArray[Any]:
    try:
        values = np.asarray(array)
    except ValueError as error:
        why = _shapes_of(array) or error
        raise DataError(f"the samples are not all of one shape, or not numbers: {why}") from error
    return array if isinstance(array, np.memmap) else values


def _shapes_of(samples: Any) -> str:
    """Which shapes samples have, and how many of each, with what to do; '' where they have none, or one."""
    try:
        shapes = Counter(np.shape(sample) for sample in samples)
    except (TypeError, ValueError):
        return ""
    if len(shapes) < 2:
        return ""
    listed = [f"{count} of shape {shape}" for shape, count in sorted(shapes.items())[:_SHOWN]]
    more = ["..."] if len(shapes) > _SHOWN else []
    fix = "bring them to one shape"
    if all(len(shape) in (3, 4) for shape in shapes) and len({shape[1:] for shape in shapes}) == 1:
        least = min(shape[0] for shape in shapes)
        most = max(shape[0] for shape in shapes)
        fix = f"clips of {least} to {most} frames: keep as many of each, as [clip[:{least}] for clip in clips]"
    return f"{', '.join([*listed, *more])}; {fix}"


def _check(values: NDArray[Any], name: str) -> None:
    if values.ndim > 5:
        raise DataError(f"{name} has {values.ndim} axes, shape {values.shape}; tables have 2, images 3 or 4, clips 5")
    if values.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold real numbers; got an array of dtype {values.dtype}, shape {values.shape}")
    if 0 in values.shape:
        raise DataError(f"{name} holds nothing: its shape is {values.shape}")
