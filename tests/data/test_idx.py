"""IDX files, packed and plain, and the labels beside them."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nolabel.data.idx import is_idx, read
from nolabel.data.source import open as open_source
from nolabel.errors import DataError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
IMAGES = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def write(path: Path, values: NDArray[Any]) -> Path:
    kind = values.dtype.str[1:]
    content = bytes([0, 0, CODES[kind], values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    content += values.astype(values.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("name", ["a-idx", "a-idx.gz"])
def test_every_type_comes_back(tmp_path: Path, kind: str, name: str) -> None:
    values = np.array([[-3, 0], [7, 100]]).astype(kind)
    got = read(write(tmp_path / name, values))
    assert got.dtype == values.dtype
    assert np.array_equal(got, values)
    assert is_idx(tmp_path / name)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("labels_ending", ["", ".gz"])
def test_images_with_the_labels_beside_them(tmp_path: Path, ending: str, labels_ending: str) -> None:
    path = write(tmp_path / f"train-images-idx3-ubyte{ending}", IMAGES)
    assert open_source(path).labels is None
    write(tmp_path / f"train-labels-idx1-ubyte{labels_ending}", np.array([3, 1, 1, 3, 9], np.uint8))
    data = open_source(path)
    assert data.spec.shape == (1, 4, 3)
    assert np.array_equal(data.store[:, 0], IMAGES)
    assert (data.labels.tolist(), data.classes) == ([1, 0, 0, 1, 2], ("1", "3", "9"))
    assert list(data.ids) == [0, 1, 2, 3, 4]


def test_two_axes_are_a_table(tmp_path: Path) -> None:
    data = open_source(write(tmp_path / "a-idx2-float", np.random.default_rng(0).normal(size=(6, 3)).astype("f4")))
    assert (data.spec.modality, data.spec.shape) == ("table", (3,))


def test_labels_alone_are_no_samples(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 3 labels, not samples; open the file of images"):
        open_source(write(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8)))


@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files_are_named(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / ("a-images-idx3.gz" if packed else "a-images-idx3"), IMAGES)
    content = path.read_bytes()
    for damaged in (content[:-9], content[:5] if not packed else content[:20], content + (b"" if packed else b"xx")):
        if damaged == content:
            continue
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"damaged|cannot read|cannot tell"):
            open_source(path)


@pytest.mark.parametrize("name", ["huge", "huge.gz"])
def test_a_header_that_declares_too_much_is_refused_before_memory_is_taken(tmp_path: Path, name: str) -> None:
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**15, 2**15) + bytes(100)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DataError, match="more than the file can hold"):
        open_source(tmp_path / name)
