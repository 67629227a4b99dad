"""Two players, small and easily spoilt: every way to fail is an argument of them.

They show what the signals look like when a game goes wrong for real, whatever methods there are.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.data.toys import Mixture
from nolabel.objectives.adversarial import (
    non_saturating_discriminator,
    non_saturating_generator,
    relativistic_discriminator,
    relativistic_generator,
    told_by_difference,
    told_by_sign,
)
from nolabel.objectives.gradient_penalties import squared_gradients, zero_centred
from nolabel.objectives.sample_signals import sample_signals
from nolabel.randomness import seeded
from nolabel.training.learner import AdversarialLearner, SetsRates, Step
from nolabel.types import Batch, Losses

LATENT = 2


def planted(modes: int = 4, deviation: float = 0.2, count: int = 1024) -> Dataset:
    """Round Gaussians on a circle of radius 2, the first just above the right."""
    angle = 2 * np.pi * (np.arange(modes) + 0.5) / modes
    centres = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Mixture("circle", centres, deviation).draw(count, seed=0)


class TwoPlayers(AdversarialLearner, SetsRates):
    """Perceptrons, for points in the plane.

    game: "plain" (non-saturating), "minimax" (G minimises log(1 − σ(D)), which fades), "paired" (relativistic, with R1
    and R2).  rates: factors on the learning rate of generator and discriminator.  latents: what z is scaled by; 0 leaves
    one sample only.  folded: whether samples lie to the right of 0.  pulse: after how many steps samples shrink to a
    third, or grow again; 0 for never.
    """

    def __init__(
        self,
        game: str = "paired",
        *,
        gamma: float = 0.1,
        rates: tuple[float, float] = (1.0, 1.0),
        latents: float = 1.0,
        folded: bool = False,
        pulse: int = 0,
        width: int = 48,
    ) -> None:
        super().__init__()
        self.game, self.gamma, self.both_rates, self.latents = game, gamma, rates, latents
        self.folded, self.pulse = folded, pulse
        with seeded(0):
            self.generator = _perceptron(LATENT, width, 2)
            self.discriminator = _perceptron(2, width, 1)

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def rates(self) -> Mapping[str, float]:
        return {name: self.both_rates[0 if name.startswith("generator") else 1] for name, _ in self.named_parameters()}

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        z = self.latents * step.draws.normal(batch.x.new_empty(len(batch.x), LATENT))
        fake = self._spoilt(self.generator(z), step)
        if player == "generator":
            return self._generators(batch.x, fake)
        return self._discriminators(batch.x, fake.detach())

    def encode(self, x: Tensor) -> Tensor:
        return self.discriminator[:2](x)  # type: ignore[no-any-return]

    def _spoilt(self, fake: Tensor, step: Step) -> Tensor:
        if self.folded:
            fake = torch.stack([fake[:, 0].abs(), fake[:, 1]], 1)
        return fake / 3 if self.pulse and step.number // self.pulse % 2 else fake

    def _discriminators(self, x: Tensor, fake: Tensor) -> Losses:
        x, fake = x.detach().requires_grad_(), fake.requires_grad_()
        d_real, d_fake = self.discriminator(x)[:, 0], self.discriminator(fake)[:, 0]
        right = told_by_difference if self.game == "paired" else told_by_sign
        told = {"logit_real": d_real.mean(), "logit_fake": d_fake.mean(), "right": right(d_real, d_fake)}
        signals = {name: value.detach() for name, value in told.items()}
        if self.game != "paired":
            of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
            return Losses({"real": of_real, "fake": of_fake}, signals)
        r1, r2 = (zero_centred(squared_gradients(*pair)) for pair in ((d_real, x), (d_fake, fake)))
        slopes = 0.5 * self.gamma * (r1 + r2)
        return Losses({"pairs": relativistic_discriminator(d_real, d_fake), "slopes": slopes}, signals)

    def _generators(self, x: Tensor, fake: Tensor) -> Losses:
        d_fake = self.discriminator(fake)[:, 0]
        if self.game == "paired":
            fooling = relativistic_generator(self.discriminator(x)[:, 0], d_fake)
        elif self.game == "minimax":
            fooling = -nn.functional.softplus(d_fake).mean()
        else:
            fooling = non_saturating_generator(d_fake)
        (gradient,) = torch.autograd.grad(fooling, fake, retain_graph=True)
        push = len(x) * gradient.norm(dim=1).mean()
        return Losses({"fooling": fooling}, {**sample_signals(fake, x), "push": push.detach()})


def _perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    hidden = [nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))
