"""Views of images: crop, flip, rotation, colour, blur and more, every sample with a draw of its own.

A whole batch at a time, on the device it is on: one resampling (`geometry`), then colours (`colour`), both by compiled
loops on a CPU (`image_kernels`), then the finished pixels (`tones`, `corruption`). The order is that of the recipes of
SimCLR and BYOL: crop, flip, jitter, grey, blur, posterize, solarize, noise, erase. Knows nothing of methods; what is
usual for which images stands in `recipes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.errors import ArgumentError, is_whole
from nolabel.randomness import Draws
from nolabel.views import colour, corruption, geometry, tones

Range = tuple[float, float]
PROBABILITIES = ("flip", "flop", "jitter", "grey", "blur", "posterize", "solarize", "erase")
NEEDS_COLOURS = ("saturation", "hue", "grey")


@final
@dataclass(frozen=True)
class ImageViews:
    """One view of each image (B, C, H, W) with values in [0, 1]: call it with a batch and the step's draws.

    Every sample is drawn for by itself. A probability of 0 leaves a change out.

    Parameters
    ----------
    crop : (float, float) or None, default=(0.2, 1.0)
        Least and greatest share of the image's area that a view shows; None shows all of it.
    ratio : (float, float), default=(0.75, 1.3333333333333333)
        Least and greatest width by height of what is shown, before it is brought to the view's size.
    flip : float, default=0.5
        Probability of exchanging left and right.
    flop : float, default=0.0
        Probability of exchanging top and bottom.
    rotate : float, default=0.0
        Largest angle in degrees, to either side; uniform.
    jitter : float, default=0.8
        Probability of changing brightness, contrast, saturation and hue, in an order of the sample's own.
    brightness, contrast, saturation : float or (float, float), default=0.4
        A factor uniform in [1 - s, 1 + s], never below 0; or in the interval given.
    hue : float or (float, float), default=0.1
        A turn of the colour circle uniform in [-s, s], at most 0.5; or in the interval given.
    grey : float, default=0.2
        Probability of taking the colours away.
    blur : float, default=0.0
        Probability of a Gaussian blur; its kernel is a tenth of the image wide.
    sigma : (float, float), default=(0.1, 2.0)
        Least and greatest standard deviation of the blur, in pixels.
    posterize : float, default=0.0
        Probability of keeping only `bits` bits of each value.
    bits : int, default=4
        1 to 8.
    solarize : float, default=0.0
        Probability of inverting what is at least `threshold`.
    threshold : float, default=0.5
        In [0, 1].
    noise : float, default=0.0
        Standard deviation of Gaussian noise added to every pixel; values stay in [0, 1].
    erase : float, default=0.0
        Probability of erasing a rectangle (to 0).
    erased : (float, float), default=(0.02, 0.33)
        Least and greatest share of the view that is erased.
    size : int, (int, int) or None, default=None
        Height and width of the views; None keeps those of the image.
    """

    crop: Range | None = (0.2, 1.0)
    ratio: Range = (3 / 4, 4 / 3)
    flip: float = 0.5
    flop: float = 0.0
    rotate: float = 0.0
    jitter: float = 0.8
    brightness: float | Range = 0.4
    contrast: float | Range = 0.4
    saturation: float | Range = 0.4
    hue: float | Range = 0.1
    grey: float = 0.2
    blur: float = 0.0
    sigma: Range = (0.1, 2.0)
    posterize: float = 0.0
    bits: int = 4
    solarize: float = 0.0
    threshold: float = 0.5
    noise: float = 0.0
    erase: float = 0.0
    erased: Range = (0.02, 0.33)
    size: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        _check(self)

    def settings(self) -> dict[str, Any]:
        """Every argument and its value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def jitter_ranges(self) -> tuple[Range, Range, Range, Range]:
        """From where factors of brightness, contrast and saturation and the turn of the hue are drawn."""
        factors = tuple(_around(1.0, getattr(self, name)) for name in ("brightness", "contrast", "saturation"))
        return factors[0], factors[1], factors[2], _around(0.0, self.hue, low=-0.5)

    @torch.no_grad()
    def __call__(self, x: Float[Tensor, "B C H W"], draws: Draws) -> Float[Tensor, "B C h w"]:
        """One view of each sample."""
        with torch.autocast(x.device.type, enabled=False):  # bf16 has too few levels for a resampled image
            return self._finished(self._made(x, draws), draws)

    def _made(self, x: Tensor, draws: Draws) -> Tensor:
        """Places, then colours: compiled where that can be."""
        u = draws.uniform(x.new_empty(len(x), 13 + geometry.BOX_DRAWS)).to(x.dtype)
        boxes, flip, flop = self._places(u[:, 13:], x), u[:, 0] < self.flip, u[:, 1] < self.flop
        factors = self._factors(u[:, 5:9], u[:, 3] < self.jitter)
        order, grey = u[:, 9:13].argsort(1), u[:, 4] < self.grey
        size = self.size_of((x.shape[2], x.shape[3]))
        compiled = x.device.type == "cpu" and x.dtype == torch.float32
        if compiled and not self.rotate:
            made: Tensor = _kernels().views(x, boxes, flip, flop, factors, order, grey, size)
            return made
        if self.rotate:
            seen = geometry.resample_rotated(x, boxes, flip, flop, self.rotate * (2 * u[:, 2] - 1), size)
        else:
            seen = geometry.resample(x, boxes, flip, flop, size)
        if compiled:
            recoloured: Tensor = _kernels().coloured(seen, factors, order, grey)
            return recoloured
        seen = colour.jitter(seen, factors, order) if self.jitter else seen
        return colour.to_grey(seen, grey) if self.grey and x.shape[1] == 3 else seen

    def _places(self, u: Tensor, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        return geometry.whole(x) if self.crop is None else geometry.draw_boxes(u, size, self.crop, self.ratio)

    def size_of(self, image: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the views of images that are `image` high and wide."""
        if self.size is None:
            return image
        height, width = self.size if isinstance(self.size, tuple | list) else (self.size, self.size)
        return int(height), int(width)

    def _factors(self, u: Tensor, chosen: Tensor) -> Tensor:
        """Factors of brightness, contrast, saturation, and the turn of the hue: (B, 4)."""
        columns = [
            torch.where(chosen, low + (high - low) * u[:, number], none)
            for number, ((low, high), none) in enumerate(zip(self.jitter_ranges(), (1.0, 1.0, 1.0, 0.0)))
        ]
        return torch.stack(columns, 1)

    def _finished(self, x: Tensor, draws: Draws) -> Tensor:
        if not (self.blur or self.posterize or self.solarize or self.noise or self.erase):
            return x
        u = draws.uniform(x.new_empty(len(x), 5 + geometry.BOX_DRAWS)).to(x.dtype)
        if self.blur:
            sigma = self.sigma[0] + (self.sigma[1] - self.sigma[0]) * u[:, 4]
            x = tones.blur(x, sigma, (_reach(x.shape[2]), _reach(x.shape[3])), u[:, 0] < self.blur)
        if self.posterize:
            x = tones.posterize(x, self.bits, u[:, 1] < self.posterize)
        if self.solarize:
            x = tones.solarize(x, self.threshold, u[:, 2] < self.solarize)
        if self.noise:
            x = corruption.gaussian(x, self.noise, draws).clamp(0, 1)
        if self.erase:
            boxes, found = tones.draw_erased(u[:, 5:], (x.shape[2], x.shape[3]), self.erased, (0.3, 3.3))
            x = tones.erase(x, boxes, found & (u[:, 3] < self.erase))
        return x


def _kernels() -> Any:
    """The compiled loops; numba is imported when they are first wanted."""
    from nolabel.views import image_kernels

    return image_kernels


def _reach(side: int) -> int:
    """How far a blur's kernel goes to each side: it is a tenth of the image wide, and at least 3 pixels."""
    return max(1, side // 20)


def _around(middle: float, strength: float | Range, low: float = 0.0) -> Range:
    if isinstance(strength, tuple | list):
        return strength[0], strength[1]
    return max(low, middle - strength), middle + strength


def _check(views: ImageViews) -> None:
    given: Mapping[str, Any] = views.settings()
    for name in (*PROBABILITIES, "threshold"):
        _check_number(name, given[name], 0.0, 1.0)
    for name, highest in (("rotate", 180.0), ("noise", 1e6)):
        _check_number(name, given[name], 0.0, highest)
    if given["crop"] is not None:
        _check_range("crop", given["crop"], 0.0, 1.0, open_below=True)
    _check_range("ratio", given["ratio"], 0.0, 1e6, open_below=True)
    _check_range("sigma", given["sigma"], 0.0, 1e6, open_below=True)
    _check_range("erased", given["erased"], 0.0, 1.0, open_below=True)
    for name, low, high in (
        ("brightness", 0.0, 1e6),
        ("contrast", 0.0, 1e6),
        ("saturation", 0.0, 1e6),
        ("hue", -0.5, 0.5),
    ):
        _check_strength(name, given[name], low, high)
    if not (is_whole(views.bits) and 1 <= views.bits <= 8):
        raise ArgumentError(f"bits must be a whole number of 1 to 8; got {views.bits!r}")
    _check_size(views.size)


def _check_strength(name: str, strength: Any, low: float, high: float) -> None:
    if isinstance(strength, Real):
        _check_number(name, strength, 0.0, high)
    else:
        _check_range(name, strength, low, high)


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if not (not isinstance(value, bool) and isinstance(value, Real) and low <= float(value) <= high):
        bounds = f"of {low:g} to {high:g}" if high < 1e6 else f"at least {low:g}"
        raise ArgumentError(f"{name} must be a number {bounds}; got {value!r:.80}")


def _check_range(name: str, pair: Any, low: float, high: float, *, open_below: bool = False) -> None:
    numbers = isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(end, Real) for end in pair)
    inside = numbers and low <= pair[0] <= pair[1] <= high and not (open_below and pair[0] == low)
    if not inside:
        bounds = f"{'above' if open_below else 'of at least'} {low:g}"
        bounds += f" and at most {high:g}" if high < 1e6 else ""
        raise ArgumentError(f"{name} must be two numbers (least, greatest), {bounds}; got {pair!r:.80}")


def _check_size(size: Any) -> None:
    sides = size if isinstance(size, tuple | list) else (size, size)
    if size is not None and not (len(sides) == 2 and all(is_whole(side) and side >= 1 for side in sides)):
        raise ArgumentError(f"size must be a positive whole number of pixels, or (height, width); got {size!r:.80}")
