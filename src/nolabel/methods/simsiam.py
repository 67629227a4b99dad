"""SimSiam: predict one's own embedding of another view of the same sample, taken as if it were given.

    y = f(v),  z = g(y),  p = h(z)        backbone, head, predictor;  v_1, v_2 two views
    loss = D(p_1, sg(z_2)) / 2 + D(p_2, sg(z_1)) / 2                                            (eq. 3 and 4 of [1])
    D(p, z) = mean −⟨p, z⟩ / (‖p‖ ‖z‖)                                                                (eq. 1 of [1])

sg stops the gradient. Nothing pushes samples apart, there is no teacher and no queue: without sg, or without the
predictor, the embeddings soon collapse to a point, where the loss is −1. Watch the signal "spread".

Shapes: x (B, *shape) → views 2 x (B, *shape) → y (B, L) → z, p (B, D). The code is y.
Batch normalisation: over each view by itself.
Relations: BYOL with a teacher that follows at once.
Known departures from [1]: AdamW in place of SGD; a narrower head, of two matrices in place of three; the predictor
learns at the rate of the rest.
[1] Chen and He 2021, "Exploring simple Siamese representation learning", arXiv:2011.10566.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

from torch import Tensor, nn

from nolabel.methods._arguments import needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesPairs, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.objectives.distillation import negative_cosine
from nolabel.objectives.view_signals import agreement, signals_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class SimSiamLearner(GradientLearner, MakesPairs):
    """Backbone f, head g, predictor h."""

    def __init__(self, pair: Pair, backbone: Backbone, head: nn.Module, predictor: nn.Module) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.predictor = predictor

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Each view's prediction against the embedding of the other, through which no gradient flows."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z1, z2 = self._embed(v1), self._embed(v2)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        similarity = negative_cosine(p1, z2.detach()) / 2 + negative_cosine(p2, z1.detach()) / 2
        signals = {**signals_of(v1, v2, batch.x, z1, z2), "agreement": agreement(p1, z2)}
        return Losses({"similarity": similarity}, signals)

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def _embed(self, v: Tensor) -> Tensor:
        return self.head(self.backbone(v))  # type: ignore[no-any-return]


@final
class SimSiam(ShowsViews, Embedder):
    """Two views predict each other, with a stopped gradient and nothing else: the simplest, for small batches too.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. A mapping such as {"crop": (0.3, 1.0)} alters some
        settings of "auto"; a callable takes a batch of network values (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    projection : sequence of int, default=(1024, 1024)
        Widths of the head g: hidden layers, and last the D dimensions of an embedding.
    prediction : sequence of int, default=(256,)
        Hidden widths of the predictor, which ends in D again; narrower than D, as a bottleneck.
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
    Chen and He 2021, arXiv:2011.10566.

    Examples
    --------
    >>> from nolabel import SimSiam
    >>> model = SimSiam(backbone="mlp", epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "SimSiam"
    paper = "arXiv:2011.10566"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        projection: Sequence[int] = (1024, 1024),
        prediction: Sequence[int] = (256,),
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
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SimSiamLearner:
        """Views, backbone, heads."""
        needs_others(self.batch_size, "SimSiam")
        head_widths = widths("projection", self.projection)
        hidden = widths("prediction", self.prediction, least=0)
        backbone = make_backbone(spec, self.backbone)
        out = head_widths[-1]
        return SimSiamLearner(
            Pair(spec, self.views),
            backbone,
            projector((backbone.width, *head_widths), last_norm=True),
            projector((out, *hidden, out)),
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            backbone="mlp",
            projection=(32, 32),
            prediction=(16,),
            epochs=16,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
