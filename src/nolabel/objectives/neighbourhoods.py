"""Neighbourhood functions of a map, and sums over neighbourhoods.

With the grid distance d between two units and the radius σ (Kohonen 2001, section 3.2; 2013, eq. 5):

    gaussian       h = exp(−d² / 2σ²)
    bubble         h = 1 where d ≤ σ, else 0
    mexican_hat    h = (1 − d²/σ²) exp(−d² / 2σ²)

`smooth` gives Σ_j h(i, j) v_j for all units i. On a rectangular grid the Gaussian is a product of one factor for rows
and one for columns, also on a toroid, and the mexican hat is a sum of two such products:

    (1 − (x² + y²)/σ²) g(x) g(y)  =  [(1 − x²/σ²) g(x)] g(y)  −  g(x) [(y²/σ²) g(y)].

Then the sum costs K (rows + columns) products a column of v instead of K². Bubbles and hexagonal grids have no such
factors: their kernel is made a block of units at a time, so that memory is bounded. It knows no samples.
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


def gaussian(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """exp(−d² / 2σ²) of squared distances."""
    return torch.exp(squared * (-0.5 / radius**2))


def bubble(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """1 where d ≤ σ, else 0."""
    return (squared <= radius**2 * (1 + 1e-9)).to(squared.dtype)  # a hexagon's neighbour is at 1 only but for rounding


def mexican_hat(squared: Float[Tensor, "*S"], radius: float) -> Float[Tensor, "*S"]:
    """(1 − d²/σ²) exp(−d² / 2σ²): pulls near units and pushes those beyond σ away."""
    return (1 - squared / radius**2) * gaussian(squared, radius)


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
    if grid.form == "rectangular" and neighbourhood != "bubble":
        return _by_factors(grid, neighbourhood, radius, values)
    rows = max(1, BLOCK_VALUES // grid.units)
    parts = torch.split(torch.arange(grid.units, device=values.device), rows)
    return torch.cat([kernel(grid, neighbourhood, radius, part, values.dtype) @ values for part in parts])


def _by_factors(grid: Grid, neighbourhood: Neighbourhood, radius: float, values: Tensor) -> Tensor:
    down = _squared_along(grid, grid.rows, 1).to(values)
    across = _squared_along(grid, grid.columns, 0).to(values)
    g_down, g_across = gaussian(down, radius), gaussian(across, radius)
    if neighbourhood == "gaussian":
        return _product(g_down, g_across, values)
    hat = (1 - across / radius**2) * g_across
    return _product(g_down, hat, values) - _product(down / radius**2 * g_down, g_across, values)


def _squared_along(grid: Grid, count: int, axis: int) -> Tensor:
    """Squared distances (count, count) between places of one axis of a rectangular grid."""
    places = torch.zeros(count, 2, dtype=torch.float64)
    places[:, axis] = torch.arange(count)
    return grid.steps(places[:, None], places[None])[..., axis].square()


def _product(down: Tensor, across: Tensor, values: Tensor) -> Tensor:
    """(down ⊗ across) values."""
    width = values.shape[1]
    along_columns = across @ values.view(len(down), len(across), width)  # each row of the grid by itself
    return (down @ along_columns.reshape(len(down), -1)).view(-1, width)
