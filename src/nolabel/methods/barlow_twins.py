"""Barlow Twins: a feature of one view correlates with the same feature of the other, and with no other feature.

    y = f(v),  z = g(y)        backbone, head;  v, v' two views
    C_ij = Σ_b ẑ_bi ẑ'_bj / N,  ẑ standardised over the batch                                         (eq. 2 of [1])
    loss = Σ_i (1 − C_ii)² + λ Σ_i Σ_{j≠i} C_ij²                                                      (eq. 1 of [1])

Sums over features, so the loss grows with D. It cannot collapse to a point, where no feature correlates with itself;
there is no predictor, no teacher and no negative. C is a statistic of the batch, of all processes: a small one makes it
noisy.

Shapes: x (B, *shape) → views 2 x (B, *shape) → y (B, L) → z (B, D) → C (D, D). The code is y.
Batch normalisation: over each view by itself.
Relations: VICReg asks the same of each view by itself.
Known departures from [1]: AdamW in place of LARS; narrower heads, two matrices in place of three.
[1] Zbontar et al. 2021, "Barlow Twins: self-supervised learning via redundancy reduction", arXiv:2103.03230.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

from torch import Tensor, nn

from nolabel.methods._arguments import at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesPairs, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.objectives.redundancy import barlow_twins
from nolabel.objectives.view_signals import signals_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class BarlowTwinsLearner(GradientLearner, MakesPairs):
    """Backbone f and head g."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, lambda_: float) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.lambda_ = lambda_

    def loss(self, batch: Batch, step: Step) -> Losses:
        """How far the cross-correlations of both views' embeddings are from the identity."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z1, z2 = self._embed(v1), self._embed(v2)
        terms = barlow_twins(z1, z2, lambda_=self.lambda_)
        dimensions = z1.new_tensor(float(z1.shape[1]))
        return Losses(terms._asdict(), {"dimensions": dimensions, **signals_of(v1, v2, batch.x, z1, z2)})

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def _embed(self, v: Tensor) -> Tensor:
        return self.head(self.backbone(v))  # type: ignore[no-any-return]


@final
class BarlowTwins(ShowsViews, Embedder):
    """Cross-correlations of two views are made the identity, which excludes collapse to a point.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. "auto" differs between the two, as in the paper. A
        mapping such as {"crop": (0.3, 1.0)} alters some settings of "auto"; a callable takes a batch of network values
        (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    projection : sequence of int, default=(1024, 1024)
        Widths of the head g: hidden layers, and last the D dimensions of an embedding. Wide is better, at a cost
        of D² a sample.
    redundancy : float, default=0.005
        λ, weight of the correlations between different features.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW, cosine schedule, warm-up. See `nolabel.Plan`.

    References
    ----------
    Zbontar et al. 2021, arXiv:2103.03230.

    Examples
    --------
    >>> from nolabel import BarlowTwins
    >>> model = BarlowTwins(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "Barlow Twins"
    paper = "arXiv:2103.03230"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (1024, 1024),
        redundancy: float = 0.005,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.projection = projection
        self.redundancy = redundancy
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> BarlowTwinsLearner:
        """Views, backbone, head."""
        needs_others(self.batch_size, "BarlowTwins")
        at_least("redundancy", self.redundancy, 0)
        head_widths = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths), last_bias=False)
        return BarlowTwinsLearner(Pair(spec, self.views, asymmetric=True), backbone, head, self.redundancy)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            backbone="mlp",
            projection=(32, 16),
            epochs=16,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
