"""Arrays, tensors, .npy and .npz: which are images, which are tables, and which are refused."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, DataError

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(6, 3))
IMAGES = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)


@pytest.mark.parametrize("same", [TABLE, TABLE.tolist(), torch.from_numpy(TABLE), TABLE.astype(object)])
def test_two_axes_are_a_table(same: Any) -> None:
    data = open_source(same)
    assert (data.spec.modality, data.spec.shape, data.spec.recipe["kind"]) == ("table", (3,), "array")
    assert list(data.ids) == list(range(6))
    assert torch.equal(data.store, open_source(TABLE).store)


def test_torch_tensors_of_any_kind() -> None:
    images = torch.from_numpy(IMAGES)
    assert torch.equal(open_source(images).store[:, 0], images)
    assert open_source(torch.rand(4, 3, 5, 3)).spec.shape == (3, 5, 3)
    assert open_source(np.random.rand(4, 3, 5, 3)).spec.shape == (3, 3, 5)  # noqa: NPY002
    assert open_source(torch.rand(4, 1, 5, 5, dtype=torch.bfloat16)).spec.shape == (1, 5, 5)
    assert open_source(torch.rand(4, 2, requires_grad=True)).spec.shape == (2,)
    assert open_source(torch.eye(3).to_sparse()).spec.recipe["kind"] == "sparse"


def test_the_users_array_is_left_alone_and_not_copied() -> None:
    images = IMAGES.copy()
    data = open_source(images)
    assert data.store.data_ptr() == images.ctypes.data
    frozen = images.copy()
    frozen.flags.writeable = False
    assert np.array_equal(open_source(frozen).store[:, 0], images)
    assert np.array_equal(open_source(images[::-1]).store[:, 0], images[::-1])


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.arange(5.0), "Expected 2D array, got 1D array instead"),
        (np.float64(3), "Expected 2D array|scalar"),
        (np.zeros((2, 2, 2, 2, 2, 2)), "has 6 axes, shape"),
        (np.zeros((0, 3)), r"0 sample"),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.zeros((0, 4, 4), np.uint8), "holds nothing"),
        (np.ones((2, 2), complex), "Complex data not supported"),
        (np.ones((2, 4, 4), complex), "must hold real numbers"),
        (np.array([["a", "b"]]), "numeric"),
        (np.array([[["a"]]]), "must hold real numbers"),
        (np.array([[{}, 1]], dtype=object), "number"),
        ([[1, 2], [3]], "not all of one shape"),
        (pd.Series([1.0, 2.0]), "2-dimensional"),
        (np.array([[1.0, np.nan]]), "NaN|missing"),
        (np.array([[1.0, np.inf]]), "inf"),
        (object(), "cannot open a object; expected an array"),
        ([], "Expected 2D array|0 sample"),
        (3, "cannot open a int"),
        (None, "cannot open a NoneType"),
    ],
)
def test_what_is_no_data_is_refused_in_words(bad: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(bad)


@pytest.mark.parametrize("big", [False, True])
def test_npy_is_mapped_and_left_on_disk_when_it_is_large(
    tmp_path: Path, big: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "a.npy", colour)
    np.save(tmp_path / "b.npy", RNG.random((6, 5, 4), dtype=np.float32))
    if big:
        monkeypatch.setattr("nolabel.data.memory.WHOLE_BYTES", 100)
    data = open_source(tmp_path / "a.npy")
    assert data.in_memory is not big
    index = torch.tensor([4, 0])
    assert np.array_equal(data.rows(index)[0], colour[[4, 0]].transpose(0, 3, 1, 2))
    assert open_source(tmp_path / "b.npy").in_memory is not big
    assert open_source(np.load(tmp_path / "a.npy", mmap_mode="r")).in_memory is not big


def test_npy_of_other_types_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nolabel.data.memory.WHOLE_BYTES", 100)
    for dtype in (np.uint16, np.float64, ">f4", bool):
        np.save(tmp_path / "a.npy", np.ones((6, 5, 4)).astype(dtype))
        assert open_source(tmp_path / "a.npy").in_memory
    np.save(tmp_path / "table.npy", TABLE)
    assert open_source(tmp_path / "table.npy").spec.shape == (3,)


@pytest.mark.parametrize("name", ["x", "X", "data", "images", "arr_0"])
def test_npz_by_its_usual_names(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "a.npz", **{name: IMAGES, "y": np.array([0, 1, 2, 0, 1, -1])})
    data = open_source(tmp_path / "a.npz")
    assert (data.spec.shape, data.name) == ((1, 5, 4), "a.npz")
    assert data.labels.tolist() == [0, 1, 2, 0, 1, -1]


def test_npz_with_splits(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x_train=IMAGES, y_train=np.arange(6), x_test=IMAGES[:2])
    assert len(open_source(tmp_path / "a.npz")) == 6
    test = open_source(tmp_path / "a.npz", split="test")
    assert (len(test), test.labels, test.name) == (2, None, "a.npz:test")
    with pytest.raises(ArgumentError, match="has no array named x_val; it has x_test, x_train, y_train"):
        open_source(tmp_path / "a.npz", split="val")
    np.savez(tmp_path / "b.npz", pixels=IMAGES)
    with pytest.raises(DataError, match="it has pixels"):
        open_source(tmp_path / "b.npz")


class Trap:
    """Its unpickling would leave a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "raw.npy"])
def test_nothing_is_unpickled(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "was run"
    trap = np.array([Trap(mark)], dtype=object)
    if name == "raw.npy":
        (tmp_path / name).write_bytes(pickle.dumps(Trap(mark)))
    else:
        {"a.npy": np.save, "a.npz": np.savez}[name](tmp_path / name, trap, allow_pickle=True)
    with pytest.raises(DataError, match="never unpickles"):
        open_source(tmp_path / name)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    (np.save if name == "a.npy" else np.savez)(tmp_path / name, IMAGES)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-60])
    with pytest.raises(DataError, match=f"cannot read .*{name}"):
        open_source(tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=name):
        open_source(tmp_path / name)
