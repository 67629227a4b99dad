"""DINO: a student that sees little predicts what a slow teacher says of large views, over K learned classes.

    g = W̄ z̄,  z = h(f(v))                            backbone f, head h, K prototypes W; bars for rows of unit norm
    q = softmax((g_t − c) / τ_t),  p = softmax(g_s / τ_s)    teacher t of the large views, student s of all
    loss = mean over pairs of a large view and another view of  −Σ_k q_k log p_k                  (eq. 2 and 3 of [1])
    c ← m c + (1 − m) mean g_t;   θ_t ← λ θ_t + (1 − λ) θ_s, λ from λ_0 to 1 along a cosine         (eq. 4, sec. 3.1)

Centring (c) keeps one class from taking all samples, sharpening (τ_t below τ_s) keeps all classes from being the same;
without either the loss sits at ln K, or every sample in one class. Watch "prototypes_used" (1 when classes are used
alike), "target_entropy" (1 when the teacher says nothing) and "spread".

Shapes: x (B, *shape) → views V x (B, ...) → features (V B, L) → z (V B, D) → g (V B, K). The code is f(x), (B, L).
Batch normalisation: over views of one size together; the teacher has statistics of its own.
Relations: SwAV has the same prototypes and loss, and balances a batch's codes in place of a teacher; BYOL has the same
teacher and a predictor in place of classes.
Known departures from [1]: batch normalisation in the head; the student's features are the code, not the teacher's; the
last layer is not frozen at first. Defaults are for small data, where ln K is the usual end of a run: K 1024 and z of
width 64 (cosines of random vectors are then wide enough apart for the teacher's first targets to say something), λ_0
0.99 (a teacher that follows within a hundred steps), τ_t 0.04 to 0.05, clipped gradients.
[1] Caron et al. 2021, "Emerging properties in self-supervised vision transformers", arXiv:2104.14294.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._arguments import above, at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._crops import crops_for, features_of
from nolabel.methods._views import MakesCrops, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.nets.pieces import Pieces
from nolabel.nets.prototypes import PrototypeHead
from nolabel.nets.sync import total
from nolabel.nets.teacher import Teacher, momentum
from nolabel.objectives.across_views import cross_entropy_across_views, use_of, vagueness_of
from nolabel.objectives.self_distillation import centred_and_sharpened, warmed_up
from nolabel.objectives.view_signals import agreement, signals_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import MultiCrop


@final
class DINOLearner(DistillingLearner, MakesCrops):
    """Student, teacher, and the centre c of what the teacher says.

    sharpness: τ_t at first, τ_t at last, and the fraction of the run between them.  momenta: λ_0, and m of the centre.
    """

    centre: Tensor

    def __init__(
        self,
        crops: MultiCrop,
        backbone: Backbone,
        head: PrototypeHead,
        temperature: float,
        sharpness: tuple[float, float, float],
        momenta: tuple[float, float],
    ) -> None:
        super().__init__()
        self.crops = crops
        self.backbone = backbone
        self.head = head
        self.teacher = Teacher(nn.Sequential(backbone, head))
        self.register_buffer("centre", torch.zeros(len(head.prototypes)))
        self.temperature = temperature
        self.sharpness = sharpness
        self.momenta = momenta
        self._noticed: Pieces[Tensor] = Pieces()  # what the teacher said in the step that `follow` comes after

    def loss(self, batch: Batch, step: Step) -> Losses:
        """The student's cross-entropy on all views against the teacher on the large ones."""
        large, small = self.crops(batch.x, step.draws, batch.mask)
        z_t, g_t = self.teacher(torch.cat(large))
        z_s, g_s = self.head(features_of(self.backbone, large, small))
        tau_t = warmed_up(*self.sharpness, step.progress)
        q = [centred_and_sharpened(g, self.centre, tau_t) for g in g_t.split(len(batch))]
        distillation = cross_entropy_across_views(q, g_s.split(len(batch)), self.temperature)
        if self.training:
            self._noticed.note(g_t, step.piece)
        z1, z2 = z_s.split(len(batch))[:2]
        signals = {
            "chance": distillation.new_tensor(math.log(len(self.centre))),
            **signals_of(large[0], large[1], batch.x, z1, z2),
            "agreement": agreement(z1, z_t[: len(batch)]),
            "prototypes_used": use_of(q),
            "target_entropy": vagueness_of(q),
        }
        return Losses({"distillation": distillation}, signals)

    def follow(self, step: Step) -> None:
        """Move the teacher towards the student, and the centre towards what the teacher of all processes said."""
        self.teacher.follow(nn.Sequential(self.backbone, self.head), momentum(self.momenta[0], step))
        if said := self._noticed.take():
            g = torch.cat(said)
            whole = total(torch.cat([g.sum(0), g.new_tensor([len(g)])]))
            self.centre.lerp_(whole[:-1] / whole[-1], 1 - self.momenta[1])

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x) of the student, x taken as it is: (B, *shape) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]


@final
class DINO(ShowsViews, Embedder):
    """Self-distillation: from a small view, predict the class that a slow teacher gives to a large one.

    Strong where images hold one thing in many sizes, and with a "vit" backbone; it needs more care than SimCLR. When
    the loss stays at ln K, lower `first_teacher_temperature` and `teacher_temperature`.

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
    prototypes : int, default=1024
        K, learned classes; some ten times as many as there may be groups.
    projection : sequence of int, default=(512, 512, 64)
        Widths of the head h, with batch normalisation between its layers; the last is the bottleneck z.
    temperature : float, default=0.1
        τ_s of the student, above 0.
    teacher_temperature : float, default=0.05
        τ_t of the teacher at last, below that of the student: the lower, the surer its targets.
    first_teacher_temperature : float, default=0.04
        τ_t at first; lower it when the loss stays at ln K.
    teacher_warmup : float, default=0.3
        Fraction of the run over which τ_t goes from the first to the last.
    momentum : float, default=0.99
        λ_0, from which λ rises to 1 over the run: how slowly the teacher follows. Closer to 1 for long runs.
    centre_momentum : float, default=0.9
        m, how slowly the centre follows.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step, at least 2; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first tenth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW with weight decay 0.0001, cosine schedule, a warm-up over 10 %
        of the run, gradients clipped at 3. See `nolabel.Plan`.

    References
    ----------
    Caron et al. 2021, arXiv:2104.14294.

    Examples
    --------
    >>> from nolabel import DINO
    >>> model = DINO(backbone="mlp", small_views=2, epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 256)
    """

    title = "DINO"
    paper = "arXiv:2104.14294"
    plan_defaults: ClassVar[Mapping[str, Any]] = {**ADAMW_COSINE, "warmup": 0.1, "clip": 3.0}

    def __init__(
        self,
        *,
        views: Any = "auto",
        backbone: str | nn.Module = "auto",
        small_views: int = 4,
        prototypes: int = 1024,
        projection: Sequence[int] = (512, 512, 64),
        temperature: float = 0.1,
        teacher_temperature: float = 0.05,
        first_teacher_temperature: float = 0.04,
        teacher_warmup: float = 0.3,
        momentum: float = 0.99,
        centre_momentum: float = 0.9,
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
        self.teacher_temperature = teacher_temperature
        self.first_teacher_temperature = first_teacher_temperature
        self.teacher_warmup = teacher_warmup
        self.momentum = momentum
        self.centre_momentum = centre_momentum
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> DINOLearner:
        """Views, student, teacher."""
        self._refuse_senseless()
        *hidden, width = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        h = projector((backbone.width, *hidden, width), activation="gelu")
        return DINOLearner(
            crops_for(spec, self.views, int(self.small_views), backbone),
            backbone,
            PrototypeHead(h, width, int(self.prototypes)),
            self.temperature,
            (self.first_teacher_temperature, self.teacher_temperature, self.teacher_warmup),
            (self.momentum, self.centre_momentum),
        )

    def _refuse_senseless(self) -> None:
        needs_others(self.batch_size, "DINO")
        at_least("small_views", self.small_views, 0)
        at_least("prototypes", self.prototypes, 2)
        for name in ("temperature", "teacher_temperature", "first_teacher_temperature"):
            above(name, getattr(self, name), 0)
        for name in ("teacher_temperature", "first_teacher_temperature"):
            if getattr(self, name) > self.temperature:
                raise ArgumentError(
                    f"{name} must be at most temperature, or targets are vaguer than predictions and all samples end "
                    f"alike; got {getattr(self, name)!r} above {self.temperature!r}"
                )
        for name in ("teacher_warmup", "momentum", "centre_momentum"):
            at_least(name, getattr(self, name), 0, 1)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in about a second."""
        return cls(
            backbone="mlp",
            small_views=0,
            prototypes=4,
            projection=(32, 8),
            temperature=0.3,
            teacher_temperature=0.1,
            first_teacher_temperature=0.1,
            momentum=0.9,
            epochs=16,
            batch_size=32,
            learning_rate=0.005,
            random_state=0,
        )
