"""Neighbourhood functions of a map, and sums over neighbourhoods.

With the grid distance d between two units and the radius σ (Kohonen 2001, section 3.2; 2013, eq. 5):

    gaussian       h = exp(−d² / 2σ²)
    bubble         h = 1 where d ≤ σ, else 0
    mexican_hat    h = (1 − d²/σ²) exp(−d² / 2σ²)

A radius below 10⁻³ counts as 10⁻³, at which no unit reaches another.

`smooth` gives Σ_j h(i, j) v_j for all units i. On a rectangular grid the Gaussian is a product of one factor for rows
and one for columns, also on a toroid: exp(−(x² + y²) / 2σ²) = g(x) g(y). Then the sum costs K (rows + columns) products
a column of v instead of K². For all else the kernel is made a block of units at a time, so that memory is bounded.
(Hexagons have such factors by pairs of even and odd rows; products that small differ by the number of threads.) It
knows no samples.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nolabel.errors import not_a_choice
from nolabel.objectives.grids import Grid

Neighbourhood = Literal["gaussian", "bubble", "mexican_hat"]

BLOCK_VALUES = 2**20  # values of a block: 4 MiB in float32, which stays in the cache
_LEAST_RADIUS = 1e-3  # whose square can be divided by


def _variance(radius: float) -> float:
    return max(radius, _LEAST_RADIUS) ** 2


def gaussian(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """exp(−d² / 2σ²) of squared distances."""
    return torch.exp(squared * (-0.5 / _variance(radius)))


def bubble(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """1 where d ≤ σ, else 0."""
    return (squared <= radius**2 * (1 + 1e-9)).to(squared.dtype)  # a hexagon's neighbour is at 1 only but for rounding


def mexican_hat(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """(1 − d²/σ²) exp(−d² / 2σ²): pulls near units and pushes those beyond σ away."""
    return (1 - squared / _variance(radius)) * gaussian(squared, radius)


KERNELS: dict[Neighbourhood, Callable[[Tensor, float], Tensor]] = {
    "gaussian": gaussian,
    "bubble": bubble,
    "mexican_hat": mexican_hat,
}


def kernel(
    grid: Grid, neighbourhood: Neighbourhood, radius: float, units: Int[Tensor, "U"], dtype: torch.dtype = torch.float64
) -> Float[Tensor, "U K"]:
    """H between some units and all.

    Raises
    ------
    ArgumentError
        There is no such neighbourhood.
    """
    if neighbourhood not in KERNELS:
        raise not_a_choice("neighbourhood", neighbourhood, get_args(Neighbourhood))
    return KERNELS[neighbourhood](grid.squared_distances(units), radius).to(dtype)


def smooth(
    grid: Grid, neighbourhood: Neighbourhood, radius: float, values: Float[Tensor, "K M"]
) -> Float[Tensor, "K M"]:
    """Σ_j h(i, j) v_j for every unit i: sums over neighbourhoods, of each column of `values`."""
    if neighbourhood == "gaussian" and grid.form == "rectangular":
        return _gaussian_by_factors(grid, radius, values)
    parts = _parts(grid, values)
    return torch.cat([kernel(grid, neighbourhood, radius, part, values.dtype) @ values for part in parts])


def pulls_and_pushes(
    grid: Grid, neighbourhood: Neighbourhood, radius: float, values: Float[Tensor, "K M"]
) -> tuple[Float[Tensor, "K M"], Float[Tensor, "K M"]]:
    """Σ_j max(h, 0) v_j and Σ_j max(−h, 0) v_j: `smooth` by what of a neighbourhood pulls, and by what pushes."""
    pulls, pushes = [], []
    for part in _parts(grid, values):
        h = kernel(grid, neighbourhood, radius, part, values.dtype)
        pulls.append(h.clamp_min(0) @ values)
        pushes.append(h.neg().clamp_min(0) @ values)
    return torch.cat(pulls), torch.cat(pushes)


def _parts(grid: Grid, values: Tensor) -> tuple[Tensor, ...]:
    """The units, as many at a time as make a block."""
    return torch.split(torch.arange(grid.units, device=values.device), max(1, BLOCK_VALUES // grid.units))


def _gaussian_by_factors(grid: Grid, radius: float, values: Tensor) -> Tensor:
    """(down ⊗ across) values."""
    down = gaussian(_squared_along(grid, grid.rows, 1), radius).to(values)
    across = gaussian(_squared_along(grid, grid.columns, 0), radius).to(values)
    width = values.shape[1]
    along_columns = across @ values.reshape(len(down), len(across), width)  # each row of the grid by itself
    return (down @ along_columns.reshape(len(down), -1)).view(-1, width)


def _squared_along(grid: Grid, count: int, axis: int) -> Tensor:
    """Squared distances (count, count) between places of one axis of a rectangular grid."""
    places = torch.zeros(count, 2, dtype=torch.float64)
    places[:, axis] = torch.arange(count)
    return grid.steps(places[:, None], places[None])[..., axis].square()
