"""VICReg: two views have the same embedding, every feature varies, and no two features vary together.

    y = f(v),  z = g(y)        backbone, head;  v, v' two views
    loss = λ s(Z, Z') + μ (v(Z) + v(Z')) + ν (c(Z) + c(Z'))                                           (eq. 6 of [1])
    s: mean (z − z')²,  v: mean_j max(0, 1 − √(Var z_j + ε)),  c: Σ_{i≠j} Cov(z_i, z_j)² / D        (eq. 1 to 5 of [1])

v holds every feature's standard deviation at 1 or more, so the embeddings cannot collapse to a point; c spreads what is
known over features. There is no predictor, no teacher, no negative and no normalisation of the embeddings. v and c are
statistics of the batch, over all processes.

Shapes: x (B, *shape) → views 2 x (B, *shape) → y (B, L) → z (B, D). The code is y.
Batch normalisation: over each view by itself.
Relations: Barlow Twins asks it of correlations between the two views.
Known departures from [1]: AdamW in place of LARS; narrower heads, two matrices in place of three. s is a mean over
features as in its algorithm 1, not a sum as in its eq. 5: the weights 25, 25, 1 are meant for the mean.
[1] Bardes, Ponce, LeCun 2022, "VICReg: variance-invariance-covariance regularization", arXiv:2105.04906.
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
from nolabel.objectives.redundancy import vicreg
from nolabel.objectives.view_signals import signals_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class VICRegLearner(GradientLearner, MakesPairs):
    """Backbone f and head g."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, lambda_: float, mu: float, nu: float) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.lambda_, self.mu, self.nu = lambda_, mu, nu

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Invariance, variance and covariance of both views' embeddings."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z1, z2 = self._embed(v1), self._embed(v2)
        terms = vicreg(z1, z2, lambda_=self.lambda_, mu=self.mu, nu=self.nu)
        dimensions = z1.new_tensor(float(z1.shape[1]))
        return Losses(terms._asdict(), {"dimensions": dimensions, **signals_of(v1, v2, batch.x, z1, z2)})

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def _embed(self, v: Tensor) -> Tensor:
        return self.head(self.backbone(v))  # type: ignore[no-any-return]


@final
class VICReg(ShowsViews, Embedder):
    """Variance is held up and covariance pushed down in each view by itself, which excludes collapse to a point.

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
    invariance : float, default=25.0
        λ, weight of the squared distance between the embeddings of the two views.
    variance : float, default=25.0
        μ, weight of standard deviations below 1.
    covariance : float, default=1.0
        ν, weight of squared covariances between features.
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
    Bardes, Ponce, LeCun 2022, arXiv:2105.04906.

    Examples
    --------
    >>> from nolabel import VICReg
    >>> model = VICReg(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "VICReg"
    paper = "arXiv:2105.04906"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (1024, 1024),
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.projection = projection
        self.invariance = invariance
        self.variance = variance
        self.covariance = covariance
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> VICRegLearner:
        """Views, backbone, head."""
        needs_others(self.batch_size, "VICReg")
        for name in ("invariance", "variance", "covariance"):
            at_least(name, getattr(self, name), 0)
        head_widths = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths), last_bias=False)
        weights = (self.invariance, self.variance, self.covariance)
        return VICRegLearner(Pair(spec, self.views, asymmetric=True), backbone, head, *weights)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(backbone="mlp", projection=(32, 16), epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
