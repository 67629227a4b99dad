"""Fully connected encoders and decoders, and decoders that share the encoder's matrices.

First weights follow He et al. 2015 for rectifiers (N(0, 2 / fan-in)) and Glorot and Bengio 2010 for the rest; biases
start at 0. Knows nothing of data or losses.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from nolabel.nets.linear import Linear
from nolabel.nets.linear import linear as apply_linear
from nolabel.nets.stack import Stack

Activation = Literal["relu", "gelu", "tanh", "sigmoid", "linear"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}


# Undo the slope at 0, which is 1/4 for a sigmoid, and tanh's shrinking (Glorot and Bengio 2010; LeCun et al. 1998).
_GAINS = {"sigmoid": 4.0, "tanh": 5 / 3}


def activation_module(name: Activation) -> nn.Module:
    """A fresh module for an activation's name."""
    return _ACTIVATIONS[name]()


def start_weights(weight: Tensor, activation: Activation) -> None:
    """First values of a matrix or kernel that feeds `activation`, in place."""
    if activation in ("relu", "gelu"):
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(weight, gain=_GAINS.get(activation, 1.0))


def linear(width_in: int, width_out: int, activation: Activation) -> nn.Linear:
    """A linear layer with first weights that suit the activation after it."""
    layer = Linear(width_in, width_out)
    start_weights(layer.weight, activation)
    nn.init.zeros_(layer.bias)
    return layer


def mlp(
    widths: Sequence[int],
    activation: Activation = "relu",
    last: Activation = "linear",
    shape_in: tuple[int, ...] | None = None,
    shape_out: tuple[int, ...] | None = None,
) -> Stack:
    """Linear layers of the given widths, each followed by `activation`, the last by `last`.

    `shape_in` (flattened before the first layer) and `shape_out` (restored after the last) need only be given when a
    sample is not flat.
    """
    names: list[Activation] = [activation] * (len(widths) - 2) + [last]
    stages = [
        nn.Sequential(linear(width_in, width_out, name), activation_module(name))
        for width_in, width_out, name in zip(widths, widths[1:], names)
    ]
    entry = nn.Flatten() if shape_in and len(shape_in) > 1 else None
    exit = nn.Unflatten(1, shape_out) if shape_out and len(shape_out) > 1 else None
    return Stack(stages, entry, exit)


class TiedLinear(nn.Module):
    """x Wᵀ + b with the matrix of another layer, transposed, and a bias of its own."""

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        self._source = [source]  # in a list: the matrix is the encoder's parameter, not counted or saved twice
        self.bias = nn.Parameter(source.bias.new_zeros(source.in_features))

    def forward(self, x: Tensor) -> Tensor:
        """(B, out_features of the source) to (B, in_features of the source)."""
        return apply_linear(x, self._source[0].weight.t(), self.bias)


def tied_mlp(encoder: Stack, activation: Activation = "relu", shape_out: tuple[int, ...] | None = None) -> Stack:
    """The decoder that mirrors a fully connected encoder and shares its matrices, transposed."""
    sources = [stage[0] for stage in reversed(encoder.stages)]  # type: ignore[index]
    names: list[Activation] = [activation] * (len(sources) - 1) + ["linear"]
    stages = [nn.Sequential(TiedLinear(source), activation_module(name)) for source, name in zip(sources, names)]
    exit = nn.Unflatten(1, shape_out) if shape_out and len(shape_out) > 1 else None
    return Stack(stages, exit=exit)
