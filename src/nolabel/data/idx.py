"""IDX files, the format of MNIST: two zero bytes, a type, the number of axes, the length of each, and the values.

A file of three axes holds images, of two a table, of one labels. Labels are looked for beside the images, under the
name that MNIST uses: `train-images-idx3-ubyte.gz` goes with `train-labels-idx1-ubyte.gz`, packed or not.
"""

import gzip
import math
import struct
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.data.arrays import open_array
from nolabel.data.raw import RawArray, RawTable
from nolabel.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 4
_MAX_GZIP_RATIO = 1_100  # deflate cannot do better than 1032 to 1


def is_idx(path: Path) -> bool:
    """Whether a file begins as an IDX file does, packed or not."""
    try:
        with _opened(path) as file:
            head = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= _MAX_AXES


def open_idx(path: Path) -> RawArray | RawTable:
    """The array in an IDX file, and the labels from the file beside it if there is one.

    Raises
    ------
    DataError
        The file is damaged, or holds labels and not samples.
    """
    values = read(path)
    if values.ndim == 1:
        raise DataError(f"'{path}' holds {len(values)} labels, not samples; open the file of images beside it")
    beside = _labels_beside(path)
    return open_array(values, name=path.name, labels=None if beside is None else read(beside))


def read(path: Path) -> NDArray[Any]:
    """The array in an IDX file, in the machine's own byte order."""
    try:
        with _opened(path) as file:
            values = _read(file, path)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"cannot read the IDX file '{path}': {error or 'it ends too early'}") from error
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _read(file: BufferedIOBase, path: Path) -> NDArray[Any]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= _MAX_AXES:
        raise DataError(f"'{path}' is not an IDX file: it begins with {head!r}")
    shape = struct.unpack(f">{head[3]}I", file.read(4 * head[3]))
    dtype = np.dtype(_TYPES[head[2]])
    _check_possible(path, shape, math.prod(shape) * dtype.itemsize)
    values = np.empty(shape, dtype)
    wanted = values.reshape(-1).view(np.uint8).data
    if _fill(file, wanted) < len(wanted) or file.read(1):
        raise DataError(f"'{path}' is damaged: it does not hold the {shape} values that its header declares")
    return values


def _fill(file: BufferedIOBase, target: memoryview) -> int:
    filled = 0
    while filled < len(target) and (count := file.readinto(target[filled:])):
        filled += count
    return filled


def _check_possible(path: Path, shape: tuple[int, ...], declared: int) -> None:
    held = path.stat().st_size * (_MAX_GZIP_RATIO if _is_packed(path) else 1)
    if declared > held:
        raise DataError(f"'{path}' is damaged: its header declares {shape} values, more than the file can hold")


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _opened(path: Path) -> BufferedIOBase:
    return gzip.GzipFile(path) if _is_packed(path) else path.open("rb")


def _labels_beside(path: Path) -> Path | None:
    plain = path.name.removesuffix(".gz")
    if "images" not in plain:
        return None
    name = plain.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    return next((path.with_name(n) for n in (name, f"{name}.gz") if path.with_name(n).is_file()), None)
