"""`Translator`: an estimator that makes images of images, as it learned from examples of both kinds.

    fit(X, Y),   translate(X)  →  images in the form in which `fit` met Y

and `Translates`, what its learner must offer. Batches of training hold pairs (B, C + D, H, W), what is given before
what is to be made of it; `transform`, `translate` and all else meet what is given. No method is named here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import pairs, source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.methods._base import Embedder, is_constant
from nolabel.methods._targets import TakesTargets
from nolabel.types import DataSpec


class Translates(ABC):
    """What a learner must offer for its estimator to be a `Translator`."""

    @abstractmethod
    def translate(self, x: Tensor) -> Tensor:
        """Given images (B, C, H, W) to targets (B, D, H, W), in network values."""


class Translator(Embedder, TakesTargets):
    """A method that learns to make one kind of images of another."""

    matched: ClassVar[bool]  # whether the i-th target belongs to the i-th image

    def with_targets(self, data: Dataset, y: Any, spec: DataSpec | None) -> Dataset:
        """Images and targets as one data set."""
        name = type(self).__name__
        if data.spec.modality != "image":
            raise ModalityError(f"{name} makes images of images; {data!r} is of kind {data.spec.modality}")
        if y is None:
            raise ArgumentError(
                f"{name} learns to make images of images and was given X only: fit(X, Y), where Y are the targets, any "
                "source of images"
            )
        own = None if spec is None else pairs.target_spec(spec)
        targets = pairs.open_targets(y, data, self.options() if spec is None else self._later(), own)
        if spec is None and not self.matched and len(targets) < 2:
            raise DataError(f"found {len(targets)} target in y; learning needs at least 2")
        if spec is None and len(targets) > 1 and is_constant(targets):
            raise DataError(
                f"all {len(targets)} targets in y are identical: there is nothing to learn from constant targets"
            )
        return pairs.paired(data, targets, matched=self.matched)

    @abstractmethod
    def translate(self, X: Any) -> "NDArray[Any]":
        """What is made of the images in `X`: (N, ...), in the layout and type in which `fit` met the targets."""

    @torch.no_grad()
    def _translated(self, data: Dataset, spec: DataSpec, make: Callable[[Tensor], Tensor]) -> "NDArray[Any]":
        """What `make` makes of network values, in the form that `spec` restores."""
        parts = [source.restore(spec, make(batch.x).float().cpu()) for batch in self._batches(data)]
        return np.concatenate(parts)


def parted(spec: DataSpec) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """(C, H, W) of what is given and (D, H, W) of what is to be made, by the spec of what is given."""
    (channels, height, width), made = spec.shape, pairs.target_spec(spec).shape
    return (channels, height, width), (made[0], height, width)
