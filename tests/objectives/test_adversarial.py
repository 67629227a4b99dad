"""Adversarial losses against loops over their equations, and against the optima that theory knows."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives import adversarial as games

SIZES = {"batch": st.integers(1, 7), "seed": st.integers(0, 10_000)}


def logits(batch: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    real, fake = 3 * torch.randn(2, batch, generator=generator, dtype=torch.float64)
    return real, fake


def log_sigmoid(v: float) -> float:
    return -math.log(1 + math.exp(-v))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


# --- the equations, in loops: what D pays for data, for samples, and what G pays ------------------------------------

EQUATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Callable[[float], float]]]] = {
    "non-saturating": (
        games.non_saturating_discriminator,
        games.non_saturating_generator,
        [lambda d: -log_sigmoid(d), lambda d: -math.log(1 - 1 / (1 + math.exp(-d))), lambda d: -log_sigmoid(d)],
    ),
    "least squares": (
        games.least_squares_discriminator,
        games.least_squares_generator,
        [lambda d: (d - 1) ** 2 / 2, lambda d: (d + 1) ** 2 / 2, lambda d: d**2 / 2],
    ),
    "hinge": (
        games.hinge_discriminator,
        games.hinge_generator,
        [lambda d: max(0.0, 1 - d), lambda d: max(0.0, 1 + d), lambda d: -d],
    ),
    "wasserstein": (
        games.wasserstein_critic,
        games.wasserstein_generator,
        [lambda d: -d, lambda d: d, lambda d: -d],
    ),
}


@pytest.mark.parametrize("game", EQUATIONS)
@given(**SIZES)
def test_each_is_its_equation(game: str, batch: int, seed: int) -> None:
    discriminator, generator, (of_real, of_fake, of_generator) = EQUATIONS[game]
    real, fake = logits(batch, seed)
    found = [*discriminator(real, fake), generator(fake)]
    expected = [
        mean([of_real(d) for d in real.tolist()]),
        mean([of_fake(d) for d in fake.tolist()]),
        mean([of_generator(d) for d in fake.tolist()]),
    ]
    assert [one.item() for one in found] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(**SIZES)
def test_pairs_are_their_equation_and_the_players_exchange_parts(batch: int, seed: int) -> None:
    real, fake = logits(batch, seed)
    pairs = list(zip(real.tolist(), fake.tolist()))
    for_d = mean([-log_sigmoid(r - f) for r, f in pairs])
    for_g = mean([-log_sigmoid(f - r) for r, f in pairs])
    assert games.relativistic_discriminator(real, fake).item() == pytest.approx(for_d, rel=1e-5)
    assert games.relativistic_generator(real, fake).item() == pytest.approx(for_g, rel=1e-5)
    assert games.relativistic_generator(fake, real).item() == pytest.approx(for_d, rel=1e-5)


@given(**SIZES)
def test_only_differences_matter_to_pairs_and_to_a_critic(batch: int, seed: int) -> None:
    real, fake = logits(batch, seed)
    for loss in (games.relativistic_discriminator, lambda r, f: sum(games.wasserstein_critic(r, f))):
        torch.testing.assert_close(loss(real + 5, fake + 5), loss(real, fake), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("large", [100.0, 1000.0])
def test_large_logits_stay_finite_and_push(large: float) -> None:
    """A sample that is told with certainty still has a gradient, which log(1 − σ) would not have given."""
    fake = torch.full((4,), -large, requires_grad=True)
    loss = games.non_saturating_generator(fake)
    loss.backward()
    assert loss.item() == pytest.approx(large)
    assert fake.grad is not None
    assert fake.grad.tolist() == pytest.approx([-0.25] * 4)
    assert games.relativistic_generator(-fake, fake).item() == pytest.approx(2 * large)


# --- the optima --------------------------------------------------------------------------------------------------------

DATA, SAMPLES = [6, 3, 1], [2, 3, 5]  # how often each of three things occurs among ten


def best_discriminator(game: Callable[[Tensor, Tensor], Tensor], *, steps: int = 4000) -> list[float]:
    """The logit of each of the three things that a free discriminator ends up with."""
    d = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    real = torch.tensor([thing for thing, count in enumerate(DATA) for _ in range(count)])
    fake = torch.tensor([thing for thing, count in enumerate(SAMPLES) for _ in range(count)])
    optimizer = torch.optim.Adam([d], lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        game(d[real], d[fake]).backward()
        optimizer.step()
    return d.tolist()


def test_the_best_discriminator_is_the_log_ratio() -> None:
    """D*(x) = log p(x) / q(x) (proposition 1 of Goodfellow et al. 2014, in logits)."""
    found = best_discriminator(lambda real, fake: sum(games.non_saturating_discriminator(real, fake)))  # type: ignore[arg-type,return-value]
    assert found == pytest.approx([math.log(p / q) for p, q in zip(DATA, SAMPLES)], abs=1e-3)


def test_the_best_least_squares_discriminator_is_between_the_marks() -> None:
    """D*(x) = (b p + a q) / (p + q) (eq. 5 of Mao et al. 2017)."""
    found = best_discriminator(lambda real, fake: sum(games.least_squares_discriminator(real, fake)))  # type: ignore[arg-type,return-value]
    assert found == pytest.approx([(p - q) / (p + q) for p, q in zip(DATA, SAMPLES)], abs=1e-3)


def test_the_best_hinge_discriminator_says_which_is_likelier() -> None:
    """It stops at the margins: 1 where data are likelier, −1 where samples are."""
    found = best_discriminator(lambda real, fake: sum(games.hinge_discriminator(real, fake)))  # type: ignore[arg-type,return-value]
    assert found[0] == pytest.approx(1, abs=0.02)
    assert found[2] == pytest.approx(-1, abs=0.02)


def test_nothing_to_tell_has_the_price_that_the_head_states() -> None:
    real = fake = torch.zeros(5)
    assert sum(games.non_saturating_discriminator(real, fake)).item() == pytest.approx(2 * math.log(2))  # type: ignore[union-attr]
    assert sum(games.least_squares_discriminator(real, fake)).item() == pytest.approx(1)  # type: ignore[union-attr]
    assert sum(games.hinge_discriminator(real, fake)).item() == pytest.approx(2)  # type: ignore[union-attr]
    assert sum(games.wasserstein_critic(real, fake)).item() == 0  # type: ignore[union-attr]
    assert games.relativistic_discriminator(real, fake).item() == pytest.approx(math.log(2))


def test_the_gradient_is_that_of_the_equation() -> None:
    real, fake = (one.requires_grad_() for one in logits(4, 3))
    terms = [
        *games.non_saturating_discriminator(real, fake),
        *games.least_squares_discriminator(real, fake),
        games.relativistic_discriminator(real, fake),
    ]
    found = torch.autograd.grad(sum(terms), [real, fake])  # type: ignore[arg-type]
    for r, f, of_r, of_f in zip(real.tolist(), fake.tolist(), *(one.tolist() for one in found)):
        told, pair = 1 / (1 + math.exp(-r)), 1 / (1 + math.exp(r - f))
        assert of_r == pytest.approx((told - 1 + (r - 1) - pair) / 4, abs=1e-6)
        assert of_f == pytest.approx((1 / (1 + math.exp(-f)) + (f + 1) + pair) / 4, abs=1e-6)


# --- what is told of it ------------------------------------------------------------------------------------------------


def test_shares_that_are_told_apart() -> None:
    real, fake = torch.tensor([1.0, 2.0, -1.0, 3.0]), torch.tensor([-1.0, 1.0, -2.0, 4.0])
    assert games.told_by_sign(real, fake).item() == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert games.told_by_difference(real, fake).item() == pytest.approx(3 / 4)
    same = torch.zeros(3, requires_grad=True)
    assert games.told_by_difference(same, same).item() == 0
    assert not games.told_by_sign(same, same).requires_grad


def test_half_precision_is_widened_first() -> None:
    real, fake = torch.tensor([100.25, -3.0]), torch.tensor([-2.0, 7.0])
    narrow = games.wasserstein_critic(real.bfloat16(), fake.bfloat16())
    assert narrow[0].dtype == torch.float32
