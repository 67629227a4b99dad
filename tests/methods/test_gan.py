"""GAN: its equations from its own nets, the perceptrons it is made of, and that a game between them comes to the data."""

import math

import numpy as np
import pytest
import torch

from nolabel import GAN
from nolabel.errors import ArgumentError
from nolabel.methods.gan import GANLearner
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def learner() -> GANLearner:
    with seeded(0):
        return GAN(latent=2, hidden=(5, 7)).build(DataSpec("table", (3,), "real"))


def test_both_pay_by_cross_entropy() -> None:
    game, x = learner(), torch.randn(6, 3)
    step = Step(0, 0.0, Draws(0))
    z = Draws(0).normal(torch.empty(6, 2))
    d_real, d_fake = game.discriminator(x).tolist(), game.discriminator(game.generator(z)).tolist()
    batch = Batch(x, torch.arange(6))
    of_d = game.player_loss("discriminator", batch, step).parts
    assert of_d["real"].item() == pytest.approx(sum(math.log(1 + math.exp(-d)) for d in d_real) / 6, rel=1e-5)
    assert of_d["fake"].item() == pytest.approx(sum(math.log(1 + math.exp(d)) for d in d_fake) / 6, rel=1e-5)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_g["fooling"].item() == pytest.approx(sum(math.log(1 + math.exp(-d)) for d in d_fake) / 6, rel=1e-5)


def test_the_players_are_mirrored_perceptrons() -> None:
    game = learner()
    assert [tuple(w.shape) for w in game.generator.parameters() if w.ndim == 2] == [(5, 2), (7, 5), (3, 7)]
    assert [tuple(w.shape) for w in game.discriminator.parameters() if w.ndim == 2] == [(7, 3), (5, 7), (1, 5)]
    assert game.encode(torch.randn(4, 3)).shape == (4, 12)


def test_images_are_made_by_perceptrons_too() -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 6, 5)).astype(np.uint8)
    model = GAN(latent=2, hidden=(8,), epochs=1, random_state=0).fit(x)
    assert model.sample(3).shape == (3, 6, 5)
    assert not any(weight.ndim == 4 for weight in model.learner_.parameters())


def test_no_layer_is_no_game() -> None:
    with pytest.raises(ArgumentError, match=r"hidden must hold widths of at least 1"):
        GAN(hidden=()).fit(np.random.default_rng(0).standard_normal((20, 3)))


def test_samples_come_to_the_data() -> None:
    """Two clusters off the middle: their mean and deviation are met after some hundred steps."""
    draws = np.random.default_rng(0)
    x = draws.choice([-1.0, 1.0], (256, 1)) * [3.0, 1.0] + 0.2 * draws.standard_normal((256, 2)) + [10, -5]
    model = GAN(latent=4, hidden=(32,), epochs=60, batch_size=64, learning_rate=0.003, random_state=0).fit(x)
    made = model.sample(500, random_state=0)
    assert np.abs(made.mean(0) - x.mean(0)).max() < 0.5 * x.std(0).max()
    assert np.corrcoef(made.T)[0, 1] > 0.8, "the line on which the clusters lie"
