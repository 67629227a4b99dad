"""Heads and perceptrons: which layers they have, and what comes out."""

import pytest
import torch
from torch import nn

from nolabel.nets.heads import perceptron, projector
from nolabel.nets.linear import Linear
from nolabel.nets.norm import BatchNorm


def kinds(module: nn.Sequential) -> list[type[nn.Module]]:
    return [type(layer) for layer in module]


def test_layers_of_a_projector() -> None:
    head = projector((8, 16, 4))
    assert kinds(head) == [Linear, BatchNorm, nn.ReLU, Linear]
    assert head[0].bias is None
    assert head[3].bias is not None
    assert kinds(projector((8, 4))) == [Linear]
    assert kinds(projector((8, 16, 4), norm=False, activation="gelu")) == [Linear, nn.GELU, Linear]


def test_the_last_norm_has_no_gain() -> None:
    head = projector((8, 16, 4), last_norm=True)
    assert kinds(head)[-1] is BatchNorm
    assert not list(head[-1].parameters())
    assert head[3].bias is None
    z = head(torch.randn(64, 8))
    torch.testing.assert_close(z.std(0, correction=0), torch.ones(4), atol=1e-3, rtol=0)


@pytest.mark.parametrize("norm", [True, False])
def test_every_parameter_has_a_gradient(norm: bool) -> None:
    head = projector((8, 16, 16, 4), norm=norm)
    head(torch.randn(32, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in head.parameters())


def test_a_perceptron_flattens() -> None:
    net = perceptron(12, (16, 8))
    z = net(torch.randn(5, 3, 2, 2))
    assert z.shape == (5, 8)
    assert z.min() == 0
    assert not any(layer.bias is not None for layer in net if isinstance(layer, Linear))
