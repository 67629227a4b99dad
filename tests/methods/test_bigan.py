"""BiGAN: its equation over pairs, who moves by which part of it, and two ways that undo each other."""

import math

import numpy as np
import pytest
import torch

from nolabel import BiGAN
from nolabel.errors import ArgumentError
from nolabel.methods.bigan import BiGANLearner
from nolabel.randomness import Draws, seeded
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec

SPECS = [DataSpec("table", (3,), "real"), DataSpec("image", (2, 9, 8), "unit")]


def learner(spec: DataSpec, inversion: float = 3.0) -> BiGANLearner:
    with seeded(0):
        return BiGAN(latent=2, channels=5, inversion=inversion).build(spec)


def step() -> Step:
    return Step(0, 0.0, Draws(0))


def softplus(t: float) -> float:
    return math.log(1 + math.exp(t))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.modality)
def test_both_pay_for_pairs(spec: DataSpec) -> None:
    game, x = learner(spec).eval(), torch.rand(6, *spec.shape)
    z = Draws(0).normal(torch.empty(6, 2))
    fake, code = game.generator.generator(z), game.generator.inverse(x)
    d_real = [game.discriminator(x[i : i + 1], code[i : i + 1]).item() for i in range(6)]
    d_fake = [game.discriminator(fake[i : i + 1], z[i : i + 1]).item() for i in range(6)]
    batch = Batch(x, torch.arange(6))
    of_d = game.player_loss("discriminator", batch, step())
    assert of_d.parts["real"].item() == pytest.approx(sum(softplus(-d) for d in d_real) / 6, rel=1e-5)
    assert of_d.parts["fake"].item() == pytest.approx(sum(softplus(d) for d in d_fake) / 6, rel=1e-5)
    of_g = game.player_loss("generator", batch, step())
    assert of_g.parts["fooling"].item() == pytest.approx(sum(softplus(-d) for d in d_fake) / 6, rel=1e-5)
    assert of_g.parts["hiding"].item() == pytest.approx(sum(softplus(d) for d in d_real) / 6, rel=1e-5)
    found = game.generator.inverse(fake)
    off = sum((a - b) ** 2 for a, b in zip(z.flatten().tolist(), found.flatten().tolist())) / 12
    assert of_g.parts["inversion"].item() == pytest.approx(3 * off, rel=1e-5)
    assert {"logit_real", "logit_fake", "right"} <= set(of_d.signals)
    assert {"diversity", "coverage", "push"} <= set(of_g.signals)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.modality)
def test_gradients_are_those_of_the_loss(spec: DataSpec) -> None:
    game, x = learner(spec), torch.rand(6, *spec.shape)
    moved = list(game.generator.parameters())
    found = torch.autograd.grad(game.player_loss("generator", Batch(x, torch.arange(6)), step()).total, moved)
    z = Draws(0).normal(torch.empty(6, 2))
    fooling = torch.nn.functional.softplus(-game.discriminator(game.generate(z), z)).mean()
    code, again = game.encode(torch.cat([x, game.generate(z).detach()])).chunk(2)
    hiding = torch.nn.functional.softplus(game.discriminator(x, code)).mean()
    off = (z - again).square().mean()
    for one, other in zip(found, torch.autograd.grad(fooling + hiding + 3 * off, moved), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_each_way_learns_by_its_own_part_and_the_discriminators_turn_moves_neither() -> None:
    game, batch = learner(SPECS[0]), Batch(torch.randn(6, 3), torch.arange(6))
    g = list(game.generator.generator.parameters())
    e = [*game.generator.stages.parameters(), *game.generator.last.parameters()]
    assert len(g) + len(e) == len(game.players()["generator"])
    parts = game.player_loss("generator", batch, step()).parts
    for part, own, others in (("fooling", g, e), ("hiding", e, g), ("inversion", e, g)):
        assert all(one.any() for one in torch.autograd.grad(parts[part], own, retain_graph=True))
        assert not any(
            one is not None for one in torch.autograd.grad(parts[part], others, allow_unused=True, retain_graph=True)
        )
    game.player_loss("discriminator", batch, step()).total.backward()
    assert all(weight.grad is None for weight in [*g, *e])


def test_without_lambda_the_game_is_alone_and_a_negative_one_is_refused() -> None:
    parts = learner(SPECS[0], 0.0).player_loss("generator", Batch(torch.randn(6, 3), torch.arange(6)), step()).parts
    assert set(parts) == {"fooling", "hiding"}
    with pytest.raises(ArgumentError, match="inversion must be at least 0; got -1"):
        BiGAN(inversion=-1.0).fit(rows())


def test_the_discriminator_sees_augmented_images_and_the_encoder_sees_them_as_they_are() -> None:
    game, x = learner(SPECS[1]).eval(), torch.rand(6, 2, 9, 8)
    code = game.encode(x)
    seen = []
    honest = game.discriminator.forward
    game.discriminator.forward = lambda x, z: seen.append((x, z)) or honest(x, z)  # type: ignore[method-assign]
    game.augment = lambda x, draws: torch.zeros_like(x)
    game.player_loss("discriminator", Batch(x, torch.arange(6)), step())
    ((images, latents),) = seen
    assert not images.any()
    assert torch.equal(latents[:6], code)
    assert torch.equal(latents[6:], Draws(0).normal(torch.empty(6, 2)))


# --- both ways -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> BiGAN:
    """Fitted to rows about a line, in two groups."""
    draws = np.random.default_rng(0)
    x = draws.choice([-1.0, 1.0], (256, 1)) * [2.0, 1.0, 0.5] + 0.3 * draws.standard_normal((256, 3)) + [10, -5, 0]
    settings = {"latent": 3, "channels": 32, "epochs": 60, "batch_size": 64, "learning_rate": 0.003}
    return BiGAN(**settings, random_state=1).fit(x)  # type: ignore[arg-type]


def rows() -> np.ndarray:
    draws = np.random.default_rng(1)
    return draws.choice([-1.0, 1.0], (100, 1)) * [2.0, 1.0, 0.5] + 0.3 * draws.standard_normal((100, 3)) + [10, -5, 0]


def test_codes_are_latents_and_what_is_made_of_them_is_like_the_data(model: BiGAN) -> None:
    x = rows()
    z = model.transform(x)
    assert z.shape == (100, 3)
    again = model.reconstruct(x)
    assert np.allclose(model.generate(z), again, atol=1e-4)
    assert ((again[:, 0] > 10) == (x[:, 0] > 10)).mean() > 0.95
    assert np.corrcoef(again[:, 0], x[:, 0])[0, 1] > 0.8


def test_what_is_made_is_found_again(model: BiGAN) -> None:
    z = np.random.default_rng(2).standard_normal((200, 3)).astype(np.float32)
    found = model.transform(model.generate(z))
    closeness = max(abs(np.corrcoef(z[:, one], found[:, one])[0, 1]) for one in range(3))
    assert closeness > 0.5


def test_averages_are_of_both_ways() -> None:
    x = rows()
    small = {"latent": 3, "channels": 8, "epochs": 2, "batch_size": 32, "random_state": 0}
    one, other = (BiGAN(plan={"ema": ema}, **small).fit(x).learner_.state_dict() for ema in (None, 0.9))  # type: ignore[arg-type]
    for name, value in one.items():
        assert torch.equal(value, other[name]) == name.startswith("discriminator."), name


def test_images_come_back_in_their_form() -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 11, 9)).astype(np.uint8)
    model = BiGAN(latent=3, channels=4, epochs=1, batch_size=8, random_state=0).fit(x)
    assert model.transform(x).shape == (20, 3)
    again = model.reconstruct(x[:4])
    assert again.shape == (4, 11, 9)
    assert again.dtype == np.uint8
