"""BYOL: predict what a slow copy of oneself says of another view of the same sample.

    y = f(v),  z = g(y),  q(z)        student θ: backbone, head, predictor;  v, v' two views
    y' = f'(v'),  z' = g'(y')         teacher ξ: backbone, head; no gradient
    loss = mean ‖q̄(z) − z̄'‖² + the same with the views exchanged,  bars for unit norm             (eq. 2 of [1])
    ξ ← τ ξ + (1 − τ) θ,  τ = 1 − (1 − τ_base) (cos(π progress) + 1) / 2                            (eq. 1, sec. 3.2)

Nothing pushes samples apart. What keeps the embeddings from collapsing to a point, which has the least loss of all, is
the predictor together with a teacher that follows slowly; batch normalisation helps. Watch the signal "spread".

Shapes: x (B, *shape) → views 2 x (B, *shape) → y (B, L) → z, z', q (B, D). The code is y.
Batch normalisation: over each view by itself; the teacher has statistics of its own.
Relations: with τ = 0 and z' of the student itself this is SimSiam; with negatives in place of a predictor, MoCo.
Known departures from [1]: AdamW in place of LARS; the head's last matrix has no bias, for the predictor's norm would
take it away; narrower heads, and τ_base 0.99 in place of 0.996, for shorter runs.
[1] Grill et al. 2020, "Bootstrap your own latent", arXiv:2006.07733.
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
from nolabel.nets.teacher import Teacher, momentum
from nolabel.objectives.distillation import normalised_distance
from nolabel.objectives.view_signals import agreement, signals_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class BYOLLearner(DistillingLearner, MakesPairs):
    """Student (backbone f, head g, predictor q), and the teacher that follows f and g."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, predictor: nn.Module, momentum: float) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.predictor = predictor
        self.teacher = Teacher(nn.Sequential(backbone, head))
        self.momentum = momentum

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Each view's prediction against the teacher's embedding of the other."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z1, z2 = self._embed(v1), self._embed(v2)
        q1, q2 = self.predictor(z1), self.predictor(z2)
        target1, target2 = self.teacher(v1), self.teacher(v2)
        similarity = normalised_distance(q1, target2) + normalised_distance(q2, target1)
        signals = {**signals_of(v1, v2, batch.x, z1, z2), "agreement": agreement(q1, target2)}
        return Losses({"similarity": similarity}, signals)

    def follow(self, step: Step) -> None:
        """Move the teacher towards the student: ξ ← τ ξ + (1 − τ) θ."""
        self.teacher.follow(nn.Sequential(self.backbone, self.head), momentum(self.momentum, step))

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def _embed(self, v: Tensor) -> Tensor:
        return self.head(self.backbone(v))  # type: ignore[no-any-return]


@final
class BYOL(ShowsViews, Embedder):
    """Two views predict each other through a slow teacher, without negatives: good in small batches.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. "auto" differs between the two, as in the paper. A
        mapping such as {"crop": (0.3, 1.0)} alters some settings of "auto"; a callable takes a batch of network values
        (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    projection : sequence of int, default=(1024, 256)
        Widths of the head g: hidden layers, and last the D dimensions of an embedding.
    prediction : sequence of int, default=(1024,)
        Hidden widths of the predictor, which ends in D again.
    momentum : float, default=0.99
        τ_base, from which τ rises to 1 over the run: how slowly the teacher follows. Closer to 1 for long runs.
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
    Grill et al. 2020, arXiv:2006.07733.

    Examples
    --------
    >>> from nolabel import BYOL
    >>> model = BYOL(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "BYOL"
    paper = "arXiv:2006.07733"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (1024, 256),
        prediction: Sequence[int] = (1024,),
        momentum: float = 0.99,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.projection = projection
        self.prediction = prediction
        self.momentum = momentum
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> BYOLLearner:
        """Views, student, teacher."""
        at_least("momentum", self.momentum, 0, 1)
        needs_others(self.batch_size, "BYOL")
        head_widths = widths("projection", self.projection)
        hidden = widths("prediction", self.prediction, least=0)
        backbone = make_backbone(spec, self.backbone)
        out = head_widths[-1]
        return BYOLLearner(
            Pair(spec, self.views, asymmetric=True),
            backbone,
            projector((backbone.width, *head_widths), last_bias=False),
            projector((out, *hidden, out)),
            self.momentum,
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            backbone="mlp",
            projection=(32, 16),
            prediction=(32,),
            momentum=0.9,
            epochs=8,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
