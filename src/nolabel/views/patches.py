"""An image as square patches, in row order: left to right, then top to bottom.

It knows shapes, and neither nets nor masks.
"""

import math
from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from nolabel.errors import ArgumentError, is_whole

LARGEST = 16  # pixels on a side of a patch that is chosen
ACROSS = 8  # patches aimed at along the longer side


def patch_grid(shape: Sequence[int], patch: int | None = None) -> tuple[int, tuple[int, int]]:
    """Side of a patch in pixels, and how many patches there are down and across.

    Parameters
    ----------
    shape
        (C, H, W) of an image.
    patch
        Side of a patch, which must divide height and width. None chooses the common divisor of both, from 2 to 16,
        that is nearest to an eighth of the longer side.

    Raises
    ------
    ArgumentError
        The samples are no images, or cannot be cut into such patches.
    """
    if len(shape) != 3:
        raise ArgumentError(f"patches are cut from images (C, H, W); these are samples of shape {tuple(shape)}")
    _, height, width = shape
    side = chosen_patch(height, width) if patch is None else checked_patch(height, width, patch)
    return side, (height // side, width // side)


def common_sides(height: int, width: int) -> list[int]:
    """Sides of the patches into which an image can be cut, more than one of them."""
    common = math.gcd(height, width)
    return [side for side in range(1, common + 1) if common % side == 0 and height * width > side * side]


def chosen_patch(height: int, width: int) -> int:
    """A side that suits the size; see `patch_grid`."""
    sides = [side for side in common_sides(height, width) if 2 <= side <= LARGEST]
    if not sides:
        raise ArgumentError(
            f"images of {height} x {width} cannot be cut into square patches of 2 to {LARGEST} pixels; give patch=1 if "
            "the images are tiny, or open them at another size: nolabel.open(source, size=32)"
        )
    aim = max(height, width) / ACROSS
    return min(sides, key=lambda side: abs(side - aim))


def checked_patch(height: int, width: int, patch: int) -> int:
    """The side that was asked for, if it cuts an image into patches."""
    given: Any = patch
    if not is_whole(given) or given < 1:
        raise ArgumentError(f"patch must be a whole number of at least 1, or None to choose; got {patch!r}")
    sides = common_sides(height, width)
    if patch not in sides:
        close = sorted(sides, key=lambda side: abs(side - patch))[:3]
        fitting = ", ".join(map(str, sorted(close)))
        raise ArgumentError(
            f"patch={patch} does not cut images of {height} x {width} into whole patches; give one of {fitting}"
        )
    return int(patch)


def to_patches(x: Float[Tensor, "B C H W"], side: int) -> Float[Tensor, "B P D"]:
    """Images as patches: (B, C, H, W) to (B, P, C side side), P in row order."""
    b, c, height, width = x.shape
    cut = x.reshape(b, c, height // side, side, width // side, side)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * side * side)


def from_patches(patches: Float[Tensor, "B P D"], side: int, grid: tuple[int, int]) -> Float[Tensor, "B C H W"]:
    """The inverse of `to_patches`; `grid` says how many patches there are down and across."""
    rows, columns = grid
    cut = patches.reshape(len(patches), rows, columns, -1, side, side)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), -1, rows * side, columns * side)
