"""First weights of a map's units, from a look at the samples: principal components, samples, or noise.

    pca       m_k = mean + Σ_a t_ka σ_a v_a,  v_a and σ_a the principal directions and deviations

On a plane t_k are the unit's two coordinates, brought to mean 0 and deviation 1, the longer side of the grid along the
first direction (Kohonen 2001, section 3.7). On a toroid each side goes around a circle in two directions of its own,
(√2 cos θ, √2 sin θ), so that first weights have no seam where edges meet. It knows no training.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.objectives.grids import Grid
from nolabel.objectives.topographic import dense, row_of_each
from nolabel.randomness import Draws

Start = Literal["pca", "samples", "random"]

_ROUNDS = 12  # of subspace iteration: a start need not be exact
_SPARE = 6  # directions iterated beside those wanted, which makes those converge


def first_units(start: Start, grid: Grid, x: Float[Tensor, "N D"], draws: Draws) -> Float[Tensor, "K D"]:
    """Weights to begin with, from samples x (dense, or rows of a sparse CSR tensor)."""
    if start == "pca":
        return spread(grid, x, draws)
    if start == "samples":
        order = draws.uniform(torch.empty(len(x))).argsort()
        chosen = order.repeat(-(-grid.units // len(x)))[: grid.units].to(x.device)
        return dense(x)[chosen]
    mean = _mean(x)
    deviation = (_mean(x, 2) - mean.square()).clamp_min(0).sqrt()
    return mean + deviation * draws.normal(torch.empty(grid.units, x.shape[1])).to(mean)


def spread(grid: Grid, x: Float[Tensor, "N D"], draws: Draws) -> Float[Tensor, "K D"]:
    """Units along the principal components of x."""
    where = _parameters(grid).to(x.device)
    directions, deviations = principal(x, where.shape[1], draws)
    wanted = directions.shape[1]
    return _mean(x) + (where[:, :wanted].to(deviations) * deviations) @ directions.t()


def _parameters(grid: Grid) -> Float[Tensor, "K A"]:
    """Where each unit lies along each direction: mean 0, deviation 1; the first directions go to the longer side."""
    sides = (grid.columns, grid.rows * grid.row_height)
    order = (0, 1) if sides[0] >= sides[1] else (1, 0)
    if grid.topology == "toroid":
        angles = [2 * math.pi * grid.positions[:, axis] / sides[axis] for axis in order]
        return math.sqrt(2) * torch.stack([f(angle) for f in (torch.cos, torch.sin) for angle in angles], dim=1)
    placed = grid.positions[:, list(order)]
    centred = placed - placed.mean(0)
    return centred / centred.square().mean(0).sqrt().clamp_min(1e-12)


def principal(x: Float[Tensor, "N D"], count: int, draws: Draws) -> tuple[Float[Tensor, "D A"], Float[Tensor, "A"]]:
    """Principal directions and standard deviations along them, at most `count`, by subspace iteration.

    Each direction points to where its largest entry is positive.
    """
    size = min(count + _SPARE, x.shape[1])
    mean = _mean(x)
    basis = draws.normal(torch.empty(x.shape[1], size)).to(mean)
    for _ in range(_ROUNDS):
        basis, _ = torch.linalg.qr(_times_covariance(x, mean, basis))
    values, turn = torch.linalg.eigh(basis.t() @ _times_covariance(x, mean, basis))
    values, directions = values.flip(0)[:count], (basis @ turn).flip(1)[:, :count]
    signs = directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()
    return directions * torch.where(signs == 0, 1, signs), values.clamp_min(0).sqrt()


def _times_covariance(x: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """Σ (x − μ)(x − μ)ᵀ basis / N, without centring x, which may be sparse."""
    along = x @ basis - mean @ basis
    return (_transposed_times(x, along) - torch.outer(mean, along.sum(0))) / len(x)


def _transposed_times(x: Tensor, along: Tensor) -> Tensor:
    if x.layout != torch.sparse_csr:
        return x.t() @ along
    total = along.new_zeros(x.shape[1], along.shape[1])
    return total.index_add_(0, x.col_indices(), x.values()[:, None] * along[row_of_each(x)])


def _mean(x: Tensor, power: int = 1) -> Tensor:
    """Mean (D,) of x to a power."""
    if x.layout != torch.sparse_csr:
        return x.pow(power).mean(0)
    total = x.values().new_zeros(x.shape[1])
    return total.index_add_(0, x.col_indices(), x.values().pow(power)) / len(x)
