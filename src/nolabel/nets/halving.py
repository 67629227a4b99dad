"""Convolutions of 4 x 4 kernels and stride 2, which halve an image, and their transposes, which double it.

Where the larger image has few channels (it is the data), both are made over its blocks of 2 x 2 pixels: the blocks of
an image (B, C, H, W) are an image (B, 4 C, H / 2, W / 2), of which a 2 x 2 kernel of stride 1 takes the same products.
The numbers are the same but for rounding. oneDNN, which is slow at one to four channels, takes a fifth to a half of the
time for the transpose, and for the gradient with respect to the image. Knows nothing of what is around it.
"""

from typing import final

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

KERNEL, STRIDE, PADDING = 4, 2, 1
FEW = 4  # channels of the larger image


@final
class Halving(nn.Conv2d):
    """(B, C, H, W) to (B, K, H / 2, W / 2), halves rounded down."""

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool = True) -> None:
        super().__init__(channels_in, channels_out, KERNEL, STRIDE, PADDING, bias=bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return halved(input, weight, bias)


@final
class Doubling(nn.ConvTranspose2d):
    """(B, K, h, w) to (B, C, 2 h, 2 w), and `missing` rows and columns more."""

    def __init__(
        self, channels_in: int, channels_out: int, missing: tuple[int, int] = (0, 0), *, bias: bool = True
    ) -> None:
        super().__init__(channels_in, channels_out, KERNEL, STRIDE, PADDING, missing, bias=bias)
        self.missing = missing

    def forward(
        self, input: Float[Tensor, "B K h w"], output_size: list[int] | None = None
    ) -> Float[Tensor, "B C H W"]:
        """The doubled image, whose size is given by `missing`, not by `output_size`."""
        return doubled(input, self.weight, self.bias, self.missing)


def halved(x: Float[Tensor, "B C H W"], weight: Tensor, bias: Tensor | None) -> Tensor:
    """The convolution by `weight` (K, C, 4, 4)."""
    if x.shape[1] > FEW:
        return F.conv2d(x, weight, bias, STRIDE, PADDING)
    below, beside = (1 - side % 2 for side in x.shape[2:])  # the last row of an odd image meets no whole kernel
    blocks = F.pixel_unshuffle(F.pad(x, (1, beside, 1, below)), 2)
    return F.conv2d(blocks, F.pixel_unshuffle(weight, 2), bias)


def doubled(
    x: Float[Tensor, "B K h w"], weight: Tensor, bias: Tensor | None, missing: tuple[int, int] = (0, 0)
) -> Tensor:
    """The transposed convolution by `weight` (K, C, 4, 4); `missing` rows and columns (0 or 1) are added at the end."""
    if weight.shape[1] > FEW:
        return F.conv_transpose2d(x, weight, bias, STRIDE, PADDING, missing)
    bias = None if bias is None else bias.repeat_interleave(4)
    blocks = F.conv_transpose2d(x, F.pixel_unshuffle(weight, 2), bias)
    height, width = (2 * side + more for side, more in zip(x.shape[2:], missing))
    return F.pixel_shuffle(blocks, 2)[:, :, 1 : 1 + height, 1 : 1 + width]
