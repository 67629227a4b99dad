"""Blocks are found in the order in which data meet them, whatever the order of registration."""

import torch
from torch import nn

from nolabel.nets.blocks import blocks_of, used_parameters
from nolabel.nets.mlp import mlp


class Residual(nn.Module):
    """A block of two layers and a norm."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4)

    def forward(self, x):
        return x + self.two(self.norm(self.one(x)))


class Net(nn.Module):
    """Registered back to front; a decoder that no code needs."""

    def __init__(self):
        super().__init__()
        self.decoder = nn.Linear(4, 3)
        self.last_norm = nn.BatchNorm1d(4)
        self.body = nn.Sequential(Residual(), Residual())
        self.stem = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.token = nn.Parameter(torch.ones(4))

    def encode(self, x):
        return self.last_norm(self.body(self.stem(x) + self.token))


def test_blocks_come_in_the_order_of_use():
    net = Net().eval()
    blocks = blocks_of(net, net.encode, torch.randn(2, 3, generator=torch.Generator().manual_seed(0)))
    assert [block.modules for block in blocks] == [
        ("", "stem.0", "stem.1"),  # what is used without being called lies nearest the data
        ("body.0.one", "body.0.norm", "body.0.two"),
        ("body.1.one", "body.1.norm", "body.1.two", "last_norm"),
    ]
    names = [name for block in blocks for name in block.parameters]
    assert sorted(names) == sorted(name for name, _ in net.named_parameters() if not name.startswith("decoder"))


def test_each_layer_of_a_perceptron_is_a_block():
    net = mlp((5, 4, 3, 2))
    blocks = blocks_of(net, net, torch.ones(2, 5))
    assert [len(block.parameters) for block in blocks] == [2, 2, 2]


def test_one_layer_is_one_block_and_no_gradient_is_none():
    layer = nn.Linear(3, 2)
    assert len(blocks_of(layer, layer, torch.ones(2, 3))) == 1
    assert blocks_of(layer, lambda x: layer(x).detach(), torch.ones(2, 3)) == []


def test_what_the_code_does_not_need_is_told():
    net = Net().eval()
    assert not any(name.startswith("decoder") for name in used_parameters(net, net.encode, torch.ones(2, 3)))


def test_nothing_is_left_behind():
    net = Net().eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    blocks_of(net, net.encode, torch.ones(2, 3))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_pre_hooks for module in net.modules())
