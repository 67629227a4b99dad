"""What an estimator offers that learns from labelled samples alone, perhaps from where another model ended.

It knows no method. `_base.py` asks for these when it trains, `_folder.py` when it saves.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.training.health import Verdict
from nolabel.types import DataSpec


class Supervised(ABC):
    """The four moments at which such an estimator has a say, and what is kept of it."""

    @abstractmethod
    def starting_spec(self) -> DataSpec | None:
        """The recipe by which samples are opened when a model is begun with; None to learn one from the data."""

    @abstractmethod
    def training_rows(self, labels: Tensor) -> NDArray[np.int64]:
        """Rows to train on, of samples with the class codes `labels` (N,), -1 for unknown; the others are not met."""

    @abstractmethod
    def prepare(self, data: Dataset, labels: Tensor, *, fresh: bool) -> None:
        """Make the learner ready for the samples of `training_rows`; if `fresh` it has random weights so far."""

    @abstractmethod
    def finish(self, data: Dataset, labels: Tensor) -> list[Verdict]:
        """What is left to do when training is over, with all the samples that were given; what should be known."""

    @abstractmethod
    def kept(self) -> dict[str, Any]:
        """Arguments that a saved model holds otherwise than they were given, as JSON can hold them."""
