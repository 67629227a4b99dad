"""What a method may want to see of a sample. The method names the role; this room knows how it is made.

`Corrupt` is the first. Pair, MultiCrop, Mask and Identity stand here when the methods that want them do.
"""

import sys
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from torch import Tensor

from nolabel.errors import ArgumentError, not_a_choice
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views import corruption

Noise = Literal["gaussian", "masking", "salt_and_pepper", "blocks"]


@dataclass(frozen=True)
class Corrupt:
    """A damaged version of each sample.

    Parameters
    ----------
    noise : {"gaussian", "masking", "salt_and_pepper", "blocks"}
        Kind of damage; "blocks" erases one rectangle of an image.
    amount : float
        Standard deviation for "gaussian" (in network space; values in [0, 1] stay there), otherwise the fraction of
        entries that is hit.
    spec : DataSpec
        What the samples look like: tells whether blocks make sense, and what salt and pepper are.
    """

    noise: Noise
    amount: float
    spec: DataSpec

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.noise not in get_args(Noise):
            raise not_a_choice("noise", self.noise, get_args(Noise))
        if self.noise == "blocks" and len(self.spec.shape) != 3:
            raise ArgumentError("noise='blocks' erases parts of images; use 'masking' for tables")
        highest = sys.float_info.max if self.noise == "gaussian" else 1.0
        amount: Any = self.amount
        is_number = isinstance(amount, Real) and not isinstance(amount, bool)
        if not (is_number and 0 <= float(amount) <= highest):
            bounds = "at least 0" if highest > 1 else "at least 0 and at most 1"
            raise ArgumentError(f"amount must be a number {bounds}; got {amount!r}")

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Network values (B, *shape), damaged."""
        if self.noise == "gaussian":
            noisy = corruption.gaussian(x, self.amount, draws)
            return noisy.clamp(0, 1) if self.spec.values == "unit" else noisy  # as a noisy image would be stored
        if self.noise == "masking":
            return corruption.masking(x, self.amount, draws)
        if self.noise == "salt_and_pepper":
            low, high = (0.0, 1.0) if self.spec.values == "unit" else (-2.0, 2.0)  # two sd of a standardised column
            return corruption.salt_and_pepper(x, self.amount, low, high, draws)
        return corruption.blocks(x, self.amount, draws)
