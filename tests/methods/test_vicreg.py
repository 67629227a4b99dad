"""What is special about VICReg: three terms, of which the variance keeps embeddings from collapsing to a point."""

from typing import Any

import pytest
import torch
from torch import nn

from nolabel import VICReg
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.vicreg import VICRegLearner
from nolabel.nets.heads import projector
from nolabel.objectives.redundancy import vicreg
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch
from nolabel.views.roles import Pair

TABLE = toys.blobs(64, 8)
BATCH = Batch(TABLE.store, torch.arange(64))


def _learner(mu: float = 25.0, nu: float = 1.0) -> VICRegLearner:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    head = projector((32, 32, 8), last_bias=False)
    return VICRegLearner(Pair(TABLE.spec, {"corrupt": 0.3}, asymmetric=True), backbone, head, 25.0, mu, nu)


def _embedding(learner: VICRegLearner) -> tuple[torch.Tensor, torch.Tensor]:
    z1, z2 = (learner.head(learner.backbone(v)) for v in learner.pair(BATCH.x, Draws(9)))
    return z1, z2


def _trained(learner: VICRegLearner) -> torch.Tensor:
    moved = torch.optim.Adam(learner.parameters(), lr=0.005)
    for number in range(60):
        moved.zero_grad()
        learner.loss(BATCH, Step(number, number / 60, Draws(0, number))).total.backward()
        moved.step()
    return _embedding(learner)[0].detach()


def test_the_loss_is_its_equation() -> None:
    learner = _learner(mu=3.0, nu=2.0)
    losses = learner.loss(BATCH, Step(0, 0.0, Draws(9)))
    expected = vicreg(*_embedding(learner), lambda_=25.0, mu=3.0, nu=2.0)
    assert list(losses.parts) == ["invariance", "variance", "covariance"]
    torch.testing.assert_close(list(losses.parts.values()), list(expected))


def test_without_the_variance_term_it_collapses() -> None:
    held, fallen = _trained(_learner()), _trained(_learner(mu=0.0, nu=0.0))
    assert held.std(0).mean() > 0.6
    assert fallen.std(0).mean() < 0.2


def test_a_collapse_shows_in_the_signals() -> None:
    learner = _learner()
    nn.init.zeros_(learner.head[-1].weight)
    losses = learner.loss(BATCH, Step(0, 0.0, Draws(0)))
    assert losses.signals["spread"].item() == pytest.approx(0, abs=1e-6)
    assert losses.parts["variance"].item() == pytest.approx(25 * 2 * (1 - 0.01))


def test_no_parameter_is_left_to_rounding() -> None:
    """A bias that both differences and centring take away would have a gradient of nothing but rounding."""
    assert VICReg.tiny().set_params(epochs=1).fit(TABLE).learner_.head[-1].bias is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 1}, "batch_size must be at least 2, for"),
        ({"batch_size": 2, "plan": {"accumulate": 2}}, "at least 2 samples a step"),
        ({"variance": -1.0}, "variance must be at least 0; got -1.0"),
        ({"projection": (8, 0)}, "projection must hold widths of at least 1"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        VICReg.tiny().set_params(**arguments).fit(TABLE)


def test_the_width_of_the_embedding_is_logged_for_the_verdict_on_small_batches() -> None:
    model = VICReg.tiny().set_params(projection=(16, 800), epochs=1).fit(TABLE)
    assert model.history_[0]["dimensions"] == 800
    assert any("the 800 dimensions of the embeddings are taken from 32" in verdict.text for verdict in model.health_)
