"""Views of rows of a table: columns given another row's value, noise on numbers, columns hidden.

A *column* is what a person calls so: the entries of a category (one for each value it may take) are treated as one, so
that a damaged row is still a row that could be. What was missing stays missing, and is never taken for a value.
Whole batches at a time, every row with draws of its own. It knows rows, and neither nets nor losses.

[1] Bahri et al. 2022, "SCARF: self-supervised contrastive learning using random feature corruption", ICLR.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nolabel.data.recipe_columns import column_slices, in_columns
from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec


@final
@dataclass(frozen=True)
class Columns:
    """Which of the D entries of a row make up each of its G columns.

    of: for each entry the number of its column, or None when every entry is a column.
    count: G.
    width: D.
    """

    of: tuple[int, ...] | None
    count: int
    width: int

    @classmethod
    def read(cls, spec: DataSpec) -> "Columns":
        """The columns of the samples that `spec` describes.

        Raises
        ------
        ArgumentError
            They are no rows: samples of more than one axis have no columns.
        """
        if len(spec.shape) != 1:
            raise ArgumentError(
                f"columns are a table's; these are samples of shape {spec.shape} ({spec.modality}). Use ImageViews"
            )
        slices = column_slices(spec) if in_columns(spec) and "columns" in spec.recipe else []
        if len(slices) in (0, spec.width):
            return cls(None, spec.width, spec.width)
        of = [number for number, place in enumerate(slices) for _ in range(place.start, place.stop)]
        return cls(tuple(of), len(slices), spec.width)

    def spread(self, values: Tensor) -> Tensor:
        """One value a column (B, G) to one an entry (B, D)."""
        return values if self.of is None else values[:, self._numbers.to(values.device)]

    @cached_property
    def _numbers(self) -> Tensor:
        """`of` as a tensor: (D,) int64."""
        return torch.tensor(self.of, device="cpu")

    def shared(self, values: Tensor) -> Tensor:
        """Sum over the entries of each column: (B, D) to (B, G)."""
        if self.of is None:
            return values
        into = self._numbers.to(values.device).expand(len(values), -1)
        return values.new_zeros(len(values), self.count).scatter_add(1, into, values)

    def alone(self, like: Tensor) -> Tensor:
        """True for entries that are a column by themselves, numbers: (D,) bool."""
        if self.of is None:
            return torch.ones(self.width, dtype=torch.bool, device=like.device)
        return (torch.bincount(self._numbers, minlength=self.count)[self._numbers] == 1).to(like.device)


def some_columns(x: Float[Tensor, "B D"], amount: float, draws: Draws, columns: Columns) -> Bool[Tensor, "B G"]:
    """True for the columns to damage: `amount` of the G columns of every row, drawn without replacement.

    `amount` times G is rounded up or down by chance, so that over rows the rate is `amount` exactly.
    """
    u = draws.uniform(x.new_empty(len(x), columns.count + 1))
    wanted = (amount * columns.count + u[:, :1]).floor()
    return u[:, 1:].argsort(1).argsort(1) < wanted


def from_marginals(
    x: Float[Tensor, "B D"],
    amount: float,
    draws: Draws,
    columns: Columns,
    mask: Bool[Tensor, "B D"] | None = None,
) -> Float[Tensor, "B D"]:
    """x̃: `amount` of the columns of each row take the value that a random row of the whole batch has there [1].

    Every column has a random row of its own, so values come from the column's marginal distribution in the batch.
    `mask` is True where a value was observed: only such values are handed out, and only such are replaced.
    """
    hit = some_columns(x, amount, draws, columns)
    u = draws.uniform(x.new_empty(len(x), columns.count))
    everyone = draws.everyones(x)
    if mask is None:
        source = (u * len(everyone)).long().clamp_max(len(everyone) - 1)
        return torch.where(columns.spread(hit), everyone.gather(0, columns.spread(source)), x)
    seen = draws.everyones(mask.to(torch.uint8)).bool()
    observed_first = (~seen).to(torch.uint8).argsort(dim=0, stable=True)
    count = seen.sum(0)
    place = (columns.spread(u) * count).long().minimum((count - 1).clamp_min(0))
    source = observed_first.gather(0, place)
    return torch.where(columns.spread(hit) & mask, everyone.gather(0, source), x)


def noisy(
    x: Float[Tensor, "B D"],
    amount: float,
    draws: Draws,
    columns: Columns,
    mask: Bool[Tensor, "B D"] | None = None,
) -> Float[Tensor, "B D"]:
    """X + ε, ε ~ N(0, amount²) on every number that was observed; categories have no noise."""
    hit = columns.alone(x) if mask is None else columns.alone(x) & mask
    return torch.where(hit, x + amount * draws.normal(x), x)


def hidden(x: Float[Tensor, "B D"], hit: Bool[Tensor, "B G"], columns: Columns) -> Float[Tensor, "B D"]:
    """0 in the columns that `hit` names: the mean of a standardised number, no category; as a missing value is."""
    return x.masked_fill(columns.spread(hit), 0.0)


@final
@dataclass(frozen=True)
class TableViews:
    """How the views of a row are made; of what is 0, nothing is done.

    Parameters
    ----------
    corrupt : float, default=0.6
        Fraction of the columns that take another row's value, drawn from the column's marginal distribution.
    noise : float, default=0.0
        Standard deviation of the noise on numbers, in network space, where a number has deviation 1.
    hide : float, default=0.0
        Fraction of the columns that are hidden as a missing value is.

    Raises
    ------
    ArgumentError
        A fraction outside [0, 1], or a deviation below 0.
    """

    corrupt: float = 0.6
    noise: float = 0.0
    hide: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, high in (("corrupt", 1.0), ("noise", math.inf), ("hide", 1.0)):
            value: Any = getattr(self, name)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not (is_number and 0 <= float(value) <= high and math.isfinite(value)):
                bounds = "at least 0" + (" and at most 1" if high == 1 else "")
                raise ArgumentError(f"views.{name} must be a number {bounds}; got {value!r}")

    def bound(self, spec: DataSpec) -> "RowViews":
        """What makes these views of the samples that `spec` describes."""
        return RowViews(self, Columns.read(spec))

    def smaller(self) -> "TableViews":
        """Views that show half as much of a row: what small crops are to an image."""
        return TableViews(self.corrupt, self.noise, 1 - (1 - self.hide) / 2)


@final
@dataclass(frozen=True)
class RowViews:
    """Makes views of rows whose columns are known."""

    settings: TableViews
    columns: Columns

    def __call__(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> Tensor:
        """One view of every row (B, D): other rows' values first, then noise, then hiding.

        `mask` (B, D) is True where a value was observed, None if all were.
        """
        view = x
        if self.settings.corrupt:
            view = from_marginals(view, self.settings.corrupt, draws, self.columns, mask)
        if self.settings.noise:
            view = noisy(view, self.settings.noise, draws, self.columns, mask)
        if self.settings.hide:
            view = hidden(view, some_columns(x, self.settings.hide, draws, self.columns), self.columns)
        return view if view is not x else x.clone()
