"""Corruptions of a batch in network space: what a denoising autoencoder must undo.

Every function takes x (B, ...) and the step's draws, and returns a corrupted copy of the same shape. Numbers are drawn
for the whole batch at once. Knows nothing of nets or losses.
"""

import torch
from torch import Tensor

from nolabel.randomness import Draws


def gaussian(x: Tensor, amount: float | Tensor, draws: Draws) -> Tensor:
    """X + ε, ε ~ N(0, amount²) entry by entry. Values may leave [0, 1]."""
    return x + amount * draws.normal(x)


def masking(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """Each entry set to 0 with probability `amount` (Vincent et al. 2008)."""
    return x * (draws.uniform(x) >= amount)


def salt_and_pepper(x: Tensor, amount: float, low: float, high: float, draws: Draws) -> Tensor:
    """Each entry set to `low` or `high`, by a fair coin, with probability `amount` (Vincent et al. 2010, 3.1)."""
    u = draws.uniform(x)
    x = torch.where(u < amount / 2, torch.full_like(x, low), x)
    return torch.where((u >= amount / 2) & (u < amount), torch.full_like(x, high), x)


def blocks(x: Tensor, amount: float, draws: Draws) -> Tensor:
    """One rectangle of each image (B, C, H, W) set to 0.

    It covers the fraction `amount` of the image, at a place drawn uniformly among those where it fits (random erasing,
    Zhong et al. 2020, with one value). Its sides are to each other as the image's, times 1/2 to 2; less when it would
    not fit.
    """
    if amount == 0:
        return x.clone()
    height, width = x.shape[-2:]
    u = draws.uniform(x.new_empty(len(x), 3))
    stretch = 2 ** (u[:, 0] - 0.5)  # square root of the aspect ratio
    h = (height * amount**0.5 * stretch).clamp(max(1.0, height * amount), height)  # lower would be wider than the image
    w = (height * width * amount / h).clamp(1, width)
    top, left = u[:, 1] * (height - h), u[:, 2] * (width - w)
    rows = torch.arange(height, device=x.device)[None]
    columns = torch.arange(width, device=x.device)[None]
    in_rows = (rows >= top[:, None].round()) & (rows < (top + h)[:, None].round())
    in_columns = (columns >= left[:, None].round()) & (columns < (left + w)[:, None].round())
    inside = in_rows[:, :, None] & in_columns[:, None, :]
    return x.masked_fill(inside[:, None], 0.0)
