"""Perceptrons: shapes, first weights, and decoders that share the encoder's matrices."""

import math

import pytest
import torch
from torch import nn

from nolabel.nets.mlp import TiedLinear, activation_module, linear, mlp, start_weights, tied_mlp

ACTIVATIONS = ["relu", "gelu", "tanh", "sigmoid", "linear"]


@pytest.mark.parametrize("shape", [(7,), (1, 17, 9), (3, 28, 28)])
def test_it_goes_from_any_shape_to_a_code_and_back(shape: tuple[int, ...]) -> None:
    width = math.prod(shape)
    encoder = mlp((width, 20, 4), shape_in=shape)
    decoder = mlp((4, 20, width), shape_out=shape)
    x = torch.randn(5, *shape)
    assert encoder(x).shape == (5, 4)
    assert decoder(encoder(x)).shape == x.shape


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_layer_has_the_activation_and_the_last_is_linear(name: str) -> None:
    net = mlp((3, 5, 6, 2), name)
    wanted = type(activation_module(name))
    assert [type(stage[1]) for stage in net.stages] == [wanted, wanted, nn.Identity]
    assert [type(stage[1]) for stage in mlp((3, 2), name, last="sigmoid").stages] == [nn.Sigmoid]
    x = torch.randn(4, 3)
    first, second, third = (stage[0] for stage in net.stages)
    expected = third(activation_module(name)(second(activation_module(name)(first(x)))))
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_first_weights_neither_blow_a_signal_up_nor_let_it_die(name: str) -> None:
    net = mlp((400,) * 6, name)
    codes = net(torch.randn(200, 400))
    assert 0.05 < codes.std(0).mean() < 2.5  # samples still differ after five layers
    assert all((stage[0].bias == 0).all() for stage in net.stages)


def test_first_weights_follow_he_and_glorot() -> None:
    weight = torch.empty(300, 500)
    start_weights(weight, "relu")
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    for name, gain in (("linear", 1), ("tanh", 5 / 3), ("sigmoid", 4)):  # a sigmoid's slope at 0 is 1/4
        start_weights(weight, name)
        assert weight.std().item() == pytest.approx(gain * math.sqrt(2 / 800), rel=0.02)


@pytest.mark.parametrize("shape", [(12,), (1, 4, 3)])
def test_a_tied_decoder_is_the_transpose_of_its_encoder(shape: tuple[int, ...]) -> None:
    encoder = mlp((12, 8, 3), "tanh", shape_in=shape)
    decoder = tied_mlp(encoder, "tanh", shape_out=shape)
    for bias in decoder.parameters():
        nn.init.normal_(bias)
    z = torch.randn(5, 3)
    (first, _), (second, _) = encoder.stages
    biases = [stage[0].bias for stage in decoder.stages]
    expected = torch.tanh(z @ second.weight + biases[0]) @ first.weight + biases[1]
    torch.testing.assert_close(decoder(z), expected.view(5, *shape))


def test_a_tied_decoder_owns_only_biases_and_follows_its_encoder() -> None:
    encoder = mlp((12, 8, 3))
    decoder = tied_mlp(encoder)
    assert sorted(tuple(p.shape) for p in decoder.parameters()) == [(8,), (12,)]
    assert all("weight" not in name for name in decoder.state_dict())
    z = torch.randn(5, 3)
    before = decoder(z)
    with torch.no_grad():
        encoder.stages[0][0].weight.mul_(2)
    assert not torch.equal(decoder(z), before)


def test_both_roads_pull_at_a_shared_matrix() -> None:
    layer = linear(4, 2, "linear")
    tied = TiedLinear(layer)
    z = torch.randn(3, 2)
    tied(z).square().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0
