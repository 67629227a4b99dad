"""A sound method, and copies of it that are each broken in one way. They prove that the contract's checks can fail."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nolabel.errors import ArgumentError
from nolabel.methods._base import Codec, Reconstructor
from nolabel.training.learner import AdversarialLearner, GradientLearner, Learner, Step
from nolabel.types import Batch, DataSpec, Losses


class SoundLearner(GradientLearner, Codec):
    """z = W x + b,  x̂ = V tanh(z) + c."""

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__()
        self.shape = spec.shape
        self.encoder = nn.Linear(spec.width, latent)
        self.decoder = nn.Linear(latent, spec.width)

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Mean squared error."""
        return Losses({"reconstruction": F.mse_loss(self.decode(self.encode(batch.x)), batch.x)})

    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) to (B, L)."""
        return self.encoder(x.flatten(1))  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """(B, L) to (B, *shape)."""
        return self.decoder(z.tanh()).view(-1, *self.shape)  # type: ignore[no-any-return]

    def score(self, batch: Batch) -> Tensor:
        """Minus the mean squared error: (B,)."""
        return -(self.decode(self.encode(batch.x)) - batch.x).square().flatten(1).mean(1)


class Sound(Reconstructor):
    """Nothing is wrong with this one.

    Parameters
    ----------
    latent : int, default=8
        Width of the code.
    epochs : int or None, default=None
        Passes over the data.
    batch_size : int or None, default=None
        Samples a step.
    learning_rate : float, default=0.01
        Step size.
    random_state : int, RandomState or None, default=None
        Seed.
    plan : Plan, mapping or None, default=None
        How training runs.
    """

    title = "Sound"
    paper = "this file"
    learner_class: ClassVar[Any] = SoundLearner

    def __init__(
        self,
        *,
        latent: int = 8,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        random_state: Any = None,
        plan: Any = None,
    ) -> None:
        self.latent = latent
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> Learner:
        """The learner."""
        return self.learner_class(spec, self.latent)  # type: ignore[no-any-return]

    @classmethod
    def tiny(cls) -> Self:
        """Trains at once."""
        return cls(epochs=10, batch_size=32, random_state=0)


# --- construction ----------------------------------------------------------------------------------------------------


class ForgetsAnArgument(Sound):
    def __init__(
        self,
        *,
        latent: int = 8,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        random_state: Any = None,
        plan: Any = None,
        extra: int = 3,
    ) -> None:
        super().__init__(
            latent=latent,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            plan=plan,
        )


class CopiesAnArgument(Sound):
    def __init__(
        self,
        *,
        latent: int = 8,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        random_state: Any = None,
        plan: Any = None,
    ) -> None:
        super().__init__(
            latent=latent,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            plan=copy.copy(plan) if type(plan) is not object else object(),
        )


class StoresADerivedValue(Sound):
    def __init__(
        self,
        *,
        latent: int = 8,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        random_state: Any = None,
        plan: Any = None,
    ) -> None:
        super().__init__(
            latent=latent,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            plan=plan,
        )
        self.twice = 2 * latent


class TakesAnything(Sound):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)


class ReplacesAnArgument(Sound):
    def build(self, spec: DataSpec) -> Learner:
        self.latent = min(self.latent, spec.width)
        return super().build(spec)


class ChangesAList(Sound):
    @classmethod
    def tiny(cls) -> Self:
        return cls(epochs=2, plan={"clip": 1.0})

    def build(self, spec: DataSpec) -> Learner:
        self.plan["clip"] = 2.0
        return super().build(spec)


class LearnsWithoutUnderscore(Sound):
    def build(self, spec: DataSpec) -> Learner:
        self.width = spec.width
        return super().build(spec)


class ChangesTheData(Sound):
    def fit(self, X: Any, y: Any = None, **how: Any) -> Self:  # type: ignore[override]
        X -= X.mean(0)
        return super().fit(X, y, **how)


class ReturnsNothing(Sound):
    def fit(self, X: Any, y: Any = None, **how: Any) -> None:  # type: ignore[override]
        super().fit(X, y, **how)


class AnswersBeforeFit(Sound):
    def count(self, X: Any) -> int:
        return len(X)


class TakesAnyWidth(Sound):
    def transform(self, X: Any) -> Any:
        return np.zeros((len(X), self.latent), np.float32)


class WantsPlainNumbers(Sound):
    def build(self, spec: DataSpec) -> Learner:
        if type(self.latent) is not int:
            raise ArgumentError("latent must be an int")
        return super().build(spec)


class LooksAtNothing(Sound):
    """Has an argument of no stated type, and uses it at once."""

    def __init__(
        self,
        *,
        latent: int = 8,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.01,
        random_state: Any = None,
        plan: Any = None,
        weight: Any = 1.0,
    ) -> None:
        super().__init__(
            latent=latent,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            random_state=random_state,
            plan=plan,
        )
        self.weight = weight

    def build(self, spec: DataSpec) -> Learner:
        if self.weight < 0:
            raise ValueError
        return super().build(spec)


# --- learning --------------------------------------------------------------------------------------------------------


class DetachedLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        return Losses({"reconstruction": super().loss(batch, step).total.detach()})


class DetachesTheLoss(Sound):
    learner_class = DetachedLearner


class GraphLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        losses = super().loss(batch, step)
        return Losses(losses.parts, {"size": self.encode(batch.x).square().mean()})


class KeepsTheGraph(Sound):
    learner_class = GraphLearner


class SummingLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        return Losses({"reconstruction": super().loss(batch, step).total * len(batch)})


class SumsOverSamples(Sound):
    learner_class = SummingLearner


class IdleLearner(SoundLearner):
    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.idle = nn.Linear(latent, 2)


class HasAnIdleParameter(Sound):
    learner_class = IdleLearner


class StillLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        total = super().loss(batch, step).total
        return Losses({"reconstruction": total.detach() + 0.0 * total})


class StandsStill(Sound):
    learner_class = StillLearner


class ConstantLearner(SoundLearner):
    def encode(self, x: Tensor) -> Tensor:
        return 1e-8 * super().encode(x) + self.encoder.bias


class Collapses(Sound):
    learner_class = ConstantLearner


class RoughLearner(SoundLearner):
    """The code is not asked to keep anything: only its size is learned."""

    def loss(self, batch: Batch, step: Step) -> Losses:
        z = self.encode(batch.x)
        error = F.mse_loss(self.decode(z.detach()), batch.x)
        return Losses({"reconstruction": error, "size": 1e-3 * (z.norm(dim=1) - 1).square().mean()})


class LearnsNothingUseful(Sound):
    learner_class = RoughLearner


class QuarrellingLearner(AdversarialLearner, Codec):
    """Two players, and who moves what is not settled."""

    shared: ClassVar[bool] = True

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__()
        self.one = nn.Linear(spec.width, latent)
        self.two = nn.Linear(latent, spec.width)

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        first = list(self.one.parameters())
        second = list(self.two.parameters())
        return {"first": first, "second": [*second, first[0]]} if self.shared else {"first": first}

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        return Losses({"reconstruction": F.mse_loss(self.two(self.one(batch.x)), batch.x)})

    def encode(self, x: Tensor) -> Tensor:
        return self.one(x)  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        return self.two(z)  # type: ignore[no-any-return]

    def score(self, batch: Batch) -> Tensor:
        return -(self.two(self.one(batch.x)) - batch.x).square().mean(1)


class MovesAParameterTwice(Sound):
    learner_class = QuarrellingLearner


class ForgetfulLearner(QuarrellingLearner):
    shared = False


class MovesAParameterNever(Sound):
    learner_class = ForgetfulLearner


class ReversedLearner(QuarrellingLearner):
    """Two players, one of whom climbs what it should descend."""

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"first": list(self.one.parameters()), "second": list(self.two.parameters())}

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        error = super().player_loss(player, batch, step).total
        return Losses({"reconstruction": 2 * error.detach() - error if player == "second" else error})


class ClimbsItsLoss(Sound):
    learner_class = ReversedLearner


# --- reproducing -----------------------------------------------------------------------------------------------------


class SeedingLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        torch.manual_seed(step.number)
        return super().loss(batch, step)


class LeaksTheSeed(Sound):
    learner_class = SeedingLearner


class StirsNumpy(Sound):
    def build(self, spec: DataSpec) -> Learner:
        np.random.seed(0)  # noqa: NPY002 - that is what is wrong with it
        return super().build(spec)


class UnseededLearner(SoundLearner):
    def loss(self, batch: Batch, step: Step) -> Losses:
        noise = torch.Generator()
        noise.seed()
        x = batch.x + 0.1 * torch.randn(batch.x.shape, generator=noise)
        return Losses({"reconstruction": F.mse_loss(self.decode(self.encode(x)), batch.x)})


class IgnoresTheSeed(Sound):
    learner_class = UnseededLearner


class FixedLearner(SoundLearner):
    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        for parameter in self.parameters():
            nn.init.constant_(parameter, 0.1)

    def loss(self, batch: Batch, step: Step) -> Losses:
        return Losses({"size": sum((p.square().sum() for p in self.parameters()), torch.zeros(()))})


class HasOneSeed(Sound):
    learner_class = FixedLearner


class CountingStepsLearner(SoundLearner):
    """Counts its steps where no checkpoint looks."""

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.steps = 0

    def loss(self, batch: Batch, step: Step) -> Losses:
        self.steps += 1
        return Losses({"reconstruction": super().loss(batch, step).total / self.steps})


class HidesState(Sound):
    learner_class = CountingStepsLearner


# --- inferring -------------------------------------------------------------------------------------------------------


class RandomLearner(SoundLearner):
    def encode(self, x: Tensor) -> Tensor:
        noise = torch.Generator()
        noise.seed()
        z = super().encode(x)
        return z + 0.1 * torch.randn(z.shape, generator=noise)


class IsRandom(Sound):
    learner_class = RandomLearner


class BatchLearner(SoundLearner):
    """Normalises by the batch, whatever its mode."""

    def encode(self, x: Tensor) -> Tensor:
        z = super().encode(x)
        return (z - z.mean(0)) / (z.var(0, correction=0) + 1e-3).sqrt()


class DependsOnTheBatch(Sound):
    learner_class = BatchLearner


class NeighbourLearner(SoundLearner):
    def encode(self, x: Tensor) -> Tensor:
        z = super().encode(x)
        return z + 0.1 * z.roll(1, 0)


class DependsOnTheOrder(Sound):
    learner_class = NeighbourLearner


class DropoutLearner(SoundLearner):
    """Never leaves training mode, so that dropout goes on."""

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.norm = nn.BatchNorm1d(latent)

    def encode(self, x: Tensor) -> Tensor:
        return self.norm(super().encode(x))  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> Self:
        return super().train(True)


class StaysInTrainingMode(Sound):
    learner_class = DropoutLearner


class RememberingLearner(SoundLearner):
    """Centres by the smallest batch that it has seen, of five samples at least."""

    smallest: Tensor
    centre: Tensor

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.register_buffer("smallest", torch.tensor(1_000_000))
        self.register_buffer("centre", torch.zeros(latent))

    def encode(self, x: Tensor) -> Tensor:
        z = super().encode(x)
        if not self.training and 5 <= len(x) < self.smallest:
            self.smallest.fill_(len(x))
            self.centre.copy_(z.detach().mean(0))
        return z - self.centre


class Remembers(Sound):
    learner_class = RememberingLearner


class TallyingLearner(SoundLearner):
    tally: Tensor

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.register_buffer("tally", torch.tensor(0))

    def encode(self, x: Tensor) -> Tensor:
        self.tally += len(x)
        return super().encode(x)


class KeepsATally(Sound):
    learner_class = TallyingLearner


class KeepsTheLast(Sound):
    def transform(self, X: Any) -> Any:
        self.last_ = X
        return super().transform(X)


class DroppingLearner(SoundLearner):
    """Learns the data's mean in a buffer that is not saved."""

    mean: Tensor

    def __init__(self, spec: DataSpec, latent: int) -> None:
        super().__init__(spec, latent)
        self.register_buffer("mean", torch.zeros(latent), persistent=False)

    def loss(self, batch: Batch, step: Step) -> Losses:
        with torch.no_grad():
            self.mean.lerp_(self.encoder(batch.x.flatten(1)).mean(0), 0.1)
        return super().loss(batch, step)

    def encode(self, x: Tensor) -> Tensor:
        return super().encode(x) - self.mean


class DropsABuffer(Sound):
    learner_class = DroppingLearner


class WideCodes(Sound):
    def transform(self, X: Any) -> Any:
        return super().transform(X).astype(np.float64)


# --- the house -------------------------------------------------------------------------------------------------------


class OverridesFit(Sound):
    def fit(self, X: Any, y: Any = None, **how: Any) -> Self:  # type: ignore[override]
        return super().fit(X, y, **how)


class OverridesTransform(Sound):
    def transform(self, X: Any) -> Any:
        return super().transform(X)


@final
class Last(Sound):
    pass


class GoesOn(Last):  # type: ignore[misc]
    pass


class DocumentsAnotherDefault(Sound):
    """Wrong.

    Parameters
    ----------
    latent : int, default=16
        Width of the code.
    """

    def __init__(self, *, latent: int = 8) -> None:
        super().__init__(latent=latent)


class DocumentsTooLittle(Sound):
    """Wrong.

    Parameters
    ----------
    latent : int, default=8
        Width of the code.
    """

    def __init__(self, *, latent: int = 8, epochs: int | None = None) -> None:
        super().__init__(latent=latent, epochs=epochs)


class DocumentsTooMuch(Sound):
    """Wrong.

    Parameters
    ----------
    latent : int, default=8
        Width of the code.
    depth : int, default=1
        There is no such thing.
    """

    def __init__(self, *, latent: int = 8) -> None:
        super().__init__(latent=latent)
