"""Residual networks for images (He et al. 2015, arXiv:1512.03385), without pooling or classifier.

Pieces: two kinds of block, two kinds of stem. A bottleneck strides in its 3 x 3 kernel ("v1.5"); the last gain of every
block starts at 0, so that each block starts as the identity (Goyal et al. 2017, arXiv:1706.02677). Kernels start as in
He et al. 2015 (fan-out). Knows nothing of data or losses.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.norm import BatchNorm

Stem = Literal["small", "strided", "large"]
TINY = 16  # pixels of the longer side up to which the small network leaves an image as large as it is


@final
class Convolution(nn.Conv2d):
    """A convolution of an odd kernel, padded by half of it, without bias.

    Along a side of one pixel only the middle of the kernel meets anything, so the rest is left out: the same numbers
    for less work, and for right ones: of a strided kernel there, oneDNN's bf16 gradient is garbage (torch 2.13).
    """

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K h w"]:
        """(B, C, H, W) to (B, K, H / stride, W / stride)."""
        if min(x.shape[2:]) > 1:
            return super().forward(x)
        met = [
            (slice(half, half + 1), 0) if side == 1 else (slice(None), half)
            for side, half in zip(x.shape[2:], (self.kernel_size[0] // 2, self.kernel_size[1] // 2))
        ]
        (rows, above), (columns, beside) = met
        return F.conv2d(x, self.weight[:, :, rows, columns], None, self.stride, (above, beside))


def conv(channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> Convolution:
    """A convolution that keeps the size (but for its stride), without bias, for a norm follows."""
    layer = Convolution(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


@final
class BasicBlock(nn.Module):
    """x + two 3 x 3 convolutions of x."""

    expansion: ClassVar[int] = 1

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(channels_in, width, 3, stride)
        self.norm1 = BatchNorm(width)
        self.conv2 = conv(width, width, 3)
        self.norm2 = BatchNorm(width, gain=0.0)
        self.shortcut = _shortcut(channels_in, width, stride)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K h w"]:
        """(B, C, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu_(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return torch.relu_(y.add_(self.shortcut(x)))


@final
class Bottleneck(nn.Module):
    """x + (1 x 1 down, 3 x 3, 1 x 1 up) of x; the output is four times `width` wide."""

    expansion: ClassVar[int] = 4

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        wide = self.expansion * width
        self.conv1 = conv(channels_in, width, 1)
        self.norm1 = BatchNorm(width)
        self.conv2 = conv(width, width, 3, stride)
        self.norm2 = BatchNorm(width)
        self.conv3 = conv(width, wide, 1)
        self.norm3 = BatchNorm(wide, gain=0.0)
        self.shortcut = _shortcut(channels_in, wide, stride)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K h w"]:
        """(B, C, H, W) to (B, 4 width, H / stride, W / stride)."""
        y = torch.relu_(self.norm1(self.conv1(x)))
        y = torch.relu_(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return torch.relu_(y.add_(self.shortcut(x)))


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(conv(channels_in, channels_out, 1, stride), BatchNorm(channels_out))


@final
class ResNet(nn.Module):
    """Stem, then stages of residual blocks, each after the first halving the image: (B, C, H, W) to (B, K, h, w).

    Parameters
    ----------
    channels
        C of the images.
    block
        `BasicBlock` or `Bottleneck`.
    counts
        Blocks of each stage.
    widths
        Width of each stage's blocks, as many as `counts`; the stem has that of the first.
    stem
        "small": 3 x 3, which keeps the image's size; "strided": 3 x 3 of stride 2, which halves it; "large": 7 x 7 of
        stride 2 and max-pooling, which quarter it.
    """

    def __init__(
        self,
        channels: int,
        block: type[BasicBlock] | type[Bottleneck],
        counts: Sequence[int],
        widths: Sequence[int],
        stem: Stem,
    ) -> None:
        super().__init__()
        kernel, stride = {"small": (3, 1), "strided": (3, 2), "large": (7, 2)}[stem]
        first = conv(channels, widths[0], kernel, stride)
        pool = [nn.MaxPool2d(3, 2, 1)] if stem == "large" else []
        self.stem = nn.Sequential(first, BatchNorm(widths[0]), nn.ReLU(inplace=True), *pool)
        blocks: list[nn.Module] = []
        current = widths[0]
        for stage, (count, width) in enumerate(zip(counts, widths)):
            for number in range(count):
                blocks.append(block(current, width, 2 if stage and not number else 1))
                current = block.expansion * width
        self.blocks = nn.Sequential(*blocks)
        self.width = current

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K h w"]:
        """Features of every place of the shrunk image."""
        return self.blocks(self.stem(x))  # type: ignore[no-any-return]


def resnet18(channels: int, stem: Stem) -> ResNet:
    """ResNet-18: 11.2 million weights, 512 features."""
    return ResNet(channels, BasicBlock, (2, 2, 2, 2), (64, 128, 256, 512), stem)


def resnet50(channels: int, stem: Stem) -> ResNet:
    """ResNet-50: 23.5 million weights, 2048 features."""
    return ResNet(channels, Bottleneck, (3, 4, 6, 3), (64, 128, 256, 512), stem)


def small(
    channels: int, side: int = 32, widths: Sequence[int] = (32, 64, 128, 256), counts: Sequence[int] = (1, 1, 1, 1)
) -> ResNet:
    """A residual network that two CPU cores can train: 1.2 million weights, 256 features.

    It halves images of more than `TINY` pixels at once: at full size most of the time would go to the first layers,
    whose few channels use a processor worst.

    Parameters
    ----------
    channels, side
        C, and the longer side in pixels.
    widths, counts
        Of the stages, see `ResNet`.
    """
    return ResNet(channels, BasicBlock, counts, widths, "strided" if side > TINY else "small")
