"""Pairs of images: who belongs to whom, where the cut is, and what is said of those who belong to nobody."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nolabel
from nolabel.data import memory, pairs
from nolabel.data.dataset import Dataset
from nolabel.errors import DataError, ModalityError
from nolabel.types import DataSpec

OPTIONS: dict[str, object] = {}


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def both(X: object, Y: object, *, matched: bool = True) -> Dataset:
    given = nolabel.open(X)
    return pairs.paired(given, pairs.open_targets(Y, given, OPTIONS), matched=matched)


def folder(place: Path, names: list[str], *, side: int = 6, seed: int = 0) -> Path:
    for name, picture in zip(names, pixels(len(names), side, side, seed=seed)):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / name)
    return place


def picture(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


# --- one data set ----------------------------------------------------------------------------------------------------


def test_channels_stand_one_behind_the_other():
    X, Y = pixels(5, 7, 6), pixels(5, 7, 6, 3, seed=1)
    data = both(X, Y)
    assert data.spec.shape == (4, 7, 6)
    assert np.array_equal(data.store[:, 0], X)
    assert np.array_equal(data.store[:, 1:], Y.transpose(0, 3, 1, 2))
    assert list(data.ids) == [0, 1, 2, 3, 4]


def test_the_recipe_says_where_the_cut_is_and_survives_json():
    data = both(pixels(5, 7, 6), pixels(5, 7, 6, 3))
    spec = DataSpec.from_json(data.spec.to_json())
    given = pairs.given_spec(spec)
    assert given.shape == (1, 7, 6)
    assert pairs.target_spec(given).shape == pairs.target_spec(spec).shape == (3, 7, 6)
    assert given == pairs.given_spec(data.spec), "the same before and after"
    assert pairs.given_spec(given) is given, "what is no pair is left as it is"
    json.dumps(dict(given.recipe))


def test_a_finer_side_makes_both_fine():
    X, Y = pixels(4, 5, 5), np.random.default_rng(0).random((4, 5, 5), dtype=np.float32)
    data = both(X, Y)
    assert np.allclose(data.store[:, 0], X / 255)
    assert np.array_equal(data.store[:, 1], Y)


def test_labels_of_what_is_given_stay():
    given = nolabel.open(pixels(4, 5, 5), labels=["a", "b", "a", "b"])
    data = pairs.paired(given, nolabel.open(pixels(6, 5, 5)), matched=False)
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]


# --- who belongs to whom ---------------------------------------------------------------------------------------------


def test_files_are_matched_by_name_whatever_their_order_suffix_and_folder(tmp_path):
    names = ["b/2.png", "a/1.png", "3.png"]
    X = folder(tmp_path / "X", names)
    Y = folder(tmp_path / "Y", ["3.bmp", "a/1.bmp", "b/2.bmp"], seed=1)
    data = both(X, Y)
    for row, name in enumerate(data.ids):
        assert np.array_equal(data.store[row, 0], picture(X / str(name)))
        assert np.array_equal(data.store[row, 1], picture((Y / str(name)).with_suffix(".bmp")))


def test_lists_of_files_are_matched_below_what_they_have_in_common(tmp_path):
    X = folder(tmp_path / "one" / "X", ["1.png", "2.png"])
    Y = folder(tmp_path / "Y", ["1.png", "2.png"], seed=1)
    data = both([X / "1.png", X / "2.png"], [Y / "2.png", Y / "1.png"])
    assert np.array_equal(data.store[0, 1], picture(Y / "1.png"))


def test_a_suffix_counts_where_it_tells_two_apart(tmp_path):
    X = folder(tmp_path / "X", ["1.png", "1.bmp"])
    Y = folder(tmp_path / "Y", ["1.bmp", "1.png"], seed=1)
    data = both(X, Y)
    for row, name in enumerate(data.ids):
        assert np.array_equal(data.store[row, 1], picture(Y / str(name)))


def test_names_without_a_partner_are_listed_ten_at_most(tmp_path):
    X = folder(tmp_path / "X", [f"{number:02d}.png" for number in range(14)])
    Y = folder(tmp_path / "Y", ["01.png", "02.png", "other.png"])
    with pytest.raises(DataError, match="names do not match") as caught:
        both(X, Y)
    said = str(caught.value)
    assert "12 images in X without a target in y (00, 03, 04, 05, 06, 07, 08, 09, 10, 11 and 2 more)" in said
    assert "1 target in y without an image in X (other); 2 do" in said
    assert "CycleGAN" in said


def test_arrays_are_matched_by_place_and_must_be_as_many():
    with pytest.raises(DataError, match="X has 5 images and y has 4, and they are matched by place"):
        both(pixels(5, 6, 6), pixels(4, 6, 6))


@pytest.mark.parametrize(("given", "targets"), [(5, 3), (3, 5)])
def test_without_pairs_the_shorter_side_begins_again(given, targets):
    X, Y = pixels(given, 6, 6), pixels(targets, 6, 6, seed=1)
    data = both(X, Y, matched=False)
    assert len(data) == 5
    for row in range(5):
        assert np.array_equal(data.store[row, 0], X[row % given])
        assert np.array_equal(data.store[row, 1], Y[row % targets])
        assert data.ids[row] == row % given


# --- what cannot be used ---------------------------------------------------------------------------------------------


def test_files_are_brought_to_the_size_of_what_is_given(tmp_path):
    X, Y = folder(tmp_path / "X", ["1.png", "2.png"]), folder(tmp_path / "Y", ["1.png", "2.png"], side=9)
    assert both(X, Y).spec.shape == (2, 6, 6)


def test_arrays_of_another_size_are_refused():
    with pytest.raises(DataError, match=r"targets in y have 6 x 5 pixels, what is given in X has 6 x 6"):
        both(pixels(4, 6, 6), pixels(4, 6, 5))


def test_targets_that_are_no_images_are_refused():
    with pytest.raises(ModalityError, match=r"y must be images.* is of kind table"):
        both(pixels(4, 6, 6), np.zeros((4, 3)))
    with pytest.raises(DataError, match="the targets in y cannot be used: .*1D array"):
        both(pixels(4, 6, 6), [1, 0, 1, 0])


def test_pairs_that_fit_into_no_memory_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "allowed_bytes", lambda: 200)
    with pytest.raises(DataError, match="4 pairs of 6 x 6 pixels take .* GiB.*smaller size="):
        both(pixels(4, 6, 6), pixels(4, 6, 6))
