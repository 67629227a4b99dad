"""Labels of any form become codes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nolabel.data.labels import coded
from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, DataError

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "codes", "classes"),
    [
        ([3, 1, 3, -1], [1, 0, 1, -1], ("1", "3")),
        (np.array([10.0, NAN, 9.0]), [1, -1, 0], ("9", "10")),
        (["b", None, "a", "b"], [1, -1, 0, 1], ("a", "b")),
        ([1, None, -1, 2], [0, -1, -1, 1], ("1", "2")),
        ([True, False, True], [1, 0, 1], ("False", "True")),
        (torch.tensor([2, 0, -1]), [1, 0, -1], ("0", "2")),
        (pd.Series(["x", "y", None]), [0, 1, -1], ("x", "y")),
        (pd.Series(pd.Categorical(["y", "x", None])), [1, 0, -1], ("x", "y")),
        (pd.Series([1, None, 2], dtype="Int64"), [0, -1, 1], ("1", "2")),
        (np.array([[5], [4]]), [1, 0], ("4", "5")),
        ([-1, -1], [-1, -1], ()),
        (["dog", "10", "9"], [2, 0, 1], ("10", "9", "dog")),
        (np.array([0, 255], np.uint8), [0, 1], ("0", "255")),
        (["dog", "-1", " -1", "cat"], [1, -1, -1, 0], ("cat", "dog")),
        (np.array([b"y", b"x"]), [1, 0], ("x", "y")),
    ],
)
def test_codes_are_sorted_and_unknown_is_minus_one(values: Any, codes: list[int], classes: tuple[str, ...]) -> None:
    labels = coded(values, len(codes))
    assert labels.codes.dtype == np.int64
    assert (labels.codes.tolist(), labels.classes) == (codes, classes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 2], "labels has 2 entries and the data 3 samples; give one for each, -1 for unknown"),
        ([0.5, 1.5, 2.0], "must name classes; got real numbers such as 0.5"),
        (np.zeros((3, 2)), r"one value for each sample; got an array of shape \(3, 2\)"),
        (np.ones(3, complex), "complex"),
        (7, "got 7 alone"),
        ([[1], [2, 3], [4]], r"one value for each sample; got lists of several lengths"),
        ([{}, {}, {}], r"values that cannot be compared: unhashable"),
    ],
)
def test_what_are_no_labels(values: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        coded(values, 3)


def test_a_column_of_a_table_is_taken_out_of_it() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "kind": ["x", None, "y"], "b": [0.0, 1.0, 0.0]}, index=["p", "q", "r"])
    data = open_source(frame, labels="kind")
    assert (data.spec.shape, data.labels.tolist(), data.classes, data.ids) == (
        (2,),
        [0, -1, 1],
        ("x", "y"),
        ["p", "q", "r"],
    )
    assert list(frame.columns) == ["a", "kind", "b"]
    again = open_source(frame[["b", "kind", "a"]], spec=data.spec, labels="kind")
    assert torch.equal(again.store, data.store)
    with pytest.raises(ArgumentError, match="labels='kin': table 3 x 3 has no such column; it has a, kind, b; did"):
        open_source(frame, labels="kin")


def test_a_name_of_a_column_means_nothing_to_images(make_folder: Any) -> None:
    for source in (np.zeros((3, 4, 4), np.uint8), make_folder()):
        with pytest.raises(ArgumentError, match="labels='kind': images have no columns"):
            open_source(source, labels="kind")


def test_labels_of_the_user_win_over_those_of_the_source(make_folder: Any) -> None:
    folder = make_folder(each=2)
    assert open_source(folder, labels=["b", "a", "b", "b"]).labels.tolist() == [1, 0, 1, 1]
    with pytest.raises(DataError, match="labels has 3 entries and the data 4"):
        open_source(folder, labels=[1, 2, 3])


def test_unknown_among_text_is_not_taken_for_a_class():
    labels = coded(["b", float("nan"), "a", None, -1], 5)
    assert labels.classes == ("a", "b")
    assert labels.codes.tolist() == [1, -1, 0, -1, -1]
