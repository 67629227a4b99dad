"""MoCo: find the other view's key, made by a slow copy of the network, among many others.

    q = g(f(v)),  k = g'(f'(v')),   loss = mean −log exp(q·k / τ) / Σ_c exp(q·c / τ),  all of norm 1    (eq. 1 of [1])
    ξ ← m ξ + (1 − m) θ             the teacher f', g' follows the student f, g after every step         (eq. 2 of [1])

Version 2 ([2]): candidates c are the keys of the batch and those of the last batches, kept in a queue of K; one view is
the query, the other the key. The queue makes candidates many where batches are small; it can be trusted because the
teacher, and so the keys, change slowly. Version 3 ([3]): no queue, candidates are the keys of the batch; a predictor h
on the student, q = h(g(f(v))); each view is query and key in turn; m rises to 1 over the run, along a cosine. The loss
is a mean over samples, and over both ways; ln(candidates) when nothing is told apart.

Shapes: x (B, *shape) → views 2 x (B, *shape) → features f (B, L) → q, k (B, D); queue (K, D). The code is f(x).
Batch normalisation: over each view by itself; the teacher has statistics of its own.
Relations: SimCLR takes all candidates from a large batch, and needs neither teacher nor queue; version 3 without
candidates is BYOL.
Known departures: the batch's other keys are candidates too, for a query could tell its own from the queue's by batch
statistics that they share, against which [1] shuffles samples over processes; a sample's own old keys in the queue are
no candidates for it, so a queue may be larger than the data; [3] scales its loss by 4 τ, which AdamW would not notice;
AdamW instead of SGD and LARS; m from 0.99, for short runs.
[1] He et al. 2020, "Momentum contrast for unsupervised visual representation learning", arXiv:1911.05722.
[2] Chen, Fan et al. 2020, "Improved baselines with momentum contrastive learning", arXiv:2003.04297.
[3] Chen, Xie and He 2021, "An empirical study of training self-supervised vision transformers", arXiv:2104.02057.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

from torch import Tensor, nn

from nolabel.errors import not_a_choice
from nolabel.methods._arguments import above, at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesPairs, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.nets.memory import Queue
from nolabel.nets.sync import gather, offset
from nolabel.nets.teacher import Teacher, momentum
from nolabel.objectives.contrastive import info_nce, rows_of_all, unit
from nolabel.objectives.view_signals import agreement, signals_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class MoCoLearner(DistillingLearner, MakesPairs):
    """Student (backbone f, head g, and in version 3 a predictor h), its teacher, and in version 2 the queue of keys."""

    def __init__(
        self,
        pair: Pair,
        backbone: Backbone,
        head: nn.Module,
        temperature: float,
        momentum: float,
        queue: Queue | None = None,
        predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.predictor = predictor
        self.teacher = Teacher(nn.Sequential(backbone, head))
        self.queue = queue
        self.temperature = temperature
        self.momentum = momentum

    def loss(self, batch: Batch, step: Step) -> Losses:
        """InfoNCE of queries against keys: one way with the queue, both ways without."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        if self.queue is None:
            q1, q2 = self.query(v1), self.query(v2)
            k1, k2 = self.teacher(v1), self.teacher(v2)
            contrast = (self._among_the_batch(q1, k2) + self._among_the_batch(q2, k1)) / 2
            chance = rows_of_all(q1).log()
            own = {"agreement": (agreement(q1, k2) + agreement(q2, k1)) / 2}
        else:
            q1, k2 = self.query(v1), self.teacher(v2)
            contrast, chance = self._with_the_queue(self.queue, q1, k2, batch.index, step)
            own = {"agreement": agreement(q1, k2), "queue_filled": self.queue.share_filled()}
        return Losses({"contrast": contrast}, {"chance": chance, **own, **signals_of(v1, v2, batch.x, q1, k2)})

    def query(self, v: Tensor) -> Tensor:
        """Q of a view: (B, *shape) to (B, D)."""
        z = self.head(self.backbone(v))
        return z if self.predictor is None else self.predictor(z)  # type: ignore[no-any-return]

    def _among_the_batch(self, q: Tensor, k: Tensor) -> Tensor:
        return info_nce(q, gather(k), self.temperature, offset(len(q)))

    def _with_the_queue(self, queue: Queue, q: Tensor, k: Tensor, index: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """The loss and its value at chance; while training the keys are noted down for the queue."""
        keys, owners = gather(unit(k)), gather(index.to(k.device))
        negatives, not_mine = queue.candidates(), queue.not_of(index)
        contrast = info_nce(q, keys, self.temperature, offset(len(q)), negatives, not_mine)
        if self.training:
            queue.notice(keys, step.piece, owners)
        return contrast, (len(keys) + not_mine.sum(1)).log().mean()

    def follow(self, step: Step) -> None:
        """The teacher moves towards the student; the step's keys enter the queue."""
        rising = self.queue is None
        m = momentum(self.momentum, step) if rising else self.momentum
        self.teacher.follow(nn.Sequential(self.backbone, self.head), m)
        if self.queue is not None:
            self.queue.take_in()

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class MoCo(ShowsViews, Embedder):
    """Momentum contrast: candidates from a queue (version 2) or from the batch (version 3), keys from a slow teacher.

    Takes the place of SimCLR where memory allows only small batches (version 2), or to train a ViT (version 3).

    Parameters
    ----------
    version : int, default=2
        2: a queue, one view the query and the other the key. 3: no queue, a predictor, both ways.
    views : "auto", mapping, ImageViews, TableViews, callable, or sequence of two of these, default="auto"
        How views are made: what they change, the code will not tell. A mapping such as {"crop": (0.3, 1.0)} alters some
        settings of "auto"; a callable takes a batch of network values (B, *shape) and gives as many.
    backbone : {"auto", "small", "resnet18", "resnet50", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. "auto" is a small residual network for images of at most 64 pixels, ResNet-18 for
        larger ones, a perceptron for tables; a module gives (B, L) or (B, L, h, w).
    temperature : float, default=0.2
        τ, above 0: the lower, the more only the hardest candidates count.
    momentum : float, default=0.99
        m, how slowly the teacher follows; in version 3 what it rises to 1 from. 0.999 for runs of 100,000 steps.
    queue : int, default=4096
        K, keys that are kept to compare with in version 2; more than there are samples does no harm.
    projection : sequence of int, default=(512, 128)
        Widths of the head g: hidden layers, and last the D dimensions in which views are compared.
    prediction : sequence of int, default=(512,)
        Hidden widths of the predictor h in version 3, which ends in D again.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW, cosine schedule, warm-up. `accumulate` cuts the batch into
        pieces, which share the queue but not their keys. See `nolabel.Plan`.

    References
    ----------
    He et al. 2020, arXiv:1911.05722; Chen et al. 2020, arXiv:2003.04297; Chen et al. 2021, arXiv:2104.02057.

    Examples
    --------
    >>> from nolabel import MoCo
    >>> model = MoCo(backbone="mlp", queue=1024, epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "MoCo"
    paper = "arXiv:1911.05722"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        version: int = 2,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        temperature: float = 0.2,
        momentum: float = 0.99,
        queue: int = 4096,
        projection: Sequence[int] = (512, 128),
        prediction: Sequence[int] = (512,),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.version = version
        self.views = views
        self.backbone = backbone
        self.temperature = temperature
        self.momentum = momentum
        self.queue = queue
        self.projection = projection
        self.prediction = prediction
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> MoCoLearner:
        """Views, backbone and head; a queue, or a predictor and batch normalisation in the heads."""
        if self.version not in (2, 3):
            raise not_a_choice("version", self.version, ["2", "3"])
        above("temperature", self.temperature, 0)
        at_least("momentum", self.momentum, 0, 1)
        at_least("queue", self.queue, 1)
        needs_others(self.batch_size, "MoCo")
        head_widths = widths("projection", self.projection)
        hidden = widths("prediction", self.prediction, least=0)
        pair = Pair(spec, self.views)
        backbone = make_backbone(spec, self.backbone)
        given = (backbone.width, *head_widths)
        if self.version == 2:
            queue = Queue(int(self.queue), given[-1])
            head = projector(given, norm=False)
            return MoCoLearner(pair, backbone, head, self.temperature, self.momentum, queue=queue)
        predictor = projector((given[-1], *hidden, given[-1]), last_norm=True)
        head = projector(given, last_norm=True)
        return MoCoLearner(pair, backbone, head, self.temperature, self.momentum, predictor=predictor)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            backbone="mlp",
            momentum=0.9,
            queue=16,
            projection=(16, 8),
            epochs=20,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
