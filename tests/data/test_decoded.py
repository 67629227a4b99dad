"""What is decided when size and channels are not asked for, and what happens when a file contradicts it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nolabel.data import decoded
from nolabel.data.source import open as open_source

MakeFolder = Callable[..., Path]


def test_equal_sizes_stay_as_they_are(make_folder: MakeFolder) -> None:
    assert open_source(make_folder(size=(200, 170), each=1)).spec.shape == (3, 200, 170)


def test_mixed_sizes_become_a_square_of_the_median_shorter_side(make_folder: MakeFolder) -> None:
    folder = make_folder(classes=("",), each=0)
    for number, size in enumerate([(20, 30), (25, 24), (90, 28)]):
        Image.new("RGB", size).save(folder / f"{number}.png")
    assert open_source(folder).spec.shape == (3, 24, 24)
    for number, size in enumerate([(500, 300), (400, 900), (300, 400), (800, 800)]):
        Image.new("RGB", size).save(folder / f"large {number}.png")
    assert open_source(folder).spec.shape == (3, 128, 128)
    assert open_source(folder, size=(10, 12)).spec.shape == (3, 10, 12)


def test_grey_files_have_one_channel_and_one_colour_file_makes_three(make_folder: MakeFolder) -> None:
    folder = make_folder(mode="L")
    data = open_source(folder)
    assert data.spec.shape == (1, 8, 10)
    assert data.spec.recipe["layout"] == "HW"
    Image.new("RGB", (10, 8)).save(folder / "one.png")
    assert open_source(folder).spec.shape == (3, 8, 10)
    assert open_source(folder, channels=1).spec.shape == (1, 8, 10)


def test_a_file_outside_the_sample_revises_the_guess(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "SAMPLED", 2)  # the first and the last
    folder = make_folder(mode="L", each=20)
    Image.new("RGB", (10, 8), "red").save(folder / "cat" / "010.png")
    Image.new("L", (33, 44)).save(folder / "dog" / "010.png")
    data = open_source(folder)
    assert data.spec.shape == (3, 8, 8)
    assert data.store[10, :, 0, 0].tolist() == [255, 0, 0]
    grey = np.asarray(Image.open(folder / "cat" / "000.png").convert("RGB"))
    assert np.array_equal(data.store[0], grey[:, 1:9].transpose(2, 0, 1))


def test_a_sample_of_broken_files_only(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "SAMPLED", 2)
    folder = make_folder(each=3)
    for name in ("cat/000.png", "dog/002.png"):
        (folder / name).write_bytes(b"no image")
    assert open_source(folder, on_error="skip").spec.shape == (3, 8, 10)


def test_sets_larger_than_the_limit_stay_on_disk(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder()
    assert open_source(folder).in_memory
    assert not open_source(folder, in_memory=False).in_memory
    monkeypatch.setattr("nolabel.data.memory.allowed_bytes", lambda: 4 * 6 * 3 * 8 * 10 - 1)
    mapped = open_source(folder)
    assert isinstance(mapped.store, np.memmap)
    assert open_source(folder, in_memory=True).in_memory
    index = np.array([5, 0])
    assert np.array_equal(mapped.subset(index).store, open_source(folder, in_memory=True).store[index])
