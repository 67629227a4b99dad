"""Names of classes to their codes: one for all or one each, as text, and the nearest one when there is none."""

from typing import Any

import numpy as np
import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.methods._class_names import class_codes

WORDS = np.array(["cat", "dog", "owl"])


@pytest.mark.parametrize(
    ("labels", "classes", "wanted"),
    [
        ("dog", WORDS, [1, 1, 1]),
        (["owl", "cat", "owl"], WORDS, [2, 0, 2]),
        (np.array(["owl", "cat", "owl"]), WORDS, [2, 0, 2]),
        (7, np.array([3, 7, 9]), [1, 1, 1]),
        ("7", np.array([3, 7, 9]), [1, 1, 1]),
        (np.int64(7), np.array([3, 7, 9]), [1, 1, 1]),
        ([7.0, 3.0, 9.0], np.array([3, 7, 9]), [1, 0, 2]),
        (np.array([9, 9, 3]), np.array([3, 7, 9]), [2, 2, 0]),
        (torch.tensor([9, 9, 3]), np.array([3, 7, 9]), [2, 2, 0]),
        (True, np.array([False, True]), [1, 1, 1]),
        (["False", True, "True"], np.array([False, True]), [0, 1, 1]),
    ],
)
def test_names_are_compared_as_text(labels: Any, classes: Any, wanted: list[int]) -> None:
    assert class_codes(labels, classes, 3).tolist() == wanted


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("dgo", r"labels must be names of classes .* 'cat', 'dog', 'owl'; got 'dgo'; did you mean 'dog'"),
        (["cat", "cat", 4], r"'owl'; got 4$"),
        (["cat", "dog"], r"one for each of the 3 samples; got the shape \(2,\)"),
        ([["cat", "dog", "owl"]], r"got the shape \(1, 3\)"),
        (-1, "got -1"),
        ([None, "cat", "dog"], "got None"),
    ],
)
def test_what_is_no_class_is_refused(labels: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        class_codes(labels, WORDS, 3)


def test_a_thousand_classes_are_not_all_listed() -> None:
    with pytest.raises(ArgumentError, match="'19' and 980 more; got 'x'"):
        class_codes("x", np.arange(1000), 1)
