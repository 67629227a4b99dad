"""What a method that makes samples tells of itself while it learns: numbers that warn before pictures do.

    diversity   0 when all samples are the same, 1 when they differ as much as the data do
    coverage    share of the data that have a sample nearby (Naeem et al. 2020, arXiv:2002.09797, eq. 8)
    missed      share of the data in holes: neither they nor any of their nearest neighbours have a sample nearby
    reused      0 when every sample has a nearest neighbour of its own in the data, near 1 when all share a few

They are of the whole batch, over all processes, without gradient. Of a batch above `MOST` samples the first ones are
looked at, so that they stay cheap beside a step. Samples that are distributed as the data are have a diversity of 1, a
coverage of 1 − 2^−5 = 0.97, none missed, and 0.4 to 0.65 reused: 1/e by chance alone, more in many dimensions, where
some points are neighbours of many (`mnist`: 0.44). Distances are those of the values themselves: of images, a blur is
near everything, so that a player who makes nothing but the mean image covers much, and is told by its diversity.
Verdicts are drawn elsewhere; nothing here knows a player.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nolabel.nets.sync import gather

NEIGHBOURS = 5  # k of coverage; the paper's choice, for which equal distributions give 0.97
MOST = 256  # samples that are compared with each other


@torch.no_grad()
def sample_signals(fake: Float[Tensor, "B *shape"], real: Float[Tensor, "B *shape"]) -> dict[str, Tensor]:
    """`diversity`, `coverage`, `missed` and `reused` of samples beside as many of the data, both in network space.

    Parameters
    ----------
    fake
        Samples that were made (B, *shape); of each process its own.
    real
        Samples of the data (B, *shape), in random order.

    Returns
    -------
    dict of Tensor
        Scalars without a graph, float32, the same in every process.
    """
    f, x = _whole(fake), _whole(real)
    middle = x.mean(0)  # distances are taken from squares, which lose the fewest digits about the middle
    f, x = f - middle, x - middle
    apart = torch.cdist(x, f)
    near, around = _covered(apart, torch.cdist(x, x), NEIGHBOURS)
    holes = {"coverage": near.float().mean(), "missed": (~around).float().mean()}
    return {"diversity": _diversity(f, x), **holes, "reused": _reused(apart)}


def _diversity(f: Float[Tensor, "N D"], x: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    """Mean ‖f_i − f_{i+1}‖ over mean ‖x_i − x_{i+1}‖, the first after the last.

    1 if the samples of the data do not differ, for nothing is known then.
    """
    made, given = _stride(f), _stride(x)
    return torch.where(given > 0, made / given.clamp_min(1e-12), torch.ones_like(made))


def _whole(x: Tensor) -> Tensor:
    """(N, D) float32: the first rows of the whole batch, flat."""
    return gather(x.detach().flatten(1).float())[:MOST]


def _stride(x: Tensor) -> Tensor:
    steps: Tensor = (x - x.roll(-1, 0)).norm(dim=1)
    return steps.mean()


def _covered(
    apart: Float[Tensor, "M N"], among: Float[Tensor, "M M"], k: int
) -> tuple[Bool[Tensor, "M"], Bool[Tensor, "M"]]:
    """Which x have a sample within reach of their k-th neighbour, and which do or have a neighbour that does.

    With k others or fewer, the farthest of them; all if there is one x only, for nothing is known then. A mode that is
    left out is one hole, and counts whole if more than k of the x are in it; samples that are few or not quite right
    leave single x uncovered, which are in no hole.
    """
    k = min(k, len(among) - 1)
    if k < 1:
        known = torch.ones(len(among), dtype=torch.bool, device=among.device)
        return known, known
    distance, neighbours = among.topk(k + 1, dim=1, largest=False)  # a sample is the nearest to itself
    near = apart.amin(1) <= distance[:, -1]
    return near, near[neighbours].any(1) | near


def _reused(apart: Float[Tensor, "M N"]) -> Float[Tensor, ""]:
    """1 − (number of different x that are nearest to a sample) / N."""
    found = apart.new_zeros(len(apart))
    found[apart.argmin(0)] = 1
    return 1 - found.sum() / apart.shape[1]
