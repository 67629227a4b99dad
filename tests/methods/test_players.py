"""What two-player games share: whose turn it is, the way back through the discriminator, what is told, and sampling."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import nolabel
from nolabel.data import source
from nolabel.errors import ArgumentError, DataError
from nolabel.methods._generator import great_circle, truncated
from nolabel.methods._players import TwoPlayerLearner
from nolabel.nets.spectral import Spectral
from nolabel.objectives.sample_signals import sample_signals
from nolabel.randomness import Draws, mix, seeded
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.training.snapshots import Album
from nolabel.types import Batch, DataSpec
from nolabel.views.differentiable import DiffAugment

TABLE = DataSpec("table", (4,), "real")
IMAGE = DataSpec("image", (1, 8, 8), "unit")
METHODS = (nolabel.GAN, nolabel.LSGAN, nolabel.SNGAN, nolabel.WGANGP, nolabel.R3GAN)
SMALL = {"latent": 3, "batch_size": 8, "epochs": 2, "random_state": 0}


def rows(count: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 4)) * [1, 2, 3, 4]


def pictures(count: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8)).astype(np.uint8)


def learner_of(cls: Any, spec: DataSpec = TABLE, **arguments: Any) -> TwoPlayerLearner:
    given = {"hidden": (6,)} if cls is nolabel.GAN else {"channels": 6}
    with seeded(0):
        return cls(latent=3, **given, **arguments).build(spec)


def batch_of(spec: DataSpec = TABLE, count: int = 16) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.rand(count, *spec.shape, generator=generator), torch.arange(count))


def step(number: int = 0, piece: int = 0) -> Step:
    return Step(number, 0.3, Draws(5, number), piece=piece)


# --- signals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", METHODS)
def test_what_is_told_at_the_end_of_an_epoch_is_of_the_samples_that_will_be_made(cls: Any) -> None:
    data = source.open(rows(40))
    model = cls(**SMALL, learning_rate=0.05).fit(data)
    seed = mix(model.seed_, SMALL["epochs"])
    real, _ = data.rows(torch.randperm(40, generator=torch.Generator().manual_seed(seed)))
    with evaluating(model.learner_), torch.no_grad():
        fake = Album(model.learner_.sample, data.spec).samples(40, seed, torch.device("cpu"))
    for name, value in sample_signals(fake, real).items():
        assert model.history_[-1][f"generator.{name}"] == pytest.approx(value.item(), abs=1e-6), name
    moving = cls(**SMALL, learning_rate=0.05, plan={"ema": None}).fit(data)
    assert moving.history_[-1]["generator.diversity"] != model.history_[-1]["generator.diversity"]


# --- turns ---------------------------------------------------------------------------------------------------------------


def test_the_generator_moves_in_every_kth_step_and_rates_are_the_discriminators() -> None:
    learner = learner_of(nolabel.SNGAN, discriminator_steps=3, discriminator_rate=4.0)
    who = [learner.moves(number) for number in range(6)]
    assert [len(names) for names in who] == [1, 1, 2, 1, 1, 2]
    assert all(names[0] == "discriminator" for names in who)
    assert list(learner.players()) == ["discriminator", "generator"]
    named = {id(parameter): name for name, parameter in learner.named_parameters()}
    own = {named[id(parameter)] for parameter in learner.players()["discriminator"]}
    assert learner.rates() == dict.fromkeys(own, 4.0)
    assert learner.averaged_part() is learner.generator


def test_averages_leave_the_discriminator_as_it_is() -> None:
    """With and without `ema` it ends with the same bits, and the generator with others."""
    x = rows()
    models = [nolabel.SNGAN(channels=8, plan={"ema": ema}, **SMALL).fit(x) for ema in (None, 0.9)]
    states = [model.learner_.state_dict() for model in models]
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]) == name.startswith("discriminator."), name


@pytest.mark.parametrize("cls", METHODS)
def test_the_discriminators_turn_leaves_no_graph_to_the_generator(cls: Any) -> None:
    learner = learner_of(cls)
    learner.player_loss("discriminator", batch_of(), step()).total.backward()
    assert all(weight.grad is None for weight in learner.generator.parameters())
    assert all(weight.grad is not None for weight in learner.discriminator.parameters())


@pytest.mark.parametrize("weight", [1.0, 0.25])
@pytest.mark.parametrize("spec", [TABLE, IMAGE], ids=["table", "image"])
@pytest.mark.parametrize("cls", METHODS)
def test_the_generators_gradient_is_that_of_its_loss(cls: Any, spec: DataSpec, weight: float) -> None:
    """The way back through the discriminator is gone within the loss; what is left is the same to rounding."""
    learner, batch = learner_of(cls, spec), batch_of(spec)
    losses = learner.player_loss("generator", batch, step())
    (weight * losses.total).backward()
    found = [parameter.grad.clone() for parameter in learner.generator.parameters() if parameter.grad is not None]
    fake = learner.generate(step().draws.normal(torch.empty(16, 3)))
    draws = Draws(5, 0)
    draws.normal(torch.empty(16, 3))  # where the turn's draws go on
    plain = sum(learner.generator_loss(batch.x, fake, Step(0, 0.3, draws)).values())
    assert losses.total.item() == pytest.approx(plain.item(), rel=1e-5)
    wanted = torch.autograd.grad(weight * plain, list(learner.generator.parameters()), retain_graph=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
    (of_fake,) = torch.autograd.grad(plain, fake)
    lengths = [16 * math.sqrt(sum(v * v for v in row)) for row in of_fake.flatten(1).tolist()]
    assert losses.signals["push"].item() == pytest.approx(sum(lengths) / 16, rel=1e-4)


def test_signals_are_told_of_both() -> None:
    learner, batch = learner_of(nolabel.R3GAN), batch_of()
    of_d = learner.player_loss("discriminator", batch, step()).signals
    assert {"logit_real", "logit_fake", "right", "gradient_real"} <= set(of_d)
    of_g = learner.player_loss("generator", batch, step()).signals
    assert {"diversity", "coverage", "reused", "push"} <= set(of_g)
    assert not any(value.requires_grad for value in {**of_d, **of_g}.values())
    with torch.no_grad():
        fake = learner.generate(step().draws.normal(torch.empty(16, 3)))
        d_real, d_fake = learner.discriminator(batch.x), learner.discriminator(fake)
    assert of_d["logit_real"].item() == pytest.approx(d_real.mean().item(), abs=1e-6)
    assert of_d["logit_fake"].item() == pytest.approx(d_fake.mean().item(), abs=1e-6)
    assert of_d["right"].item() == pytest.approx((d_real > d_fake).float().mean().item())


def test_singular_vectors_are_refreshed_once_a_step_whatever_its_pieces() -> None:
    learner = learner_of(nolabel.SNGAN).train()
    calls = {"count": 0}
    for part in learner.modules():
        if isinstance(part, Spectral):
            honest = part.refresh
            part.refresh = lambda honest=honest: calls.update(count=calls["count"] + 1) or honest()  # type: ignore[method-assign]
    layers = sum(isinstance(part, Spectral) for part in learner.modules())
    for piece in range(3):
        learner.player_loss("discriminator", batch_of(), step(piece=piece))
        learner.player_loss("generator", batch_of(), step(piece=piece))
    assert calls["count"] == layers
    with evaluating(learner):
        learner.player_loss("discriminator", batch_of(), step())
    assert calls["count"] == layers, "who only judges leaves them as they are"


def test_a_loss_can_be_judged_without_gradients() -> None:
    for cls in METHODS:
        learner = learner_of(cls)
        with torch.no_grad(), evaluating(learner):
            for player in learner.players():
                assert torch.isfinite(learner.player_loss(player, batch_of(), step()).total)


@pytest.mark.parametrize("cls", METHODS)
def test_half_precision_trains(cls: Any) -> None:
    model = cls(plan={"precision": "bf16"}, **SMALL).fit(pictures())
    assert all(np.isfinite(list(record.values())).all() for record in model.history_)
    assert all(weight.dtype == torch.float32 for weight in model.learner_.parameters())


# --- augmentation ----------------------------------------------------------------------------------------------------------


def test_few_images_are_augmented_and_tables_and_many_images_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    few = nolabel.SNGAN(channels=2, **SMALL).fit(pictures())
    assert isinstance(few.learner_.augment, DiffAugment)
    assert nolabel.SNGAN(channels=2, augment=False, **SMALL).fit(pictures()).learner_.augment is None
    assert nolabel.SNGAN(channels=2, **SMALL).fit(rows()).learner_.augment is None
    monkeypatch.setattr("nolabel.methods._generator.FEW", 20)
    assert nolabel.SNGAN(channels=2, **SMALL).fit(pictures()).learner_.augment is None
    assert isinstance(nolabel.SNGAN(channels=2, augment=True, **SMALL).fit(pictures()).learner_.augment, DiffAugment)
    with pytest.raises(ArgumentError, match=r"DiffAugment changes images .*augment=False"):
        nolabel.SNGAN(augment=True).fit(rows())


def test_the_discriminator_sees_augmented_images_and_codes_do_not() -> None:
    learner, batch = learner_of(nolabel.LSGAN, IMAGE), batch_of(IMAGE)
    codes = learner.encode(batch.x)
    learner.augment = lambda x, draws: torch.zeros_like(x) + 0 * x
    losses = learner.player_loss("discriminator", batch, step())
    assert losses.signals["logit_real"].item() == pytest.approx(losses.signals["logit_fake"].item())
    assert torch.equal(learner.encode(batch.x), codes)
    gradient = torch.autograd.grad(
        learner.player_loss("generator", batch, step()).total, learner.generator.parameters()
    )
    assert not any(one.abs().sum() for one in gradient), "the generator learns through what the discriminator sees"


# --- samples ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> nolabel.SNGAN:
    return nolabel.SNGAN(channels=8, **SMALL).fit(rows())


def test_samples_come_in_the_form_of_the_data() -> None:
    table = nolabel.R3GAN(channels=8, **SMALL).fit(rows())
    assert table.sample(5).shape == (5, 4)
    images = nolabel.R3GAN(channels=4, **SMALL).fit(pictures())
    drawn = images.sample(3, random_state=0)
    assert drawn.shape == (3, 8, 8)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, images.sample(3, random_state=0))
    assert not np.array_equal(images.sample(3), images.sample(3))


def test_samples_are_generated_from_latents_as_they_are(model: nolabel.SNGAN) -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(7)).numpy()
    assert np.array_equal(model.generate(z), model.sample(6, random_state=7))
    assert np.allclose(model.generate(z[2:3])[0], model.generate(z)[2], atol=1e-5)


def test_many_samples_are_made_in_parts(model: nolabel.SNGAN, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model.sample(50, random_state=1)
    monkeypatch.setattr("nolabel.methods._generator.chunk_of", lambda spec: 7)
    assert np.allclose(model.sample(50, random_state=1), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.sample(0), "n must be a whole number of at least 1; got 0"),
        (lambda m: m.sample(2.5), "n must be a whole number of at least 1; got 2.5"),
        (lambda m: m.sample(2, random_state=-1), "random_state must be None or a whole number of at least 0; got -1"),
        (lambda m: m.sample(2, truncation=0), "truncation must be a number above 0 and at most 1; got 0"),
        (lambda m: m.sample(2, truncation=1.5), "truncation must be a number above 0 and at most 1; got 1.5"),
        (lambda m: m.sample(2, truncation=True), "truncation must be a number above 0 and at most 1; got True"),
        (lambda m: m.sample(2, labels=[1, 2]), "labels must be None, for SNGAN does not learn from labels"),
        (lambda m: m.interpolate(1, 2, steps=1), "steps must be a whole number of at least 2; got 1"),
        (lambda m: m.invert(rows(2), steps=0), "steps must be a whole number of at least 1; got 0"),
        (lambda m: m.invert(rows(2), steps="a"), "steps must be a whole number of at least 1; got 'a'"),
        (lambda m: m.invert(rows(2), steps=2.5), "steps must be a whole number of at least 1; got 2.5"),
        (lambda m: m.invert(rows(2), 1, "a"), "random_state must be a whole number of at least 0; got 'a'"),
        (lambda m: m.invert(rows(2), 1, -(2**70)), "random_state must be a whole number of at least 0; got -"),
        (lambda m: m.interpolate(1, -2), "b must be a whole number of at least 0; got -2"),
        (lambda m: m.sample(True), "n must be a whole number of at least 1; got True"),
        (lambda m: m.generate(np.zeros((2, 4))), r"latents must have shape \(N, 3\) .* got \(2, 4\)"),
        (lambda m: m.generate([["a", "b", "c"]]), r"latents must be an array of numbers \(N, 3\)"),
        (lambda m: m.generate(np.full((1, 3), np.nan)), "latents hold NaN"),
        (lambda m: m.interpolate(np.zeros((2, 3)), 1), r"a must be one latent \(3,\), or the seed .*\(2, 3\)"),
        (lambda m: m.interpolate(1, np.zeros(5)), r"latents must have shape \(N, 3\)"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: nolabel.SNGAN, call: Any, words: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=words):
        call(model)


def test_whole_numbers_are_any_that_numpy_has(model: nolabel.SNGAN) -> None:
    two, three = np.int64(2), np.uint8(3)
    assert np.array_equal(model.sample(two, np.int32(5)), model.sample(2, 5))
    assert np.array_equal(model.interpolate(two, three, np.int16(4)), model.interpolate(2, 3, 4))
    assert np.array_equal(model.invert(rows(2), two, three), model.invert(rows(2), 2, 3))


def test_seeds_may_be_as_large_as_they_like(model: nolabel.SNGAN) -> None:
    huge = [2**64 - 1, 2**64, 2**64 + 1, 2**70]
    drawn = [model.sample(2, seed) for seed in huge]
    assert all(np.array_equal(one, model.sample(2, seed)) for one, seed in zip(drawn, huge))
    assert len({one.tobytes() for one in drawn}) == len(huge)
    assert model.interpolate(2**70, 2**65).shape == (8, 4)
    assert model.invert(rows(2), 1, 2**70).shape == (2, 3)


@pytest.mark.parametrize("argument", ["latent", "discriminator_steps", "discriminator_rate"])
def test_nought_is_no_value_for_it(argument: str) -> None:
    for cls in METHODS:
        value = 0.0 if argument == "discriminator_rate" else 0
        with pytest.raises(ArgumentError, match=f"{argument} must be"):
            cls(**{argument: value}).fit(rows())


# --- truncation ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("truncation", [0.25, 0.5, 0.9])
def test_truncated_latents_are_normal_given_their_bound(truncation: float) -> None:
    """As those of z ~ N(0, 1) that do not exceed the bound: the same shares below any value."""
    z = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    found, bound = truncated(z, truncation), 2 * truncation
    assert found.abs().max() <= bound + 1e-5
    kept = z[z.abs() <= bound]
    for share in (0.05, 0.3, 0.5, 0.8, 0.95):
        assert found.quantile(share).item() == pytest.approx(kept.quantile(share).item(), abs=0.02)
    assert torch.equal(found.argsort()[:100], z.argsort()[:100]), "the order of the draws is kept"


def test_a_truncation_of_one_changes_nothing_and_smaller_ones_draw_samples_together(model: nolabel.SNGAN) -> None:
    z = torch.randn(10, 3)
    assert truncated(z, 1.0) is z
    assert np.array_equal(model.sample(9, random_state=0, truncation=1.0), model.sample(9, random_state=0))
    spreads = [model.sample(200, random_state=0, truncation=t).std(0).mean() for t in (1.0, 0.5, 0.1)]
    assert spreads[0] > spreads[1] > spreads[2]


# --- ways ----------------------------------------------------------------------------------------------------------------


def test_the_way_between_two_latents_is_an_arc() -> None:
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 4.0, 0.0])
    way = great_circle(a, b, 5)
    for number, point in enumerate(way):
        t = number / 4
        length, angle = 2 + 2 * t, t * math.pi / 2
        assert point.tolist() == pytest.approx([length * math.cos(angle), length * math.sin(angle), 0], abs=1e-5)
    for other in (a, -a, torch.zeros(3)):  # there is no one circle
        assert great_circle(a, other, 3)[1].tolist() == pytest.approx(((a + other) / 2).tolist())


def test_interpolation_begins_and_ends_at_the_samples(model: nolabel.SNGAN) -> None:
    way = model.interpolate(3, 4, steps=6)
    assert way.shape == (6, 4)
    for end, seed in ((way[0], 3), (way[-1], 4)):
        assert np.allclose(end, model.sample(1, random_state=seed)[0], atol=1e-4)
    latent = np.array([0.1, -0.2, 0.3], dtype=np.float32)
    assert np.allclose(model.interpolate(latent, 4)[0], model.generate([latent])[0], atol=1e-4)


# --- back ----------------------------------------------------------------------------------------------------------------


def test_inversion_finds_what_the_generator_has_made(model: nolabel.SNGAN) -> None:
    made = model.sample(6, random_state=2)
    found = model.invert(made, steps=150)
    assert found.shape == (6, 3)
    assert found.dtype == np.float32
    spread = model.sample(200, random_state=0).std(0)
    off = np.abs(model.generate(found) - made) / spread
    assert off.mean() < 0.05
    fewer = np.abs(model.generate(model.invert(made, steps=1)) - made) / spread
    assert off.mean() < fewer.mean()


def test_inversion_is_of_each_sample_alone_and_repeats(model: nolabel.SNGAN) -> None:
    before = {name: value.clone() for name, value in model.learner_.state_dict().items()}
    x = rows(4, seed=3)
    state = torch.get_rng_state()
    found = model.invert(x, steps=10)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(found, model.invert(x, steps=10))
    assert not np.array_equal(found, model.invert(x, steps=10, random_state=1))
    alone = np.concatenate([model.invert(x[row : row + 1], steps=10) for row in range(4)])
    assert np.allclose(alone, found, atol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in model.learner_.state_dict().items())
    assert all(weight.grad is None or not weight.grad.requires_grad for weight in model.learner_.parameters())


def test_inversion_descends_to_what_it_says(model: nolabel.SNGAN) -> None:
    """The latents found are nearer than any of the candidates, by the distance that is stated."""
    from nolabel.methods import _inversion

    x = source.open(rows(3, seed=4), spec=model.spec_).rows(torch.arange(3))[0]
    learner = model.learner_

    def distance(z: Tensor) -> Tensor:
        made = learner.generate(z)
        parts = []
        for wanted, one, many in ((x, made, pool), (learner.encode(x), learner.encode(made), learner.encode(pool))):
            scale = many.var(0).mean()
            parts.append((wanted[:, None] - one[None]).square().mean(2) / scale)
        return parts[0] + parts[1]

    with torch.no_grad():
        candidates = Draws(0).normal(torch.empty(_inversion.CANDIDATES, 3))
        pool = learner.generate(candidates)
        best = distance(candidates).min(1).values
        found = distance(torch.from_numpy(model.invert(rows(3, seed=4), steps=60))).diagonal()
    assert (found <= best + 1e-5).all()
    assert (found < best).any()
