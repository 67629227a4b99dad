"""First weights of a map's units, from a look at the samples: principal components, samples, or noise.

    pca       m_k = mean + Σ_a t_ka σ_a v_a,  v_a and σ_a the principal directions and deviations

On a plane t_k are the unit's two coordinates, brought to mean 0 and deviation 1, the longer side of the grid along the
first direction (Kohonen 2001, section 3.7). On a toroid each side goes around a circle in two directions of its own,
(√2 cos θ, √2 sin θ), so that first weights have no seam where edges meet; where the samples vary along fewer directions
than that takes, a circle would be folded flat, and the toroid begins as a plane does. It knows no training.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.objectives.grids import Grid
from nolabel.objectives.topographic import row_of_each, rows_of
from nolabel.randomness import Draws

Start = Literal["pca", "samples", "random"]

_ROUNDS = 12  # of subspace iteration: a start need not be exact
_LEAST_DEVIATION = 0.01  # along a direction, of that along the first: a circle there would be as good as flat
_SPARE = 6  # directions iterated beside those wanted, which makes those converge


def first_units(start: Start, grid: Grid, x: Float[Tensor, "N D"], draws: Draws) -> Float[Tensor, "K D"]:
    """Weights to begin with, from samples x (dense, or rows of a sparse CSR tensor)."""
    if start == "pca":
        return spread(grid, x, draws)
    if start == "samples":
        order = draws.uniform(torch.empty(len(x))).argsort()
        chosen = order.repeat(-(-grid.units // len(x)))[: grid.units].to(x.device)
        return rows_of(x, chosen)
    mean = _mean(x)
    deviation = _mean_square(x, mean).clamp_min(0).sqrt()
    return mean + deviation * draws.normal(torch.empty(grid.units, x.shape[1])).to(mean)


def spread(grid: Grid, x: Float[Tensor, "N D"], draws: Draws) -> Float[Tensor, "K D"]:
    """Units along the principal components of x."""
    where = _around(grid) if grid.topology == "toroid" else _across(grid)
    directions, deviations = principal(x, where.shape[1], draws)
    varied = int((deviations > _LEAST_DEVIATION * deviations.max()).sum())
    if varied < where.shape[1]:
        where = _across(grid)
    wanted = min(where.shape[1], len(deviations))
    along = where[:, :wanted].to(deviations) * deviations[:wanted]
    return _mean(x) + along @ directions[:, :wanted].t()


def _across(grid: Grid) -> Float[Tensor, "K 2"]:
    """Where each unit lies along each direction: mean 0, deviation 1; the first direction goes to the longer side."""
    order, _ = _sides(grid)
    placed = grid.positions[:, order]
    centred = placed - placed.mean(0)
    return centred / centred.square().mean(0).sqrt().clamp_min(1e-12)


def _around(grid: Grid) -> Float[Tensor, "K A"]:
    """The same on a toroid: cosine and sine for each side, the longer one first, none for a side of one unit."""
    order, sides = _sides(grid)
    angles = [2 * math.pi * grid.positions[:, axis] / sides[axis] for axis in order if sides[axis] > 1]
    return math.sqrt(2) * torch.stack([f(angle) for angle in angles for f in (torch.cos, torch.sin)], dim=1)


def _sides(grid: Grid) -> tuple[list[int], tuple[float, float]]:
    """The axes, that of the longer side first, and the length of the side along each."""
    sides = (float(grid.columns), grid.rows * grid.row_height)
    return ([0, 1] if sides[0] >= sides[1] else [1, 0]), sides


def principal(x: Float[Tensor, "N D"], count: int, draws: Draws) -> tuple[Float[Tensor, "D A"], Float[Tensor, "A"]]:
    """Principal directions and standard deviations along them, at most `count`, by subspace iteration.

    Each direction points to where its largest entry is positive.
    """
    size = min(count + _SPARE, x.shape[1])
    mean = _mean(x)
    if x.layout != torch.sparse_csr:
        x, mean = x - mean, torch.zeros_like(mean)
    basis = draws.normal(torch.empty(x.shape[1], size)).to(mean)
    for _ in range(_ROUNDS):
        basis, _ = torch.linalg.qr(_times_covariance(x, mean, basis))
    values, turn = torch.linalg.eigh(basis.t() @ _times_covariance(x, mean, basis))
    values, directions = values.flip(0)[:count], (basis @ turn).flip(1)[:, :count]
    signs = directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()
    return directions * torch.where(signs == 0, 1, signs), values.clamp_min(0).sqrt()


def _times_covariance(x: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Σ (x − μ)(x − μ)ᵀ basis / N, without centring x where it is sparse."""
    along = x @ basis - mean @ basis
    return (_transposed_times(x, along) - torch.outer(mean, along.sum(0))) / len(x)


def _transposed_times(x: Tensor, along: Tensor) -> Tensor:
    if x.layout != torch.sparse_csr:
        return x.t() @ along
    total = along.new_zeros(x.shape[1], along.shape[1])
    return total.index_add_(0, x.col_indices(), x.values()[:, None] * along[row_of_each(x)])


def _mean(x: Tensor) -> Tensor:
    """Mean (D,) of x."""
    return x.mean(0) if x.layout != torch.sparse_csr else _column_sums(x, x.values()) / len(x)


def _mean_square(x: Tensor, mean: Tensor) -> Tensor:
    """Mean square (D,) of x − μ."""
    if x.layout != torch.sparse_csr:
        return (x - mean).square().mean(0)
    return _column_sums(x, x.values().square()) / len(x) - mean.square()


def _column_sums(x: Tensor, values: Tensor) -> Tensor:
    return values.new_zeros(x.shape[1]).index_add_(0, x.col_indices(), values)
