"""Convolutional encoders and decoders for images of any size and number of channels.

Each stage halves the image with a 4 x 4 kernel of stride 2; the last is a matrix from what is left to the code. The
decoder mirrors it with transposed convolutions. Norm-free: small nets of this depth train well without, and a sample's
code does not depend on its batch. Knows nothing of data or losses.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from nolabel.nets.halving import KERNEL, PADDING, STRIDE, Doubling, Halving, doubled
from nolabel.nets.mlp import Activation, TiedLinear, activation_module, linear, start_weights
from nolabel.nets.stack import Stack


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
    height, width = sizes(shape[1], shape[2], len(channels))[-1]
    head = nn.Sequential(nn.Flatten(), linear(channels[-1] * height * width, code, "linear"))
    return Stack([*_down(shape, channels, activation), head])


def conv_decoder(
    shape: tuple[int, int, int], channels: Sequence[int], code: int, activation: Activation = "relu"
) -> Stack:
    """(B, code) to (B, C, H, W): the mirror of `conv_encoder` with the same `channels`, weights of its own."""
    height, width = sizes(shape[1], shape[2], len(channels))[-1]
    matrix = linear(code, channels[-1] * height * width, activation)
    head = nn.Sequential(matrix, activation_module(activation), nn.Unflatten(1, (channels[-1], height, width)))
    return Stack([head, *_up(shape, channels, activation)])


def map_encoder(
    shape: tuple[int, int, int], channels: Sequence[int], depth: int, activation: Activation = "relu"
) -> Stack:
    """(B, C, H, W) to a map (B, depth, h, w): the halving stages, then a vector of width `depth` at every place."""
    return Stack([*_down(shape, channels, activation), _everywhere(channels[-1], depth, "linear")])


def map_decoder(
    shape: tuple[int, int, int], channels: Sequence[int], depth: int, activation: Activation = "relu"
) -> Stack:
    """(B, depth, h, w) to (B, C, H, W): the mirror of `map_encoder`."""
    head = nn.Sequential(_everywhere(depth, channels[-1], activation), activation_module(activation))
    return Stack([head, *_up(shape, channels, activation)])


def _everywhere(channels_in: int, channels_out: int, activation: Activation) -> nn.Conv2d:
    layer = nn.Conv2d(channels_in, channels_out, 1)
    start_weights(layer.weight, activation)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _down(shape: tuple[int, int, int], channels: Sequence[int], activation: Activation) -> list[nn.Module]:
    stages: list[nn.Module] = []
    for channels_in, channels_out in zip([shape[0], *channels], channels):
        layer = Halving(channels_in, channels_out)
        start_weights(layer.weight, activation)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        stages.append(nn.Sequential(layer, activation_module(activation)))
    return stages


def _up(shape: tuple[int, int, int], channels: Sequence[int], activation: Activation) -> list[nn.Module]:
    at = sizes(shape[1], shape[2], len(channels))
    targets = [shape[0], *channels[:-1]]
    stages: list[nn.Module] = []
    for level in reversed(range(len(channels))):
        name: Activation = activation if level else "linear"
        layer = Doubling(channels[level], targets[level], missing(at, level))
        # each output pixel is reached by KERNEL² / STRIDE² taps of every channel
        nn.init.normal_(layer.weight, std=math.sqrt(2 / (channels[level] * KERNEL * KERNEL / STRIDE**2)))
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        stages.append(nn.Sequential(layer, activation_module(name)))
    return stages


def missing(at: Sequence[tuple[int, int]], level: int) -> tuple[int, int]:
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
        return doubled(x, weight, self.bias, self.output_padding)


def tied_conv_decoder(encoder: Stack, shape: tuple[int, int, int], activation: Activation = "relu") -> Stack:
    """The decoder that mirrors `conv_encoder` and shares its kernels and its matrix, transposed."""
    convs = [stage[0] for stage in encoder.stages[:-1]]  # type: ignore[index]
    matrix = encoder.stages[-1][1]  # type: ignore[index]
    at = sizes(shape[1], shape[2], len(convs))
    inner: tuple[int, ...] = (convs[-1].out_channels, *at[-1])
    stages: list[nn.Module] = [nn.Sequential(TiedLinear(matrix), activation_module(activation), nn.Unflatten(1, inner))]
    for level in reversed(range(len(convs))):
        name: Activation = activation if level else "linear"
        tied = TiedConvTranspose(convs[level], missing(at, level))
        stages.append(nn.Sequential(tied, activation_module(name)))
    return Stack(stages)
