"""Cosine losses against loops over their equations, analytic values, gradients and properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.objectives.distillation import cosines, negative_cosine, normalised_distance


def normals(rows: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    p, z = (torch.randn(rows, width, generator=generator, dtype=torch.float64) for _ in range(2))
    return p, z


def looped(p: Tensor, z: Tensor) -> tuple[float, float]:
    """Eq. 1 of SimSiam and eq. 2 of BYOL, sample by sample; the second by the distance itself."""
    cosine = distance = 0.0
    for one, two in zip(p.tolist(), z.tolist()):
        length1, length2 = (math.sqrt(sum(value**2 for value in row)) for row in (one, two))
        cosine += sum(a * b for a, b in zip(one, two)) / (length1 * length2)
        distance += sum((a / length1 - b / length2) ** 2 for a, b in zip(one, two))
    return -cosine / len(p), distance / len(p)


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (4, 3), (7, 2)])
def test_losses_are_their_equations(rows: int, width: int) -> None:
    p, z = normals(rows, width)
    assert (negative_cosine(p, z).item(), normalised_distance(p, z).item()) == pytest.approx(looped(p, z))


def test_values_known_beforehand() -> None:
    p = torch.tensor([[3.0, 0.0], [0.0, 2.0]])
    across = torch.tensor([[0.0, 1.0], [5.0, 0.0]])
    for z, cosine in ((p, 1.0), (across, 0.0), (-p, -1.0)):
        assert negative_cosine(p, z).item() == pytest.approx(-cosine)
        assert normalised_distance(p, z).item() == pytest.approx(2 - 2 * cosine)


def test_gradients_are_those_of_the_equations() -> None:
    p, z = (value.requires_grad_() for value in normals(4, 3))
    assert torch.autograd.gradcheck(negative_cosine, (p, z))
    assert torch.autograd.gradcheck(normalised_distance, (p, z))


def test_nothing_flows_into_what_was_detached() -> None:
    p, z = (value.requires_grad_() for value in normals(4, 3))
    negative_cosine(p, z.detach()).backward()
    assert p.grad is not None
    assert z.grad is None


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 8), width=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_only_directions_count(rows: int, width: int, seed: int) -> None:
    p, z = normals(rows, width, seed)
    generator = torch.Generator().manual_seed(seed)
    lengths = 0.1 + 9 * torch.rand(rows, 1, generator=generator, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    value = negative_cosine(p, z)
    for one, other in ((p * lengths, z), (z, p), (p.flip(0), z.flip(0)), (p @ turn, z @ turn)):
        torch.testing.assert_close(negative_cosine(one, other), value)
    assert -1 - 1e-9 <= value <= 1 + 1e-9
    torch.testing.assert_close(normalised_distance(p, z), 2 + 2 * value)


def test_a_row_of_zeros_points_nowhere_and_has_a_finite_gradient() -> None:
    p = torch.zeros(2, 3, requires_grad=True)
    z = torch.ones(2, 3)
    assert cosines(p, z).tolist() == [0, 0]
    negative_cosine(p, z).backward()
    assert p.grad is not None
    assert torch.isfinite(p.grad).all()


def test_half_precision_is_lifted() -> None:
    p, z = normals(4, 3)
    assert negative_cosine(p.bfloat16(), z.bfloat16()).dtype == torch.float32
