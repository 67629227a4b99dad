"""`TokenCodec`: what a learner offers whose code is a row of choices among K entries of a codebook.

Such a code can be written down in whole numbers, and a prior over them says how many bits they are worth. No method is
named here.
"""

from abc import abstractmethod

from torch import Tensor

from nolabel.methods._base import Codec


class TokenCodec(Codec):
    """A codec whose code is P numbers of entries."""

    @abstractmethod
    def numbers(self, x: Tensor) -> Tensor:
        """Numbers k of the codebook's entries: (B, *shape) to (B, P)."""

    @abstractmethod
    def choices(self) -> int:
        """K, entries of the codebook."""

    @abstractmethod
    def surprise(self, k: Tensor) -> Tensor:
        """−log p(k) by the learned prior, in nats, of numbers (B, P): (B,)."""
