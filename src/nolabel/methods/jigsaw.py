"""Jigsaw: cut an image into tiles, shuffle them, and say which of K known orders they were put in.

    y_i = u(f(tile_i)),   loss = mean −log p_c(y_{σ_c(1)} ... y_{σ_c(P)}),  c drawn from 1 ... K     (section 3 of [1])

One network f sees every tile alone; only the head sees them together, in the shuffled order, so f must say of a tile
which part of a thing it shows. What would give the order away without any understanding is taken out: tiles lie at a
random place of their cell, with a gap between them, and each is brought to mean 0 and deviation 1. The K orders are
chosen far from each other (greatest Hamming distance), so that one tile does not tell them apart.

Shapes: x (B, C, H, W) → P = grid² tiles (B, P, C, h, w) → features (B P, L) → (B, P, U) → logits (B, K). The code is
f(x) of the whole image, (B, L).
Batch normalisation: over all tiles together.
Relations: PretextRotation makes its labels of whole images; SimCLR compares views and is the better choice where both
work. What f learns is of parts: features of textures and shapes more than of whole scenes.
Known departures from [1]: K is 64 of 3 x 3 tiles, for small data; any backbone in place of AlexNet; AdamW in place of
SGD.
[1] Noroozi and Favaro 2016, "Unsupervised learning of visual representations by solving jigsaw puzzles",
    arXiv:1603.09246.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.errors import ArgumentError, ModalityError
from nolabel.methods._arguments import at_least, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesViews, ShowsViews
from nolabel.nets.backbones import CENTRE, SCALE, Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import perceptron, projector
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.mild import mild_views
from nolabel.views.puzzles import far_permutations, put_together, standardised, tile_size, tiles
from nolabel.views.recipes import View

SMALLEST_TILE = 3  # pixels; a kernel's width
ROOMY = 24  # pixels of the shorter side from which 3 x 3 tiles show something each


@final
class JigsawLearner(GradientLearner, MakesViews):
    """Backbone f, reducer u of a tile's features, head over all tiles, and the K orders (K, P)."""

    orders: Tensor

    def __init__(
        self, view: View | None, backbone: Backbone, reducer: nn.Module, head: nn.Module, orders: Tensor, gap: float
    ) -> None:
        super().__init__()
        self.view = view
        self.backbone = backbone
        self.reducer = reducer
        self.head = head
        self.register_buffer("orders", orders)
        self.grid = math.isqrt(orders.shape[1])
        self.gap = gap

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Cross-entropy of the order in which each image's tiles are shown."""
        pieces, answers = self._cut(batch.x, step.draws)
        y = self.reducer(self._features(pieces.flatten(0, 1))).unflatten(0, pieces.shape[:2])
        logits = self.head(_ordered(y, self.orders[answers]).flatten(1)).float()
        right = (logits.argmax(1) == answers).float().mean()
        return Losses(
            {"classification": F.cross_entropy(logits, answers)},
            {"chance": right.new_tensor(math.log(len(self.orders))), "accuracy": right},
        )

    def _cut(self, x: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Tiles (B, P, C, h, w) in their places, and the order (B,) in which they shall be shown."""
        seen = x if self.view is None else self.view(x, draws)
        answers = (draws.uniform(x.new_empty(len(x))) * len(self.orders)).long()
        return tiles(seen, self.grid, self.gap, draws), answers

    def _features(self, x: Tensor) -> Tensor:
        """F of tiles or images (B, C, h, w), each brought to mean 0 and deviation 1."""
        x = standardised(x)
        if self.backbone.is_unit:  # f takes pixels in [0, 1], and does the like to them
            x = CENTRE + SCALE * x
        return self.backbone(x)  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x) of the whole image, of mean 0 and deviation 1 as its tiles were: (B, *shape) to (B, L)."""
        return self._features(x)

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The tiles in the order in which a step shows them, as one image (B, C, H, W)."""
        pieces, answers = self._cut(x, draws)
        return [put_together(_ordered(pieces, self.orders[answers]), *x.shape[2:])]


def _ordered(pieces: Tensor, order: Tensor) -> Tensor:
    """(B, P, ...) with piece order[b, p] in place p."""
    return pieces[torch.arange(len(pieces), device=pieces.device)[:, None], order]


@final
class Jigsaw(ShowsViews, Embedder):
    """Learns by putting shuffled tiles of an image in order: features of parts, from images of things.

    Images only, of at least 8 x 8 pixels and better of 64 and more. SimCLR gives better features of most images; this
    one is for things made of parts in a fixed arrangement (faces, scans, documents, parts on a conveyor).

    Parameters
    ----------
    grid : int or None, default=None
        Tiles a side, 2 or 3; None takes 3 for images of at least 24 pixels, else 2.
    permutations : int or None, default=None
        K, orders to tell apart; None takes 64 of 3 x 3 tiles, and all 24 of 2 x 2.
    gap : float, default=0.15
        Share of a cell's height and width by which a tile is smaller, at least one pixel if above 0, at most 0.5.
    views : "auto", "none", mapping, ImageViews or callable, default="auto"
        How images are changed before they are cut. "auto": mild crops, and mirrored photographs; nothing below 16
        pixels. A mapping changes settings of "auto".
    backbone : str or Module, default="auto"
        The network f that is kept: "small", "resnet18", "resnet50", or any module of yours that takes images of any
        size; "auto" chooses by the size of the images.
    projection : sequence of int, default=(128, 512)
        U, the width to which a tile's features are reduced, then hidden widths of the head.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Images a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and puzzles.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW with weight decay 0.0001, cosine schedule, a warm-up over 5 %
        of the run. See `nolabel.Plan`.

    References
    ----------
    Noroozi and Favaro 2016, arXiv:1603.09246.

    Examples
    --------
    >>> from nolabel import Jigsaw
    >>> model = Jigsaw(epochs=1, batch_size=256, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "Jigsaw puzzles"
    paper = "arXiv:1603.09246"
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        grid: int | None = None,
        permutations: int | None = None,
        gap: float = 0.15,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (128, 512),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.grid = grid
        self.permutations = permutations
        self.gap = gap
        self.views = views
        self.backbone = backbone
        self.projection = projection
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> JigsawLearner:
        """Puzzles, backbone, head."""
        if spec.modality != "image":
            raise ModalityError(
                f"Jigsaw cuts images into tiles; these are {spec.modality}s. For tables take SCARF or MAE"
            )
        channels, height, width = spec.shape
        grid = self._grid(height, width)
        count = self._count(grid)
        reduced, *hidden = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        self._refuse_one_size(backbone, (channels, *tile_size(height, width, grid, self.gap)))
        return JigsawLearner(
            mild_views(spec, self.views),
            backbone,
            perceptron(backbone.width, (reduced,)),
            projector((grid * grid * reduced, *hidden, count)),
            torch.from_numpy(far_permutations(grid * grid, count).copy()),
            self.gap,
        )

    def _grid(self, height: int, width: int) -> int:
        """Tiles a side; refuse images that are too small for them."""
        at_least("gap", self.gap, 0, 0.5)
        grid = self.grid if self.grid is not None else 3 if min(height, width) >= ROOMY else 2
        if grid not in (2, 3):
            raise ArgumentError(f"grid must be 2 or 3 tiles a side, or None to choose; got {self.grid!r}")
        if min(tile_size(height, width, grid, self.gap)) < SMALLEST_TILE:
            fix = "grid=2, a smaller gap" if grid == 3 else "a smaller gap"
            raise ArgumentError(
                f"images of {height} x {width} pixels are too small for {grid} x {grid} tiles with gap={self.gap:g}: a "
                f"tile must have at least {SMALLEST_TILE} pixels a side. Take {fix}, larger images, or another method"
            )
        return int(grid)

    def _count(self, grid: int) -> int:
        """How many orders; refuse more than there are."""
        most = math.factorial(grid * grid)
        if self.permutations is None:
            return min(64, most)
        at_least("permutations", self.permutations, 2, min(most, 1000))
        return int(self.permutations)

    def _refuse_one_size(self, backbone: Backbone, tile: tuple[int, ...]) -> None:
        if not backbone.takes(tile):
            raise ArgumentError(
                f"backbone must take tiles of {tile[1]} x {tile[2]} pixels as well as whole images: take 'small', "
                f"'resnet18' or 'resnet50', or a module that pools over places; got {self.backbone!r:.80}"
            )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in a few seconds."""
        return cls(
            grid=2,
            permutations=12,
            gap=0.0,
            projection=(8, 16),
            epochs=8,
            batch_size=32,
            learning_rate=0.008,
            random_state=0,
        )
