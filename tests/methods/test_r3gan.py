"""R3GAN: its equation from its own nets, R1 and R2 within the augmentation, the fall of γ, and modes that are kept."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from nolabel import R3GAN
from nolabel.methods.r3gan import R3GANLearner, falling
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec


def learner(spec: DataSpec, **arguments: float) -> R3GANLearner:
    with seeded(0):
        return R3GAN(latent=2, channels=5, **arguments).build(spec)  # type: ignore[arg-type]


def squares(game: R3GANLearner, x: Tensor) -> float:
    """E ‖∇D‖², sample by sample."""
    found = []
    for row in range(len(x)):
        point = x[row : row + 1].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(game.discriminator(game.augmented(point, Draws(9))).sum(), point)
        found.append(gradient.square().sum().item())
    return sum(found) / len(found)


@pytest.mark.parametrize("spec", [DataSpec("table", (3,), "real"), DataSpec("image", (2, 9, 8), "unit")])
def test_both_are_their_equation(spec: DataSpec) -> None:
    game, x = learner(spec, gamma=3.0), torch.rand(6, *spec.shape)
    fake = game.generator(Draws(0).normal(torch.empty(6, 2))).detach()
    d_real, d_fake = game.discriminator(x).tolist(), game.discriminator(fake).tolist()
    batch = Batch(x, torch.arange(6))
    of_d = game.player_loss("discriminator", batch, Step(0, 0.0, Draws(0)))
    pairs = sum(math.log(1 + math.exp(f - r)) for r, f in zip(d_real, d_fake)) / 6
    assert of_d.parts["pairs"].item() == pytest.approx(pairs, rel=1e-5)
    assert of_d.parts["r1"].item() == pytest.approx(1.5 * squares(game, x), rel=1e-4)
    assert of_d.parts["r2"].item() == pytest.approx(1.5 * squares(game, fake), rel=1e-4)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0)))
    swapped = sum(math.log(1 + math.exp(r - f)) for r, f in zip(d_real, d_fake)) / 6
    assert of_g.parts["fooling"].item() == pytest.approx(swapped, rel=1e-5)


def test_slopes_are_those_through_the_augmentation() -> None:
    spec = DataSpec("table", (3,), "real")
    game, x = learner(spec), torch.randn(6, 3)
    plain = game.player_loss("discriminator", Batch(x, torch.arange(6)), Step(0, 0.0, Draws(0))).parts["r1"]
    game.augment = lambda x, draws: 2 * x
    found = game.player_loss("discriminator", Batch(x, torch.arange(6)), Step(0, 0.0, Draws(0))).parts["r1"]
    assert found.item() == pytest.approx(0.5 * squares(game, x), rel=1e-4)
    assert found.item() != pytest.approx(plain.item(), rel=0.1)


def test_gamma_falls_to_a_tenth() -> None:
    assert [falling(2.0, progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([2.0, 1.1, 0.2])
    game, x = learner(DataSpec("table", (3,), "real")), torch.randn(6, 3)
    first, last = (
        game.player_loss("discriminator", Batch(x, torch.arange(6)), Step(0, progress, Draws(0))).parts["r1"].item()
        for progress in (0.0, 1.0)
    )
    assert last == pytest.approx(first / 10, rel=1e-5)


def test_without_gamma_slopes_are_free_and_a_negative_one_is_refused() -> None:
    x = np.random.default_rng(0).standard_normal((20, 3))
    model = R3GAN(latent=2, channels=5, gamma=0.0, epochs=1, random_state=0).fit(x)
    assert model.history_[0]["discriminator.r1"] == 0
    with pytest.raises(ValueError, match="gamma must be at least 0; got -1"):
        R3GAN(gamma=-1.0).fit(x)


def test_both_modes_of_the_data_are_kept() -> None:
    draws = np.random.default_rng(0)
    x = draws.choice([-1.0, 1.0], (256, 1)) * [3.0, 1.0] + 0.2 * draws.standard_normal((256, 2)) + [10, -5]
    model = R3GAN(latent=4, channels=32, epochs=60, batch_size=64, learning_rate=0.003, random_state=0).fit(x)
    made = model.sample(500, random_state=0)
    share = (made[:, 0] > 10).mean()
    assert 0.25 < share < 0.75
    assert np.corrcoef(made.T)[0, 1] > 0.8
