"""Pretext task of rotations: say by how many quarters an image was turned, and so learn what is up.

    loss = mean over samples and r = 0, 1, 2, 3 of  −log p_r(f(turn_r(x)))                         (eq. 2 and 3 of [1])

Whoever can say how a thing stands must know what it is; the labels are made from the data. That holds where things have
an upright stance, as in photographs, and not where they have none: cells, satellite images, textures, round objects.
There the loss stays at ln 4.

Shapes: x (B, C, H, W) → turned (4 B, C, S, S), S the shorter side → features (4 B, L) → logits (4 B, 4). The code is
f(x) of the whole image, (B, L). Images that are not square are cut to a square at a random place before they are
turned, for their shape would give the answer away.
Batch normalisation: over all four turns together, which so cannot be told by their statistics.
Relations: Jigsaw makes its labels of an image's parts; SimCLR compares views and is the better choice where both work.
Known departures from [1]: a small perceptron between features and answer, which is thrown away; AdamW in place of SGD.
[1] Gidaris et al. 2018, "Unsupervised representation learning by predicting image rotations", arXiv:1803.07728.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.errors import ArgumentError, ModalityError
from nolabel.methods._arguments import widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesViews, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.mild import mild_views
from nolabel.views.puzzles import quarter_turns, square
from nolabel.views.recipes import View


@final
class PretextRotationLearner(GradientLearner, MakesViews):
    """Backbone f, and the head that says the turn; `view` changes images first, None leaves them."""

    def __init__(self, view: View | None, backbone: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.view = view
        self.backbone = backbone
        self.head = head

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Cross-entropy of the four turns of every image."""
        turned = self.views_of(batch.x, step.draws)
        answers = torch.arange(4, device=batch.x.device).repeat_interleave(len(batch))
        logits = self.head(self.backbone(torch.cat(turned))).float()
        right = (logits.argmax(1) == answers).float().mean()
        return Losses(
            {"classification": F.cross_entropy(logits, answers)},
            {"chance": right.new_tensor(math.log(4)), "accuracy": right},
        )

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x) of the image as it stands: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The four turns (B, C, S, S) that a step shows."""
        seen = x if self.view is None else self.view(x, draws)
        return quarter_turns(square(seen, draws))


@final
class PretextRotation(ShowsViews, Embedder):
    """Learns by saying how images were turned: quick, cheap, and only where images have an up and a down.

    Images only. SimCLR gives better features of photographs; this one is worth a try when its batches are too large, or
    as a check that there is anything to learn: the logged accuracy says how well the task is solved (0.25 is guessing).

    Parameters
    ----------
    views : "auto", "none", mapping, ImageViews or callable, default="auto"
        How images are changed before they are turned. "auto": mild crops, and mirrored photographs; nothing below 16
        pixels. A mapping changes settings of "auto".
    backbone : str or Module, default="auto"
        The network f that is kept: "small", "resnet18", "resnet50", "vit", "mlp", or any module of yours; "auto"
        chooses by the size of the images.
    projection : sequence of int, default=(256,)
        Hidden widths between the features and the answer; () for none, so that features must tell turns linearly.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Images a step, each shown four times; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW with weight decay 0.0001, cosine schedule, a warm-up over 5 %
        of the run. See `nolabel.Plan`.

    References
    ----------
    Gidaris et al. 2018, arXiv:1803.07728.

    Examples
    --------
    >>> from nolabel import PretextRotation
    >>> model = PretextRotation(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "Rotation pretext task"
    paper = "arXiv:1803.07728"
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (256,),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.projection = projection
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> PretextRotationLearner:
        """Views, backbone, head."""
        if spec.modality != "image":
            raise ModalityError(
                f"PretextRotation turns images; these are {spec.modality}s. For tables take SCARF or MAE"
            )
        hidden = widths("projection", self.projection, least=0)
        backbone = make_backbone(spec, self.backbone)
        side = min(spec.shape[1:])
        if not backbone.takes((spec.shape[0], side, side)):
            raise ArgumentError(
                f"backbone must take squares of {side} x {side} pixels as well as whole images of {spec.shape[1]} x "
                f"{spec.shape[2]}: turned on its side, an image is told by its shape. Take 'small', 'resnet18' or "
                f"'resnet50', or square images; got {self.backbone!r:.80}"
            )
        head = projector((backbone.width, *hidden, 4))
        return PretextRotationLearner(mild_views(spec, self.views), backbone, head)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in about a second."""
        return cls(backbone="mlp", projection=(32,), epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
