"""Convolutional nets for images of any size; decoders that mirror them exactly."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nolabel.nets.conv import (
    conv_decoder,
    conv_encoder,
    halved,
    map_decoder,
    map_encoder,
    possible_stages,
    sizes,
    tied_conv_decoder,
)
from nolabel.nets.linear import Linear

SIZES = [(3, 28, 28), (1, 17, 9), (1, 8, 8), (2, 5, 31), (3, 64, 48), (1, 4, 4), (1, 7, 100)]


@pytest.mark.parametrize("shape", SIZES)
def test_any_size_goes_to_a_code_and_back(shape: tuple[int, int, int]) -> None:
    stages = possible_stages(*shape[1:])
    x = torch.randn(2, *shape)
    for depth in range(1, stages + 1):
        channels = (4, 6, 8, 10, 12)[:depth]
        encoder = conv_encoder(shape, channels, 5)
        assert encoder(x).shape == (2, 5)
        assert conv_decoder(shape, channels, 5)(torch.randn(2, 5)).shape == x.shape
        assert tied_conv_decoder(encoder, shape)(torch.randn(2, 5)).shape == x.shape
        grid = sizes(shape[1], shape[2], depth)[-1]
        codes = map_encoder(shape, channels, 3)(x)
        assert codes.shape == (2, 3, *grid)
        assert map_decoder(shape, channels, 3)(codes).shape == x.shape


@settings(max_examples=50)
@given(height=st.integers(1, 300), width=st.integers(1, 300))
def test_possible_stages_leave_at_least_two_pixels_and_are_all_there_are(height: int, width: int) -> None:
    stages = possible_stages(height, width)
    after = sizes(height, width, stages)
    assert len(after) == stages + 1
    assert stages == 0 or min(after[-1]) >= 2
    assert min(halved(height), halved(width)) < 2 if stages == 0 else min(sizes(height, width, stages + 1)[-1]) < 2


@pytest.mark.parametrize("size", range(4, 40))
def test_halved_is_what_the_convolution_does(size: int) -> None:
    assert nn.Conv2d(1, 1, 4, 2, 1)(torch.zeros(1, 1, size, 4)).shape[2] == halved(size)


@pytest.mark.parametrize("shape", SIZES)
def test_a_tied_decoder_is_the_transpose_of_its_encoder(shape: tuple[int, int, int]) -> None:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for the linear maps that encoder and decoder are without activations and biases."""
    channels = (4, 6)[: possible_stages(*shape[1:])]
    encoder = conv_encoder(shape, channels, 5, "linear").double()
    decoder = tied_conv_decoder(encoder, shape, "linear").double()
    x, y = torch.randn(2, *shape, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    torch.testing.assert_close((encoder(x) * y).sum(), (x * decoder(y)).sum())


def test_a_tied_decoder_owns_only_biases() -> None:
    encoder = conv_encoder((3, 9, 9), (4, 6), 5)
    decoder = tied_conv_decoder(encoder, (3, 9, 9))
    own = {name: tuple(value.shape) for name, value in decoder.state_dict().items()}
    assert all(name.endswith("bias") for name in own)
    assert sorted(own.values()) == [(3,), (4,), (6 * 2 * 2,)]
    decoder(encoder(torch.randn(2, 3, 9, 9))).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in [*encoder.parameters(), *decoder.parameters()])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_activations_stand_after_every_layer_but_code_and_output(activation: str) -> None:
    encoder = conv_encoder((1, 16, 16), (4, 6), 5, activation)
    decoder = conv_decoder((1, 16, 16), (4, 6), 5, activation)
    wanted = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]
    assert [type(stage[-1]) for stage in encoder.stages] == [wanted, wanted, Linear]
    assert [type(stage[1]) for stage in decoder.stages] == [wanted, wanted, nn.Identity]
    tied = tied_conv_decoder(encoder, (1, 16, 16), activation)
    assert [type(stage[1]) for stage in tied.stages] == [wanted, wanted, nn.Identity]


def test_first_weights_keep_the_signal_at_its_size() -> None:
    encoder = conv_encoder((3, 32, 32), (32, 64, 128), 50)
    z = encoder(torch.randn(64, 3, 32, 32))
    assert 0.4 < z.std().item() < 2.5
    x = conv_decoder((3, 32, 32), (32, 64, 128), 50)(torch.randn(64, 50))
    assert 0.4 < x.std().item() < 2.5
    assert all((p == 0).all() for name, p in encoder.named_parameters() if name.endswith("bias"))


def test_a_code_does_not_depend_on_the_rest_of_the_batch() -> None:
    encoder = conv_encoder((1, 17, 9), (4, 6), 5)
    x = torch.randn(6, 1, 17, 9)
    torch.testing.assert_close(encoder(x)[2:3], encoder(x[2:3]))


def test_sizes_are_listed_before_and_after_each_stage() -> None:
    assert sizes(28, 17, 3) == [(28, 17), (14, 8), (7, 4), (3, 2)]
    assert math.prod(sizes(28, 17, 0)[-1]) == 28 * 17
