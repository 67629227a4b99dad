"""Hugging Face `datasets` objects, through a small object of the same shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as Pillow

from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, BrokenFilesError, DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (150, 5, 4, 3), dtype=np.uint8)
PICTURES = [Pillow.fromarray(pixels) for pixels in PIXELS]


class Image:
    """The type of a column of images, known by its name."""


class ClassLabel:
    """The type of a column of class codes, which has the names."""

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Fake:
    """Columns by name, rows by slice; counts what it is asked for."""

    def __init__(self, columns: dict[str, list[Any]], features: dict[str, Any] | None = None) -> None:
        self.columns, self.features, self.asked = columns, features, 0

    @property
    def column_names(self) -> list[str]:
        return list(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key: Any) -> Any:
        self.asked += 1
        if isinstance(key, str):
            return self.columns[key]
        assert isinstance(key, slice), "rows are asked for by slice"
        return {name: values[key] for name, values in self.columns.items()}

    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame(self.columns)


def test_pictures_and_class_labels() -> None:
    codes = [row % 3 - 1 for row in range(150)]
    features = {"picture": Image(), "kind": ClassLabel(["cat", "dog"]), "label": None}
    source = Fake({"label": ["?"] * 150, "picture": PICTURES, "kind": codes}, features)
    data = open_source(source)
    assert np.array_equal(data.store, PIXELS.transpose(0, 3, 1, 2))
    assert (data.labels.tolist(), data.classes) == (codes, ("cat", "dog"))
    assert list(data.ids) == list(range(150))
    assert source.asked < 80  # blocks, not rows


@pytest.mark.parametrize("way", ["pictures", "bytes", "path"])
def test_images_without_declared_types(way: str, tmp_path: Path) -> None:
    values: list[Any] = PICTURES[:4]
    if way != "pictures":
        values = [{"bytes": None, "path": str(tmp_path / f"{row}.png")} for row in range(4)]
        for row, value in enumerate(values):
            PICTURES[row].save(value["path"])
            if way == "bytes":
                value["bytes"] = Path(value["path"]).read_bytes()
    data = open_source(Fake({"image": values, "label": ["b", "a", "b", "a"]}))
    assert np.array_equal(data.store, PIXELS[:4].transpose(0, 3, 1, 2))
    assert (data.labels.tolist(), data.classes) == ([1, 0, 1, 0], ("a", "b"))


def test_a_column_of_labels_by_name() -> None:
    source = Fake({"image": PICTURES[:2], "label": [0, 1], "colour": ["red", "blue"]})
    assert open_source(source, labels="colour").classes == ("blue", "red")
    with pytest.raises(
        ArgumentError, match=r"labels='color': .* there are image, label, colour; did you mean 'colour'"
    ):
        open_source(source, labels="color")


def test_mixed_sizes_are_resized_like_files() -> None:
    assert open_source(Fake({"image": [*PICTURES[:2], Pillow.new("RGB", (30, 20))]})).spec.shape == (3, 4, 4)


def test_a_missing_picture_is_a_broken_one() -> None:
    source = Fake({"image": [*PICTURES[:3], None], "label": [0, 1, 0, 1]}, {"image": Image()})
    with pytest.raises(BrokenFilesError, match="row 3: there is no image, but None"):
        open_source(source)
    data = open_source(source, on_error="skip")
    assert (list(data.ids), data.labels.tolist()) == ([0, 1, 2], [0, 1, 0])


def test_anything_else_is_a_table() -> None:
    source = Fake({"age": [1.0, 2.0, 4.0], "town": ["a", "b", "a"], "sick": [0, 1, 0]})
    data = open_source(source, labels="sick")
    assert (data.spec.modality, data.spec.shape, data.classes) == ("table", (3,), ("0", "1"))


def test_splits() -> None:
    both = {"train": Fake({"image": PICTURES}), "test": Fake({"image": PICTURES[:5]})}
    assert len(open_source(both, split="test")) == 5
    with pytest.raises(ArgumentError, match="has the splits train, test; choose one with split='train'"):
        open_source(both)
    with pytest.raises(ArgumentError, match="split must be one of 'train', 'test'; got 'tests'; did you mean 'test'"):
        open_source(both, split="tests")
    with pytest.raises(ArgumentError, match="one split already"):
        open_source(both["train"], split="test")


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        open_source(Fake({"image": []}))
    with pytest.raises(DataError, match="several image columns: a, b"):
        open_source(Fake({"a": PICTURES[:2], "b": PICTURES[:2]}))


def test_its_own_fingerprint_is_what_the_cache_goes_by(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, make_folder: Callable[..., Path]
) -> None:
    source = Fake({"image": PICTURES[:4]})
    first = open_source(source)
    assert not own_cache.exists()  # nothing can tell whether it will be the same next time
    source._fingerprint = "abc"
    open_source(source)
    monkeypatch.setattr("nolabel.data.decoded.decode_all", lambda *_: pytest.fail("decoded again"))
    assert torch.equal(open_source(source).store, first.store)


def test_a_list_of_pictures() -> None:
    data = open_source(PICTURES[:3])
    assert np.array_equal(data.store, PIXELS[:3].transpose(0, 3, 1, 2))
    assert list(data.ids) == [0, 1, 2]
    assert PICTURES[0].size == (4, 5)  # the user's own are still open and whole
    assert np.array_equal(np.asarray(PICTURES[0]), PIXELS[0])


def test_a_column_of_texts() -> None:
    texts = ["a cat and a dog", "the dog sat down", "no cat at all"]
    data = open_source(Fake({"id": [4, 5, 6], "text": texts, "label": ["x", "y", "x"]}), text="text", labels="label")
    assert data.texts == texts
    assert data.labels.tolist() == [0, 1, 0]
