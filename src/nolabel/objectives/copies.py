"""Whether samples are copies of data: by how much each lies nearer to one datum than to every other.

    r(f) = ‖f − x₍₁₎‖ / ‖f − x₍₂₎‖,     x₍₁₎ and x₍₂₎ the data that are nearest to f
    copied = share of the samples with r(f) < q,     q the 5 % quantile of r(x_i), each x_i among the others

New samples of the data's distribution have about 5 %, as the data have among themselves (the fewer x_i, the more q
wavers); copies have all. Other samples have what the form of the data gives them: of images, what is blurred or between
the data has few or none, for a blur is near to many data at once, so that its distance alone would say nothing. Samples
that are all alike have all or none, and those far from the data may have many: neither are copies, whatever the share.
Of data of which more than 5 % occur twice nothing is said: the share is 0. Held-out data are not needed. With only some
of the data to go by, only copies of those are found.

Distances that rounding cannot tell from 0 count as 0, and a ratio of two such as 1. Meehan et al. 2020
(arXiv:2004.05675) compare distances of samples with those of held-out data, for the same end. Knows no model.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor

AMONG_NEW = 0.05  # share of new samples that count as copies
_FEW_VALUES = 16  # up to which distances are taken difference by difference, not from squares
_GRAIN = (1e-6, 1e-3)  # of the spread of the points: what rounding leaves of a distance, by differences and by squares


@torch.no_grad()
def two_nearest(
    points: Float[Tensor, "N D"], among: Iterable[Tensor], own: Int[Tensor, "N"] | None = None
) -> tuple[Float[Tensor, "N 2"], Int[Tensor, "N 2"]]:
    """Distances of each point to the two nearest data, nearest first, and their row numbers.

    Parameters
    ----------
    points
        (N, D).
    among
        The data, at least two rows in all, in parts (M, D) that follow each other.
    own
        (N,) row number of each point among the data, which then does not count as its neighbour; None if they are none
        of them.
    """
    middle = points.mean(0)
    exact = points.shape[1] <= _FEW_VALUES
    mode = "donot_use_mm_for_euclid_dist" if exact else "use_mm_for_euclid_dist"
    best, index = points.new_full((len(points), 2), torch.inf), torch.zeros(len(points), 2, dtype=torch.int64)
    index = index.to(points.device)
    start = 0
    for part in among:
        apart = torch.cdist(points - middle, part - middle, compute_mode=mode)
        if own is not None:
            _leave_out(apart, own - start)
        rows = torch.arange(start, start + len(part), device=points.device).expand_as(apart)
        best, chosen = torch.cat([best, apart], 1).topk(2, dim=1, largest=False)
        index = torch.cat([index, rows], 1).gather(1, chosen)
        start += len(part)
    return best, index


def _leave_out(apart: Tensor, columns: Tensor) -> None:
    """Make the distance to one's own column infinite, where there is one."""
    here = (columns >= 0) & (columns < apart.shape[1])
    apart[here.nonzero()[:, 0], columns[here]] = torch.inf


def ratios(distances: Float[Tensor, "N 2"], points: Float[Tensor, "N D"]) -> Float[Tensor, "N"]:
    """The r of each of the points, whose distances to their two nearest data are given; 1 where both are 0."""
    spread = (points - points.mean(0)).square().sum(1).mean().sqrt()
    grain = (_GRAIN[points.shape[1] > _FEW_VALUES] * spread).clamp_min(1e-30)
    nearest, second = torch.where(distances > grain, distances, 0.0).unbind(1)
    return torch.where(second > 0, nearest / second, 1.0)


def copied(of_samples: Float[Tensor, "N"], of_data: Float[Tensor, "M"]) -> float:
    """Share of the samples whose r is below the 5 % quantile of that of the data, each among the others."""
    return (of_samples < of_data.quantile(AMONG_NEW)).float().mean().item()
