"""What is special about NNCLR: a neighbour from the queue stands in for one view."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nolabel import NNCLR
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.nnclr import NNCLRLearner
from nolabel.randomness import Draws
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(64, 8)


def _model(**arguments: Any) -> NNCLR:
    given = {"backbone": "mlp", "projection": (16, 8), "prediction": (16,), "queue": 24}
    how = {"epochs": 2, "batch_size": 16, "random_state": 0}
    return NNCLR(**{**given, **how, **arguments})


def _batch(rows: slice = slice(0, 10)) -> Batch:
    return Batch(TABLE.store[rows], torch.arange(64)[rows])


def _step(number: int = 0) -> Step:
    return Step(number, 0.5, Draws(0, number))


def _unit(z: Tensor) -> list[Any]:
    return [row / np.linalg.norm(row) for row in z.double().numpy()]


def looped(z: Tensor, p: Tensor, queue: Tensor, tau: float) -> float:
    """Eq. 4 of the paper, one way: the neighbour of z_i must find p_i among all predictions."""
    losses, predictions, known = [], _unit(p), queue.double().numpy()
    for i, row in enumerate(_unit(z)):
        neighbour = max(known, key=lambda one: float(row @ one))
        shares = [math.exp(neighbour @ one / tau) for one in predictions]
        losses.append(-math.log(shares[i] / sum(shares)))
    return sum(losses) / len(losses)


def test_the_loss_is_the_papers_both_ways() -> None:
    learner: NNCLRLearner = _model(temperature=0.3).fit(TABLE).learner_
    batch = _batch()
    with torch.no_grad(), evaluating(learner):
        losses = learner.loss(batch, _step())
        z1, z2 = (learner.head(learner.backbone(v)) for v in learner.views_of(batch.x, _step().draws))
        p1, p2 = learner.predictor(z1), learner.predictor(z2)
    queue = learner.queue.rows
    expected = (looped(z1, p2, queue, 0.3) + looped(z2, p1, queue, 0.3)) / 2
    assert losses.total.item() == pytest.approx(expected, abs=1e-5)
    assert losses.signals["chance"].item() == pytest.approx(math.log(10))
    assert losses.signals["queue_filled"].item() == 1


def test_before_the_queue_holds_anything_a_samples_neighbour_is_itself() -> None:
    learner = _model().build(_model().fit(TABLE).spec_)
    z = torch.randn(5, 8)
    assert torch.allclose(learner.neighbours(z), z / z.norm(dim=1, keepdim=True))
    learner.queue.push(torch.eye(8)[:3])
    assert torch.equal(learner.neighbours(torch.eye(8)[[2, 0]] + 0.1), torch.eye(8)[[2, 0]])


def test_the_gradient_reaches_the_head_through_the_predictions_alone() -> None:
    learner = _model().fit(TABLE).learner_.train()
    learner.zero_grad()
    torch.nn.init.zeros_(learner.predictor[-1].weight)
    learner.loss(_batch(), _step()).total.backward()
    assert all(p.grad is None or not p.grad.any() for p in learner.head.parameters())
    assert learner.predictor[-1].weight.grad.any()


def test_the_first_views_embeddings_enter_the_queue_after_the_step() -> None:
    learner = _model().build(_model().fit(TABLE).spec_).train()
    learner.loss(_batch(), _step())
    assert learner.queue.filled.item() == 0
    learner.follow(_step())
    assert learner.queue.filled.item() == 10
    assert torch.allclose(learner.queue.rows.norm(dim=1), torch.ones(24))
    learner.eval()
    learner.loss(_batch(), _step(1))
    learner.follow(_step(1))
    assert learner.queue.filled.item() == 10, "looking leaves the queue as it is"


def test_a_queue_larger_than_the_data_trains() -> None:
    model = _model(queue=500, epochs=10).fit(TABLE)
    assert model.learner_.queue.filled.item() == 500
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": -1.0}, "temperature must be above 0; got -1.0"),
        ({"queue": 0}, "queue must be at least 1; got 0"),
        ({"prediction": (0,)}, "prediction must hold widths of at least 1"),
        ({"batch_size": 1}, "batch_size must be at least 2, for NNCLR learns"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _model(**arguments).fit(TABLE)
