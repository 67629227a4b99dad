"""Convolutions over blocks of pixels are those over pixels: values, gradients, gradients of gradients."""

import pytest
import torch
import torch.nn.functional as F

from nolabel.nets.halving import FEW, Doubling, Halving, doubled, halved
from nolabel.nets.spectral import Spectral

SIDES = [(2, 2), (8, 8), (7, 7), (9, 6), (5, 8)]
CHANNELS = [1, 3, FEW, FEW + 1]


def _numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("sides", SIDES, ids=str)
def test_halves_as_torch_does(channels, sides):
    torch.manual_seed(0)
    x, weight, bias = _numbers(3, channels, *sides), _numbers(5, channels, 4, 4), _numbers(5)
    found, expected = halved(x, weight, bias), F.conv2d(x, weight, bias, 2, 1)
    torch.testing.assert_close(found, expected)
    _same_gradients(found, expected, (x, weight, bias))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("missing", [(0, 0), (1, 0), (0, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("sides", [(1, 1), (3, 4)], ids=str)
def test_doubles_as_torch_does(channels, missing, sides):
    torch.manual_seed(0)
    x, weight, bias = _numbers(3, 5, *sides), _numbers(5, channels, 4, 4), _numbers(channels)
    found, expected = doubled(x, weight, bias, missing), F.conv_transpose2d(x, weight, bias, 2, 1, missing)
    torch.testing.assert_close(found, expected)
    _same_gradients(found, expected, (x, weight, bias))


def _same_gradients(found, expected, inputs):
    g = torch.randn_like(found)
    mine, theirs = (torch.autograd.grad((y * g).sum(), inputs, create_graph=True) for y in (found, expected))
    torch.testing.assert_close(mine, theirs)
    slopes = [torch.autograd.grad(one[0].square().sum(), inputs[1]) for one in (mine, theirs)]
    torch.testing.assert_close(*slopes)


def test_layers_hold_what_torchs_hold():
    torch.manual_seed(0)
    x = torch.randn(2, 1, 9, 9)
    small = Halving(1, 6)(x)
    assert small.shape == (2, 6, 4, 4)
    assert Doubling(6, 1, (1, 1))(small).shape == x.shape
    torch.manual_seed(0)
    assert torch.equal(torch.randn(2, 1, 9, 9), x)
    assert {name: value.shape for name, value in Halving(1, 6).state_dict().items()} == {
        name: value.shape for name, value in torch.nn.Conv2d(1, 6, 4, 2, 1).state_dict().items()
    }


def test_a_normalised_layer_halves_too():
    torch.manual_seed(0)
    layer, x = Spectral(Halving(1, 6)), torch.randn(2, 1, 8, 8)
    expected = F.conv2d(x, layer.layer.weight / layer.sigma, layer.layer.bias, 2, 1)
    torch.testing.assert_close(layer(x), expected)
