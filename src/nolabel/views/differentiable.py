"""DiffAugment: changes of images through which gradients flow, for a discriminator that has few images to learn from.

    a discriminator sees T(x) of reals and T(G(z)) of fakes, and the generator learns through T: what it makes is not
    itself augmented, as it would be if the data alone were.

    colour        x + β;  m + s (x − m), m the mean of a pixel's channels;  μ + c (x − μ), μ the image's mean
    translation   by up to an eighth of each side, in whole pixels
    cutout        a rectangle of half of each side, its centre anywhere, so that it may reach beyond the edge

The paper's code has values in [−1, 1] and draws β from U(−0.5, 0.5), s from U(0, 2), c from U(0.5, 1.5); what has no
pixel becomes 0, the middle of grey. Here values lie in [0, 1], half as far apart: β is U(−0.25, 0.25), the factors are
the same, and the middle of grey is 0.5. As there, nothing is clipped. Saturation acts on three channels only: of one
channel it changes nothing.

Zhao, Liu, Lin, Zhu and Han 2020, "Differentiable Augmentation for Data-Efficient GAN Training", arXiv:2006.10738.
Knows no discriminator.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec

BRIGHTNESS = 0.25  # greatest |β|: the paper's 0.5 in half the range
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
GREY = 0.5  # the paper's 0
USES = 7  # uniform numbers that a sample takes: three of colour, two of translation, two of cutout


@final
@dataclass(frozen=True)
class DiffAugment:
    """Images changed in colour and place, each with numbers of its own, differentiably.

    Called with a batch of network values (B, C, H, W) and the step's draws: `DiffAugment(spec)(x, Draws(seed, step))`.
    Clips (B, C, T, H, W), too: all frames of one are changed alike.
    Reals and fakes are given one after the other, not in one batch, so that each has as many rows as the draws.

    Parameters
    ----------
    spec : DataSpec
        What the samples look like: images or clips, of any height and width.
    colour : bool, default=True
        Whether brightness, saturation and contrast change.
    translation : float, default=0.125
        Largest move, as a share of each side; at least 0, below 1. 0 moves nothing.
    cutout : float, default=0.5
        Sides of the rectangle that is cut out, as a share of the image's; at least 0, below 1. 0 cuts nothing.
    fill : float, default=0.5
        What pixels without a value become.

    Raises
    ------
    ArgumentError
        The samples are no images or clips, or a share is out of range; said when it is made.
    """

    spec: DataSpec
    colour: bool = True
    translation: float = 0.125
    cutout: float = 0.5
    fill: float = GREY

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if len(self.spec.shape) not in (3, 4):
            raise ArgumentError(
                f"DiffAugment changes images (C, H, W) and clips (C, T, H, W); got samples of shape {self.spec.shape}. "
                "Leave it out (augment=False)"
            )
        for name in ("translation", "cutout"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise ArgumentError(f"{name} must be a share of the image's side, at least 0, below 1; got {share!r}")

    def __call__(self, x: Float[Tensor, "B C *T H W"], draws: Draws) -> Float[Tensor, "B C *T H W"]:
        """The images or clips, changed; of x's dtype."""
        u = draws.uniform(x.new_empty(len(x), USES))
        if self.colour:  # of a clip as if its frames stood one above the other: what is drawn is of all of them
            x = recolour(x.flatten(2, -2), *draw_colours(u[:, :3])).view_as(x)
        height, width = x.shape[-2:]
        rows, kept_rows = self._along(u[:, 3], height)
        columns, kept_columns = self._along(u[:, 4], width)
        kept = kept_rows[:, :, None] & kept_columns[:, None, :]
        if (_part(height, self.cutout), _part(width, self.cutout)) != (height, width):  # something must be left
            kept = kept & ~(self._cut(u[:, 5], height)[:, :, None] & self._cut(u[:, 6], width)[:, None, :])
        return displace(x.flatten(1, -3), rows, columns, kept, self.fill).view_as(x)

    def _along(self, u: Float[Tensor, " B"], side: int) -> tuple[Int[Tensor, "B side"], Bool[Tensor, "B side"]]:
        """For each place of a side the place whose value moves there, and whether that lies in the image."""
        reach = _part(side, self.translation)
        source = torch.arange(side, device=u.device) - (_among(u, 2 * reach + 1) - reach)[:, None]
        return source.clamp(0, side - 1), (source >= 0) & (source < side)

    def _cut(self, u: Float[Tensor, " B"], side: int) -> Bool[Tensor, "B side"]:
        """Where along a side the rectangle lies. An even one is centred between pixels: there is one centre more."""
        length = _part(side, self.cutout)
        first = _among(u, side + 1 - length % 2)[:, None] - length // 2
        places = torch.arange(side, device=u.device)
        return (places >= first) & (places < first + length)


def draw_colours(u: Float[Tensor, "B 3"]) -> tuple[Tensor, Tensor, Tensor]:
    """β, s and c (B,) from uniform numbers in [0, 1)."""
    brightness, saturation, contrast = u.unbind(1)
    (low, high), (flat, steep) = SATURATION, CONTRAST
    return BRIGHTNESS * (2 * brightness - 1), low + (high - low) * saturation, flat + (steep - flat) * contrast


def recolour(
    x: Float[Tensor, "B C H W"],
    brightness: Float[Tensor, " B"],
    saturation: Float[Tensor, " B"],
    contrast: Float[Tensor, " B"],
) -> Float[Tensor, "B C H W"]:
    """β added, then differences between a pixel's channels times s, then differences from the image's mean times c.

    The three in one: c s x + c (1 − s) m + (1 − c) μ + β, for s leaves μ as it is, and β is left by both.
    """
    beta, s, c = (value.to(x.dtype)[:, None, None, None] for value in (brightness, saturation, contrast))
    added = (1 - c) * x.mean((1, 2, 3), keepdim=True) + beta
    if x.shape[1] != 3:
        return torch.addcmul(added, x, c)
    return torch.addcmul(torch.addcmul(added, x.mean(1, keepdim=True), c * (1 - s)), x, c * s)


def displace(
    x: Float[Tensor, "B C H W"],
    rows: Int[Tensor, "B H"],
    columns: Int[Tensor, "B W"],
    kept: Bool[Tensor, "B H W"],
    fill: float,
) -> Float[Tensor, "B C H W"]:
    """Pixel (i, j) of sample b is x[b, :, rows[b, i], columns[b, j]] where `kept`, else `fill`."""
    source = (rows * x.shape[3])[:, :, None] + columns[:, None, :]
    moved = x.flatten(2).gather(2, source.flatten(1)[:, None].expand(-1, x.shape[1], -1)).view_as(x)
    return moved.masked_fill(~kept[:, None], fill)


def _part(side: int, share: float) -> int:
    """A share of a side in whole pixels, rounded half up as in the paper's code."""
    return int(side * share + 0.5)


def _among(u: Float[Tensor, " B"], count: int) -> Int[Tensor, " B"]:
    """Whole numbers below `count` from uniform ones; a product may be rounded up to `count` itself."""
    return (u * count).long().clamp_max(count - 1)
