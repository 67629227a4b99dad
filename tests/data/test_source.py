"""`open` and `restore`: what is asked for is checked, and everything reaches the one who can do it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import torch

from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.types import to_network

MakeFolder = Callable[..., Path]
FRAME = pd.DataFrame({"age": [1.0, 2.0, 4.0, 9.0], "town": ["a", "b", "a", "c"]}, index=["p", "q", "r", "s"])


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the type checker, which would be first to complain of a wrong choice."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("on_error", "skipp", "on_error must be one of 'raise', 'skip'; got 'skipp'; did you mean 'skip'"),
        ("scaling", "std", "scaling must be one of 'standard', 'minmax', 'none'; got 'std'"),
        ("missing", "drop", "missing must be one of 'auto', 'impute', 'refuse'"),
        ("channels", 2, r"channels must be 1 \(grey\), 3 \(colour\) or None; got 2"),
        ("size", 0, r"size must be a positive whole number of pixels, or \(height, width\); got 0"),
        ("size", (3, 4, 5), "size must be"),
        ("size", 1.5, "size must be"),
        ("size", "64", "size must be"),
    ],
)
def test_a_wrong_choice_is_answered_with_the_right_ones(argument: str, value: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        open_source(np.zeros((3, 4, 4), np.uint8), **{argument: value})


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".csv.gz"])
def test_table_files(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a table{ending}"
    if ending == ".parquet":
        FRAME.to_parquet(path)
    else:
        FRAME.to_csv(path, sep="\t" if ending == ".tsv" else ",")
    data = open_source(path)
    assert torch.equal(data.store, open_source(FRAME).store)
    assert list(data.ids) == ["p", "q", "r", "s"]
    assert data.name == path.name


def test_tables_come_back_and_new_rows_are_treated_alike() -> None:
    data = open_source(FRAME)
    back = restore(data.spec, data.store)
    pd.testing.assert_frame_equal(back.set_axis(FRAME.index), FRAME, check_dtype=False)
    new = open_source(FRAME[["town", "age"]].iloc[:1], spec=data.spec)
    assert torch.equal(new.store, data.store[:1])
    assert new.ids == ["p"]
    array = FRAME[["age"]].to_numpy()
    flat = open_source(array, scaling="minmax")
    assert np.allclose(restore(flat.spec, flat.store), array)
    assert flat.spec.values == "unit"


def test_missing_values_have_a_mask() -> None:
    data = open_source(FRAME.assign(age=[1.0, None, 2.0, 3.0]))
    assert data.mask is not None
    assert not data.mask[1].all()
    with pytest.raises(DataError):
        open_source(FRAME.assign(age=[1.0, None, 2.0, 3.0]), missing="refuse")


def test_rows_are_known_by_their_index() -> None:
    assert open_source(FRAME.reset_index(drop=True)).ids == range(4)
    assert open_source(FRAME.set_axis([7, 3, 3, 1])).ids == [7, 3, 3, 1]
    two = pd.MultiIndex.from_product([["a", "b"], [1, 2]])
    assert open_source(FRAME.set_axis(two)).ids[1] == "('a', 2)"


def test_a_dataset_is_returned_as_it_is() -> None:
    data = open_source(FRAME)
    assert open_source(data) is data
    assert open_source(data, spec=data.spec) is data
    labelled = open_source(data, labels=[0, 1, 1, 0])
    assert (labelled.store is data.store, labelled.labels.tolist()) == (True, [0, 1, 1, 0])


def test_a_dataset_of_another_recipe() -> None:
    table, other = open_source(FRAME), open_source(FRAME * 2)
    with pytest.raises(DataError, match=r"was not encoded as the model's data were.*spec=model\.spec_"):
        open_source(other, spec=table.spec)
    images = open_source(np.zeros((3, 4, 4), np.uint8))
    with pytest.raises(ModalityError, match=r"fitted to data of kind 'table'; Dataset.* is of kind 'image'"):
        open_source(images, spec=table.spec)
    floats = open_source(np.ones((3, 4, 4)))
    same = open_source(floats, spec=images.spec)  # to a network, images are images
    assert same.spec == images.spec
    assert torch.equal(to_network(same.store), to_network(floats.store))
    with pytest.raises(DataError, match="was not encoded as"):
        open_source(open_source(np.ones((3, 5, 4))), spec=images.spec)


def test_new_files_are_brought_to_the_size_of_the_model(make_folder: MakeFolder) -> None:
    spec = open_source(make_folder("fitted", mode="L", size=(12, 12))).spec
    data = open_source(make_folder("new", size=(30, 40)), spec=spec)
    assert data.spec == spec
    assert data.spec.shape == (1, 12, 12)
    back = restore(spec, to_network(data.store))
    assert (back.shape, back.dtype) == ((6, 12, 12), np.uint8)
    assert restore(open_source(make_folder()).spec, torch.rand(2, 3, 8, 10)).shape == (2, 8, 10, 3)


def test_files_for_a_table_model_and_rows_for_an_image_model(make_folder: MakeFolder) -> None:
    folder = make_folder()
    with pytest.raises(ModalityError, match=r"fitted to a table with 2 columns; some images holds images"):
        open_source(folder, spec=open_source(FRAME).spec)
    with pytest.raises(ModalityError, match=r"fitted to images of shape \(3, 8, 10\); table 4 x 2 is a table: pass"):
        open_source(FRAME, spec=open_source(folder).spec)


def test_paths_that_cannot_be_opened(tmp_path: Path, make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder()
    for source, words in (
        (folder / "cat" / "000.png", "is one image; open the folder that holds it, or pass a list of paths"),
        (str(tmp_path / "some imges"), r"no such file or folder: .*; did you mean 'some images'\?"),
        ("https://example.org/a.zip", "is an address; download it"),
        ("nothing of the kind", "no such file or folder: 'nothing of the kind'.*known by name: digits"),
    ):
        with pytest.raises(DataError, match=words):
            open_source(source)
    (tmp_path / "a.xyz").write_bytes(b"what is this")
    with pytest.raises(DataError, match=r"cannot tell what '.*a\.xyz' holds.*Understood are"):
        open_source(tmp_path / "a.xyz")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(open_source("~/some images")) == 6


def test_a_name_wins_over_a_folder_of_that_name(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder("digits")
    monkeypatch.chdir(folder.parent)
    assert len(open_source("digits")) == 1797
    assert len(open_source("./digits")) == len(open_source(Path("digits"))) == 6


def test_arguments_of_the_other_kind_are_refused(make_folder: MakeFolder) -> None:
    with pytest.raises(ArgumentError, match="size and channels are for images; table 4 x 2 is a table"):
        open_source(FRAME, size=8)
    with pytest.raises(ArgumentError, match="a DataFrame has no splits"):
        open_source(FRAME, split="test")
