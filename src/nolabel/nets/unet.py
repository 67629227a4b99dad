"""U-Net: from image to image, coarse things by way of a small map, fine ones straight across.

    entry → halving stages → bottom → doubling stages → exit,     each doubling stage also sees what was halved there

After Ronneberger et al. 2015 (arXiv:1505.04597) in the manner of Isola et al. 2017 (arXiv:1611.07004): 4 x 4 kernels of
stride 2 down and up, leaky rectifiers of slope 0.2 on the way down. Entry, bottom and exit are 3 x 3 kernels; entry and
exit keep the full size, so that what is to stay as it is need not pass through a smaller map. Sides need not be powers
of two: an odd side is rounded down, and the row or column is added again on the way up. The weights do not depend on
height and width: images of another size than those of training can be given, too, of at least 2^stages pixels a side.

Knows nothing of pairs, damage or losses.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.discriminator import SLOPE
from nolabel.nets.halving import KERNEL, PADDING, STRIDE
from nolabel.nets.instance_norm import InstanceNorm

Norm = Literal["instance", "none"]
SIDE = 4  # the smaller one of the map at the bottom, at most; and of what `code` makes of it, either one


def levels(height: int, width: int) -> int:
    """How often images are halved until the smaller side has at most 4 pixels; 0 for those that have no more."""
    side, times = min(height, width), 0
    while side > SIDE:
        side, times = side // 2, times + 1
    return times


@final
class UNet(nn.Module):
    """Images of `channels_in` to images of `channels_out` of the same height and width.

    Parameters
    ----------
    channels_in, channels_out
        C of what is given and of what is made.
    widths
        Channels at full size, then after each halving: one entry more than there are halvings.
    norm
        "instance" normalises every stage between entry and exit; "none" nothing, for what depends on how bright or
        how rich in contrast an image is.
    unit
        Whether values lie in [0, 1], given and made; then the given ones are looked at as [-1, 1], and the exit ends in
        a logistic function.
    """

    def __init__(
        self, channels_in: int, channels_out: int, widths: Sequence[int], norm: Norm = "instance", *, unit: bool
    ) -> None:
        super().__init__()
        self.channels_in = channels_in
        self.unit = unit
        self.entry = nn.Sequential(_started(nn.Conv2d(channels_in, widths[0], 3, padding=1)), nn.LeakyReLU(SLOPE))
        self.down = nn.ModuleList(_halving(finer, coarser, norm) for finer, coarser in pairwise(widths))
        self.bottom = _bottom(widths[-1], norm)
        # the coarsest stage sees the bottom alone, every other one what comes from below beside what was halved there
        below = [2 * width for width in widths[:-1]] + [widths[-1]]
        self.up = nn.ModuleList(
            _Doubling(below[level + 1], widths[level], norm) for level in reversed(range(len(widths) - 1))
        )
        self.exit = _started(nn.Conv2d(below[0], channels_out, 3, padding=1), gain=1.0)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """What is made of x."""
        maps = self._halved(x)
        y = self.bottom(maps.pop())
        for stage in self.up:
            across = maps.pop()
            y = torch.cat([stage(y, across.shape[2:]), across], 1)
        y = self.exit(y)
        return torch.sigmoid(y) if self.unit else y

    def code(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B L"]:
        """The map at the bottom, as its maxima over at most 4 x 4 places: a mean would tell nothing after a norm."""
        y = self.bottom(self._halved(x)[-1])
        return F.adaptive_max_pool2d(y, (min(SIDE, y.shape[2]), min(SIDE, y.shape[3]))).flatten(1)

    def _halved(self, x: Tensor) -> list[Tensor]:
        """The maps from the entry's to the smallest one."""
        maps = [self.entry(2 * x - 1 if self.unit else x)]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        return maps


@final
class _Doubling(nn.Module):
    """A map twice as high and wide, or one row or column more."""

    def __init__(self, width_in: int, width_out: int, norm: Norm) -> None:
        super().__init__()
        self.layer = _started(nn.ConvTranspose2d(width_in, width_out, KERNEL, STRIDE, PADDING, bias=norm == "none"))
        self.after = nn.Sequential(*_after(width_out, norm), nn.ReLU())

    def forward(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """(B, width_in, h, w) to (B, width_out, *size)."""
        return self.after(self.layer(x, output_size=list(size)))  # type: ignore[no-any-return]


def _halving(width_in: int, width_out: int, norm: Norm) -> nn.Sequential:
    layer = nn.Conv2d(width_in, width_out, KERNEL, STRIDE, PADDING, bias=norm == "none")
    return nn.Sequential(_started(layer), *_after(width_out, norm), nn.LeakyReLU(SLOPE))


def _bottom(width: int, norm: Norm) -> nn.Sequential:
    layer = nn.Conv2d(width, width, 3, padding=1, bias=norm == "none")
    return nn.Sequential(_started(layer), *_after(width, norm), nn.LeakyReLU(SLOPE))


def _after(width: int, norm: Norm) -> list[nn.Module]:
    return [InstanceNorm(width)] if norm == "instance" else []


def _started(layer: "nn.Conv2d | nn.ConvTranspose2d", gain: float = 2 / (1 + SLOPE**2)) -> nn.Module:
    """The layer with first weights that keep the spread of values: variance `gain` over the taps of an output."""
    taps = layer.weight[0, 0].numel() // (STRIDE**2 if isinstance(layer, nn.ConvTranspose2d) else 1)
    nn.init.normal_(layer.weight, std=(gain / (layer.in_channels * taps)) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
