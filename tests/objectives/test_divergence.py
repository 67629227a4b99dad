"""Divergences and penalties against loops over their equations, analytic values, quadrature and properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.divergence import keep_largest, kl_bernoulli, kl_to_standard_normal, log_normal


def normals(shape: tuple[int, ...], count: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)]


def test_kl_to_standard_normal_is_its_equation() -> None:
    mu, log_var = normals((4, 3), 2)
    expected = [
        [0.5 * (m * m + math.exp(v) - 1 - v) for m, v in zip(ms, vs)] for ms, vs in zip(mu.tolist(), log_var.tolist())
    ]
    torch.testing.assert_close(kl_to_standard_normal(mu, log_var), torch.tensor(expected, dtype=torch.float64))


def test_kl_to_standard_normal_is_the_integral() -> None:
    mu, log_var = 0.7, -0.9
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    wide = [torch.full_like(z, value) for value in (mu, log_var, 0.0)]
    log_q, log_p = log_normal(z, wide[0], wide[1]), log_normal(z, wide[2], wide[2])
    integral = torch.trapezoid(log_q.exp() * (log_q - log_p), z).item()
    one = kl_to_standard_normal(torch.tensor([[mu]]), torch.tensor([[log_var]])).item()
    assert one == pytest.approx(integral, rel=1e-6)


def test_kl_to_standard_normal_is_nothing_only_at_the_standard_normal() -> None:
    zero = torch.zeros(1, 1)
    assert kl_to_standard_normal(zero, zero).item() == 0
    assert kl_to_standard_normal(torch.ones(1, 1), zero).item() == 0.5
    assert kl_to_standard_normal(zero, zero + 1).item() > 0
    assert kl_to_standard_normal(zero, zero - 1).item() > 0


def test_log_normal_is_a_density() -> None:
    z = torch.linspace(-30, 30, 100_001, dtype=torch.float64)
    density = log_normal(z, torch.full_like(z, 1.5), torch.full_like(z, 2 * math.log(2.0))).exp()
    assert torch.trapezoid(density, z).item() == pytest.approx(1)
    assert torch.trapezoid(density * (z - 1.5) ** 2, z).item() == pytest.approx(4)
    assert density.max().item() == pytest.approx(1 / (2 * math.sqrt(2 * math.pi)))


def looped_kl_bernoulli(rho: float, rho_hat: list[float]) -> list[float]:
    return [rho * math.log(rho / r) + (1 - rho) * math.log((1 - rho) / (1 - r)) for r in rho_hat]


@pytest.mark.parametrize("rho", [0.05, 0.5, 0.9])
def test_kl_bernoulli_is_its_equation(rho: float) -> None:
    rho_hat = torch.tensor([0.01, 0.05, 0.3, 0.5, 0.99], dtype=torch.float64)
    expected = torch.tensor(looped_kl_bernoulli(rho, rho_hat.tolist()), dtype=torch.float64)
    torch.testing.assert_close(kl_bernoulli(rho, rho_hat), expected)
    assert kl_bernoulli(rho, torch.tensor([rho], dtype=torch.float64)).item() == pytest.approx(0, abs=1e-15)
    assert (expected >= -1e-15).all()


@pytest.mark.parametrize("rho", [0.0, 0.2, 1.0])
def test_kl_bernoulli_is_finite_at_the_ends(rho: float) -> None:
    rho_hat = torch.tensor([0.0, 1e-12, 0.5, 1.0], requires_grad=True)
    kl = kl_bernoulli(rho, rho_hat)
    (gradient,) = torch.autograd.grad(kl.sum(), rho_hat)
    assert torch.isfinite(kl).all()
    assert torch.isfinite(gradient).all()


def test_gradients_are_those_of_the_equations() -> None:
    mu, log_var, z = (value.requires_grad_() for value in normals((3, 2), 3))
    rho_hat = torch.tensor([0.1, 0.4, 0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(kl_to_standard_normal, (mu, log_var))
    assert torch.autograd.gradcheck(log_normal, (z, mu, log_var))
    assert torch.autograd.gradcheck(lambda r: kl_bernoulli(0.05, r), (rho_hat,))
    assert torch.autograd.gradcheck(lambda v: keep_largest(v, 1), (z,))


def looped_keep_largest(z: Tensor, k: int) -> list[list[float]]:
    rows = []
    for row in z.tolist():
        kept = sorted(range(len(row)), key=lambda i: -row[i])[:k]
        rows.append([value if i in kept else 0.0 for i, value in enumerate(row)])
    return rows


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(1, 5), width=st.integers(1, 7), k=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_keep_largest_keeps_the_k_largest(batch: int, width: int, k: int, seed: int) -> None:
    (z,) = normals((batch, width), 1, seed)
    kept = keep_largest(z, k)
    assert kept.tolist() == looped_keep_largest(z, k)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(keep_largest(z[order], k), kept[order])
    units = torch.randperm(width, generator=torch.Generator().manual_seed(seed + 1))
    assert torch.equal(keep_largest(z[:, units], k), kept[:, units])
    assert torch.equal(keep_largest(z + 100, k) != 0, kept != 0)  # by size as numbers, not by magnitude


def test_the_gradient_of_keep_largest_reaches_only_what_was_kept() -> None:
    z = torch.tensor([[1.0, -5.0, 3.0]], requires_grad=True)
    keep_largest(z, 2).sum().backward()
    assert z.grad is not None
    assert z.grad.tolist() == [[1, 0, 1]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_kl_to_standard_normal_is_never_negative_and_treats_latents_alike(seed: int) -> None:
    mu, log_var = normals((3, 5), 2, seed)
    kl = kl_to_standard_normal(mu, log_var)
    assert (kl >= 0).all()
    units = torch.randperm(5, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(kl_to_standard_normal(mu[:, units], log_var[:, units]), kl[:, units])
    torch.testing.assert_close(kl_to_standard_normal(-mu, log_var), kl)
