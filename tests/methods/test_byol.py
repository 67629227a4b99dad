"""What is special about BYOL: a teacher without gradient that follows along a cosine, and a predictor it cannot lack."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from nolabel import BYOL
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.byol import BYOLLearner
from nolabel.nets.heads import projector
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch
from nolabel.views.roles import Pair

TABLE = toys.blobs(64, 8)
BATCH = Batch(TABLE.store, torch.arange(64))


def _learner(tau: float = 0.9, *, predicts: bool = True) -> BYOLLearner:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    predictor = projector((16, 32, 16)) if predicts else nn.Identity()
    views = Pair(TABLE.spec, {"corrupt": 0.3}, asymmetric=True)
    return BYOLLearner(views, backbone, projector((32, 32, 16), last_bias=False), predictor, tau)


def _train(learner: BYOLLearner, steps: int) -> dict[str, float]:
    """Signals of the last step."""
    moved = torch.optim.Adam([p for p in learner.parameters() if p.requires_grad], lr=0.005)
    for number in range(steps):
        step = Step(number, number / steps, Draws(0, number))
        losses = learner.loss(BATCH, step)
        moved.zero_grad()
        losses.total.backward()
        moved.step()
        learner.follow(step)
    return {name: value.item() for name, value in losses.signals.items()}


def test_the_loss_is_its_equation() -> None:
    learner = _learner().eval()
    step = Step(0, 0.0, Draws(0, 0))
    losses = learner.loss(BATCH, step)
    v1, v2 = learner.pair(BATCH.x, Draws(0, 0))
    expected = 0.0
    for one, other in ((v1, v2), (v2, v1)):
        q = learner.predictor(learner.head(learner.backbone(one)))
        z = learner.teacher(other)
        distances = [(a / a.norm() - b / b.norm()).square().sum().item() for a, b in zip(q, z)]
        expected += sum(distances) / len(distances)
    assert losses.total.item() == pytest.approx(expected, rel=1e-5)
    assert losses.signals["agreement"].item() == pytest.approx(1 - losses.total.item() / 4, abs=0.1)


def test_the_teacher_has_no_gradient_and_no_optimizer() -> None:
    learner = _learner()
    _train(learner, 2)
    assert all(p.grad is None and not p.requires_grad for p in learner.teacher.parameters())
    assert all(p.grad is not None for name, p in learner.named_parameters() if not name.startswith("teacher"))
    assert any(name.startswith("teacher") for name in learner.state_dict()), "a checkpoint holds it"


@pytest.mark.parametrize(("progress", "endless"), [(0.0, False), (0.5, False), (0.999, False), (1.0, True)])
def test_the_teacher_follows_along_a_cosine(progress: float, endless: bool) -> None:
    learner = _learner(tau=0.9)
    with torch.no_grad():
        for p in (*learner.backbone.parameters(), *learner.head.parameters()):
            p.add_(1.0)
    before = [p.clone() for p in learner.teacher.parameters()]
    learner.follow(Step(0, progress, Draws(0), endless))
    tau = 0.9 if endless else 1 - 0.1 * (math.cos(math.pi * progress) + 1) / 2
    for xi, old in zip(learner.teacher.parameters(), before):
        torch.testing.assert_close(xi, old + (1 - tau), rtol=1e-5, atol=1e-6)


def test_without_predictor_and_slow_teacher_it_collapses_and_the_signals_say_so() -> None:
    sound, collapsed = _train(_learner(), 60), _train(_learner(0.0, predicts=False), 60)
    assert sound["spread"] > 0.6
    assert collapsed["spread"] < 0.3
    assert collapsed["agreement"] > 0.95 > sound["agreement"]


def test_only_looking_changes_nothing() -> None:
    learner = _learner().eval()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.loss(BATCH, Step(0, 0.0, Draws(0)))
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_views_are_shown_in_the_users_form() -> None:
    model = BYOL.tiny().set_params(epochs=1).fit(TABLE)
    first, second = model.make_views(TABLE)
    assert first.shape == second.shape == (64, 8)
    assert (first != second).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2, for"),
        ({"momentum": 1.1}, "momentum must be at least 0 and at most 1; got 1.1"),
        ({"projection": ()}, "projection must hold widths of at least 1"),
        ({"prediction": (0,)}, "prediction must hold widths of at least 1"),
        ({"backbone": "resnet19"}, "resnet18"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        BYOL.tiny().set_params(**arguments).fit(TABLE)
