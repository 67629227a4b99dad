"""NNCLR: a sample's positive is its nearest neighbour among earlier samples, not only another view of itself.

    z = g(f(v)),  p = h(z),  NN(z) = argmax over c in Q of z·c
    loss = ½ mean [−log exp(NN(z1_i)·p2_i / τ) / Σ_k exp(NN(z1_i)·p2_k / τ)]  + the same with the views exchanged

which is eq. 3 and 4 of [1] with the predictor of its sec. 3.2: all of unit norm, k over the batch, Q a queue of the
embeddings of the last batches, no gradient through NN. The neighbour differs from the sample in ways that no view could
be made to, so less hangs on the views. The loss is a mean over samples and both ways; ln B when nothing is told apart.
Before the queue holds anything, a sample's neighbour is itself.

Shapes: x (B, *shape) → views 2 x (B, *shape) → features f (B, L) → z, p (B, D); queue (K, D). The code is f(x).
Batch normalisation: over both views together.
Relations: with NN(z) = z this is SimCLR with a predictor; a queue larger than the data comes to that in part, for then
a sample's nearest may be itself, an epoch ago. MoCo's queue holds negatives, this one positives.
Known departures from [1]: AdamW instead of LARS; a queue of 2,048 instead of 98,304, for small data; τ of 0.2.
[1] Dwibedi et al. 2021, "With a little help from my friends: nearest-neighbor contrastive learning of visual
representations", arXiv:2104.14548.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.methods._arguments import above, at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesPairs, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.nets.memory import Queue
from nolabel.nets.sync import gather, gather_with_gradient, offset
from nolabel.objectives.contrastive import info_nce, rows_of_all, unit
from nolabel.objectives.view_signals import agreement, signals_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Pair


@final
class NNCLRLearner(DistillingLearner, MakesPairs):
    """Backbone f, head g, predictor h, and the queue Q in which neighbours are looked for."""

    def __init__(
        self, pair: Pair, backbone: Backbone, head: nn.Module, predictor: nn.Module, queue: Queue, temperature: float
    ) -> None:
        super().__init__()
        self.pair = pair
        self.backbone = backbone
        self.head = head
        self.predictor = predictor
        self.queue = queue
        self.temperature = temperature

    def loss(self, batch: Batch, step: Step) -> Losses:
        """InfoNCE of each view's neighbour against the predictions of the other view; the first enters the queue."""
        v1, v2 = self.pair(batch.x, step.draws, batch.mask)
        z = self.head(self.backbone(torch.cat([v1, v2])))
        z1, z2 = z.chunk(2)
        p1, p2 = self.predictor(z).chunk(2)
        contrast = (self._told_apart(self.neighbours(z1), p2) + self._told_apart(self.neighbours(z2), p1)) / 2
        if self.training:
            self.queue.notice(gather(unit(z1)), step.piece)
        signals = {
            "chance": rows_of_all(z1).log(),
            "agreement": agreement(p1, z2),
            "queue_filled": self.queue.share_filled(),
        }
        return Losses({"contrast": contrast}, {**signals, **signals_of(v1, v2, batch.x, z1, z2)})

    @torch.no_grad()
    def neighbours(self, z: Tensor) -> Tensor:
        """NN(z): for each row the nearest of the queue, or itself while that is empty; (B, D) of unit norm."""
        z, known = unit(z), self.queue.candidates()
        with torch.autocast(z.device.type, enabled=False):
            return known[(z @ known.T).argmax(1)] if len(known) else z

    def _told_apart(self, anchors: Tensor, p: Tensor) -> Tensor:
        return info_nce(anchors, gather_with_gradient(p), self.temperature, offset(len(p)))

    def follow(self, step: Step) -> None:
        """The step's embeddings enter the queue."""
        self.queue.take_in()

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class NNCLR(ShowsViews, Embedder):
    """Contrastive learning whose positives are nearest neighbours from a queue: leans less on strong views than SimCLR.

    Worth a try where it is not clear which changes leave a sample what it is, or where samples have near relatives. It
    needs a start that already finds sensible neighbours: on few samples, or in short runs, SimCLR is the surer one.

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
    queue : int, default=2048
        K, embeddings among which neighbours are looked for; best below the number of samples.
    projection : sequence of int, default=(512, 128)
        Widths of the head g: hidden layers, and last the D dimensions in which views are compared.
    prediction : sequence of int, default=(512,)
        Hidden widths of the predictor h, which ends in D again.
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
    Dwibedi et al. 2021, arXiv:2104.14548.

    Examples
    --------
    >>> from nolabel import NNCLR
    >>> model = NNCLR(backbone="mlp", queue=512, epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "NNCLR"
    paper = "arXiv:2104.14548"
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        temperature: float = 0.2,
        queue: int = 2048,
        projection: Sequence[int] = (512, 128),
        prediction: Sequence[int] = (512,),
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.views = views
        self.backbone = backbone
        self.temperature = temperature
        self.queue = queue
        self.projection = projection
        self.prediction = prediction
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> NNCLRLearner:
        """Views, backbone, head and predictor with batch normalisation, and an empty queue."""
        above("temperature", self.temperature, 0)
        at_least("queue", self.queue, 1)
        needs_others(self.batch_size, "NNCLR")
        head_widths = widths("projection", self.projection)
        hidden = widths("prediction", self.prediction, least=0)
        pair = Pair(spec, self.views)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths), last_norm=True)
        out = head_widths[-1]
        predictor = projector((out, *hidden, out))
        return NNCLRLearner(pair, backbone, head, predictor, Queue(int(self.queue), out), self.temperature)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            backbone="mlp",
            queue=64,
            projection=(16, 8),
            prediction=(16,),
            epochs=12,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
