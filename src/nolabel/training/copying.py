"""How often a generator's samples are copies of what it was trained on, while it is trained.

A few samples, and once some of the data, are held against all the data (`objectives/copies.py`), which costs a pass
over these: so it is done after a few epochs only, and not where the data are too many for it. Knows no player, and no
method.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.objectives.copies import copied, ratios, two_nearest
from nolabel.types import to_network

LOOKED_AT = 128  # samples, each time
AMONG = 512  # of the data, held against all the others once: 5 % of fewer are so few that the quantile wavers
FEWEST = 20  # data below which a quantile of 5 % means nothing
MOST_VALUES = 2**28  # values of all the data, above which nothing is measured
_PART = 2**22  # values of the data held against the samples at a time


class Copying:
    """All the data, and how near those are to each other, which is found once.

    Parameters
    ----------
    data
        The data, in memory.
    device
        Where distances are taken.
    """

    def __init__(self, data: Dataset, device: torch.device) -> None:
        self.data = data
        self.device = device
        self._own: Tensor | None = None

    @staticmethod
    def can_tell(data: Dataset) -> bool:
        """Whether the data are neither too few nor too many, and at hand."""
        enough = len(data) >= FEWEST and len(data) * data.spec.width <= MOST_VALUES
        return enough and data.in_memory and data.spec.modality != "text"

    def share(self, samples: Tensor) -> float:
        """Share of the samples (N, *shape), in network space, that are copies."""
        if self._own is None:
            self._own = self._among_themselves()
        points = samples.flatten(1).float().to(self.device)
        return copied(ratios(two_nearest(points, self._parts())[0], points), self._own)

    def _among_themselves(self) -> Tensor:
        rows = torch.linspace(0, len(self.data) - 1, min(AMONG, len(self.data))).long()
        points, own = self._rows(rows), rows.to(self.device)
        return ratios(two_nearest(points, self._parts(), own)[0], points)

    def _parts(self) -> Iterator[Tensor]:
        rows = torch.arange(len(self.data))
        return map(self._rows, torch.split(rows, max(1, _PART // self.data.spec.width)))

    def _rows(self, index: Tensor) -> Tensor:
        stored, _ = self.data.rows(index.to(self.data.device))
        return to_network(stored.to(self.device)).flatten(1)
