"""The linear classifier by its optimum: where its gradient is zero, and what a class without a sample gets."""

import numpy as np
import pytest

from nolabel.objectives.linear_head import linear_head


def planted(classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(90) % classes
    return rng.normal(size=(90, 4)) + np.eye(4)[y], y


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_of_the_equation_is_zero(classes: int, weighted: bool):
    codes, y = planted(classes)
    kept = (y > 0) | (np.arange(90) < 45)  # classes of unequal size
    codes, y = codes[kept], y[kept]
    weights, b = linear_head(codes, y, classes, c=0.5, class_weight="balanced" if weighted else None)
    scores = codes @ weights.T + b
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    each = len(y) / classes / np.bincount(y)[y] if weighted else np.ones(len(y))
    error = each[:, None] * (p - np.eye(classes)[y])
    # with two classes only the difference of the rows is penalised: half as strongly as each of them
    penalty = weights / 0.5 * (2 if classes == 2 else 1)
    assert np.abs(error.T @ codes + penalty).max() < 2e-3 * len(y)
    assert np.abs(error.sum(0)).max() < 2e-3 * len(y)
    assert np.abs(penalty).max() > 0.01 * len(y)


def test_a_class_without_a_sample_has_the_least_score_to_begin_with():
    codes, y = planted(2)
    weights, b = linear_head(codes, 2 * y, 4)
    assert weights.shape == (4, 4)
    assert not weights[[1, 3]].any()
    assert (b[[1, 3]] == b.min()).all()
