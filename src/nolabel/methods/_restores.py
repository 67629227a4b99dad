"""`Restores`: what a method offers that undoes damage to images of any size. No method is named here."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Restores(ABC):
    """A method that gives images back without their damage."""

    @abstractmethod
    def restore(self, X: Any, mask: Any = None) -> NDArray[Any]:
        """The images of `X` restored, in the form in which they came; `mask` says where something is missing."""

    @abstractmethod
    def damage(self, X: Any, random_state: int = 0) -> "tuple[NDArray[Any], NDArray[np.bool_] | None]":
        """The images of `X` damaged as in training, and where they are missing (N, H, W), if anywhere."""
