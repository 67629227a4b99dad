"""What a method offers whose model sees views: they can be shown to a person as the model sees them.

`MakesViews` is what a learner offers, `ShowsViews` what its estimator does. No method is named here.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from nolabel.errors import whole
from nolabel.randomness import Draws
from nolabel.views.roles import MultiCrop, Pair


class MakesViews(ABC):
    """What a learner must offer for its estimator to show what the model sees."""

    @abstractmethod
    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The views of network values x (B, *shape) that one step would compare; images may have other sizes.

        `mask` (B, D) is True where a value of a table was observed; None if all were.
        """


class MakesPairs(MakesViews):
    """A learner whose step compares the two views of a `Pair`."""

    pair: Pair

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The two views (B, *shape) that a step compares."""
        return list(self.pair(x, draws, mask))


class MakesCrops(MakesViews):
    """A learner whose step compares the views of a `MultiCrop`."""

    crops: MultiCrop

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The large views, then the small ones, which may be of another size."""
        large, small = self.crops(x, draws, mask)
        return [*large, *small]


class ShowsViews:
    """A method whose views can be looked at. Stands beside an `Embedder` whose learner is a `MakesViews`."""

    @torch.no_grad()
    def make_views(self, X: Any, random_state: int = 0) -> "list[np.ndarray[Any, Any] | pd.DataFrame]":
        """Views of the samples in `X` as training makes them, in the form in which `fit` met the data.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        random_state : int, default=0
            Seed of the views.

        Returns
        -------
        list
            One array (or DataFrame) of as many samples as `X` has for each view.
        """
        seed = whole("random_state", random_state, 0)
        estimator: Any = self
        made: list[list[Tensor]] = []
        for number, batch in enumerate(estimator._batches(estimator._open(X))):
            draws = Draws(seed, number, device=batch.x.device)
            made.append([view.cpu() for view in estimator.learner_.views_of(batch.x, draws, batch.mask)])
        return [estimator._restore(iter(parts)) for parts in zip(*made, strict=True)]
