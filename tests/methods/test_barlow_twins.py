"""What is special about Barlow Twins: cross-correlations become the identity, and a collapse costs D."""

from typing import Any

import pytest
import torch
from torch import nn

from nolabel import BarlowTwins
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.barlow_twins import BarlowTwinsLearner
from nolabel.nets.heads import projector
from nolabel.objectives.redundancy import cross_correlation, off_diagonal
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch
from nolabel.views.roles import Pair

TABLE = toys.blobs(64, 8)
BATCH = Batch(TABLE.store, torch.arange(64))


def _learner(lambda_: float = 0.01) -> BarlowTwinsLearner:
    torch.manual_seed(0)
    views = Pair(TABLE.spec, {"corrupt": 0.2}, asymmetric=True)
    return BarlowTwinsLearner(
        views, nn.Sequential(nn.Linear(8, 32), nn.ReLU()), projector((32, 32, 8), last_bias=False), lambda_
    )


def _correlation(learner: BarlowTwinsLearner, seed: int = 9) -> torch.Tensor:
    with torch.no_grad():
        z1, z2 = (learner.head(learner.backbone(v)) for v in learner.pair(BATCH.x, Draws(seed)))
        return cross_correlation(z1, z2)


def test_the_loss_is_its_equation() -> None:
    learner = _learner(lambda_=0.3)
    losses = learner.loss(BATCH, Step(0, 0.0, Draws(9)))
    c = _correlation(learner)
    assert losses.parts["invariance"].item() == pytest.approx((1 - c.diagonal()).square().sum().item(), rel=1e-5)
    assert losses.parts["redundancy"].item() == pytest.approx(0.3 * off_diagonal(c).square().sum().item(), rel=1e-5)


def _trained(lambda_: float) -> torch.Tensor:
    learner = _learner(lambda_)
    moved = torch.optim.Adam(learner.parameters(), lr=0.005)
    for number in range(40):
        moved.zero_grad()
        learner.loss(BATCH, Step(number, number / 40, Draws(0, number))).total.backward()
        moved.step()
    return _correlation(learner)


def test_correlations_move_towards_the_identity() -> None:
    before, alike, apart = _correlation(_learner()), _trained(0.0), _trained(1.0)
    assert alike.diagonal().mean() > before.diagonal().mean() + 0.1
    assert off_diagonal(apart).square().mean() < 0.5 * off_diagonal(alike).square().mean()


def test_a_collapse_costs_one_for_every_feature_and_shows() -> None:
    learner = _learner()
    nn.init.zeros_(learner.head[-1].weight)
    losses = learner.loss(BATCH, Step(0, 0.0, Draws(0)))
    assert losses.total.item() == pytest.approx(8)
    assert losses.signals["spread"].item() == pytest.approx(0, abs=1e-6)


def test_no_parameter_is_left_to_rounding() -> None:
    """A bias that the standardisation takes away would have a gradient of nothing but rounding."""
    assert BarlowTwins.tiny().set_params(epochs=1).fit(TABLE).learner_.head[-1].bias is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2, for"),
        ({"batch_size": 2, "plan": {"accumulate": 2}}, "at least 2 samples a step"),
        ({"redundancy": -1.0}, "redundancy must be at least 0; got -1.0"),
        ({"projection": ()}, "projection must hold widths of at least 1"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        BarlowTwins.tiny().set_params(**arguments).fit(TABLE)


def test_the_width_of_the_embedding_is_logged_for_the_verdict_on_small_batches() -> None:
    model = BarlowTwins.tiny().set_params(projection=(16, 800), epochs=1).fit(TABLE)
    assert model.history_[0]["dimensions"] == 800
    assert any("the 800 dimensions of the embeddings are taken from 32" in verdict.text for verdict in model.health_)
