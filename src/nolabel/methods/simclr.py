"""SimCLR: two views of a sample should be nearer to each other than to the views of any other sample.

    z = g(f(view)),   ℓ_i = −log exp(cos(z_i, z_j) / τ) / Σ_{k ≠ i} exp(cos(z_i, z_k) / τ),   loss = mean ℓ_i   (eq. 1)

j is the other view of i's sample, k runs over all other views of the batch: 2B − 1 candidates, of which one is
right. The loss is a mean over the 2B views; ln(2B − 1) when nothing is told apart. What views change (place, colour)
the embedding learns to ignore, so the views decide what is learned. The head g is needed while learning and left behind
after: the code is f(x).

Shapes: x (B, *shape) → two views (2B, *shape) → features f (2B, L) → embeddings z (2B, D) → scalar. The code is (B, L).
Batch normalisation: over both views together.
Relations: SupCon counts all samples of a class as views of one; MoCo takes its candidates from a queue instead of a
large batch; NNCLR replaces one view by its nearest neighbour; BYOL, BarlowTwins and VICReg need no candidates.
Known departures from [1]: AdamW instead of LARS, made for batches of thousands; images of at most 64 pixels are not
blurred, as in its appendix B.9.
[1] Chen, Kornblith, Norouzi and Hinton 2020, "A simple framework for contrastive learning of visual representations",
arXiv:2002.05709.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.methods._arguments import above, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesPairs, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.objectives.contrastive import nt_xent, nt_xent_at_chance
from nolabel.objectives.view_signals import signals_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class SimCLRLearner(GradientLearner, MakesPairs):
    """What makes the views, the backbone f and the head g."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, temperature: float) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.temperature = temperature

    def loss(self, batch: Batch, step: Step) -> Losses:
        """NT-Xent of the two views' embeddings."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z1, z2 = self.head(self.backbone(torch.cat([v1, v2]))).chunk(2)
        return Losses(
            {"contrast": nt_xent(z1, z2, self.temperature)},
            {"chance": nt_xent_at_chance(z1), **signals_of(v1, v2, batch.x, z1, z2)},
        )

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class SimCLR(ShowsViews, Embedder):
    """Contrastive learning: two views of a sample must find each other among those of all samples of the batch.

    The first to try on images: simple, steady, and it says plainly when it does not learn. Batches of 128 and more
    serve it best, for the batch is what a sample is told apart from; with little memory take MoCo or BYOL. Labels are
    not looked at.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. A mapping such as {"crop": (0.3, 1.0)} alters some
        settings of "auto"; a callable takes a batch of network values (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    temperature : float, default=0.2
        τ, above 0: the lower, the more only the hardest candidates count.
    projection : sequence of int, default=(512, 128)
        Widths of the head g: hidden layers, and last the D dimensions in which views are compared.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.003
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW, cosine schedule, warm-up. `accumulate` cuts the batch, and
        with it the candidates, into pieces. See `nolabel.Plan`.

    References
    ----------
    Chen et al. 2020, arXiv:2002.05709.

    Examples
    --------
    >>> from nolabel import SimCLR
    >>> model = SimCLR(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "SimCLR"
    paper = "arXiv:2002.05709"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        temperature: float = 0.2,
        projection: Sequence[int] = (512, 128),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.003,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.temperature = temperature
        self.projection = projection
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SimCLRLearner:
        """Views, backbone, and a head with batch normalisation after every layer."""
        above("temperature", self.temperature, 0)
        needs_others(self.batch_size, "SimCLR")
        head_widths = widths("projection", self.projection)
        pair = Pair(spec, self.views)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths), last_norm=True)
        return SimCLRLearner(pair, backbone, head, self.temperature)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            temperature=0.5,
            backbone="mlp",
            projection=(16, 8),
            epochs=8,
            batch_size=32,
            learning_rate=0.01,
            random_state=0,
        )
