"""SNGAN: the hinge from its own nets, and a discriminator whose slope the weights bound."""

import numpy as np
import pytest
import torch

from nolabel import SNGAN
from nolabel.nets.spectral import Spectral
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def test_both_pay_by_the_hinge() -> None:
    with seeded(0):
        game = SNGAN(latent=2, channels=5).build(DataSpec("table", (3,), "real")).eval()
    x = torch.randn(6, 3)
    z = Draws(0).normal(torch.empty(6, 2))
    d_real, d_fake = game.discriminator(x).tolist(), game.discriminator(game.generator(z)).tolist()
    batch = Batch(x, torch.arange(6))
    of_d = game.player_loss("discriminator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_d["real"].item() == pytest.approx(sum(max(0, 1 - d) for d in d_real) / 6, rel=1e-5)
    assert of_d["fake"].item() == pytest.approx(sum(max(0, 1 + d) for d in d_fake) / 6, rel=1e-5)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0))).parts
    assert of_g["fooling"].item() == pytest.approx(-sum(d_fake) / 6, rel=1e-5)


@pytest.mark.parametrize("rate", [0.001, 0.02])
def test_the_discriminator_never_gets_steeper_than_1(rate: float) -> None:
    """A perceptron of slope-1 layers has slope 1 at most, however long it has learned; σ lags by a step."""
    x = np.random.default_rng(0).standard_normal((64, 5))
    model = SNGAN(latent=3, channels=16, epochs=15, batch_size=16, learning_rate=rate, random_state=0).fit(x)
    judge = model.learner_.discriminator
    points = torch.randn(500, 5, requires_grad=True)
    (slopes,) = torch.autograd.grad(judge(points).sum(), points)
    assert slopes.norm(dim=1).max() < 1.1
    layers = [part for part in judge.modules() if isinstance(part, Spectral)]
    assert len(layers) == 4
    assert model.learner_.discriminator.head.layer.bias is None, "where all lie within the margins it would stand still"
    _are_normalised(layers)


def test_of_images_each_convolution_stretches_by_2_at_most() -> None:
    x = np.random.default_rng(0).integers(0, 256, (64, 16, 16), dtype=np.uint8)
    model = SNGAN(latent=3, channels=4, epochs=5, batch_size=16, augment=False, random_state=0).fit(x)
    judge = model.learner_.discriminator
    pictures = torch.rand(100, 1, 16, 16, requires_grad=True)
    (slopes,) = torch.autograd.grad(judge(pictures).sum(), pictures)
    layers = [part for part in judge.modules() if isinstance(part, Spectral)]
    _are_normalised(layers)
    shift = 2  # from [0, 1] to [-1, 1]
    assert slopes.flatten(1).norm(dim=1).max() < 1.1 * shift * 2 ** (len(layers) - 1)


def _are_normalised(layers: list[Spectral]) -> None:
    for layer in layers:
        largest = torch.linalg.svdvals(layer.layer.weight.detach().flatten(1))[0]
        assert layer.sigma.item() == pytest.approx(largest.item(), rel=0.1)
