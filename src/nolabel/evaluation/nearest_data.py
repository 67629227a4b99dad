"""Each sample beside the datum that is nearest to it, and whether that makes it a copy (`objectives/copies.py`).

Of values or of any features; real samples that are not among the data (or the data themselves, each among the others)
show what is usual. Knows no model and no data set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nolabel.objectives.copies import copied, ratios, two_nearest

_PART = 2**22  # values held against the samples at a time


@final
@dataclass(frozen=True)
class Nearest:
    """What was found for M samples.

    Parameters
    ----------
    rows
        (M,) row number of the datum nearest to each.
    distances
        (M,) how far it is.
    ratios
        (M,) that distance by the one to the second nearest: the smaller, the more is it a copy.
    copied
        Share of the samples that are copies.
    usual
        Median distance of real samples to the nearest datum.
    """

    rows: Int[np.ndarray, "M"]
    distances: Float[np.ndarray, "M"]
    ratios: Float[np.ndarray, "M"]
    copied: float
    usual: float


def nearest_data(
    samples: Float[Tensor, "M D"],
    data: Float[Tensor, "N D"],
    held_out: Float[Tensor, "R D"] | None = None,
    *,
    compared: int = 128,
) -> Nearest:
    """The datum nearest to each sample, and what is usual.

    Parameters
    ----------
    samples
        (M, D).
    data
        (N, D), N of at least 3.
    held_out
        (R, D) real samples that are not among the data: their distances are the usual ones. None takes data instead,
        each among the others.
    compared
        Data that are held against the others, to know what is no copy.
    """
    own = torch.linspace(0, len(data) - 1, min(compared, len(data))).long()
    among, _ = two_nearest(data[own], _parts(data), own)
    found, rows = two_nearest(samples, _parts(data))
    real = among if held_out is None else two_nearest(held_out, _parts(data))[0]
    each = ratios(found, samples)
    return Nearest(
        rows[:, 0].numpy(),
        found[:, 0].numpy(),
        each.numpy(),
        copied(each, ratios(among, data[own])),
        real[:, 0].median().item(),
    )


def _parts(data: Tensor) -> Iterator[Tensor]:
    return iter(torch.split(data, max(1, _PART // data.shape[1])))
