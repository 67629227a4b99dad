"""SwAV: predict from one view of a sample the code of another, codes being balanced assignments to K prototypes.

    z = h(f(v)) of unit norm,   scores = Z Cᵀ with prototypes c_k of unit norm
    Q = Sinkhorn(scores / ε)                    rows sum to 1, columns to equal shares       (eq. 3 to 5 of [1])
    loss = mean over pairs of a large view t and another view s of  −Σ_k q_tk log softmax(scores_s / τ)_k   (eq. 1, 2)

That every prototype gets its share of the batch is what keeps all samples from falling to one of them: it needs neither
negatives nor a teacher. Batches much smaller than K are helped by a queue of embeddings of earlier steps, which take
part in the balance. The prototypes are brought back to unit norm after every step.

Shapes: x (B, *shape) → views V x (B, ...) → features (V B, L) → z (V B, D) → scores (V B, K). The code is f(x), (B, L).
Batch normalisation: over views of one size together.
Relations: DINO has the same prototypes and loss, and a teacher in place of the balance.
Known departures from [1]: one queue for both large views; it is in use as far as it is filled; AdamW in place of LARS;
prototypes are not frozen at first; K is 256 for small data.
[1] Caron et al. 2020, "Unsupervised learning of visual features by contrasting cluster assignments", arXiv:2006.09882.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.methods._arguments import above, at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._crops import crops_for, features_of
from nolabel.methods._views import MakesCrops, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.nets.memory import Queue
from nolabel.nets.prototypes import PrototypeHead
from nolabel.nets.sync import gather
from nolabel.objectives.across_views import cross_entropy_across_views, use_of
from nolabel.objectives.prototypes import balanced_codes
from nolabel.objectives.view_signals import signals_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import MultiCrop


@final
class SwAVLearner(DistillingLearner, MakesCrops):
    """Backbone, head with prototypes, and a queue of embeddings if there is to be one.

    balance: ε, and how often Sinkhorn's iteration is done.  queue_from: fraction of the run after which it is in use.
    """

    def __init__(
        self,
        crops: MultiCrop,
        backbone: Backbone,
        head: PrototypeHead,
        temperature: float,
        balance: tuple[float, int],
        queue: Queue | None,
        queue_from: float,
    ) -> None:
        super().__init__()
        self.crops = crops
        self.backbone = backbone
        self.head = head
        self.temperature = temperature
        self.balance = balance
        self.queue = queue
        self.queue_from = queue_from

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Each view's prediction of the codes of the large ones."""
        large, small = self.crops(batch.x, step.draws, batch.mask)
        z, scores = self.head(features_of(self.backbone, large, small))
        z1, z2 = z.detach().split(len(batch))[:2]
        each = scores.split(len(batch))
        beside = self._beside(step)
        q = [balanced_codes(one, *self.balance, beside) for one in each[: len(large)]]
        prototypes = cross_entropy_across_views(q, each, self.temperature)
        if self.training and self.queue is not None and step.progress >= self.queue_from:
            self.queue.notice(torch.cat([gather(z1), gather(z2)]), step.piece)
        signals = {
            "chance": prototypes.new_tensor(math.log(scores.shape[1])),
            **signals_of(large[0], large[1], batch.x, z1, z2),
            "prototypes_used": use_of([(one.detach() / self.temperature).softmax(1) for one in each[: len(large)]]),
        }
        if self.queue is not None:
            signals["queue_filled"] = self.queue.share_filled()
        return Losses({"prototypes": prototypes}, signals)

    @torch.no_grad()
    def _beside(self, step: Step) -> Tensor | None:
        """Scores (M, K) of the embeddings in the queue."""
        if self.queue is None or step.progress < self.queue_from or int(self.queue.filled) == 0:
            return None
        return self.head.scores(self.queue.candidates())

    def follow(self, step: Step) -> None:
        """Bring the prototypes back to unit norm; the step's embeddings enter the queue."""
        self.head.renormalise()
        if self.queue is not None:
            self.queue.take_in()

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class SwAV(ShowsViews, Embedder):
    """Online clustering: from one view of a sample, predict which of K prototypes another view is assigned to.

    Strong with several small views, steady in small batches, and without a teacher to tune.

    Parameters
    ----------
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two, default="auto"
        How views are made. A mapping changes settings of "auto", such as `{"solarize": 0.0}`; of a sequence of two, the
        first makes the large views and the second the small ones.
    backbone : str or Module, default="auto"
        The network f that is kept: "small", "resnet18", "resnet50" or "vit" for images, "mlp" for all else, or any
        module of yours; "auto" chooses by the data. One that takes images of one size only gets small views of that
        size.
    small_views : int, default=4
        Small views beside the two large ones; 0 for none. Each costs about a sixth of a large view.
    prototypes : int, default=256
        K; a few times as many as there may be groups. Batches much smaller than K want a queue.
    projection : sequence of int, default=(512, 64)
        Widths of the head h, with batch normalisation between its layers; the last is that of z.
    temperature : float, default=0.1
        τ of the predictions, above 0.
    epsilon : float, default=0.05
        ε of the codes, above 0: the smaller, the harder an assignment.
    iterations : int, default=3
        Rounds of Sinkhorn's iteration: the more, the more equal the shares.
    queue : int, default=0
        Embeddings of earlier steps that take part in the balance, two for each sample; 0 for none. No more than twice
        the samples that there are.
    queue_from : float, default=0.1
        Fraction of the run after which the queue is filled and used: before, embeddings change too fast to be kept.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW with weight decay 0.000001, cosine schedule, a warm-up over
        5 % of the run. See `nolabel.Plan`.

    References
    ----------
    Caron et al. 2020, arXiv:2006.09882.

    Examples
    --------
    >>> from nolabel import SwAV
    >>> model = SwAV(backbone="mlp", small_views=2, epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "SwAV"
    paper = "arXiv:2006.09882"
    plan_defaults: ClassVar[Mapping[str, Any]] = {**ADAMW_COSINE, "weight_decay": 1e-06}

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        small_views: int = 4,
        prototypes: int = 256,
        projection: Sequence[int] = (512, 64),
        temperature: float = 0.1,
        epsilon: float = 0.05,
        iterations: int = 3,
        queue: int = 0,
        queue_from: float = 0.1,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.small_views = small_views
        self.prototypes = prototypes
        self.projection = projection
        self.temperature = temperature
        self.epsilon = epsilon
        self.iterations = iterations
        self.queue = queue
        self.queue_from = queue_from
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SwAVLearner:
        """Views, backbone, prototypes, queue."""
        self._refuse_senseless()
        *hidden, width = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        return SwAVLearner(
            crops_for(spec, self.views, int(self.small_views), backbone),
            backbone,
            PrototypeHead(projector((backbone.width, *hidden, width)), width, int(self.prototypes)),
            self.temperature,
            (self.epsilon, int(self.iterations)),
            Queue(int(self.queue), width) if self.queue else None,
            self.queue_from,
        )

    def _refuse_senseless(self) -> None:
        needs_others(self.batch_size, "SwAV")
        for name, least in (("small_views", 0), ("prototypes", 2), ("iterations", 1), ("queue", 0)):
            at_least(name, getattr(self, name), least)
        for name in ("temperature", "epsilon"):
            above(name, getattr(self, name), 0)
        at_least("queue_from", self.queue_from, 0, 1)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in about a second."""
        return cls(
            backbone="mlp",
            small_views=1,
            prototypes=12,
            projection=(32, 8),
            temperature=0.5,
            epochs=8,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
