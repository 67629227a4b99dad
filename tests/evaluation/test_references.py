import gzip

import numpy as np
import pytest

import nolabel
from nolabel.data.toys import blobs, stripes
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.references import classes_of, sides


def found(data, reference="auto", labels=None, seed=0):
    return sides(data, reference, labels, spec=None, options={}, random_state=seed)


def test_data_without_a_test_split_are_halved_by_the_seed():
    data = stripes(31)
    halves = found(data)
    assert (len(halves.reference), len(halves.others)) == (15, 16)
    assert set(halves.reference.ids).isdisjoint(halves.others.ids)
    assert list(found(data).reference.ids) == list(halves.reference.ids)
    assert list(found(data, seed=1).reference.ids) != list(halves.reference.ids)
    assert halves.reference_told == "one half of stripes"
    assert halves.others_told == "the other half of stripes"


def idx(path, values):
    shape = b"".join(int(size).to_bytes(4, "big") for size in values.shape)
    with gzip.open(path, "wb") as file:
        file.write(bytes([0, 0, 8, values.ndim]) + shape + values.tobytes())


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """A data set of that name, with a test split of its own."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, count in (("train", 12), ("t10k", 11)):
        idx(folder / f"{name}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 28, 28), dtype=np.uint8))
        idx(folder / f"{name}-labels-idx1-ubyte.gz", rng.integers(0, 10, count, dtype=np.uint8))
    monkeypatch.setenv("NOLABEL_DATA", str(tmp_path))


@pytest.mark.parametrize("way", ["name", "train", "dataset", "part"])
@pytest.mark.parametrize("reference", ["auto", "test"])
def test_a_named_set_is_held_against_its_test_split(mnist, way, reference):
    data = {"name": "mnist", "train": "mnist:train"}.get(way) or nolabel.open("mnist")
    both = found(data.subset(np.arange(10)) if way == "part" else data, reference)
    assert (len(both.reference), len(both.others)) == (11, 10 if way == "part" else 12)
    assert both.reference_told == "the test split of mnist"
    assert both.others_told == "mnist"


def test_the_test_split_itself_is_halved(mnist):
    assert len(found("mnist:test").reference) == 5


def test_any_source_can_be_the_reference():
    both = found(stripes(20), stripes(14, seed=1))
    assert (len(both.reference), len(both.others)) == (14, 20)


def test_a_reference_of_another_kind_is_refused():
    with pytest.raises(DataError):
        found(stripes(20), blobs(20))
    with pytest.raises(DataError, match="16 x 16"):
        found(stripes(20).store.numpy(), stripes(20, size=12).store.numpy())


def test_a_test_split_that_is_not_there_is_refused():
    with pytest.raises(ArgumentError, match="reference='test' needs data with a test split.*reference='halves'"):
        found(stripes(20), "test")


def test_classes_go_by_their_names():
    data = blobs(6, k=3)
    data.labels[:] = [0, 1, 2, -1, 1, 0]
    assert classes_of(data, ("2", "1")).codes.tolist() == [-1, 1, 0, -1, 1, -1]
    data.labels = None
    assert classes_of(data, ("2", "1")).codes.tolist() == [-1] * 6
