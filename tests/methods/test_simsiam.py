"""What is special about SimSiam: the gradient stops at the target, and without that the embeddings collapse."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nolabel import SimSiam
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.simsiam import SimSiamLearner
from nolabel.nets.heads import projector
from nolabel.objectives.distillation import negative_cosine
from nolabel.objectives.view_signals import spread
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch
from nolabel.views.roles import Pair

TABLE = toys.blobs(64, 8)
BATCH = Batch(TABLE.store, torch.arange(64))


def _learner() -> SimSiamLearner:
    """Without the norm at the projector's end, so that a collapse is not scaled up again."""
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    return SimSiamLearner(Pair(TABLE.spec, {"corrupt": 0.3}), backbone, projector((32, 32, 16)), projector((16, 8, 16)))


def _halves(learner: SimSiamLearner, step: Step) -> tuple[list[Tensor], list[Tensor]]:
    """Embeddings and predictions of both views."""
    z = [learner.head(learner.backbone(v)) for v in learner.pair(BATCH.x, step.draws)]
    return z, [learner.predictor(one) for one in z]


def _with_gradient_everywhere(learner: SimSiamLearner, step: Step) -> Tensor:
    z, p = _halves(learner, step)
    return negative_cosine(p[0], z[1]) / 2 + negative_cosine(p[1], z[0]) / 2


def _own(learner: SimSiamLearner, step: Step) -> Tensor:
    return learner.loss(BATCH, step).total


def test_the_loss_is_its_equation_and_the_gradient_stops_at_the_target() -> None:
    learner = _learner().eval()
    losses = learner.loss(BATCH, Step(0, 0.0, Draws(0, 0)))
    losses.total.backward()
    found = [p.grad.clone() for p in learner.parameters()]
    learner.zero_grad()
    with torch.no_grad():
        given, _ = _halves(learner, Step(0, 0.0, Draws(0, 0)))  # constants, as if they had been measured
    _, p = _halves(learner, Step(0, 0.0, Draws(0, 0)))
    by_hand = negative_cosine(p[0], given[1]) / 2 + negative_cosine(p[1], given[0]) / 2
    by_hand.backward()
    torch.testing.assert_close(losses.total, by_hand)
    torch.testing.assert_close(found, [p.grad for p in learner.parameters()])
    learner.zero_grad()
    _with_gradient_everywhere(learner, Step(0, 0.0, Draws(0, 0))).backward()
    assert any(not torch.allclose(one, p.grad) for one, p in zip(found, learner.parameters())), "the stop matters"


def test_without_the_stop_it_collapses_and_the_signals_say_so() -> None:
    seen = {}
    for objective in (_own, _with_gradient_everywhere):
        learner = _learner()
        _train(learner, objective, 60)
        signals = learner.loss(BATCH, Step(0, 0.0, Draws(1, 0))).signals
        seen[objective] = signals["spread"].item(), signals["agreement"].item()
    assert seen[_with_gradient_everywhere][0] < 0.75 * seen[_own][0]
    assert seen[_with_gradient_everywhere][1] > 0.9


def _train(learner: SimSiamLearner, objective: Callable[[SimSiamLearner, Step], Tensor], steps: int) -> None:
    moved = torch.optim.Adam(learner.parameters(), lr=0.005)
    for number in range(steps):
        total = objective(learner, Step(number, number / steps, Draws(0, number)))
        moved.zero_grad()
        total.backward()
        moved.step()


def test_the_loss_of_collapsed_embeddings_is_minus_one() -> None:
    z = torch.ones(8, 4)
    assert negative_cosine(z, z).item() == pytest.approx(-1)
    assert spread(z).item() == pytest.approx(0, abs=1e-6)


def test_the_estimator_ends_its_projector_with_a_norm() -> None:
    learner = SimSiam.tiny().set_params(epochs=1).fit(TABLE).learner_
    z, _ = _halves(learner.train(), Step(0, 0.0, Draws(0, 0)))
    torch.testing.assert_close(z[0].mean(0), torch.zeros(32), rtol=0, atol=1e-5)
    assert learner.predictor[0].out_features == 16, "a bottleneck"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2, for"),
        ({"projection": (0,)}, "projection must hold widths of at least 1"),
        ({"views": {"crops": (0.2, 1.0)}}, "crops"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SimSiam.tiny().set_params(**arguments).fit(TABLE)
