"""Supervised contrastive learning: samples of a class belong together, those without a label to themselves.

    z = g(f(view)),   loss = mean over i of −1/|P(i)| Σ_{p ∈ P(i)} log exp(z_i·z_p / τ) / Σ_{a ≠ i} exp(z_i·z_a / τ)

which is L_out, eq. 2 of [1]: z of unit norm, i over the 2B views of a batch, P(i) all other views of i's class, a over
all other views. A sample of unknown label is a class of its own: its other view is its only positive, as in SimCLR, and
it may turn out a wrong negative for its unknown class. So a few labels in many samples pull classes together, and all
the rest is still learned from. The loss is a mean over views; ln(2B − 1) when nothing is told apart, and above 0 at its
best, for the views of a class share the probability of being next.

Shapes: x (B, *shape), y (B,) → two views (2B, *shape) → features f (2B, L) → embeddings z (2B, D). The code is f(x).
Batch normalisation: over both views together.
Relations: without labels this is SimCLR; a SupervisedAutoencoder learns the same labels by a classifier.
Known departures from [1]: labels may be missing; a head with batch normalisation inside; AdamW instead of SGD; images
of at most 64 pixels are not blurred.
[1] Khosla et al. 2020, "Supervised contrastive learning", arXiv:2004.11362.
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
from nolabel.objectives.contrastive import nt_xent_at_chance, supervised_contrastive
from nolabel.objectives.view_signals import signals_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class SupConLearner(GradientLearner, MakesPairs):
    """What makes the views, the backbone f, the head g, and how many classes have a name."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, temperature: float, classes: int) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.temperature = temperature
        self.classes = classes

    def loss(self, batch: Batch, step: Step) -> Losses:
        """L_out over both views of all samples."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z = self.head(self.backbone(torch.cat([v1, v2])))
        y = self.groups(batch).to(z.device)
        contrast = supervised_contrastive(z, torch.cat([y, y]), self.temperature)
        z1, z2 = z.chunk(2)
        signals = signals_of(v1, v2, batch.x, z1, z2, y)
        return Losses({"contrast": contrast}, {"chance": nt_xent_at_chance(z1), **signals})

    def groups(self, batch: Batch) -> Tensor:
        """Which samples belong together (B,): the class where it is known, else a number that no other sample has."""
        alone = self.classes + batch.index
        return alone if batch.y is None else torch.where(batch.y >= 0, batch.y, alone.to(batch.y.device))

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class SupCon(ShowsViews, Embedder):
    """Contrastive learning with labels: views of a class belong together, however few samples have a label.

    `fit(X, y)` takes labels with -1, NaN or None for "unknown". Try it when some labels are there before training; the
    code is for a classifier of your choice (`nolabel.probe`). With very few labels SimCLR and fine-tuning afterwards is
    the surer way, and it keeps what the labels do not speak of.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. A mapping such as {"crop": (0.3, 1.0)} alters some
        settings of "auto"; a callable takes a batch of network values (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    temperature : float, default=0.1
        τ, above 0: the lower, the more only the hardest candidates count.
    projection : sequence of int, default=(512, 128)
        Widths of the head g: hidden layers, and last the D dimensions in which views are compared.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW, cosine schedule, warm-up. `accumulate` cuts the batch, and
        with it the candidates, into pieces. See `nolabel.Plan`.

    References
    ----------
    Khosla et al. 2020, arXiv:2004.11362.

    Examples
    --------
    >>> import nolabel
    >>> digits = nolabel.open("digits")
    >>> y = digits.labels.copy()
    >>> y[300:] = -1
    >>> model = nolabel.SupCon(backbone="mlp", epochs=2, random_state=0).fit(digits, y)
    >>> model.transform(digits).shape
    (1797, 256)
    """

    title = "SupCon"
    paper = "arXiv:2004.11362"
    uses_labels: ClassVar[bool] = True
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        temperature: float = 0.1,
        projection: Sequence[int] = (512, 128),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
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

    def build(self, spec: DataSpec) -> SupConLearner:
        """Views, backbone, and a head with batch normalisation inside."""
        above("temperature", self.temperature, 0)
        needs_others(self.batch_size, "SupCon")
        head_widths = widths("projection", self.projection)
        pair = Pair(spec, self.views)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths))
        return SupConLearner(pair, backbone, head, self.temperature, len(self.classes_))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(backbone="mlp", projection=(16, 8), epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
