"""Convolutional encoders and decoders for images of any size and number of channels.

Each stage halves the image with a 4 x 4 kernel of stride 2; the last is a matrix from what is left to the code. The
decoder mirrors it with transposed convolutions. Norm-free: small nets of this depth train well without, and a sample's
code does not depend on its batch. Knows nothing of data or losses.
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.nets.mlp import Activation, TiedLinear, activation_module, linear, start_weights
from nolabel.nets.stack import Stack

KERNEL, STRIDE, PADDING = 4, 2, 1


def halved(size: int) -> int:
    """Height or width after one stage."""
    return (size + 2 * PADDING - KERNEL) // STRIDE + 1


def sizes(height: int, width: int, stages: int) -> list[tuple[int, int]]:
    """Height and width before the first stage and after each."""
    found = [(height, width)]
    for _ in range(stages):
        height, width = halved(height), halved(width)
        found.append((height, width))
    return found


def possible_stages(height: int, width: int) -> int:
    """How many stages an image can go through before a side falls below 2 pixels."""
    return max(0, math.floor(math.log2(max(1, min(height, width)))) - 1) if min(height, width) >= 4 else 0


def conv_encoder(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, activation: Activation = "relu"
) -> Stack:
    """(B, C, H, W) to (B, code): one halving stage for each entry of `channels`, then a matrix."""
    stages: list[nn.Module] = []
    for channels_in, channels_out in zip([shape[0], *channels], channels):
        layer = nn.Conv2d(channels_in, channels_out, KERNEL, STRIDE, PADDING)
        start_weights(layer.weight, activation)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        stages.append(nn.Sequential(layer, activation_module(activation)))
    height, width = sizes(shape[1], shape[2], len(channels))[-1]
    flat = channels[-1] * height * width
    return Stack([*stages, nn.Sequential(nn.Flatten(), linear(flat, code, "linear"))])


def conv_decoder(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, activation: Activation = "relu"
) -> Stack:
    """(B, code) to (B, C, H, W): the mirror of `conv_encoder` with the same `channels`, weights of its own."""
    at = sizes(shape[1], shape[2], len(channels))
    flat = channels[-1] * at[-1][0] * at[-1][1]
    inner: tuple[int, ...] = (channels[-1], *at[-1])
    first = nn.Sequential(linear(code, flat, activation), activation_module(activation), nn.Unflatten(1, inner))
    stages: list[nn.Module] = [first]
    targets = [shape[0], *channels[:-1]]
    for level in reversed(range(len(channels))):
        name: Activation = activation if level else "linear"
        up = nn.ConvTranspose2d(
            channels[level], targets[level], KERNEL, STRIDE, PADDING, output_padding=_missing(at, level)
        )
        nn.init.normal_(up.weight, std=math.sqrt(2 / (channels[level] * KERNEL * KERNEL / STRIDE**2)))
        nn.init.zeros_(up.bias)  # type: ignore[arg-type]
        stages.append(nn.Sequential(up, activation_module(name)))
    return Stack(stages)


def _missing(at: Sequence[tuple[int, int]], level: int) -> tuple[int, int]:
    """Pixels that a transposed stage must add to undo the rounding of the stage it mirrors."""

    def lost(before: int, after: int) -> int:
        return before - ((after - 1) * STRIDE - 2 * PADDING + KERNEL)

    return lost(at[level][0], at[level + 1][0]), lost(at[level][1], at[level + 1][1])


class TiedConvTranspose(nn.Module):
    """The transpose of another layer's convolution, with a bias of its own."""

    def __init__(self, source: nn.Conv2d, output_padding: tuple[int, int]) -> None:
        super().__init__()
        self._source = [source]  # in a list: the kernel is the encoder's parameter, not counted or saved twice
        self.output_padding = output_padding
        self.bias = nn.Parameter(source.weight.new_zeros(source.in_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, out_channels of the source, h, w) to (B, in_channels of the source, H, W)."""
        weight = self._source[0].weight
        return F.conv_transpose2d(x, weight, self.bias, STRIDE, PADDING, self.output_padding)


def tied_conv_decoder(encoder: Stack, shape: tuple[int, int, int], activation: Activation = "relu") -> Stack:
    """The decoder that mirrors `conv_encoder` and shares its kernels and its matrix, transposed."""
    convs = [stage[0] for stage in encoder.stages[:-1]]  # type: ignore[index]
    matrix = encoder.stages[-1][1]  # type: ignore[index]
    at = sizes(shape[1], shape[2], len(convs))
    inner: tuple[int, ...] = (convs[-1].out_channels, *at[-1])
    stages: list[nn.Module] = [nn.Sequential(TiedLinear(matrix), activation_module(activation), nn.Unflatten(1, inner))]
    for level in reversed(range(len(convs))):
        name: Activation = activation if level else "linear"
        tied = TiedConvTranspose(convs[level], _missing(at, level))
        stages.append(nn.Sequential(tied, activation_module(name)))
    return Stack(stages)
