"""Penalties on gradients against autograd of formulas whose gradients are known, and against finite differences."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from nolabel.nets.mlp import mlp
from nolabel.objectives.gradient_penalties import interpolates, norms, one_centred, squared_gradients, zero_centred


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(batch=st.integers(1, 5), width=st.integers(1, 6), seed=st.integers(0, 1000))
def test_of_a_quadratic_form_it_is_known(batch: int, width: int, seed: int) -> None:
    """D(x) = xᵀ A x has the gradient (A + Aᵀ) x."""
    a, x = normals(width, width, seed=seed), normals(batch, width, seed=seed + 1).requires_grad_()
    logits = ((x @ a) * x).sum(1)
    expected = [sum(v * v for v in ((a + a.t()) @ row).tolist()) for row in x.detach()]
    assert squared_gradients(logits, x).tolist() == pytest.approx(expected, rel=1e-5)
    assert zero_centred(squared_gradients(logits, x)).item() == pytest.approx(sum(expected) / batch, rel=1e-5)
    away = sum((value**0.5 - 1) ** 2 for value in expected) / batch
    assert one_centred(squared_gradients(logits, x)).item() == pytest.approx(away, rel=1e-4)


@pytest.mark.parametrize("penalty", [zero_centred, one_centred])
def test_of_a_plane_it_depends_on_the_slope_alone(penalty: object) -> None:
    """D(x) = w·x: R1 is ‖w‖² and its gradient 2 w; a critic of slope 1 pays nothing."""
    w = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    x = normals(7, 2).requires_grad_()
    value = penalty(squared_gradients(x @ w, x))  # type: ignore[operator]
    value.backward()
    assert w.grad is not None
    if penalty is zero_centred:
        assert value.item() == pytest.approx(25)
        assert w.grad.tolist() == pytest.approx([6.0, 8.0])
    else:
        assert value.item() == pytest.approx(16)
        assert w.grad.tolist() == pytest.approx([2 * 4 * 3 / 5, 2 * 4 * 4 / 5], rel=1e-5)
        slope_one = (x @ (w.detach() / 5)).requires_grad_()
        assert one_centred(squared_gradients(slope_one, x)).item() == pytest.approx(0, abs=1e-9)


def test_a_net_is_penalised_as_finite_differences_say() -> None:
    """The gradient of the penalty with respect to a weight, through the double backward pass of every layer."""
    torch.manual_seed(0)
    conv = nn.Sequential(nn.Conv2d(2, 3, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(12, 1)).double()
    flat = nn.Sequential(nn.Flatten(), mlp((32, 8, 1), "tanh")).double()
    x = normals(3, 2, 4, 4)
    for net in (conv, flat):

        def penalty(net: nn.Module = net) -> Tensor:
            leaf = x.clone().requires_grad_()
            return zero_centred(squared_gradients(net(leaf)[:, 0], leaf))

        net.zero_grad()
        penalty().backward()
        for weight in net.parameters():
            if weight.grad is None:  # the last bias: no gradient depends on it
                continue
            place = (0,) * weight.ndim
            found, h = weight.grad[place].item(), 1e-5
            with torch.no_grad():
                weight[place] += h
            above = penalty().item()
            with torch.no_grad():
                weight[place] -= 2 * h
            below = penalty().item()
            with torch.no_grad():
                weight[place] += h
            assert found == pytest.approx((above - below) / (2 * h), rel=1e-3, abs=1e-5)


def test_each_sample_has_its_own_gradient() -> None:
    x = normals(4, 3).requires_grad_()
    together = squared_gradients((x**3).sum(1), x)
    for row in range(4):
        alone = x.detach()[row : row + 1].requires_grad_()
        assert squared_gradients((alone**3).sum(1), alone).item() == pytest.approx(together[row].item())


def test_a_net_that_does_not_answer_has_finite_gradients() -> None:
    w = torch.zeros(3, requires_grad=True)
    x = normals(5, 3).float().requires_grad_()
    value = one_centred(squared_gradients(x @ w, x))
    value.backward()
    assert value.item() == pytest.approx(1, abs=1e-5)
    assert w.grad is not None
    assert torch.isfinite(w.grad).all()
    assert torch.isfinite(norms(torch.zeros(2))).all()


def test_interpolates_lie_between_with_one_share_a_sample() -> None:
    real, fake = torch.ones(3, 2, 4, 5), torch.zeros(3, 2, 4, 5)
    epsilon = torch.tensor([0.0, 0.25, 1.0])
    found = interpolates(real, fake, epsilon)
    assert found.shape == real.shape
    for row, share in zip(found, epsilon.tolist()):
        assert row.unique().tolist() == [share]
    table = interpolates(normals(4, 3), normals(4, 3, seed=1), torch.full((4,), 0.5, dtype=torch.float64))
    torch.testing.assert_close(table, (normals(4, 3) + normals(4, 3, seed=1)) / 2)


def test_logits_of_other_values_are_refused() -> None:
    x, other = normals(3, 2).requires_grad_(), normals(3, 2).requires_grad_()
    with pytest.raises(RuntimeError):
        squared_gradients(x.sum(1), other)
