"""ConditionalGAN: its equation with and without a label, classes that are asked for, and shares that are counted."""

from typing import Any

import numpy as np
import pytest
import torch

import nolabel
from nolabel import ConditionalGAN
from nolabel.errors import ArgumentError, DataError
from nolabel.methods.conditional_gan import ConditionalGANLearner
from nolabel.nets.spectral import Spectral
from nolabel.randomness import Draws, seeded
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch, DataSpec

Y = np.array(["owl", "cat", "dog", "dog"] * 10, dtype=object)


def rows() -> np.ndarray:
    """Forty rows of three classes, far apart: cats at -5, dogs at 0, owls at 5."""
    place = np.array([{"cat": -5.0, "dog": 0.0, "owl": 5.0}[name] for name in Y])
    return place[:, None] + np.random.default_rng(0).standard_normal((40, 3))


def learner(spec: DataSpec) -> ConditionalGANLearner:
    model = ConditionalGAN(latent=2, channels=5)
    model.classes_ = np.arange(3)
    with seeded(0):
        return model.build(spec)


# --- the game ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [DataSpec("table", (3,), "real"), DataSpec("image", (2, 9, 8), "unit")])
def test_both_pay_by_the_hinge_for_what_they_are_told(spec: DataSpec) -> None:
    game = learner(spec).eval()
    game.counts[:] = torch.tensor([0, 0, 4])  # of unknown class is then what has class 2
    x, y = torch.rand(5, *spec.shape), torch.tensor([0, 2, -1, 1, -1])
    z = Draws(0).normal(torch.empty(5, 2))
    shares = torch.tensor([[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 1]])
    fake = game.generator(torch.cat([z, shares], 1)).detach()
    v = game.discriminator.by_class
    assert isinstance(v, Spectral)
    plain, matrix = game.discriminator.plain, v.layer.weight / v.sigma

    def logit(sample: torch.Tensor, code: int) -> float:
        phi = plain.summary(sample[None])
        own = (matrix[code] * phi[0]).sum().item() if code >= 0 else 0.0
        return plain.head(phi).item() + own

    d_real = [logit(sample, code) for sample, code in zip(x, y.tolist())]
    d_fake = [logit(sample, code) for sample, code in zip(fake, y.tolist())]
    batch = Batch(x, torch.arange(5), y)
    of_d = game.player_loss("discriminator", batch, Step(0, 0.0, Draws(0)))
    assert of_d.parts["real"].item() == pytest.approx(sum(max(0, 1 - d) for d in d_real) / 5, rel=1e-4)
    assert of_d.parts["fake"].item() == pytest.approx(sum(max(0, 1 + d) for d in d_fake) / 5, rel=1e-4)
    of_g = game.player_loss("generator", batch, Step(0, 0.0, Draws(0)))
    assert of_g.parts["fooling"].item() == pytest.approx(-sum(d_fake) / 5, rel=1e-4, abs=1e-5)
    assert {"logit_real", "logit_fake", "right"} <= set(of_d.signals)
    assert {"diversity", "coverage", "push"} <= set(of_g.signals)


def test_the_generators_gradient_is_that_of_its_loss() -> None:
    game = learner(DataSpec("table", (3,), "real"))
    batch = Batch(torch.randn(6, 3), torch.arange(6), torch.tensor([0, 1, 2, -1, 0, 1]))
    found = torch.autograd.grad(game.player_loss("generator", batch, Step(0, 0.0, Draws(0))).total, _own(game))
    draws = Draws(0)
    z, drawn = draws.normal(torch.empty(6, 2)), game.by_shares(draws.uniform(torch.empty(6)))
    y = torch.where(batch.y >= 0, batch.y, drawn)
    fake = game.generate(game.of_classes(z, y))
    wanted = torch.autograd.grad(-game.discriminator(fake, batch.y).mean(), _own(game))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def _own(game: ConditionalGANLearner) -> list[torch.Tensor]:
    return list(game.generator.parameters())


def test_data_without_any_label_are_judged_as_they_are() -> None:
    game = learner(DataSpec("table", (3,), "real")).eval()
    x = torch.randn(6, 3)
    without, unknown = (Batch(x, torch.arange(6), y) for y in (None, torch.full((6,), -1)))
    for player in game.players():
        one, other = (game.player_loss(player, batch, Step(0, 0.0, Draws(0))).total for batch in (without, unknown))
        assert torch.equal(one, other)


# --- shares --------------------------------------------------------------------------------------------------------------


def test_labels_are_counted_as_they_are_met_and_judging_counts_none() -> None:
    model = ConditionalGAN(latent=2, channels=5, epochs=3, batch_size=7, random_state=0)
    y = np.where(np.arange(40) % 5 == 0, None, Y)
    known = [int((y == name).sum()) for name in ("cat", "dog", "owl")]
    model.fit(rows(), y)
    assert model.learner_.counts.tolist() == [3 * count for count in known]
    before = model.learner_.counts.clone()
    with torch.no_grad(), evaluating(model.learner_):
        model.learner_.player_loss(
            "discriminator", Batch(torch.randn(2, 3), torch.arange(2), torch.ones(2).long()), STEP
        )
    assert torch.equal(model.learner_.counts, before)


STEP = Step(0, 0.0, Draws(0))


def test_classes_are_drawn_by_their_shares() -> None:
    game = learner(DataSpec("table", (3,), "real"))
    u = (torch.arange(600) + 0.5) / 600
    assert torch.bincount(game.by_shares(u)).tolist() == [200, 200, 200], "before any label was met"
    game.counts[:] = torch.tensor([1, 0, 5])
    assert torch.bincount(game.by_shares(u)).tolist() == [100, 0, 500]
    assert game.by_shares(torch.tensor([0.0, 1 / 6, 1.0])).tolist() == [0, 2, 2]
    latents = game.latents(3000, torch.Generator().manual_seed(0))
    assert latents.shape == (3000, 5)
    assert latents[:, 2:].sum(0).tolist() == pytest.approx([500, 0, 2500], abs=70)
    assert ((latents[:, 2:] == 0) | (latents[:, 2:] == 1)).all()


# --- samples -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> ConditionalGAN:
    y = np.where(np.arange(40) % 2, Y, None)  # only cats and dogs have labels, half of all
    y[[0, 4, 8, 12]] = "owl"
    settings: dict[str, Any] = {"latent": 4, "channels": 32, "batch_size": 20, "learning_rate": 0.003}
    return ConditionalGAN(epochs=250, random_state=0, **settings).fit(rows(), y)


def test_samples_are_of_the_class_that_is_asked_for(model: ConditionalGAN) -> None:
    for name, place in (("cat", -5.0), ("dog", 0.0), ("owl", 5.0)):
        made = model.sample(100, random_state=0, labels=name)
        assert np.abs(np.median(made, 0) - place).max() < 1.5, name
    each = model.sample(6, random_state=1, labels=["owl", "cat", "owl", "cat", "owl", "cat"]).mean(1)
    assert each[::2].min() > each[1::2].max()


def test_a_seeds_samples_differ_by_their_class_alone(model: ConditionalGAN) -> None:
    plain = model.sample(8, random_state=3)
    assert np.array_equal(plain, model.sample(8, random_state=3))
    z = model.learner_.latents(8, torch.Generator().manual_seed(3)).numpy()
    assert np.array_equal(model.generate(z), plain)
    for name in ("dog", "owl"):
        asked = model.sample(8, random_state=3, labels=name)
        assert np.array_equal(model.generate(z[:, :4], labels=name), asked)
        own = model.classes_[z[:, 4:].argmax(1)] == name
        assert np.allclose(asked[own], plain[own], atol=1e-5)
    close = model.sample(50, random_state=3, labels="dog", truncation=0.05)
    assert close.std(0).max() < model.sample(50, random_state=3, labels="dog").std(0).min()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.sample(2, labels="dgo"), "must be names of classes .* got 'dgo'; did you mean 'dog'"),
        (lambda m: m.sample(3, labels=["cat", "dog"]), r"one for each of the 3 samples; got the shape \(2,\)"),
        (lambda m: m.generate(np.zeros((2, 4))), r"latents must have shape \(N, 7\) .* got \(2, 4\)"),
        (lambda m: m.generate(np.zeros((2, 7)), labels="cat"), r"latents must have shape \(N, 4\) .* got \(2, 7\)"),
        (lambda m: m.interpolate(1, 2, labels=["cat", "dog", "owl"]), r"each of the 2 samples; got the shape \(3,\)"),
        (lambda m: m.interpolate(np.zeros((1, 7)), 2), r"a must be one latent \(7,\)"),
        (lambda m: m.interpolate(1, np.zeros((1, 4)), labels="cat"), r"b must be one latent \(4,\)"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: ConditionalGAN, call: Any, words: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=words):
        call(model)


def test_ways_lead_from_class_to_class(model: ConditionalGAN) -> None:
    way = model.interpolate(0, 0, steps=5, labels=["cat", "owl"])
    assert np.allclose(way[0], model.sample(1, random_state=0, labels="cat")[0], atol=1e-4)
    assert np.allclose(way[-1], model.sample(1, random_state=0, labels="owl")[0], atol=1e-4)
    assert way.mean(1)[0] < way.mean(1)[2] < way.mean(1)[-1]
    ends = model.learner_.latents(2, torch.Generator().manual_seed(5)).numpy()
    assert np.allclose(model.interpolate(*ends, steps=3)[[0, -1]], model.generate(ends), atol=1e-4)
    within = model.interpolate(ends[0, :4], 1, steps=3, labels="dog")
    assert np.allclose(within[0], model.generate(ends[:1, :4], labels="dog")[0], atol=1e-4)


def test_inversion_finds_the_class_as_well(model: ConditionalGAN) -> None:
    made = model.sample(6, random_state=2, labels=["cat", "owl"] * 3)
    found = model.invert(made, steps=100)
    assert found.shape == (6, 7)
    assert np.abs(model.generate(found) - made).mean() < 0.2
    shares = found[:, 4:]
    assert np.isin(shares, (0, 1)).all()
    assert (shares.sum(1) == 1).all()


def test_it_works_on_images_of_any_size_and_learns_from_a_data_sets_own_labels() -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 11, 9, 3)).astype(np.uint8)
    model = ConditionalGAN(latent=3, channels=4, epochs=1, batch_size=8, random_state=0)
    model.fit(nolabel.open(x, labels=np.arange(20) % 2), "labels")
    made = model.sample(3, random_state=0, labels=[0, "1", 1])
    assert made.shape == (3, 11, 9, 3)
    assert made.dtype == np.uint8
    with pytest.raises(ArgumentError, match="'0', '1'; got 7$"):
        model.sample(2, labels=7)


def test_labels_are_asked_for() -> None:
    with pytest.raises(ArgumentError, match="ConditionalGAN requires y to be passed.*-1 or NaN for unknown"):
        ConditionalGAN(epochs=1).fit(rows())
