"""The role `Damage`: an image, and what is left of it after damage that a restorer learns to undo.

    denoise         x̃ = x + σ ε, kept in [0, 1];  σ even over [0, noise], one an image, so that all are learned
    inpaint         x̃ = x where it is known; a rectangle or a few strokes of each image are missing
    super_resolve   x̃ = the mean of every 2 x 2 pixels, each put in the place of the four

What is seen of an image has its size (of a side that is odd, a row or column less, for `super_resolve`). Numbers are
drawn for the whole batch at once. It knows no nets and no losses.
"""

from dataclasses import dataclass
from typing import Literal, final, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from nolabel.errors import ArgumentError, not_a_choice
from nolabel.randomness import Draws
from nolabel.views.corruption import gaussian

Task = Literal["denoise", "inpaint", "super_resolve"]
GREY = 0.5  # in the place of what is missing
STROKES = 3  # of an image, where it is strokes that are missing
Images = Float[Tensor, "B C H W"]
Known = Bool[Tensor, "B 1 H W"]


@final
@dataclass(frozen=True, slots=True)
class Damaged:
    """Images as they were, what is seen of them (both (B, C, H, W)), and where that is right: (B, 1, H, W) or None."""

    clean: Tensor
    seen: Tensor
    known: Tensor | None = None


@final
@dataclass(frozen=True)
class Damage:
    """Damages images, each by numbers of its own.

    Parameters
    ----------
    task : {"denoise", "inpaint", "super_resolve"}
        Which damage.
    noise : float
        Largest standard deviation σ of the noise, for values in [0, 1].
    missing : float
        Share of an image that is missing, about; above 0 and below 1.
    """

    task: Task
    noise: float
    missing: float

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.task not in get_args(Task):
            raise not_a_choice("task", self.task, get_args(Task))
        if not 0 < self.noise <= 1:
            raise ArgumentError(f"noise must be a number above 0 and at most 1; got {self.noise!r}")
        if not 0 < self.missing < 1:
            raise ArgumentError(f"missing must be a number above 0 and below 1; got {self.missing!r}")

    def __call__(self, x: Images, draws: Draws) -> Damaged:
        """Damaged images, in network space (values in [0, 1])."""
        if self.task == "denoise":
            return Damaged(x, noisy(x, self.noise, draws))
        if self.task == "inpaint":
            known = holes(x, self.missing, draws)
            return Damaged(x, filled(x, known), known)
        clean = even(x)
        return Damaged(clean, doubled(halved(clean)))


# --- noise -----------------------------------------------------------------------------------------------------------


def noisy(x: Images, most: float, draws: Draws) -> Images:
    """X + σ ε, σ ~ U(0, most) for each image, ε ~ N(0, 1) for each value; kept in [0, 1], as it would be in a file."""
    sigma = most * draws.uniform(x.new_empty(len(x), 1, 1, 1))
    return gaussian(x, sigma, draws).clamp(0, 1)


# --- what is missing -------------------------------------------------------------------------------------------------


def filled(x: Images, known: Known) -> Images:
    """Grey where nothing is known."""
    return torch.where(known, x, GREY)


def holes(x: Images, share: float, draws: Draws) -> Known:
    """What is known of each image: all but a rectangle (for every other image, by chance) or a few strokes.

    Either covers about `share` of it, never all of it; strokes are no thicker than half the smaller side, and so cover
    less than a share near 1.
    """
    u = draws.uniform(x.new_empty(len(x), 4 + 4 * STROKES))
    inside = torch.where(u[:, 0, None, None] < 0.5, _rectangles(u[:, 1:4], x, share), _strokes(u[:, 4:], x, share))
    return ~inside[:, None]


def _rectangles(u: Float[Tensor, "B 3"], x: Images, share: float) -> Bool[Tensor, "B H W"]:
    """Of a form 1/2 to 2 times as high for its width as the image is, as far as it fits, anywhere; never all of it."""
    height, width = x.shape[-2:]
    h = (height * share**0.5 * 2 ** (u[:, 0] - 0.5)).clamp(height * share, height).round().clamp(1, height)
    w = (height * width * share / h).round().clamp(1, width)
    w = torch.where((h == height) & (w == width), w - 1, w)  # a column stays, where a large share would leave nothing
    top, left = (u[:, 1] * (height - h + 1)).floor(), (u[:, 2] * (width - w + 1)).floor()
    rows, columns = _places(x)
    in_rows = (rows >= top[:, None]) & (rows < (top + h)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + w)[:, None])
    inside: Tensor = in_rows[:, :, None] & in_columns[:, None, :]
    return inside


def _strokes(u: Float[Tensor, "B n"], x: Images, share: float) -> Bool[Tensor, "B H W"]:
    """Pixels near one of a few segments with ends anywhere, so thick that together they cover the share."""
    height, width = x.shape[-2:]
    ends = u.view(len(u), STROKES, 2, 2) * torch.tensor([height - 1, width - 1], device=x.device)
    start, way = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    length = way.norm(dim=2)  # (B, n)
    half = (share * height * width / (2 * length.sum(1).clamp(min=1))).clamp(0.5, max(0.5, min(height, width) / 4))
    rows, columns = _places(x)
    place = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), 2).to(u.dtype)  # (H, W, 2)
    apart = place - start[:, :, None, None]  # (B, n, H, W, 2)
    along = (apart * way[:, :, None, None]).sum(4) / length.square().clamp(min=1e-6)[:, :, None, None]
    nearest = along.clamp(0, 1)[..., None] * way[:, :, None, None]
    near = (apart - nearest).norm(dim=4) <= half[:, None, None, None]
    inside = near.any(1)
    return _not_all(inside)


def _places(x: Images) -> tuple[Tensor, Tensor]:
    return torch.arange(x.shape[2], device=x.device), torch.arange(x.shape[3], device=x.device)


# --- size ------------------------------------------------------------------------------------------------------------


def even(x: Images) -> Float[Tensor, "B C h w"]:
    """Without the last row or column of a side that is odd.

    Raises
    ------
    ArgumentError
        A side has one pixel only.
    """
    height, width = x.shape[-2:]
    if min(height, width) < 2:
        raise ArgumentError(f"images of {height} x {width} pixels cannot be halved: both sides must have at least 2")
    return x[..., : height // 2 * 2, : width // 2 * 2]


def halved(x: Images) -> Float[Tensor, "B C h w"]:
    """The mean of every 2 x 2 pixels."""
    return F.avg_pool2d(x, 2)


def doubled(x: Images) -> Float[Tensor, "B C h w"]:
    """Every pixel four times."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _not_all(inside: Tensor) -> Tensor:
    """Nothing, for images of which nothing else would be left."""
    kept: Tensor = inside & ~inside.flatten(1).all(1)[:, None, None]
    return kept
