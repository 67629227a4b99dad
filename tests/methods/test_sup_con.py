"""What is special about SupCon: classes are drawn together, samples without a label keep to themselves."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from nolabel import SupCon
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.objectives.contrastive import nt_xent
from nolabel.randomness import Draws
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(60, 8)
assert TABLE.labels is not None
LABELS = TABLE.labels
HALF = np.where(np.arange(60) % 2, LABELS, -1)


def _fit(y: Any = HALF, data: Any = TABLE, **arguments: Any) -> SupCon:
    given = {"backbone": "mlp", "projection": (16, 8), "epochs": 2, "batch_size": 20, "random_state": 0}
    return SupCon(**{**given, **arguments}).fit(data, y)


def _step() -> Step:
    return Step(0, 0.5, Draws(0))


def test_an_unlabelled_sample_is_a_class_of_its_own() -> None:
    learner = _fit().learner_
    x, index = TABLE.store[:5], torch.tensor([7, 3, 40, 41, 1])
    groups = learner.groups(Batch(x, index, torch.tensor([2, -1, 2, -1, 0])))
    known = int(LABELS.max()) + 1
    assert groups.tolist() == [2, known + 3, 2, known + 41, 0]
    assert learner.groups(Batch(x, index)).tolist() == (known + index).tolist()


def test_without_labels_it_is_simclr() -> None:
    learner = _fit(temperature=0.3).learner_
    x = TABLE.store[:12]
    with torch.no_grad(), evaluating(learner):
        losses = learner.loss(Batch(x, torch.arange(12), torch.full((12,), -1)), _step())
        z1, z2 = (learner.head(learner.backbone(v)) for v in learner.views_of(x, _step().draws))
    assert losses.total.item() == pytest.approx(nt_xent(z1, z2, 0.3).item(), abs=1e-6)
    assert losses.signals["chance"].item() == pytest.approx(math.log(23))


def test_classes_that_the_views_hide_are_found_through_labels() -> None:
    """The class is one column in twelve: nothing but labels says that it matters."""
    draws = np.random.default_rng(0)
    y = draws.integers(0, 2, 160)
    X = draws.standard_normal((160, 12))
    X[:, 0] = 2.0 * y - 1 + 0.2 * draws.standard_normal(160)
    few = np.where(np.arange(160) < 80, y, -1)
    model = _fit(few, X, epochs=40, learning_rate=0.005, batch_size=40, views={"corrupt": 0.1})

    def held_out(model: Any) -> float:
        Z = model.transform(X)
        Z = Z / np.linalg.norm(Z, axis=1, keepdims=True)
        nearest = np.argsort(-Z[80:] @ Z[:80].T, axis=1)[:, :5]
        return float((np.round(y[:80][nearest].mean(1)) == y[80:]).mean())

    assert held_out(model) > held_out(model.untrained()) + 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"batch_size": 1}, "batch_size must be at least 2, for SupCon learns"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(**arguments)
