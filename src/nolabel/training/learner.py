"""The abstract learners: what the engine can drive.

A learner owns the *step*, the engine owns the *loop*. A learner is a plain `nn.Module`: it can be trained from a
user's own loop, and the engine accepts a learner of the user's own. It does not know devices, files or epochs.

    Learner
    ├── GradientLearner      a loss whose gradient is followed
    │   └── DistillingLearner    and something that follows the weights without gradient: a teacher, a codebook
    ├── AdversarialLearner   several players, each with a loss and an optimizer of its own
    └── CountingLearner      sufficient statistics, no gradient: maps, topics
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.randomness import Draws
from nolabel.types import Batch, Losses


@dataclass(frozen=True, slots=True)
class Step:
    """Where training stands, as a learner sees it.

    number: optimizer steps done before this one.  progress: fraction of the whole run done, in [0, 1).
    draws: the random numbers of this step.  endless: whether the samples are a stream, which has no end; then progress
    is 1.  piece: which part of the step's batch is seen, counted from 0, where `accumulate` cuts it up; what a learner
    keeps until `follow` begins anew at the first, for a step that failed was not followed.
    """

    number: int
    progress: float
    draws: Draws
    endless: bool = False
    piece: int = 0


class Learner(nn.Module, ABC):
    """What is learned. `encode` is what `transform` returns and uses no randomness."""

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Network values (B, ...) to codes (B, L)."""


class GradientLearner(Learner):
    """Learns by following the gradient of one loss."""

    @abstractmethod
    def loss(self, batch: Batch, step: Step) -> Losses:
        """The objective on a batch; a mean over its samples."""


class DistillingLearner(GradientLearner):
    """A gradient learner with a part that follows the weights: an EMA teacher, a codebook of running means."""

    @abstractmethod
    def follow(self, step: Step) -> None:
        """Move the following part; called after every optimizer step, without gradient."""


class AdversarialLearner(Learner):
    """Several players that move in turn, each against the others; all in every step, unless it `TakesTurns`.

    What is logged of a player bears its name: `player.part`, a mean over the samples of the steps in which it moved.
    """

    @abstractmethod
    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The players in the order in which they move, and the parameters that each may change."""

    @abstractmethod
    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        """The objective of one player on a batch; a mean over its samples."""


class CountingLearner(Learner):
    """Learns from sufficient statistics: gather them over batches, then refresh the model from them.

    Statistics are *sums* over samples, so that batches and processes may be added up in any grouping.
    """

    moves_while_absorbing = False  # whether `absorb` changes weights too; then each step is checked and can be undone

    @abstractmethod
    def start(self, data: Dataset, draws: Draws) -> None:
        """First weights from the samples; called once, before the first step of a run that begins anew.

        Every process calls it with the same samples and draws, and must come to the same weights.
        """

    @abstractmethod
    def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """The statistics of one batch, summed over its samples, by name."""

    @abstractmethod
    def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
        """Make the model anew from the summed statistics; returns what to log."""

    @abstractmethod
    def refresh_every(self) -> int | None:
        """Batches between two refreshes; None for once an epoch."""


class SeesGaps(ABC):
    """What a learner offers that encodes by the observed values alone."""

    @abstractmethod
    def encode_observed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Codes (B, L) of network values x (B, ...), of which only those where `mask` (B, D) is True were observed."""


class SetsRates(ABC):
    """What a learner that follows gradients offers whose parameters do not all learn at the same rate."""

    @abstractmethod
    def rates(self) -> Mapping[str, float]:
        """Factors on the learning rate, by the parameter's name; 1 for those that are not named."""


class TakesTurns(ABC):
    """What an adversarial learner offers whose players do not all move in every step."""

    @abstractmethod
    def moves(self, number: int) -> Sequence[str]:
        """Names of the players who move at step `number`, at least one; a function of the number alone."""


class AveragesPart(ABC):
    """What a learner that follows gradients offers of which `plan.ema` is to follow a part only."""

    @abstractmethod
    def averaged_part(self) -> nn.Module:
        """The module of it whose weights are averaged."""


def codes_of(learner: Learner, batch: Batch) -> Tensor:
    """Codes (B, L) of a batch, by the observed values alone if something is missing and the learner can do so."""
    if batch.mask is not None and isinstance(learner, SeesGaps):
        return learner.encode_observed(batch.x, batch.mask)
    return learner.encode(batch.x)
