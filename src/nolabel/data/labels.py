"""Class labels of any form -> int64 codes, -1 where the class is unknown, and the name of each code.

Numbers, text, booleans and pandas categories all become codes 0..K-1 in sorted order. -1 (also the text "-1", which is
all that a file with named classes can hold), NaN and None mean "unknown".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.errors import DataError

UNKNOWN = -1
# Folders of these names split a set, they do not classify it.
_SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})


@dataclass(frozen=True)
class Labels:
    """codes: (N,) int64, -1 for unknown.  classes: the name of each code."""

    codes: NDArray[np.int64]
    classes: tuple[str, ...]

    def without(self, rows: Sequence[int]) -> "Labels":
        """The labels that are left when the samples in these rows are taken out."""
        return Labels(np.delete(self.codes, np.asarray(rows, dtype=np.int64)), self.classes)


def coded(values: object, count: int, classes: Sequence[str] = ()) -> Labels:
    """Codes for the labels of `count` samples.

    Parameters
    ----------
    values
        `count` labels: sequence, array, tensor or pandas series.
    count
        Number of samples that they belong to.
    classes
        Names for labels that are codes 0..K-1 already; given by a source, not by a user.

    Raises
    ------
    DataError
        They are not one label for each sample, or are real numbers and so name no classes.
    """
    array = _flat(values)
    if len(array) != count:
        raise DataError(
            f"labels has {len(array)} entries and the data {count} samples; give one for each, -1 for unknown"
        )
    if classes:
        return Labels(array.astype(np.int64), tuple(classes))
    return _factorized(array)


def from_folders(names: Sequence[str]) -> Labels | None:
    """The class of each file by its folder, or None when folders say nothing.

    The folders that all files share are passed over; the next one names the class. Files that lie beside the class
    folders are of unknown class. Folders named `train`, `test`, ... split a set: the class is the folder below them.
    """
    rest = _below_shared([name.removeprefix("./") for name in names])
    found = [folder for folder, _ in rest]
    if {folder for folder in found if folder} <= _SPLITS:
        found = [_first_folder(below)[0] for _, below in rest]
    classes = sorted({folder for folder in found if folder})
    if len(classes) < 2:
        return None
    code = {folder: number for number, folder in enumerate(classes)} | {"": UNKNOWN}
    return Labels(np.array([code[folder] for folder in found], dtype=np.int64), tuple(classes))


def lone_class(names: Sequence[str | int]) -> str | None:
    """The one folder that all files lie in, where it could be taken for a class: of those there must be two."""
    texts = [name for name in names if isinstance(name, str)]
    folders = {name.rpartition("/")[0].rpartition("/")[2] for name in texts} - {"", ".", *_SPLITS}
    return folders.pop() if len(folders) == 1 else None


def _below_shared(names: Sequence[str]) -> list[tuple[str, str]]:
    """The first folder of each name below those that all names share, and what follows it."""
    low, high = min(names), max(names)  # every other name lies between them
    length = next((place for place, pair in enumerate(zip(low, high)) if pair[0] != pair[1]), min(len(low), len(high)))
    shared = low[:length]
    start = shared.rfind("/") + 1
    return [_first_folder(name[start:]) for name in names]


def _first_folder(name: str) -> tuple[str, str]:
    folder, slash, below = name.partition("/")
    return (folder, below) if slash else ("", "")


def _flat(values: object) -> NDArray[Any]:
    import torch

    if isinstance(values, list | tuple) and any(isinstance(value, str) for value in values):
        array = np.asarray(values, dtype=object)  # else NumPy would make the text "nan" of a NaN, and "-1" of a -1
    else:
        try:
            array = np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)
        except ValueError as error:
            raise DataError(
                f"labels must be one value for each sample; got lists of several lengths ({error})"
            ) from error
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 0:
        raise DataError(f"labels must be one value for each sample; got {array.item()!r:.80} alone")
    if array.ndim != 1:
        raise DataError(f"labels must be one value for each sample; got an array of shape {array.shape}")
    if array.dtype.kind == "c":
        raise DataError("labels must name classes; got complex numbers")
    return array


def _factorized(array: NDArray[Any]) -> Labels:
    import pandas as pd

    try:
        codes, found = pd.factorize(array)
    except TypeError as error:
        raise DataError(f"labels must name classes; got values that cannot be compared: {error}") from error
    order = sorted(range(len(found)), key=lambda code: _sort_key(found[code]))
    known = [code for code in order if not _is_unknown(found[code])]
    new = np.full(len(found) + 1, UNKNOWN, dtype=np.int64)  # its last entry is where pandas' own -1 leads
    new[known] = np.arange(len(known))
    return Labels(new[codes], tuple(_class_name(found[code]) for code in known))


def _is_unknown(value: object) -> bool:
    if isinstance(value, str):
        return value.strip() == str(UNKNOWN)
    return not isinstance(value, bool | np.bool_) and bool(value == UNKNOWN)


def _sort_key(value: object) -> tuple[bool, Any]:
    if isinstance(value, int | float | np.number | np.bool_):
        return False, float(value)
    return True, str(value)


def _class_name(value: object) -> str:
    if isinstance(value, float | np.floating):
        if not float(value).is_integer():
            raise DataError(f"labels must name classes; got real numbers such as {float(value):g}")
        return str(int(value))
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
