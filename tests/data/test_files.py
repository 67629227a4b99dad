"""Folders and lists of files: what is listed, in which order, and which classes folders make."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from nolabel.data.labels import from_folders
from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, BrokenFilesError, DataError

MakeFolder = Callable[..., Path]


def test_a_folder_of_classes(make_folder: MakeFolder) -> None:
    folder = make_folder("färbig und leer 猫", classes=("猫", "hund (groß)"), each=2)
    data = open_source(folder)
    assert data.ids == ["hund (groß)/000.png", "hund (groß)/001.png", "猫/000.png", "猫/001.png"]
    assert data.classes == ("hund (groß)", "猫")
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert (data.spec.modality, data.spec.shape, data.spec.values) == ("image", (3, 8, 10), "unit")
    assert data.store.dtype == torch.uint8
    assert data.name == folder.name
    want = np.asarray(Image.open(folder / "猫" / "000.png")).transpose(2, 0, 1)
    assert np.array_equal(data.store[2], want)


def test_hidden_and_other_files_are_left_out(make_folder: MakeFolder) -> None:
    folder = make_folder(each=1)
    image = (folder / "cat" / "000.png").read_bytes()
    for name in (".hidden.png", "notes.txt", "cat/.thumbs/a.png", "__MACOSX/b.png", "no suffix"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(image)
    (folder / "looks like.png").mkdir()
    (folder / "UPPER.PNG").write_bytes(image)
    assert open_source(folder).ids == ["UPPER.PNG", "cat/000.png", "dog/000.png"]


def test_links_are_followed_once(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(each=1)
    other = make_folder("other", classes=("",), each=1)
    (folder / "linked").symlink_to(other)
    (other / "back").symlink_to(folder)
    assert open_source(folder).ids == ["cat/000.png", "dog/000.png", "linked/000.png"]
    (folder / "nowhere.png").symlink_to(tmp_path / "gone")
    with pytest.raises(BrokenFilesError, match=r"nowhere\.png: no such file"):
        open_source(folder)


@pytest.mark.parametrize(
    ("names", "codes", "classes"),
    [
        (["a/1.png", "b/1.png"], [0, 1], ("a", "b")),
        (["all/a/1.png", "all/b/x/1.png"], [0, 1], ("a", "b")),
        (["1.png", "a/1.png", "b/1.png"], [-1, 0, 1], ("a", "b")),
        (["train/a/1.png", "test/b/1.png"], [0, 1], ("a", "b")),
        (["./a/1.png", "./b/1.png"], [0, 1], ("a", "b")),
    ],
)
def test_folders_name_classes(names: list[str], codes: list[int], classes: tuple[str, ...]) -> None:
    labels = from_folders(names)
    assert labels is not None
    assert (labels.codes.tolist(), labels.classes) == (codes, classes)


@pytest.mark.parametrize("names", [["1.png", "2.png"], ["a/1.png", "a/2.png"], ["train/1.png", "test/1.png"]])
def test_folders_that_say_nothing(names: list[str]) -> None:
    assert from_folders(names) is None


def test_a_split_is_a_sub_folder(make_folder: MakeFolder) -> None:
    folder = make_folder(classes=("train/cat", "train/dog", "test/cat", "test/dog"), each=2)
    train = open_source(folder, split="train")
    assert (train.ids[0], train.classes, train.name) == ("cat/000.png", ("cat", "dog"), f"{folder.name}:train")
    assert open_source(folder).classes == ("cat", "dog")
    with pytest.raises(ArgumentError, match=r"split='tests': no such sub-folder in .* test, train; did you mean"):
        open_source(folder, split="tests")


def test_a_list_of_paths_keeps_its_order_and_names(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder()
    monkeypatch.chdir(folder)
    paths = ["dog/001.png", "cat/000.png"]
    data = open_source(paths)
    assert (data.ids, data.labels) == (paths, None)
    for same in ([Path(path) for path in paths], pd.Series(paths), np.array(paths), tuple(paths)):
        assert torch.equal(open_source(same).store, data.store)
    assert open_source([folder / paths[0]]).ids == [str(folder / paths[0])]


def test_no_images_is_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is empty"):
        open_source(tmp_path)
    (tmp_path / "a.csv").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.csv").touch()
    with pytest.raises(DataError, match=r"but 2 other files \(2 \.csv\)"):
        open_source(tmp_path)


def test_a_name_that_is_not_unicode(make_folder: MakeFolder) -> None:
    folder = make_folder(classes=("",), each=1)
    (folder / "000.png").rename(folder / os.fsdecode(b"\xff.png"))
    first, second = open_source(folder), open_source(folder)
    assert len(first.ids) == 1
    assert first.ids == second.ids
    first.ids[0].encode()  # it can be written to any file


def test_three_broken_files_among_a_hundred(make_folder: MakeFolder) -> None:
    folder = make_folder(each=50)
    (folder / "cat" / "007.png").write_bytes(b"")
    (folder / "dog" / "000.png").write_bytes(b"no image")
    whole = (folder / "dog" / "049.png").read_bytes()
    (folder / "dog" / "049.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BrokenFilesError) as error:
        open_source(folder)
    text = str(error.value)
    assert text.startswith(
        "3 of 100 images could not be read:\n  cat/007.png: the file is empty\n  dog/000.png: not an"
    )
    assert "on_error='skip'" in text
    assert [problem.where for problem in error.value.problems] == ["cat/007.png", "dog/000.png", "dog/049.png"]

    data = open_source(folder, on_error="skip")
    assert len(data) == len(data.ids) == len(data.labels) == 97
    assert [problem.where for problem in data.skipped] == ["cat/007.png", "dog/000.png", "dog/049.png"]
    for row in (0, 7, 48, 96):
        want = np.asarray(Image.open(folder / data.ids[row])).transpose(2, 0, 1)
        assert np.array_equal(data.store[row], want)
    assert data.labels.tolist() == [0] * 49 + [1] * 48
    mine = open_source(folder, on_error="skip", labels=list(range(100)))
    assert mine.classes[6:9] == ("6", "7", "8")
    assert mine.labels[7] == 8


def test_the_list_of_broken_files_is_cut_in_the_text_only(make_folder: MakeFolder) -> None:
    folder = make_folder(each=20)
    for file in sorted(folder.rglob("*.png"))[:13]:
        file.write_bytes(b"no image")
    with pytest.raises(BrokenFilesError, match=r"\.\.\. and 3 more") as error:
        open_source(folder)
    assert len(error.value.problems) == 13


def test_not_one_image_left_is_an_error_even_when_skipping(make_folder: MakeFolder, own_cache: Path) -> None:
    folder = make_folder(each=1)
    for file in folder.rglob("*.png"):
        file.write_bytes(b"no image")
    with pytest.raises(BrokenFilesError, match=r"2 of 2 images .*(?s:.*)None is left"):
        open_source(folder, on_error="skip")
    assert list(own_cache.iterdir()) == []
