"""A learner that compares views, small and easily spoilt: every way to fail is an argument of it.

It shows what the signals look like when things go wrong for real, whatever methods there are.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.objectives import view_signals
from nolabel.randomness import seeded
from nolabel.training.learner import DistillingLearner, Step
from nolabel.types import Batch, DataSpec, Losses

WIDTH, CODE, EMBEDDED = 16, 32, 8


def planted(count: int = 256, seed: int = 0) -> Dataset:
    """Points around many centres in sixteen dimensions."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(24, WIDTH, generator=generator)
    own = torch.randint(24, (count,), generator=generator)
    x = centres[own] + 0.5 * torch.randn(count, WIDTH, generator=generator)
    return Dataset(DataSpec("table", (WIDTH,), "real"), x, range(count))


class TwoViews(DistillingLearner):
    """An encoder, a projection, a teacher of both, and K prototypes.

    noise: standard deviation of what views add.  keeps: share of a sample that its views keep; 0 leaves noise alone.
    objective: "contrast" (NT-Xent), "attract" (views agree, and nothing holds them apart), "teacher" (agree with the
    teacher), "prototypes" (cross-entropy of softmax assignments).  momentum: 1 leaves the teacher as it is.
    """

    def __init__(
        self,
        objective: str = "contrast",
        *,
        noise: float = 0.5,
        keeps: float = 1.0,
        temperature: float = 0.3,
        momentum: float = 0.9,
        prototypes: int = 16,
        narrow: int = CODE,
    ) -> None:
        super().__init__()
        self.objective, self.noise, self.keeps = objective, noise, keeps
        self.temperature, self.momentum = temperature, momentum
        with seeded(0):
            self.encoder = nn.Sequential(
                nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, narrow), nn.Linear(narrow, CODE)
            )
            self.projection = nn.Linear(CODE, EMBEDDED)
            self.prototypes = nn.Linear(EMBEDDED, prototypes, bias=False)
            other = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, EMBEDDED))
        self.teacher = other.requires_grad_(False)

    def view(self, x: Tensor, step: Step) -> Tensor:
        return self.keeps * x + self.noise * step.draws.normal(x)

    def loss(self, batch: Batch, step: Step) -> Losses:
        v1, v2 = self.view(batch.x, step), self.view(batch.x, step)
        z1, z2 = (self.projection(self.encoder(view)) for view in (v1, v2))
        parts, signals = getattr(self, f"_{self.objective}")(z1, z2, v2)
        seen = {**view_signals.signals_of(v1, v2, batch.x, z1, z2), **signals}
        return Losses(parts, {name: torch.as_tensor(value).detach() for name, value in seen.items()})

    def follow(self, step: Step) -> None:
        mine = [*self.encoder[0].parameters()]
        for theirs, own in zip(self.teacher[0].parameters(), mine):
            theirs.lerp_(own, 1 - self.momentum)

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)  # type: ignore[no-any-return]

    def _contrast(self, z1: Tensor, z2: Tensor, v2: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
        similarity = F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / self.temperature
        own = torch.arange(len(z1))
        return {"contrast": F.cross_entropy(similarity, own)}, {"chance": torch.tensor(float(len(z1))).log()}

    def _attract(self, z1: Tensor, z2: Tensor, v2: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
        return {"similarity": (z1 - z2).square().mean() + 0.01 * z1.var(0).sum()}, {}

    def _teacher(self, z1: Tensor, z2: Tensor, v2: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
        told = self.teacher(v2)
        return {"similarity": 2 - 2 * F.cosine_similarity(z1, told).mean()}, {
            "agreement": view_signals.agreement(z1, told)
        }

    def _prototypes(self, z1: Tensor, z2: Tensor, v2: Tensor) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
        a, b = (self.prototypes(F.normalize(z, dim=1)) for z in (z1, z2))
        told = (b / 0.1).softmax(1)
        mean = told.mean(0)
        used = torch.exp(-torch.special.xlogy(mean, mean).sum()) / len(mean)
        loss = -(told * (a / 0.3).log_softmax(1)).sum(1).mean()
        return {"prototypes": loss}, {"prototypes_used": used, "chance": torch.tensor(float(len(mean))).log()}
