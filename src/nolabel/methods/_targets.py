"""What an estimator offers that learns what is to be made of samples, and so is given targets in the place of labels.

It knows no method. `_base.py` asks for it when it takes the data in.
"""

from abc import ABC, abstractmethod
from typing import Any

from nolabel.data.dataset import Dataset
from nolabel.types import DataSpec


class TakesTargets(ABC):
    """`fit(X, y)`: y is a source, too."""

    @abstractmethod
    def with_targets(self, data: Dataset, y: Any, spec: DataSpec | None) -> Dataset:
        """The samples `data` and the targets `y` as one data set of `data/pairs.py`; `spec` is a fitted model's."""
