"""LSGAN: squared distances from the marks -1, 1 and 0, from its own nets."""

import pytest
import torch

from nolabel import LSGAN
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def test_both_pay_by_squared_distance_from_their_marks() -> None:
    with seeded(0):
        game = LSGAN(latent=2, channels=5).build(DataSpec("table", (3,), "real"))
    x = torch.randn(6, 3)
    z = Draws(0).normal(torch.empty(6, 2))
    d_real, d_fake = game.discriminator(x).tolist(), game.discriminator(game.generator(z)).tolist()
    batch = Batch(x, torch.arange(6))
    of_d = game.player_loss("discriminator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_d["real"].item() == pytest.approx(sum((d - 1) ** 2 / 2 for d in d_real) / 6, rel=1e-5)
    assert of_d["fake"].item() == pytest.approx(sum((d + 1) ** 2 / 2 for d in d_fake) / 6, rel=1e-5)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_g["fooling"].item() == pytest.approx(sum(d**2 / 2 for d in d_fake) / 6, rel=1e-5)


def test_a_discriminator_that_errs_on_the_far_side_pays_too() -> None:
    """Unlike cross-entropy: a sample beyond its mark is pulled back, so that its gradient does not vanish."""
    with seeded(0):
        game = LSGAN(latent=2, channels=5).build(DataSpec("table", (3,), "real"))
    with torch.no_grad():
        game.discriminator.head.bias.fill_(-500.0)
    losses = game.player_loss("generator", Batch(torch.randn(6, 3), torch.arange(6)), Step(0, 0.0, Draws(0)))
    losses.total.backward()
    assert losses.signals["push"] > 1
