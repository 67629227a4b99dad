"""Arrays, tensors, .npy and .npz files. Nothing in a file is ever unpickled.

Two axes are a table, three or four are images; which values are allowed is for `tables` and `images` to say.
"""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data.raw import RawArray
from nolabel.errors import ArgumentError, DataError

DATA_NAMES = ("x", "X", "data", "images", "arr_0")  # of the samples in an .npz, the first that is there
LABEL_NAMES = ("y", "labels", "target")
_SPLITS = ("train", "test", "val", "valid", "validation")  # as x_train in an .npz


def open_array(array: object) -> RawArray:
    """An array, or nested lists of numbers.

    Raises
    ------
    DataError
        It is no array of numbers with two to four axes.
    """
    if _is_sparse(array):
        raise DataError("sparse data are not supported; pass X.toarray()")
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise DataError(f"the samples are not all of one shape: {error}") from error
    return RawArray(_checked(values), _described(values))


def open_tensor(tensor: Tensor) -> RawArray:
    """A torch tensor, of any device; images in it have their channels first."""
    if tensor.layout != torch.strided:
        raise DataError(f"a tensor of layout {tensor.layout} is not supported; pass x.to_dense()")
    held = tensor.detach().cpu()
    if held.dtype == torch.bfloat16:
        held = held.float()  # NumPy has no bfloat16
    values = held.resolve_conj().resolve_neg().numpy()
    return RawArray(_checked(values), _described(values).replace("array", "tensor"), channels_first=True)


def open_npy(path: Path) -> RawArray:
    """The array in an .npy file, memory-mapped."""
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(_unreadable(path, error)) from error
    return RawArray(_checked(values, f"'{path}'"), path.name)


def open_npz(path: Path, split: str | None = None) -> RawArray:
    """The samples in an .npz file (named x, X, data, images or arr_0) and their labels (y, labels or target), if any.

    Parameters
    ----------
    path
        The file.
    split
        For files with names such as `x_train`: which part; "train" when there is no undivided array.

    Raises
    ------
    DataError
        The file is damaged, would have to be unpickled, or no array has one of these names.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            name, suffix = _find(path, file.files, split)
            values = file[name]
            beside = next((label + suffix for label in LABEL_NAMES if label + suffix in file.files), None)
            labels = None if beside is None else file[beside]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError | ArgumentError):
            raise
        raise DataError(_unreadable(path, error)) from error
    return RawArray(_checked(values, f"'{path}'"), path.name + suffix.replace("_", ":"), labels=labels)


def _find(path: Path, names: list[str], split: str | None) -> tuple[str, str]:
    """The name of the array of samples, and the suffix that its labels share."""
    for suffix in ("", "_train") if split is None else (f"_{split}",):
        for name in DATA_NAMES:
            if name + suffix in names:
                return name + suffix, suffix
    if split is not None:
        raise ArgumentError(f"split={split!r}: '{path}' has no array named x_{split}; it has {_listed(names)}")
    raise DataError(
        f"'{path}' has no array named {', '.join(DATA_NAMES)}; it has {_listed(names)}. "
        "Load it with numpy.load and pass the array you mean"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _unreadable(path: Path, error: Exception) -> str:
    if "pickle" in str(error):
        return (
            f"'{path}' holds Python objects, which could run code when loaded; nolabel never unpickles. "
            "Save plain numbers: numpy.save(path, array.astype('float32'))"
        )
    return f"cannot read '{path}': {error or 'it ends too early'}"


def _checked(values: NDArray[Any], name: str = "the data") -> NDArray[Any]:
    kind = values.dtype.kind
    if kind == "O":
        values, kind = _from_objects(values, name), "f"
    if kind == "c":
        raise DataError(f"Complex data not supported: {name} has dtype {values.dtype}; pass .real, .imag or both side by side")
    if kind not in "biuf":
        raise DataError(f"{name} must hold numbers; got dtype {values.dtype}. Text columns belong in a pandas DataFrame")
    if values.ndim < 2:
        raise DataError(_too_flat(values, name))
    if values.ndim > 4:
        raise DataError(f"{name} has {values.ndim} axes, shape {values.shape}; tables have 2, images 3 or 4")
    _check_some(values, name)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _from_objects(values: NDArray[Any], name: str) -> NDArray[Any]:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} must hold numbers; got an array of Python objects ({error}). "
            "Columns of different kinds belong in a pandas DataFrame"
        ) from error


def _too_flat(values: NDArray[Any], name: str) -> str:
    return (
        f"Expected 2D array, got {values.ndim}D array instead: {name} has shape {values.shape}. Reshape your data either using "
        "X.reshape(-1, 1) if it has a single column or X.reshape(1, -1) if it is a single sample"
    )


def _check_some(values: NDArray[Any], name: str) -> None:
    if values.shape[0] == 0:
        raise DataError(f"{name} has 0 sample(s) (shape={values.shape}) while a minimum of 1 is required.")
    if 0 in values.shape:
        raise DataError(f"{name} has 0 feature(s) (shape={values.shape}) while a minimum of 1 is required.")


def _described(values: NDArray[Any]) -> str:
    return f"array {' x '.join(map(str, values.shape))}"


def _is_sparse(array: object) -> bool:
    return type(array).__module__.startswith("scipy.sparse")
