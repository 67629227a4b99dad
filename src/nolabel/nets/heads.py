"""Perceptrons with batch normalisation: heads that stand on a backbone as it learns, and a backbone for flat samples.

    projector:   linear → norm → activation → ... → linear [→ norm without gain]
    perceptron:  linear → norm → activation → ... → linear → norm → activation

Knows nothing of what is compared at their end.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from nolabel.nets.linear import Linear
from nolabel.nets.mlp import Activation, activation_module, start_weights
from nolabel.nets.norm import BatchNorm


def projector(
    widths: Sequence[int],
    *,
    norm: bool = True,
    last_norm: bool = False,
    last_bias: bool = True,
    activation: Activation = "relu",
) -> nn.Sequential:
    """A perceptron (B, widths[0]) to (B, widths[-1]), linear at its end.

    Parameters
    ----------
    widths
        From what comes in to what goes out: (L, hidden..., out); (L, out) is one matrix.
    norm
        Batch normalisation after every matrix but the last; a matrix before one has no bias.
    last_norm
        Batch normalisation, without gain and bias, after the last matrix.
    last_bias
        Whether the last matrix has a bias, if no norm follows; False where the loss, or the norm of a head that comes
        next, takes means away and would leave the bias to rounding.
    activation
        After every matrix but the last.
    """
    layers: list[nn.Module] = []
    *hidden, last = pairwise(widths)
    for width_in, width_out in hidden:
        layers.append(_matrix(width_in, width_out, activation, bias=not norm))
        layers += [BatchNorm(width_out)] if norm else []
        layers.append(activation_module(activation))
    layers.append(_matrix(*last, "linear", bias=last_bias and not last_norm))
    layers += [BatchNorm(last[1], affine=False)] if last_norm else []
    return nn.Sequential(*layers)


def perceptron(width: int, hidden: Sequence[int]) -> nn.Sequential:
    """Samples of any shape with `width` values to (B, hidden[-1]): each matrix with a norm and a rectifier."""
    layers: list[nn.Module] = [nn.Flatten()]
    for width_in, width_out in pairwise((width, *hidden)):
        layers += [_matrix(width_in, width_out, "relu", bias=False), BatchNorm(width_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _matrix(width_in: int, width_out: int, activation: Activation, bias: bool) -> Linear:
    layer = Linear(width_in, width_out, bias=bias)
    start_weights(layer.weight, activation)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
