"""Spectral normalisation against singular values, and when u and v move."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from nolabel.nets.discriminator import conv_discriminator
from nolabel.nets.linear import Linear
from nolabel.nets.spectral import Spectral, refresh


def layers() -> list[Spectral]:
    torch.manual_seed(0)
    return [Spectral(Linear(7, 5)), Spectral(nn.Conv2d(3, 4, 4, 2, 1)), Spectral(Linear(6, 1, bias=False))]


CONVOLUTIONS = [
    (lambda: nn.Conv1d(4, 6, 3, dilation=2), (2, 4, 9)),
    (lambda: nn.Conv2d(4, 6, 3, groups=2, padding=1, padding_mode="circular"), (2, 4, 5, 6)),
    (lambda: nn.Conv3d(2, 3, 4, 2, 1, bias=False), (2, 2, 4, 6, 8)),
]


@pytest.mark.parametrize("number", range(3))
def test_sigma_is_the_largest_singular_value(number: int) -> None:
    layer = layers()[number]
    for _ in range(200):
        layer.refresh()
    largest = torch.linalg.svdvals(layer.layer.weight.detach().flatten(1))[0]
    assert layer.sigma.item() == pytest.approx(largest.item(), rel=1e-5)
    assert layer.u.norm().item() == pytest.approx(1)
    assert layer.v.norm().item() == pytest.approx(1)


def test_the_first_estimate_is_near_already() -> None:
    for layer in layers():
        largest = torch.linalg.svdvals(layer.layer.weight.detach().flatten(1))[0]
        assert 0.9 * largest < layer.sigma.item() <= 1.0001 * largest


def test_the_layer_is_the_one_inside_with_its_weight_divided() -> None:
    linear, conv, _ = layers()
    x, picture = torch.randn(4, 7), torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(linear(x), x @ (linear.layer.weight / linear.sigma).t() + linear.layer.bias)
    plain = copy.deepcopy(conv.layer)
    with torch.no_grad():
        plain.weight /= conv.sigma
    torch.testing.assert_close(conv(picture), plain(picture))


@pytest.mark.parametrize(("make", "shape"), CONVOLUTIONS, ids=["dilated", "grouped", "clips"])
def test_a_convolution_keeps_all_its_ways(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """Of any number of axes, dilated, grouped, padded round: the layer itself with its weight divided."""
    torch.manual_seed(0)
    layer, x = Spectral(make()), torch.randn(*shape)  # type: ignore[arg-type]
    plain = copy.deepcopy(layer.layer)
    with torch.no_grad():
        plain.weight /= layer.sigma
    torch.testing.assert_close(layer(x), plain(x))


def test_the_gradient_knows_that_sigma_depends_on_the_weight() -> None:
    """∂σ/∂W = u vᵀ, so what only scales W has no effect: the gradient is orthogonal to W where u and v are exact."""
    layer = layers()[0]
    for _ in range(200):
        layer.refresh()
    layer(torch.randn(4, 7)).square().sum().backward()
    weight = layer.layer.weight
    assert weight.grad is not None
    assert (weight.grad * weight).sum().abs() < 1e-3 * weight.grad.norm() * weight.norm()


def test_looking_does_not_move_u_and_v_and_refreshing_does_once() -> None:
    net = conv_discriminator((1, 8, 8), (4,), "spectral", unit=True)
    with torch.no_grad():
        for weight in net.parameters():
            weight += 0.5 * torch.randn_like(weight)
    before = {name: value.clone() for name, value in net.named_buffers()}
    assert sorted(before) == ["head.u", "head.v", "stages.0.0.u", "stages.0.0.v"]
    for _ in range(3):
        net.train()(torch.rand(2, 1, 8, 8))
        net.eval()(torch.rand(2, 1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())
    refresh(net)
    moved = net.state_dict()
    weight = net.stages[0][0].layer.weight.detach().flatten(1)  # type: ignore[index]
    v = torch.nn.functional.normalize(weight.t() @ before["stages.0.0.u"], dim=0)
    torch.testing.assert_close(moved["stages.0.0.v"], v)
    torch.testing.assert_close(moved["stages.0.0.u"], torch.nn.functional.normalize(weight @ v, dim=0))


def test_what_is_saved_answers_the_same() -> None:
    net = conv_discriminator((1, 8, 8), (4,), "spectral", unit=True).eval()
    other = conv_discriminator((1, 8, 8), (4,), "spectral", unit=True).eval()
    x = torch.rand(3, 1, 8, 8)
    assert not torch.equal(other(x), net(x))
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x), net(x))
