"""What is done to the pixels of a finished view: blur, solarize, posterize and erased rectangles.

Every function takes images x (B, C, H, W) and what was drawn for each sample. Knows nothing of geometry or colour
circles.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def blur(
    x: Float[Tensor, "B C H W"], sigma: Float[Tensor, " B"], reach: tuple[int, int], chosen: Bool[Tensor, " B"]
) -> Float[Tensor, "B C H W"]:
    """The chosen samples through a Gaussian of `sigma` pixels, cut off `reach` pixels (down, across) from its centre.

    Beyond its edge the image is mirrored. Separable, so two matrix products a channel.
    """
    down = _smoothing(sigma, x.shape[2], min(reach[0], x.shape[2] - 1), chosen)
    across = _smoothing(sigma, x.shape[3], min(reach[1], x.shape[3] - 1), chosen)
    smooth = (x.flatten(1, 2) @ across.transpose(1, 2)).view_as(x)
    blurred: Tensor = down[:, None] @ smooth
    return blurred


def _smoothing(
    sigma: Float[Tensor, " B"], side: int, reach: int, chosen: Bool[Tensor, " B"]
) -> Float[Tensor, "B side side"]:
    """Rows of weights; the identity for a sample that is not chosen."""
    offsets = torch.arange(-reach, reach + 1, device=sigma.device, dtype=sigma.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    kernel = torch.where(chosen[:, None], kernel, (offsets == 0).to(kernel))
    places = torch.arange(side, device=sigma.device)[:, None] + offsets.long()  # (side, 2 reach + 1)
    places = places.abs()
    places = torch.where(places >= side, 2 * (side - 1) - places, places)
    weights = kernel.new_zeros(len(kernel), side, side)
    return weights.scatter_add_(2, places.expand(len(kernel), -1, -1), kernel[:, None].expand(-1, side, -1))


def solarize(x: Float[Tensor, "B C H W"], threshold: float, chosen: Bool[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
    """1 - x where x is at least `threshold`, in the chosen samples."""
    return torch.where(chosen[:, None, None, None] & (x >= threshold), 1 - x, x)


def posterize(x: Float[Tensor, "B C H W"], bits: int, chosen: Bool[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
    """Values in [0, 1] cut down to 2^bits levels, 0 to 1 - 2^-bits, in the chosen samples."""
    levels = 2**bits
    cut = (x * levels).floor().clamp(0, levels - 1) / levels
    return torch.where(chosen[:, None, None, None], cut, x)


def erase(
    x: Float[Tensor, "B C H W"], boxes: Int[Tensor, "B 4"], chosen: Bool[Tensor, " B"], value: float = 0.0
) -> Float[Tensor, "B C H W"]:
    """The box (top, left, height, width) of every chosen sample filled with `value` (Zhong et al. 2020)."""
    top, left, height, width = boxes.unbind(1)
    rows = torch.arange(x.shape[2], device=x.device)[None]
    columns = torch.arange(x.shape[3], device=x.device)[None]
    in_rows = (rows >= top[:, None]) & (rows < (top + height)[:, None]) & chosen[:, None]
    in_columns = (columns >= left[:, None]) & (columns < (left + width)[:, None])
    return x.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], value)


def draw_erased(
    u: Float[Tensor, "B U"], size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[Int[Tensor, "B 4"], Bool[Tensor, " B"]]:
    """Boxes to erase from uniform numbers as `geometry.draw_boxes` takes, and whether one was found that fits.

    Drawn as torchvision's RandomErasing does: a box is smaller than the image in both directions, its ratio is height
    by width, and when none of the proposals fits, nothing is erased.
    """
    height, width = size
    tries = (u.shape[1] - 2) // 2
    area = height * width * (scale[0] + (scale[1] - scale[0]) * u[:, :tries])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + (high - low) * u[:, tries : 2 * tries])
    h, w = (area * aspect).sqrt().round(), (area / aspect).sqrt().round()
    fits = (h < height) & (w < width) & (h > 0) & (w > 0)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    h, w = h.gather(1, first)[:, 0], w.gather(1, first)[:, 0]
    top, left = (u[:, -2] * (height - h + 1)).floor(), (u[:, -1] * (width - w + 1)).floor()
    return torch.stack([top, left, h, w], 1).long(), fits.any(1)
