"""The role `Mask`: which patches of an image, or columns of a row, are hidden from the model.

Of every sample exactly as many are hidden as of any other, so that what is left of a batch is a tensor again. It says
what is hidden, and neither hides it nor knows who looks for it.
"""

from numbers import Real
from typing import Any, final

import torch
from torch import Tensor

from nolabel.errors import ArgumentError, DataError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.patches import patch_grid
from nolabel.views.tables import Columns


@final
class Mask:
    """Patches or columns to hide, drawn for every sample anew, each as likely as any other.

    Parameters
    ----------
    spec
        What the samples look like.
    ratio
        Fraction of them to hide, above 0 and below 1; rounded to whole ones: at least 1, and at least 1 is left.
    patch
        Images: side of a patch in pixels, None to choose (`nolabel.views.patches`).

    Attributes
    ----------
    count : int
        P, patches of an image or columns of a row; a column of categories is one, however many it may be.
    hides : int
        How many of them are hidden.
    grid : (int, int) or None
        Patches down and across.
    side : int or None
        Pixels on a side of a patch.
    columns : Columns or None
        Where a row's columns lie.

    Raises
    ------
    ArgumentError
        A ratio outside (0, 1), or a patch that does not fit.
    DataError
        A single column, of which nothing can be hidden and some left.
    """

    def __init__(self, spec: DataSpec, ratio: float, patch: int | None = None) -> None:
        given: Any = ratio
        is_number = isinstance(given, Real) and not isinstance(given, bool)
        if not (is_number and 0 < float(given) < 1):
            raise ArgumentError(f"mask must be a number above 0 and below 1, the fraction to hide; got {ratio!r}")
        self.grid: tuple[int, int] | None = None
        self.side: int | None = None
        self.columns: Columns | None = None
        if len(spec.shape) == 3:
            self.side, self.grid = patch_grid(spec.shape, patch)
            self.count = self.grid[0] * self.grid[1]
        else:
            self.columns = Columns.read(spec)
            self.count = self.columns.count
        if self.count < 2:
            raise DataError("found 1 feature(s): of one column nothing can be hidden and some left; give at least 2")
        self.hides = min(max(1, round(ratio * self.count)), self.count - 1)

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """True for what is hidden: samples (B, *shape) to (B, P)."""
        u = draws.uniform(x.new_empty(len(x), self.count))
        hidden = torch.zeros(u.shape, dtype=torch.bool, device=u.device)
        return hidden.scatter(1, u.argsort(1)[:, : self.hides], True)

    def visible(self, hidden: Tensor) -> Tensor:
        """Numbers of what is left, in order: (B, P) bool to (B, P - hides)."""
        hidden_last = hidden.to(torch.uint8).argsort(dim=1, stable=True)
        return hidden_last[:, : self.count - self.hides]
