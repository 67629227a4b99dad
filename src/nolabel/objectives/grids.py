"""Grids of units: where each unit of a map stands, how far apart two units are, and which are neighbours.

Unit k = row · columns + column. On a rectangular grid unit centres are (x, y) = (column, row). On a hexagonal one every
odd row is moved half a unit to the right and rows are √3/2 apart, so that the six nearest units are all at distance 1.

A toroid has no edge: the plane is tiled by copies of the grid moved by the lattice vectors (columns, 0) and
(0, rows · height of a row), and two units are as far apart as their nearest copies. A hexagonal grid is carried onto
itself by the second vector only when the number of rows is even: an odd one has no toroid.

Reference: Kohonen 2001, "Self-Organizing Maps", 3rd edition, section 3.2. It knows nothing of weights or samples.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nolabel.errors import ArgumentError, not_a_choice

Form = Literal["rectangular", "hexagonal"]
Topology = Literal["plane", "toroid"]

_TOUCH = {"rectangular": 2.02, "hexagonal": 1.02}  # greatest squared distance of neighbours (8 or 6), with rounding


_POINTS = 2**20  # pairs of a point and a unit looked at together


@dataclass(frozen=True)
class Grid:
    """Rows x columns of units in the plane or on a toroid.

    Parameters
    ----------
    rows, columns
        Units down and across; at least 2 units in all.
    form
        `"rectangular"` (8 neighbours, of which 4 at distance 1 and 4 at √2) or `"hexagonal"` (6 at distance 1).
    topology
        `"plane"`, or `"toroid"`: each edge joined to the opposite one.

    Raises
    ------
    ArgumentError
        Fewer than two units, a choice that does not exist, or a hexagonal toroid with an odd number of rows.
    """

    rows: int
    columns: int
    form: Form = "rectangular"
    topology: Topology = "plane"

    def __post_init__(self) -> None:
        if self.form not in _TOUCH:
            raise not_a_choice("grid", self.form, _TOUCH)
        if self.topology not in ("plane", "toroid"):
            raise not_a_choice("topology", self.topology, ("plane", "toroid"))
        if min(self.rows, self.columns) < 1 or self.rows * self.columns < 2:
            raise ArgumentError(
                f"shape must be (rows, columns), each at least 1 and at least 2 units in all; "
                f"got {(self.rows, self.columns)}"
            )
        if self.form == "hexagonal" and self.topology == "toroid" and self.rows % 2:
            raise ArgumentError(
                f"shape must have an even number of rows for a hexagonal toroid, for the last row must fit the first; "
                f"got {(self.rows, self.columns)}. Take {(self.rows + 1, self.columns)}"
            )

    @property
    def units(self) -> int:
        """Number of units (K)."""
        return self.rows * self.columns

    @property
    def row_height(self) -> float:
        """Distance between two rows."""
        return 1.0 if self.form == "rectangular" else math.sqrt(3) / 2

    @cached_property
    def positions(self) -> Float[Tensor, "K 2"]:
        """(x, y) of each unit's centre, float64; x to the right, y down."""
        row = torch.arange(self.rows, dtype=torch.float64)[:, None].expand(self.rows, self.columns)
        x = torch.arange(self.columns, dtype=torch.float64).expand(self.rows, self.columns)
        if self.form == "hexagonal":
            x = x + 0.5 * (row % 2)
        return torch.stack([x, row * self.row_height], dim=2).reshape(-1, 2)

    def steps(self, a: Float[Tensor, "*N 2"], b: Float[Tensor, "*M 2"]) -> Float[Tensor, "*NM 2"]:
        """The way (dx, dy) from points a to points b: on a toroid, to their nearest copies."""
        way = b - a
        if self.topology == "plane":
            return way
        # the lattice vectors are at right angles, so each axis finds its nearest copy by itself
        around = torch.tensor([self.columns, self.rows * self.row_height], dtype=way.dtype, device=way.device)
        return way - around * torch.round(way / around)

    def squared_distances(self, of: Int[Tensor, "U"]) -> Float[Tensor, "U K"]:
        """Squared distances on the grid from some units to all."""
        where = self.positions.to(of.device)
        return self.steps(where[of][:, None], where[None]).square().sum(2)

    def adjacent(self, a: Int[Tensor, "B"], b: Int[Tensor, "B"]) -> Bool[Tensor, "B"]:
        """Whether units a and b, pair by pair, are neighbours: 8 on a rectangular grid, 6 on a hexagonal one."""
        where = self.positions.to(a.device)
        apart = self.steps(where[a], where[b]).square().sum(1)
        return (apart < _TOUCH[self.form]) & (a != b)

    def nearest(self, points: Float[Tensor, "B 2"]) -> Int[Tensor, "B"]:
        """The unit (B,) whose centre is nearest to each point (x, y)."""
        where = self.positions.to(points)
        parts = torch.split(points, max(1, _POINTS // self.units))
        return torch.cat([self.steps(part[:, None], where[None]).square().sum(2).argmin(1) for part in parts])

    @cached_property
    def edges(self) -> Int[Tensor, "E 2"]:
        """Every ordered pair of neighbours (unit, neighbour), by unit."""
        row = torch.arange(self.units) // self.columns
        column = torch.arange(self.units) % self.columns
        pairs = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                to_row, to_column = row + down, column + right
                if self.topology == "toroid":
                    to_row, to_column = to_row % self.rows, to_column % self.columns
                there = (to_row >= 0) & (to_row < self.rows) & (to_column >= 0) & (to_column < self.columns)
                both = torch.stack([torch.arange(self.units), to_row * self.columns + to_column], dim=1)[there]
                pairs.append(both[self.adjacent(both[:, 0], both[:, 1])])
        found: Tensor = torch.unique(torch.cat(pairs), dim=0)
        return found
