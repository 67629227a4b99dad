"""Puzzles made of an image, whose answer is known without a label: turned by quarters, or cut into tiles and shuffled.

Whole batches at a time, every sample with draws of its own. Knows nothing of nets or losses.

[1] Gidaris et al. 2018, "Unsupervised representation learning by predicting image rotations", arXiv:1803.07728.
[2] Noroozi and Favaro 2016, "Unsupervised learning of visual representations by solving jigsaw puzzles",
    arXiv:1603.09246.
"""

import functools
import itertools

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from nolabel.randomness import Draws

# --- turns -----------------------------------------------------------------------------------------------------------


def square(x: Float[Tensor, "B C H W"], draws: Draws) -> Float[Tensor, "B C S S"]:
    """The largest square of each image, at a place of its own along the longer side; a square image as it is."""
    height, width = x.shape[2:]
    side, longer = min(height, width), max(height, width)
    if side == longer:
        return x
    first = (draws.uniform(x.new_empty(len(x), 1)) * (longer - side + 1)).long()
    places = first + torch.arange(side, device=x.device)
    if height > width:
        return x.gather(2, places[:, None, :, None].expand(-1, x.shape[1], -1, width))
    return x.gather(3, places[:, None, None, :].expand(-1, x.shape[1], height, -1))


def quarter_turns(x: Float[Tensor, "B C S S"]) -> list[Float[Tensor, "B C S S"]]:
    """The images as they are, and turned to the left by 90, 180 and 270 degrees [1]."""
    return [torch.rot90(x, quarters, (2, 3)) for quarters in range(4)]


# --- tiles -----------------------------------------------------------------------------------------------------------


def tile_size(height: int, width: int, grid: int, gap: float) -> tuple[int, int]:
    """Height and width of the tiles of a grid x grid puzzle: a cell less its share `gap`, at least a pixel if not 0."""
    cells = height // grid, width // grid
    h, w = (cell - (max(1, round(gap * cell)) if gap > 0 else 0) for cell in cells)
    return h, w


def tiles(x: Float[Tensor, "B C H W"], grid: int, gap: float, draws: Draws) -> Float[Tensor, "B P C h w"]:
    """P = grid² tiles of each image, row by row, each at a random place of its cell, so that edges do not meet [2]."""
    height, width = x.shape[2:]
    h, w = tile_size(height, width, grid, gap)
    u = draws.uniform(x.new_empty(len(x), grid * grid, 2))
    top = _starts(height, grid).repeat_interleave(grid).to(x.device)
    left = _starts(width, grid).repeat(grid).to(x.device)
    top = top + (u[..., 0] * (height // grid - h + 1)).long()
    left = left + (u[..., 1] * (width // grid - w + 1)).long()
    rows = top[..., None, None] + torch.arange(h, device=x.device)[:, None]
    columns = left[..., None, None] + torch.arange(w, device=x.device)
    which = torch.arange(len(x), device=x.device)[:, None, None, None]
    return x.permute(0, 2, 3, 1)[which, rows, columns].permute(0, 1, 4, 2, 3)


def _starts(length: int, grid: int) -> Tensor:
    """First pixel of each cell."""
    return torch.arange(grid) * length // grid


def standardised(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
    """Each tile with mean 0 and deviation 1, so that it cannot be placed by how bright it is [2]; a flat one is 0."""
    over = (1, 2, 3)
    centred = x - x.mean(over, keepdim=True)
    return centred / centred.square().mean(over, keepdim=True).sqrt().clamp_min(1e-2)


def put_together(pieces: Float[Tensor, "B P C h w"], height: int, width: int) -> Float[Tensor, "B C H W"]:
    """The tiles in the order in which they are, each in the middle of a cell of a black image."""
    grid = round(pieces.shape[1] ** 0.5)
    h, w = pieces.shape[3:]
    image = pieces.new_zeros(len(pieces), pieces.shape[2], height, width)
    tops = (_starts(height, grid) + (height // grid - h) // 2).tolist()
    lefts = (_starts(width, grid) + (width // grid - w) // 2).tolist()
    for number, (top, left) in enumerate(itertools.product(tops, lefts)):
        image[:, :, top : top + h, left : left + w] = pieces[:, number]
    return image


@functools.cache
def far_permutations(size: int, count: int) -> NDArray[np.int64]:
    """`count` orders of `size` things, far from each other (as in algorithm 1 of [2]): (count, size), always the same.

    The first is the order as it is; each next is the one whose Hamming distance to the nearest of those before is the
    greatest; among equals, the one farthest from all of them together, which is all that [2] asks,
    and then the first in lexicographic order.
    """
    every = np.array(list(itertools.permutations(range(size))), dtype=np.int8)
    nearest, sums = np.full(len(every), size + 1), np.zeros(len(every), dtype=np.int64)
    chosen = [0]
    for _ in range(count - 1):
        apart = (every != every[chosen[-1]]).sum(1)
        nearest, sums = np.minimum(nearest, apart), sums + apart
        chosen.append(int(np.argmax(nearest * (size * count + 1) + sums)))
    found = every[chosen].astype(np.int64)
    found.flags.writeable = False  # it is cached
    return found
