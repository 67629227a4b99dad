import math

import numpy as np
import pytest

from evaluation.planted_features import normal
from nolabel.evaluation.class_balance import imbalance, namer
from nolabel.evaluation.labels import Classes

CENTRES = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])


def of_classes(codes, seed=0):
    codes = np.asarray(codes)
    return CENTRES[codes] + normal(seed, len(codes), 2)


def three(labels):
    return Classes(np.asarray(labels, dtype=np.int64), ("a", "b", "c"))


def test_classes_are_named_by_their_neighbours():
    known = np.arange(60) % 3
    found = namer(of_classes(known), three(known))
    asked = np.repeat([0, 1, 2], [10, 30, 60])
    assert found.name(of_classes(asked, seed=1)).tolist() == asked.tolist()
    assert found.shares(of_classes(asked, seed=1)) == pytest.approx([0.1, 0.3, 0.6])
    assert found.right(of_classes(asked, seed=1), np.where(asked == 0, 2, -1)) == 0
    assert math.isnan(found.right(of_classes(asked, seed=1), np.full(100, -1)))


def test_unknown_samples_do_not_vote():
    labels = np.arange(60) % 3
    known = np.where(np.arange(60) < 30, labels, -1)
    moved = of_classes(labels)
    moved[30:] = of_classes((labels[30:] + 1) % 3)
    assert len(namer(moved, three(known)).codes) == 30
    assert namer(moved, three(known)).name(of_classes([0, 1, 2], seed=1)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("labels", [[-1, -1, -1], [0, 0, -1]])
def test_two_classes_are_needed(labels):
    assert namer(normal(0, 3, 2), three(labels)) is None


def test_few_labels_vote_all_but_one():
    found = namer(normal(0, 3, 2), three([0, 1, -1]))
    assert found.k == 1


def test_imbalance_is_total_variation():
    assert imbalance(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5, 0.0])) == 0
    assert imbalance(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.5, 0.5])) == 1
    assert imbalance(np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])) == pytest.approx(0.3)
