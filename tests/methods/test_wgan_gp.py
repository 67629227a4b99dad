"""WGAN-GP: its equation from its own nets, a slope that comes to 1, and a distance that the critic measures."""

import numpy as np
import pytest
import torch

from nolabel import WGANGP
from nolabel.methods.wgan_gp import WGANGPLearner
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def learner(**arguments: float) -> WGANGPLearner:
    with seeded(0):
        return WGANGP(latent=2, channels=5, **{"penalty": 10.0, **arguments}).build(DataSpec("table", (3,), "real"))  # type: ignore[arg-type]


def test_the_critic_pays_for_differences_and_for_slopes() -> None:
    game, x = learner(penalty=7.0), torch.randn(6, 3)
    draws = Draws(0)
    fake = game.generator(draws.normal(torch.empty(6, 2))).detach()
    epsilon = draws.uniform(torch.empty(6))
    losses = game.player_loss("discriminator", Batch(x, torch.arange(6)), Step(0, 0.0, Draws(0)))
    assert losses.parts["real"].item() == pytest.approx(-game.discriminator(x).mean().item(), rel=1e-5)
    assert losses.parts["fake"].item() == pytest.approx(game.discriminator(fake).mean().item(), rel=1e-5)
    slopes = []
    for row in range(6):
        point = (epsilon[row] * x[row] + (1 - epsilon[row]) * fake[row])[None].requires_grad_()
        (slope,) = torch.autograd.grad(game.discriminator(point).sum(), point)
        slopes.append(slope.norm().item())
    assert losses.parts["penalty"].item() == pytest.approx(7 * sum((s - 1) ** 2 for s in slopes) / 6, rel=1e-4)
    assert losses.signals["slope"].item() == pytest.approx(sum(slopes) / 6, rel=1e-4)
    of_g = game.player_loss("generator", Batch(x, torch.arange(6)), Step(0, 0.0, Draws(0)))
    assert of_g.parts["fooling"].item() == pytest.approx(-game.discriminator(fake).mean().item(), rel=1e-5)


def test_no_weight_of_the_critic_is_idle() -> None:
    """A bias at the end would cancel out of every difference."""
    game = learner()
    game.player_loss(
        "discriminator", Batch(torch.randn(6, 3), torch.arange(6)), Step(0, 0.0, Draws(0))
    ).total.backward()
    for name, weight in game.discriminator.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_the_critic_measures_the_distance() -> None:
    """Of a point from points two away, with a generator that stands still: W₁ = 2, and a slope of 1 between them."""
    game = learner()
    x = torch.zeros(32, 3)
    x[:, 0] = 2.0
    game.generator.requires_grad_(False)
    for weight in game.generator.parameters():
        weight.zero_()
    optimizer = torch.optim.Adam(game.discriminator.parameters(), lr=0.01, betas=(0.0, 0.9))
    for number in range(300):
        losses = game.player_loss("discriminator", Batch(x, torch.arange(32)), Step(number, 0.0, Draws(0, number)))
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    assert -(losses.parts["real"] + losses.parts["fake"]).item() == pytest.approx(2, abs=0.2)
    assert losses.signals["slope"].item() == pytest.approx(1, abs=0.1)


def test_samples_come_to_the_data() -> None:
    draws = np.random.default_rng(0)
    x = draws.choice([-1.0, 1.0], (256, 1)) * [3.0, 1.0] + 0.2 * draws.standard_normal((256, 2)) + [10, -5]
    model = WGANGP(
        latent=4, channels=32, discriminator_steps=2, epochs=60, batch_size=64, learning_rate=0.003, random_state=0
    ).fit(x)
    made = model.sample(500, random_state=0)
    assert np.abs(made.mean(0) - x.mean(0)).max() < 0.5 * x.std(0).max()
    assert np.corrcoef(made.T)[0, 1] > 0.8
