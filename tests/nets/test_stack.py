"""`Stack`: its trace is what its stages give, one after the other."""

import pytest
import torch
from torch import nn

from nolabel.nets.conv import conv_decoder, conv_encoder, map_decoder, map_encoder, tied_conv_decoder
from nolabel.nets.mlp import mlp, tied_mlp
from nolabel.nets.stack import Stack

shape = (2, 9, 13)
wide = mlp((234, 30, 5), shape_in=shape)
conv = conv_encoder(shape, (4, 6), 5)
STACKS = {
    "mlp": (wide, shape),
    "mlp decoder": (mlp((5, 30, 234), shape_out=shape), (5,)),
    "tied mlp": (tied_mlp(wide, shape_out=shape), (5,)),
    "conv": (conv, shape),
    "conv decoder": (conv_decoder(shape, (4, 6), 5), (5,)),
    "tied conv": (tied_conv_decoder(conv, shape), (5,)),
    "map": (map_encoder(shape, (4, 6), 3), shape),
    "map decoder": (map_decoder(shape, (4, 6), 3), (3, 2, 3)),
}


@pytest.mark.parametrize("name", STACKS)
def test_the_trace_ends_in_what_forward_gives_and_has_every_stage(name: str) -> None:
    net, entry = STACKS[name]
    x = torch.randn(3, *entry)
    trace = net.trace(x)
    assert len(trace) == len(net.stages)
    assert torch.equal(trace[-1], net(x))
    for before, stage, after in zip([net.entry(x), *trace], net.stages, trace):
        assert torch.equal(net.exit(stage(before)) if after is trace[-1] else stage(before), after)


@pytest.mark.parametrize(
    ("down", "up"), [("mlp", "mlp decoder"), ("mlp", "tied mlp"), ("conv", "conv decoder"), ("conv", "tied conv")]
)
def test_a_decoder_mirrors_its_encoder_layer_by_layer(down: str, up: str) -> None:
    hidden = STACKS[down][0].trace(torch.randn(3, *shape))
    mirrored = STACKS[up][0].trace(hidden[-1])
    assert [h.shape for h in reversed(mirrored[:-1])] == [h.shape for h in hidden[:-1]]
    assert mirrored[-1].shape == (3, *shape)


def test_entry_and_exit_are_applied_once() -> None:
    net = Stack([nn.Linear(6, 2), nn.Linear(2, 6)], nn.Flatten(), nn.Unflatten(1, (2, 3)))
    x = torch.randn(4, 3, 2)
    assert net(x).shape == (4, 2, 3)
    assert [tuple(one.shape) for one in net.trace(x)] == [(4, 2), (4, 2, 3)]
