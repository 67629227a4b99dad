"""SCARF: a row of a table should be found again after columns of it took the values of other rows.

    x̃ = x, but the columns in I take values drawn from their marginal distributions, |I| = c · columns
    z = g(f(x)),  z̃ = g(f(x̃)),   loss = mean_i −log exp(cos(z_i, z̃_i) / τ) / Σ_k exp(cos(z_i, z̃_k) / τ)    (alg. 1)

k runs over the corrupted rows of the batch; the loss is a mean over rows, ln(B) when nothing is told apart. To find a
row by what is left of it, the code must hold what columns say about each other. The head g is needed while learning and
thrown away after: the code is f(x).

Shapes: x (B, D) → x̃ (B, D) → features f (B, L) → embeddings z (B, E) → scalar. The code is (B, L).
Batch normalisation: over rows and corrupted rows together.
Relations: SimCLR with another kind of view, of which one is the row itself; MAE predicts what it hid instead of finding
the row.
Known departures from [1]: c times the number of columns is rounded up or down by chance, so that the rate is c, and a
category is one column, not one for each value; marginals are those of the batch instead of all rows; missing values
stay missing; the constant ln B in [1]'s denominator is left out; layers of the backbone are batch-normalised; no early
stopping unless `plan` asks for it.
[1] Bahri, Jiang, Tay and Metzler 2022, "SCARF: self-supervised contrastive learning using random feature corruption",
ICLR, arXiv:2106.15147.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.errors import ModalityError
from nolabel.methods._arguments import above, at_least, needs_others, widths
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesViews, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.heads import projector
from nolabel.nets.sync import gather_with_gradient, offset
from nolabel.objectives.contrastive import info_nce, rows_of_all
from nolabel.objectives.view_signals import signals_of
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Corrupt


@final
class SCARFLearner(GradientLearner, MakesViews):
    """What corrupts rows, the backbone f and the head g."""

    def __init__(self, corrupt: Corrupt, backbone: Backbone, head: nn.Module, temperature: float) -> None:
        super().__init__()
        self.corrupt = corrupt
        self.backbone = backbone
        self.head = head
        self.temperature = temperature

    def loss(self, batch: Batch, step: Step) -> Losses:
        """InfoNCE between rows and their corrupted views."""
        x_tilde = self.corrupt(batch.x, step.draws, batch.mask)
        z, z_tilde = self.head(self.backbone(torch.cat([batch.x, x_tilde]))).chunk(2)
        contrast = info_nce(z, gather_with_gradient(z_tilde), self.temperature, offset(len(z)))
        chance = rows_of_all(z).log()
        return Losses({"contrast": contrast}, {"chance": chance, **signals_of(batch.x, x_tilde, batch.x, z, z_tilde)})

    def encode(self, x: Tensor) -> Tensor:
        """Features f(x), x taken as it is: (B, D) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The row and its corrupted view, each (B, D)."""
        return [x, self.corrupt(x, draws, mask)]


@final
class SCARF(ShowsViews, Embedder):
    """Contrastive learning on tables: a row must be found again after columns took other rows' values.

    For tables with many more rows than labels, of numbers, categories or both, whose columns say something about each
    other. Of a few hundred rows there is seldom more to learn than a logistic regression on the standardised columns
    finds by itself: compare with it. Labels are not looked at.

    Parameters
    ----------
    corruption : float, default=0.6
        c, fraction of the columns that take another row's value, above 0 and at most 1.
    backbone : {"auto", "mlp"} or Module, default="auto"
        The network f that is kept: a perceptron of three layers of 256, or a module from (B, D) to (B, L).
    temperature : float, default=1.0
        τ, above 0: the lower, the more only the hardest candidates count.
    projection : sequence of int, default=(256, 256)
        Widths of the head g: hidden layers, and last the dimensions in which rows are compared.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=128
        Samples a step, at least 2, among which a row must be found; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Step size.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and corruption.
    plan : Plan, mapping or None, default=None
        How training runs: optimizer, schedule, precision, held-out part, ... See `nolabel.Plan`.

    References
    ----------
    Bahri et al. 2022, arXiv:2106.15147.

    Examples
    --------
    >>> from nolabel import SCARF
    >>> model = SCARF(epochs=2, random_state=0).fit("wine")
    >>> model.transform("wine").shape
    (178, 256)
    """

    title = "SCARF"
    paper = "arXiv:2106.15147"
    modalities: ClassVar[tuple[str, ...]] = ("table",)

    def __init__(
        self,
        *,
        corruption: float = 0.6,
        backbone: str | nn.Module = "auto",
        temperature: float = 1.0,
        projection: Sequence[int] = (256, 256),
        epochs: int | None = None,
        batch_size: int | None = 128,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.corruption = corruption
        self.backbone = backbone
        self.temperature = temperature
        self.projection = projection
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SCARFLearner:
        """Corruption, backbone, head."""
        if spec.modality != "table":
            raise ModalityError(f"SCARF learns from tables; these are {spec.modality}s. For images take SimCLR or MAE")
        above("corruption", self.corruption, 0)
        at_least("corruption", self.corruption, 0, 1)
        above("temperature", self.temperature, 0)
        needs_others(self.batch_size, "SCARF")
        head_widths = widths("projection", self.projection)
        backbone = make_backbone(spec, self.backbone)
        head = projector((backbone.width, *head_widths), norm=False)
        return SCARFLearner(Corrupt("marginals", self.corruption, spec), backbone, head, self.temperature)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in about a second."""
        return cls(
            corruption=0.3,
            temperature=0.5,
            projection=(64,),
            epochs=8,
            batch_size=32,
            learning_rate=0.002,
            random_state=0,
        )
