"""What a method may want to see of a sample. The method names the role; this room knows how it is made.

    Corrupt      one damaged version of each sample
    Pair         two views of each sample
    MultiCrop    a few large views of each sample and some small ones
    Identity     the sample as it is

A role is called with a batch of network values (B, *shape) and the step's draws; it has no parameters to learn, and can
be used from plain PyTorch: `Pair(spec)(x, Draws(seed, step))`.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from typing import Any, Literal, final, get_args

from torch import Tensor

from nolabel.errors import ArgumentError, not_a_choice, whole
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views import corruption
from nolabel.views.images import ImageViews
from nolabel.views.recipes import Settings, View, bound, seen, two_views
from nolabel.views.tables import Columns, TableViews, from_marginals

Noise = Literal["gaussian", "masking", "salt_and_pepper", "blocks", "marginals"]


@dataclass(frozen=True)
class Corrupt:
    """A damaged version of each sample.

    Parameters
    ----------
    noise : {"gaussian", "masking", "salt_and_pepper", "blocks", "marginals"}
        Kind of damage; "blocks" erases one rectangle of an image, "marginals" gives columns of a row the value of
        another row (`nolabel.views.tables`).
    amount : float
        Standard deviation for "gaussian" (in network space; values in [0, 1] stay there), otherwise the fraction of
        entries, or of columns for "marginals", that is hit.
    spec : DataSpec
        What the samples look like: tells whether blocks make sense, and what salt and pepper are.
    """

    noise: Noise
    amount: float
    spec: DataSpec

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.noise not in get_args(Noise):
            raise not_a_choice("noise", self.noise, get_args(Noise))
        if self.noise == "blocks" and len(self.spec.shape) != 3:
            raise ArgumentError("noise='blocks' erases parts of images; use 'masking' for tables")
        if self.noise == "marginals" and len(self.spec.shape) != 1:
            raise ArgumentError("noise='marginals' exchanges columns of tables; use 'masking' or 'blocks' for images")
        highest = sys.float_info.max if self.noise == "gaussian" else 1.0
        amount: Any = self.amount
        is_number = isinstance(amount, Real) and not isinstance(amount, bool)
        if not (is_number and 0 <= float(amount) <= highest):
            bounds = "at least 0" if highest > 1 else "at least 0 and at most 1"
            raise ArgumentError(f"amount must be a number {bounds}; got {amount!r}")

    @cached_property
    def _columns(self) -> Columns:
        return Columns.read(self.spec)

    def __call__(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> Tensor:
        """Network values (B, *shape), damaged; `mask` (B, D) says which were observed, as "marginals" needs to know."""
        if self.noise == "marginals":
            return from_marginals(x, self.amount, draws, self._columns, mask)
        if self.noise == "gaussian":
            noisy = corruption.gaussian(x, self.amount, draws)
            return noisy.clamp(0, 1) if self.spec.values == "unit" else noisy  # as a noisy image would be stored
        if self.noise == "masking":
            return corruption.masking(x, self.amount, draws)
        if self.noise == "salt_and_pepper":
            low, high = (0.0, 1.0) if self.spec.values == "unit" else (-2.0, 2.0)  # two sd of a standardised column
            return corruption.salt_and_pepper(x, self.amount, low, high, draws)
        return corruption.blocks(x, self.amount, draws)


@final
@dataclass(frozen=True)
class Identity:
    """Each sample as it is, for methods that can do without views.

    Parameters
    ----------
    spec : DataSpec
        What the samples look like.
    """

    spec: DataSpec

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Network values (B, *shape), the same."""
        return x


@final
@dataclass(frozen=True)
class Pair:
    """Two views of each sample, drawn independently.

    Parameters
    ----------
    spec : DataSpec
        What the samples look like.
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made; see `nolabel.views.recipes`.
    asymmetric : bool, default=False
        Whether "auto" gives the two views other settings, as BYOL does.

    Raises
    ------
    ArgumentError
        The views cannot be had for such samples; said when the role is made.
    """

    spec: DataSpec
    views: Any = "auto"
    asymmetric: bool = False
    made: tuple[View, View] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find what makes the views."""
        first, second = two_views(self.spec, self.views, asymmetric=self.asymmetric)
        object.__setattr__(self, "made", (bound(self.spec, first), bound(self.spec, second)))

    def __call__(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The first and the second view (B, *shape) of network values.

        `mask` (B, D) is True where a value of a table was observed; None if all were.

        Raises
        ------
        ArgumentError
            The two have different sizes, and cannot be compared.
        """
        first, second = (seen(view, x, draws, mask) for view in self.made)
        if first.shape != second.shape:
            raise ArgumentError(
                f"both views of a sample must have one size; got {tuple(first.shape[1:])} and "
                f"{tuple(second.shape[1:])}. Give views of the same size"
            )
        return first, second


@final
@dataclass(frozen=True)
class MultiCrop:
    """A few views that show much of each sample, and more that show little of it (Caron et al. 2020).

    Parameters
    ----------
    spec : DataSpec
        What the samples look like.
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made, see `nolabel.views.recipes`; of a sequence of two, the first makes the large ones and the
        second the small ones, each just as it is.
    large : int, default=2
        Number of large views.
    small : int, default=4
        Number of small views.
    large_crop : (float, float), default=(0.4, 1.0)
        Share of an image's area that a large view shows.
    small_crop : (float, float), default=(0.05, 0.4)
        Share of an image's area that a small view shows.
    small_size : int, (int, int) or None, default=None
        Height and width of small views; None: 3/7 of the image's, as 96 is of 224, rounded to a multiple of 8.

    Raises
    ------
    ArgumentError
        The views cannot be had for such samples; said when the role is made.
    """

    spec: DataSpec
    views: Any = "auto"
    large: int = 2
    small: int = 4
    large_crop: tuple[float, float] = (0.4, 1.0)
    small_crop: tuple[float, float] = (0.05, 0.4)
    small_size: int | tuple[int, int] | None = None
    made: tuple[View, View, View] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; find what makes the views."""
        for name, least in (("large", 1), ("small", 0)):
            whole(name, getattr(self, name), least)
        first, second = two_views(self.spec, self.views, asymmetric=True)
        if isinstance(self.views, list | tuple):
            made = first, first, second
        else:
            made = self._as_large(first), self._as_large(second), self._as_small(first)
        object.__setattr__(self, "made", tuple(bound(self.spec, settings) for settings in made))

    def __call__(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Large views and small views (B, *shape) of network values; small views of images have fewer pixels.

        `mask` (B, D) is True where a value of a table was observed; None if all were.
        """
        first, second, small = self.made
        large = [seen(second if number % 2 else first, x, draws, mask) for number in range(self.large)]
        return large, [seen(small, x, draws, mask) for _ in range(self.small)]

    def _as_large(self, settings: Settings) -> Settings:
        if not isinstance(settings, ImageViews) or self._says_crop():
            return settings
        return replace(settings, crop=self.large_crop)

    def _as_small(self, settings: Settings) -> Settings:
        if isinstance(settings, TableViews):
            return settings.smaller()
        if not isinstance(settings, ImageViews):
            return settings
        blur = 0.5 if settings.blur == 1.0 else settings.blur
        return replace(
            settings,
            crop=self.small_crop,
            size=self._usual_size() if self.small_size is None else self.small_size,
            blur=blur,
        )

    def _says_crop(self) -> bool:
        return isinstance(self.views, ImageViews) or (isinstance(self.views, Mapping) and "crop" in self.views)

    def _usual_size(self) -> tuple[int, int]:
        height, width = (min(side, max(8, 8 * round(side * 3 / 7 / 8))) for side in self.spec.shape[1:])
        return height, width
