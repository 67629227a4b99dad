"""Learners small enough to check by hand, one or two of each kind, and data for them. Used in processes of their own too."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.nets.sync import batch_mean
from nolabel.randomness import Draws, seeded
from nolabel.training.engine import Job
from nolabel.training.learner import (
    AdversarialLearner,
    AveragesPart,
    CountingLearner,
    DistillingLearner,
    GradientLearner,
    Learner,
    SetsRates,
    Step,
    TakesTurns,
)
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses

WIDTH = 4


def values(count: int, seed: int = 0) -> Tensor:
    """Points near a plane in four dimensions."""
    generator = torch.Generator().manual_seed(seed)
    plane = torch.randn(count, 2, generator=generator) @ torch.randn(2, WIDTH, generator=generator)
    return plane + 0.1 * torch.randn(count, WIDTH, generator=generator) + 0.5


def table(count: int = 40, seed: int = 0, values_of: Tensor | None = None) -> Dataset:
    """A data set of such points."""
    store = values(count, seed) if values_of is None else values_of
    return Dataset(DataSpec("table", tuple(store.shape[1:]), "real"), store, range(len(store)))


def mapped(folder: Path, count: int = 40) -> Dataset:
    """The same in a memory map."""
    store = np.memmap(folder / "store", dtype=np.float32, mode="w+", shape=(count, WIDTH))
    store[:] = values(count).numpy()
    return Dataset(DataSpec("table", (WIDTH,), "real"), store, range(count))


class Line(GradientLearner):
    """A linear autoencoder with noise on its input: loss mean |g(f(x + ε)) − x|², in two parts."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.down = nn.Linear(width, 2)
        self.up = nn.Linear(2, width)

    def loss(self, batch: Batch, step: Step) -> Losses:
        z = self.down(batch.x + 0.1 * step.draws.normal(batch.x))
        error = (self.up(z) - batch.x).square().mean()
        return Losses({"error": error, "size": 0.01 * z.square().mean()}, {"first": batch.x[:, 0].mean()})

    def encode(self, x: Tensor) -> Tensor:
        return self.down(x)  # type: ignore[no-any-return]


class Normed(GradientLearner):
    """A linear autoencoder whose code is normalised over the whole batch, with running means in a buffer."""

    running: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.line = Line()
        self.register_buffer("running", torch.zeros(2))

    def loss(self, batch: Batch, step: Step) -> Losses:
        # without the bias, which would be subtracted again: Adam makes whole steps of its gradient's rounding errors
        z = nn.functional.linear(batch.x, self.line.down.weight)
        mean = batch_mean(z)
        with torch.no_grad():
            self.running.lerp_(mean, 0.1)
        deviation = (batch_mean((z - mean).square()) + 0.01).sqrt()
        return Losses({"error": (self.line.up((z - mean) / deviation) - batch.x).square().mean()})

    def encode(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.line.down.weight) - self.running


class Taught(DistillingLearner):
    """A student that must agree with a teacher who is the running average of the student."""

    def __init__(self) -> None:
        super().__init__()
        self.student = Line()
        self.teacher = nn.Linear(WIDTH, 2)
        self.teacher.load_state_dict(self.student.down.state_dict())
        self.teacher.requires_grad_(False)

    def loss(self, batch: Batch, step: Step) -> Losses:
        told = self.teacher(batch.x + 0.1 * step.draws.normal(batch.x))
        apart = (self.student.down(batch.x) - told).square().mean()
        return Losses({"apart": apart, **self.student.loss(batch, step).parts})

    def follow(self, step: Step) -> None:
        for mine, theirs in zip(self.teacher.parameters(), self.student.down.parameters()):
            mine.lerp_(theirs, 0.1)

    def encode(self, x: Tensor) -> Tensor:
        return self.teacher(x)  # type: ignore[no-any-return]


class Duel(AdversarialLearner):
    """A generator that shifts and scales noise, and a critic that tells its samples from the data."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(WIDTH, 8), nn.Tanh(), nn.Linear(8, 1))
        self.generator = nn.Linear(WIDTH, WIDTH)

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"critic": list(self.critic.parameters()), "generator": list(self.generator.parameters())}

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        fake = self.generator(step.draws.normal(batch.x))
        soft = nn.functional.softplus
        if player == "generator":
            return Losses({"fooling": soft(-self.critic(fake)).mean()})
        real_cost, fake_cost = soft(-self.critic(batch.x)).mean(), soft(self.critic(fake.detach())).mean()
        return Losses({"real": real_cost, "fake": fake_cost}, {"gap": (fake_cost - real_cost).detach()})

    def encode(self, x: Tensor) -> Tensor:
        return self.critic[:2](x)  # type: ignore[no-any-return]


class UnevenDuel(Duel, TakesTurns, SetsRates, AveragesPart):
    """The same; the critic moves twice for each move of the generator, at half the rate, and is not averaged."""

    def moves(self, number: int) -> Sequence[str]:
        return ["critic", "generator"] if number % 2 else ["critic"]

    def rates(self) -> Mapping[str, float]:
        return {name: 0.5 for name, _ in self.named_parameters() if name.startswith("critic.")}

    def averaged_part(self) -> nn.Module:
        return self.generator


class Moments(CountingLearner):
    """Mean and covariance from sums; codes are the two leading principal components."""

    mean: Tensor
    axes: Tensor

    def __init__(self, every: int | None = None) -> None:
        super().__init__()
        self.every = every
        self.register_buffer("mean", torch.zeros(WIDTH, dtype=torch.float64))
        self.register_buffer("axes", torch.zeros(WIDTH, 2, dtype=torch.float64))

    def start(self, data: Dataset, draws: Draws) -> None:
        """Nothing is taken from the samples beforehand."""

    def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        x = batch.x.double()
        return {"count": torch.tensor(float(len(x)), dtype=torch.float64), "sum": x.sum(0), "square": x.t() @ x}

    def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
        mean = statistics["sum"] / statistics["count"]
        covariance = statistics["square"] / statistics["count"] - torch.outer(mean, mean)
        variances, vectors = torch.linalg.eigh(covariance)
        largest = vectors.abs().argmax(0)
        signs = vectors[largest, torch.arange(WIDTH)].sign()
        self.mean.copy_(mean)
        self.axes.copy_((vectors * signs)[:, [-1, -2]])
        return Losses({"unexplained": variances[:-2].sum()}, {"count": statistics["count"]})

    def refresh_every(self) -> int | None:
        return self.every

    def encode(self, x: Tensor) -> Tensor:
        return (x.double() - self.mean) @ self.axes


class KMeans(CountingLearner):
    """Lloyd's algorithm, a refresh every few batches."""

    centres: Tensor

    def __init__(self, every: int | None = 2) -> None:
        super().__init__()
        self.every = every
        self.register_buffer("centres", torch.randn(3, WIDTH, dtype=torch.float64))

    def start(self, data: Dataset, draws: Draws) -> None:
        chosen, _ = data.rows(draws.shared_integers(len(data), 3))
        self.centres.copy_(chosen)

    def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        x = batch.x.double()
        x = x + 0.05 * step.draws.normal(batch.x).double()
        distances, k = torch.cdist(x, self.centres).min(1)
        count = torch.zeros(3, dtype=torch.float64).index_add_(0, k, torch.ones(len(x), dtype=torch.float64))
        return {
            "count": count,
            "sum": torch.zeros_like(self.centres).index_add_(0, k, x),
            "cost": distances.square().sum(),
        }

    def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
        count = statistics["count"]
        found = statistics["sum"] / count.clamp_min(1)[:, None]
        self.centres.copy_(torch.where(count[:, None] > 0, found, self.centres))
        return Losses({"cost": statistics["cost"] / count.sum()})

    def refresh_every(self) -> int | None:
        return self.every

    def encode(self, x: Tensor) -> Tensor:
        return torch.cdist(x.double(), self.centres)


EVERY: dict[str, type[Learner]] = {
    "gradient": Line,
    "normed": Normed,
    "distilling": Taught,
    "adversarial": Duel,
    "uneven": UnevenDuel,
    "counting": Moments,
    "counting every two": KMeans,
}


def make(kind: str) -> Learner:
    """A fresh learner, always with the same first weights."""
    with seeded(0):
        return EVERY[kind]()


def job(learner: Learner, data: Dataset, **changes: Any) -> Job:
    """A short run."""
    plan = Plan(**{"device": "cpu", **changes.pop("plan", {})})
    usual: dict[str, Any] = {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "seed": 5}
    return Job(learner, data, plan=plan, **{**usual, **changes})


def state(learner: Learner) -> dict[str, Tensor]:
    """A copy of all that a learner holds."""
    return {name: value.detach().clone() for name, value in learner.state_dict().items()}


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    """Whether two states are equal to the bit."""
    return a.keys() == b.keys() and all(torch.equal(value, b[name]) for name, value in a.items())


TIMES = ("seconds", "samples_per_second", "waiting")


def untimed(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """A history without what differs from run to run."""
    return [{name: value for name, value in record.items() if name not in TIMES} for record in history]
