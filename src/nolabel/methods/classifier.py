"""Classifier: a network that names classes, from scratch or from what another method has learned without labels.

    z = f(x),  s = W z / σ + b,   loss = mean of w_y · [−(1 − ε) log p_y − ε/K Σ_k log p_k],  p = softmax(s)
    afterwards  p = softmax(s / T),  T from samples that the network was not trained on             (section 4.2 of [1])

f is a backbone with random weights, or the encoder of a pre-trained model. The head W, b of a pre-trained one begins as
the linear probe on its codes, then both are trained on: a head that begins from nothing would first spoil what the
encoder knows ([2], "LP-FT"). σ, the standard deviation of the first codes, is fixed, so that one learning rate suits
codes of any scale. w_y is 1, or N / (K n_y) with `class_weight="balanced"`. Only samples with a label are trained on;
unlabelled ones are not even met.

Shapes: x (B, *shape) → z (B, L) → s (B, K). Means are over labelled samples.
Relations: without `pretrained` the baseline that pre-training must beat; `freeze=True` is a linear probe trained on by
gradients; a SupervisedAutoencoder learns from unlabelled samples in the same run.
Known departures: layers learn more slowly the nearer they are to the data as in [3], where [3] also unfreezes them one
after the other.
[1] Guo et al. 2017, "On calibration of modern neural networks", ICML.
[2] Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR.
[3] Howard and Ruder 2018, "Universal language model fine-tuning for text classification", ACL.
"""

import signal
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.data.sampler import split_rows
from nolabel.errors import ArgumentError, DataError, DivergedError, TrainingInterrupted
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Classifies, Embedder, LabelPredictor
from nolabel.methods._start import describe, learner_like, spec_of, weights_of
from nolabel.methods._supervised import Supervised
from nolabel.nets.blocks import blocks_of
from nolabel.nets.defaults import make_backbone
from nolabel.nets.mlp import linear
from nolabel.objectives.calibration import best_temperature
from nolabel.objectives.linear_head import linear_head
from nolabel.randomness import mix, seeded
from nolabel.training import engine
from nolabel.training.health import Verdict
from nolabel.training.learner import GradientLearner, Learner, SetsRates, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.mild import mild_views
from nolabel.views.recipes import View

Calibration = Literal["auto", "cross", "holdout", "none"]
FOLDS = 3
HEAD = 10.0  # what the learning rate of a head that begins from nothing is multiplied by
HELD = 0.1  # of the labels, for calibration="holdout"
MANY = 2_000  # labels from which on "auto" holds some out
FEW = 12  # labels, fewer of which calibrate nothing
CHUNK = 256
PROBED = 5_000  # labelled samples that the head begins with, at most


@final
class ClassifierLearner(GradientLearner, Classifies, SetsRates):
    """Encoder, head and temperature. `encoder` is a backbone, or a whole learner of which `encode` is used."""

    sigma: Tensor
    temperature: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        shape: tuple[int, ...],
        classes: int,
        view: View | None,
        *,
        freeze: float = 0.0,
        layer_decay: float = 1.0,
        smoothing: float = 0.0,
        head_rate: float = HEAD,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.view = view
        self.layer_decay = layer_decay
        self.smoothing = smoothing
        self.head_rate = head_rate
        self.weights: tuple[float, ...] | None = None  # w, of each class
        for parameter in encoder.parameters():
            parameter.requires_grad_(True)  # a teacher's have been without
        x = torch.linspace(0, 1, 2 * int(np.prod(shape))).view(2, *shape)
        if x.is_meta:
            encoder.to("meta")  # a user's network is there already, elsewhere
        with engine.evaluating(encoder):
            width = self.encode(x).shape[1]
            self.blocks = [] if x.is_meta else blocks_of(self, self.encode, x)
        self.fixed = self._fix(freeze)
        self.head = linear(width, classes, "linear")
        self.register_buffer("sigma", torch.ones(()))
        self.register_buffer("temperature", torch.ones(()))

    def _fix(self, freeze: float) -> list[nn.Module]:
        """Let only those parameters be trained that are not frozen; returns the frozen modules."""
        still = self.blocks[: round(freeze * len(self.blocks))]
        trained = {name for block in self.blocks[len(still) :] for name in block.parameters}
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in trained)
        if freeze == 1:
            return [self.encoder]
        modules = dict(self.named_modules())
        return [modules[name] for block in still for name in block.modules]

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Cross-entropy of the labelled samples."""
        x = batch.x
        if self.training:
            for module in self.fixed:
                module.eval()  # whose statistics are fixed, too
            x = x if self.view is None else self.view(x, step.draws)
        s = self._scores(self.encode(x))
        y = torch.full((len(batch),), -1, device=s.device) if batch.y is None else batch.y
        known = y >= 0
        losses = F.cross_entropy(s, y.clamp_min(0), reduction="none", label_smoothing=self.smoothing)
        if self.weights is not None:
            losses = losses * torch.tensor(self.weights, device=s.device)[y]
        count = known.sum().clamp_min(1)
        right = ((s.argmax(1) == y) & known).sum() / count
        return Losses({"classification": torch.where(known, losses, 0).sum() / count}, {"accuracy": right.detach()})

    def _scores(self, z: Tensor) -> Tensor:
        s: Tensor = self.head(z / self.sigma)
        return s

    def logits(self, z: Tensor) -> Tensor:
        """S / T from codes: (B, L) to (B, K)."""
        return self._scores(z) / self.temperature

    def encode(self, x: Tensor) -> Tensor:
        """Z = f(x): (B, *shape) to (B, L)."""
        z: Tensor = self.encoder.encode(x) if isinstance(self.encoder, Learner) else self.encoder(x)
        return z

    def rates(self) -> dict[str, float]:
        """λ^d for the block with d blocks between it and the head; the head's own if it begins from nothing."""
        own = {
            name: self.layer_decay**depth
            for depth, block in enumerate(reversed(self.blocks))
            for name in block.parameters
        }
        return {**own, **{f"head.{name}": self.head_rate for name, _ in self.head.named_parameters()}}


@final
class Classifier(LabelPredictor, Embedder, Supervised):
    """A network that names classes, trained on labelled samples, from scratch or from a pre-trained model.

    `fit(X, y)` takes labels with -1, NaN or None for "unknown"; such samples are left out. `predict_proba` is
    calibrated by temperature scaling (`temperature_`). `nolabel.finetune` makes one from a model in one call.

    Parameters
    ----------
    pretrained : str, path, fitted estimator or None, default=None
        What to begin with: a fitted model, a run folder or a saved model of any method whose codes have a gradient.
        Samples are then treated by its recipe. None begins with random weights.
    backbone : str or Module, default="auto"
        The network when there is no `pretrained`; see `nolabel.nets.defaults.make_backbone`.
    freeze : bool or float, default=False
        What of the encoder stays as it is: nothing, all of it (True), or the share of its blocks nearest the data.
    layer_decay : float, default=1.0
        λ in (0, 1]: each block of the encoder learns at λ times the rate of the one after it; 0.65 to 0.9 keeps more
        of a pre-trained model.
    views : "auto", "none", mapping, ImageViews or callable, default="auto"
        Changes of the training images: "auto" crops a little and, in colour images, exchanges left and right; tables
        are left alone. A mapping of settings of `nolabel.views.images.ImageViews` differs from "auto" in those.
    label_smoothing : float, default=0.0
        ε in [0, 1).
    class_weight : {"balanced"} or None, default=None
        "balanced" lets every class count alike, however many labels it has; probabilities are then those of a world
        in which classes are equally frequent.
    calibration : {"auto", "cross", "holdout", "none"}, default="auto"
        Where T is found. "cross": on the labels that each of 3 networks was not trained on, made anew by the same
        settings from the other two thirds (3 more trainings); "holdout": on a tenth of the labels, kept from training;
        "auto" is "cross" below 2,000 labels. "none" leaves T = 1, as do fewer than 12 labels of classes that have two.
    epochs : int or None, default=None
        Passes over the labelled data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step; None chooses 16 to 256 by the number of labelled samples.
    learning_rate : float, default=0.001
        Step size of the encoder's last block and the head; a head on random weights takes steps of ten times that.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and views.
    plan : Plan, mapping or None, default=None
        How training runs: optimizer, schedule, precision, held-out part, ... See `nolabel.Plan`. This method's own
        defaults are AdamW with a cosine schedule, 5 % warm-up and weight decay 0.0001.

    References
    ----------
    Guo et al. 2017, ICML; Kumar et al. 2022, ICLR; Howard and Ruder 2018, ACL.

    Examples
    --------
    >>> import nolabel
    >>> digits = nolabel.open("digits")
    >>> y = digits.labels.copy()
    >>> y[100:] = -1
    >>> encoder = nolabel.Autoencoder(epochs=5, random_state=0).fit(digits)
    >>> model = nolabel.Classifier(pretrained=encoder, epochs=5, random_state=0).fit(digits, y)
    >>> model.predict_proba(digits).shape
    (1797, 10)
    """

    title = "Classifier"
    paper = "Guo et al. 2017"
    uses_labels: ClassVar[bool] = True
    plan_defaults: ClassVar[Mapping[str, Any]] = ADAMW_COSINE

    def __init__(
        self,
        *,
        pretrained: Any = None,
        backbone: Any = "auto",
        freeze: bool | float = False,
        layer_decay: float = 1.0,
        views: Any = "auto",
        label_smoothing: float = 0.0,
        class_weight: Literal["balanced"] | None = None,
        calibration: Calibration = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.pretrained = pretrained
        self.backbone = backbone
        self.freeze = freeze
        self.layer_decay = layer_decay
        self.views = views
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.calibration = calibration
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> ClassifierLearner:
        """The encoder with random weights, and the head; `prepare` puts the pre-trained weights in."""
        at_least("freeze", float(self.freeze), 0, 1)
        at_least("label_smoothing", self.label_smoothing, 0, 0.999)
        if not 0 < self.layer_decay <= 1:
            raise ArgumentError(f"layer_decay must be above 0 and at most 1; got {self.layer_decay!r}")
        learner = ClassifierLearner(
            self._encoder(spec),
            spec.shape,
            len(self.classes_),
            mild_views(spec, self.views),
            freeze=float(self.freeze),
            layer_decay=self.layer_decay,
            smoothing=self.label_smoothing,
            head_rate=HEAD if self.pretrained is None else 1.0,
        )
        if not learner.blocks and self.freeze is not True and not learner.head.weight.is_meta:
            raise ArgumentError(
                "freeze must be True for this pretrained model, whose codes have no gradient (they are counted or "
                f"looked up, not computed by layers); got {self.freeze!r}"
            )
        return learner

    def _encoder(self, spec: DataSpec) -> nn.Module:
        if not isinstance(self.backbone, str | nn.Module):
            raise ArgumentError(f"backbone must be a name or a torch.nn.Module; got {self.backbone!r:.80}")
        if self.pretrained is None:
            return make_backbone(spec, self.backbone)
        if not (isinstance(self.backbone, str) and self.backbone == "auto"):
            raise ArgumentError(
                f"backbone must be 'auto' with pretrained, whose own network is used; got {self.backbone!r:.80}"
            )
        return learner_like(self.pretrained, self._kept_start())

    # --- what a Supervised estimator says ----------------------------------------------------------------------------

    def starting_spec(self) -> DataSpec | None:
        """The pre-trained model's recipe."""
        if self.pretrained is None:
            return None
        return spec_of(self._kept_start())

    def _kept_start(self) -> dict[str, Any]:
        """The description of `pretrained`; of a folder as it was when it was read first, for it may go."""
        key, description = getattr(self, "_start", (None, None))
        if description is None or key is not self.pretrained:
            description = describe(self.pretrained)
            if not isinstance(self.pretrained, Mapping):
                self._start = (self.pretrained, description)
        return description

    def kept(self) -> dict[str, Any]:
        """The pre-trained model by its description, so that a saved classifier needs nothing else."""
        return {} if self.pretrained is None else {"pretrained": self._kept_start()}

    def training_rows(self, labels: Tensor) -> NDArray[np.int64]:
        """Rows of known label, without those that are held out."""
        known = np.flatnonzero(labels.numpy() >= 0)
        if not len(known):
            raise DataError("no sample of this part has a known label; give some, or leave the part out")
        held = self._held_out(labels.numpy()) if self._way(_comparable(labels.numpy())) == "holdout" else known[:0]
        return np.setdiff1d(known, held)

    def _way(self, labels: int) -> str:
        if labels < FEW:
            return "none"
        if self.calibration == "auto":
            return "cross" if labels < MANY else "holdout"
        return self.calibration

    def _held_out(self, y: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate(_parts(y, max(2, round(1 / HELD)), self.seed_)[:1])

    def prepare(self, data: Dataset, labels: Tensor, *, fresh: bool) -> None:
        """Pre-trained weights and the scale of their codes; what each class counts."""
        learner = self.learner_
        if fresh:
            self._begin_with(learner, data, labels, self.seed_)
        learner.weights = self._class_weights(labels)

    def _begin_with(self, learner: ClassifierLearner, data: Dataset, labels: Tensor, seed: int) -> None:
        """Pre-trained weights and the head that suits them, if there are any; the scale of the codes."""
        if self.pretrained is not None:
            learner.encoder.load_state_dict(weights_of(self.pretrained))
        trained, _ = split_rows(len(data), self._whole_plan().holdout, seed)  # as the engine does
        most = CHUNK if self.pretrained is None else PROBED
        rows = trained[torch.linspace(0, len(trained) - 1, min(len(trained), most)).long()]
        codes = _each_batch(learner, data.subset(rows.numpy()), learner.encode)
        learner.sigma.fill_(max(float(codes.std()) if codes.numel() > 1 else 1.0, 1e-6))
        if self.pretrained is not None:
            self._begin_as_probe(learner, codes.double(), labels[rows])

    @torch.no_grad()
    def _begin_as_probe(self, learner: ClassifierLearner, codes: Tensor, labels: Tensor) -> None:
        """The head as the linear probe's: W' z' + b' with z' = (z − μ) / s, told in terms of z / σ."""
        if not (labels != labels[0]).any():
            return  # of a stream's first part, say
        mean, spread = codes.mean(0), codes.var(0, correction=0).mean().sqrt()
        if not spread > 0:
            return
        with warnings.catch_warnings(), threadpool_limits(limits=1):  # one thread, so that sums are always the same
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is a place to begin
            head = linear_head(
                ((codes - mean) / spread).numpy(), labels.numpy(), len(self.classes_), class_weight=self.class_weight
            )
        weights, biases = (torch.from_numpy(one) for one in head)
        learner.head.weight.copy_(weights * (learner.sigma.double() / spread))
        learner.head.bias.copy_(biases - weights @ (mean / spread))

    def _class_weights(self, labels: Tensor) -> tuple[float, ...] | None:
        if self.class_weight is None:
            return None
        count = torch.bincount(labels, minlength=len(self.classes_)).double()
        weights = len(labels) / (count > 0).sum() / count.clamp_min(1)
        return tuple(weights.tolist())

    def finish(self, data: Dataset, labels: Tensor) -> list[Verdict]:
        """Find T."""
        learner = self.learner_
        learner.temperature.fill_(1.0)
        known = np.flatnonzero(labels.numpy() >= 0)
        way = self._way(_comparable(labels.numpy()))
        if way == "none":
            return [] if self.calibration == "none" else [_too_few(len(known))]
        try:
            found = self._judgements(data, labels, way)
        except DivergedError:
            return [_not_found("a network that was trained on some of the labels to find a temperature diverged")]
        except KeyboardInterrupt as error:
            raise TrainingInterrupted(
                "stopped while a temperature was looked for. The network is trained; resume finds the temperature",
                getattr(error, "signum", signal.SIGINT),
            ) from error
        scores, y = (torch.cat(parts) for parts in zip(*found))
        weights = self._class_weights(labels[known])
        learner.temperature.fill_(best_temperature(scores, y, None if weights is None else torch.tensor(weights)[y]))
        return []

    def _judgements(self, data: Dataset, labels: Tensor, way: str) -> list[tuple[Tensor, Tensor]]:
        """Scores and classes of samples that the network which gave them was not trained on."""
        y = labels.numpy()
        if way == "holdout":
            return [self._judged(self.learner_, data, labels, self._held_out(y))]
        return [self._judged_by_another(data, labels, rows) for rows in _parts(y, FOLDS, self.seed_)]

    def _judged_by_another(self, data: Dataset, labels: Tensor, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Scores of some samples by a network that was trained, as this one, on all other labelled ones."""
        others = np.setdiff1d(np.flatnonzero(labels.numpy() >= 0), rows)
        seed = mix(self.seed_, int(rows[0]))
        with seeded(seed):
            learner = self.build(self.spec_)
        part, y = data.subset(others), labels[torch.from_numpy(others)]
        self._begin_with(learner, part, y, seed)
        learner.weights = self._class_weights(y)
        batch = self._batch_size(len(part))
        plan = self._whole_plan()
        epochs = self._epochs(len(part), batch)
        engine.run(engine.Job(learner, part, epochs, batch, self.learning_rate, seed, plan, y))
        return self._judged(learner, data, labels, rows)

    def _judged(
        self, learner: ClassifierLearner, data: Dataset, labels: Tensor, rows: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor]:
        scores = _each_batch(learner, data.subset(rows), lambda x: learner._scores(learner.encode(x)))
        return scores, labels[torch.from_numpy(rows)]

    @property
    def temperature_(self) -> float:
        """T, by which scores are divided; 1 where nothing was calibrated."""
        return float(self.learner_.temperature)

    def __sklearn_clone__(self) -> "Classifier":
        """A clone begins with the same pre-trained model, weights and all: they are what is asked for."""
        given = self.get_params(deep=False)
        return type(self)(
            **{name: value if name == "pretrained" else clone(value, safe=False) for name, value in given.items()}
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(backbone="mlp", calibration="holdout", epochs=8, batch_size=16, learning_rate=0.005, random_state=0)


@torch.no_grad()
def _each_batch(learner: ClassifierLearner, data: Dataset, ask: Any) -> Tensor:
    """`ask` of all samples, on the CPU."""
    device = learner.sigma.device
    with engine.evaluating(learner):
        return torch.cat([ask(batch.x.to(device)).float().cpu() for batch in data.as_dense().batches(CHUNK)])


def _parts(y: NDArray[np.int64], count: int, seed: int) -> list[NDArray[np.int64]]:
    """The labelled rows in `count` parts, in each of which classes have their share; a class's only sample in none.

    A network that is not trained on a part has so met its classes, or could say nothing of them.
    """
    rng = np.random.default_rng(mix(seed, 3) & 0xFFFFFFFF)
    of_class = [rng.permutation(rows) for rows in _by_class(y) if len(rows) > 1]
    dealt = np.concatenate(of_class)  # class after class: dealt out like cards, every part gets its share
    return [np.sort(dealt[part::count]) for part in range(count)]


def _by_class(y: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [np.flatnonzero(y == code) for code in np.unique(y[y >= 0])]


def _comparable(y: NDArray[np.int64]) -> int:
    """Number of the labels that are not the only one of their class."""
    return sum(len(rows) for rows in _by_class(y) if len(rows) > 1)


def _too_few(count: int) -> Verdict:
    text = f"Probabilities are not calibrated: {count} labels are too few to find a temperature from."
    return Verdict("warning", "uncalibrated", text, f"at least {FEW} labels, two or more of every class")


def _not_found(why: str) -> Verdict:
    return Verdict("warning", "uncalibrated", f"Probabilities are not calibrated: {why}.", "a lower learning_rate")
