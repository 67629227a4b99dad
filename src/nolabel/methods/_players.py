"""What the two-player games have in common: whose turn it is, what each sees, what is told of it, and how one samples.

    z ~ N(0, I),   the discriminator's turn:  loss of D(T(x)) and D(T(G(z))), G as it is
                   the generator's turn:      loss of D(T(G(z))), D as it is, with z of its own

`Game` is what all such learners are; what the players are shown beside the samples (a class, a latent) is a method's
own. Where it is nothing, a method is a `TwoPlayerLearner` and says what the two want in terms of data and samples
(B, *shape): `discriminator_loss` and `generator_loss`. T is an augmentation through which gradients flow, or nothing.
With k discriminator steps the generator moves in every k-th step only, so that each of them sees new data. No method
is named here.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.methods._base import Draw
from nolabel.nets.discriminator import Discriminator
from nolabel.nets.spectral import refresh
from nolabel.nets.sync import share_of_batch
from nolabel.objectives.adversarial import told_by_difference, told_by_sign
from nolabel.objectives.sample_signals import sample_signals
from nolabel.randomness import Draws
from nolabel.training.learner import AdversarialLearner, AveragesPart, SetsRates, Step, TakesTurns
from nolabel.types import Batch, Losses

DISCRIMINATOR, GENERATOR = "discriminator", "generator"
Augment = Callable[[Tensor, Draws], Tensor]


@dataclass(frozen=True)
class Sides:
    """The two players, and how they meet.

    generator: latents (B, L + K) to network values.  discriminator: network values, and what else is shown, to logits
    (B,).  latent: L, normal numbers.  augment: T, None for nothing.  discriminator_steps: k.  discriminator_rate:
    factor on the discriminator's learning rate.  classes: K that samples are made of, 0 if of none in particular; their
    shares, 1 for the sample's own, are the last K of its latents.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent: int
    augment: Augment | None = None
    discriminator_steps: int = 1
    discriminator_rate: float = 1.0
    classes: int = 0


class Game(AdversarialLearner, TakesTurns, SetsRates, AveragesPart, Draw):
    """A generator and a discriminator who move in turn; what they are shown, and want, is a method's own."""

    generator: nn.Module
    discriminator: nn.Module

    def __init__(self, sides: Sides) -> None:
        super().__init__()
        self.generator = sides.generator
        self.discriminator = sides.discriminator
        self.latent = sides.latent
        self.augment = sides.augment
        self.discriminator_steps = sides.discriminator_steps
        self.discriminator_rate = sides.discriminator_rate
        self.classes = sides.classes

    @abstractmethod
    def discriminators_turn(self, batch: Batch, step: Step) -> Losses:
        """What the discriminator minimises, and what is to be told of it."""

    @abstractmethod
    def generators_turn(self, batch: Batch, step: Step) -> Losses:
        """What the generator minimises, and what is to be told of it: see `taught`."""

    @abstractmethod
    def latents(self, count: int, generator: torch.Generator) -> Tensor:
        """What `count` samples are made of: (count, L + K), the first L of them normal numbers."""

    # --- the engine's ------------------------------------------------------------------------------------------------

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The discriminator moves first."""
        return {
            DISCRIMINATOR: list(self.discriminator.parameters()),
            GENERATOR: list(self.generator.parameters()),
        }

    def moves(self, number: int) -> Sequence[str]:
        """The generator moves in every k-th step."""
        return [DISCRIMINATOR] if (number + 1) % self.discriminator_steps else [DISCRIMINATOR, GENERATOR]

    def rates(self) -> Mapping[str, float]:
        """Those of the discriminator's weights (TTUR: Heusel et al. 2017, arXiv:1706.08500)."""
        return {f"discriminator.{name}": self.discriminator_rate for name, _ in self.discriminator.named_parameters()}

    def averaged_part(self) -> nn.Module:
        """The generator's weights are averaged: samples are made of them."""
        return self.generator

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        """The turn of the discriminator or of the generator."""
        if player == GENERATOR:
            return self.generators_turn(batch, step)
        if self.training and step.piece == 0:
            refresh(self.discriminator)
        return self.discriminators_turn(batch, step)

    # --- what a method may ask ---------------------------------------------------------------------------------------

    def augmented(self, x: Tensor, draws: Draws) -> Tensor:
        """T(x)."""
        return x if self.augment is None else self.augment(x, draws)

    def of_classes(self, z: Tensor, y: Tensor) -> Tensor:
        """Latents (B, L + K) of the classes y (B,), whose normal numbers are those of z (B, L or more)."""
        return torch.cat([z[:, : self.latent], F.one_hot(y, self.classes).to(z.dtype)], 1)

    # --- afterwards --------------------------------------------------------------------------------------------------

    def generate(self, z: Tensor) -> Tensor:
        """Latents (B, L + K) to network values (B, *shape)."""
        return self.generator(z)  # type: ignore[no-any-return]

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """G of latents drawn as in training."""
        return self.generate(self.latents(count, generator))


class TwoPlayerLearner(Game):
    """A game in which the discriminator sees samples alone; what the two want is a method's own."""

    discriminator: Discriminator

    @abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """What the discriminator minimises, and what is to be told of it; `fake` (B, *shape) has no graph."""

    @abstractmethod
    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """What the generator minimises, in parts; a function of `fake` (B, *shape)."""

    # --- what a method may ask ---------------------------------------------------------------------------------------

    def logits(self, x: Tensor, draws: Draws) -> Tensor:
        """D(T(x)): (B, *shape) to (B,)."""
        return self.discriminator(self.augmented(x, draws))  # type: ignore[no-any-return]

    def judged(self, real: Tensor, fake: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """D(T(x)) and D(T(G(z))), (B,) each: in one pass, unless the discriminator normalises over its batch."""
        if self.discriminator.by_batch:
            return self.logits(real, draws), self.logits(fake, draws)
        both = torch.cat([self.augmented(real, draws), self.augmented(fake, draws)])
        d_real, d_fake = self.discriminator(both).chunk(2)
        return d_real, d_fake

    # --- a game's ----------------------------------------------------------------------------------------------------

    def discriminators_turn(self, batch: Batch, step: Step) -> Losses:
        """`discriminator_loss` of as many samples as there are data."""
        with torch.no_grad():
            fake = self._made(batch.x, step)
        return self.discriminator_loss(batch.x, fake, step)

    def generators_turn(self, batch: Batch, step: Step) -> Losses:
        """`generator_loss` of as many samples as there are data."""
        fake = self._made(batch.x, step)
        return taught(fake, batch.x, lambda seen: self.generator_loss(batch.x, seen, step))

    def _made(self, x: Tensor, step: Step) -> Tensor:
        return self.generate(step.draws.normal(x.new_empty(len(x), self.latent))).float()

    def latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Z ~ N(0, I): (count, L)."""
        return torch.randn(count, self.latent, generator=generator, device=generator.device)

    def encode(self, x: Tensor) -> Tensor:
        """The discriminator's features, of x as it is: (B, *shape) to (B, F)."""
        return self.discriminator.features(x)


def taught(fake: Tensor, real: Tensor, loss: Callable[[Tensor], dict[str, Tensor]]) -> Losses:
    """What the generator minimises, and what is to be told of it.

    Parameters
    ----------
    fake
        Samples (B, *shape) with their graph.
    real
        The data beside them.
    loss
        From samples to the parts; of what has a graph, it sees them alone. The way back through the discriminator is
        gone here, once, for `push` is told of it.
    """
    share = share_of_batch(len(real), real.device)  # what a norm over all processes adds up must be weighed
    with torch.enable_grad():
        seen = fake.detach().requires_grad_()
        parts = loss(seen)
        whole = Losses(parts).total * share
    with in_full(real):
        gradient = torch.autograd.grad(whole, seen)[0] / share
    push = len(real) * gradient.flatten(1).norm(dim=1).mean()
    return Losses(_following(fake, gradient, parts), {**sample_signals(fake, real), "push": push})


def told(d_real: Tensor, d_fake: Tensor, *, pairs: bool = False) -> dict[str, Tensor]:
    """Mean logits of data and samples, and the share told apart: by sign, or in `pairs` by difference."""
    share = told_by_difference if pairs else told_by_sign
    means = {"logit_real": d_real.detach().float().mean(), "logit_fake": d_fake.detach().float().mean()}
    return {**means, "right": share(d_real.detach(), d_fake.detach())}


def in_full(x: Tensor) -> AbstractContextManager[Any]:
    """The block in which arithmetic is float32, whatever the plan's precision: for gradients that are penalised."""
    return torch.autocast(x.device.type, enabled=False)


@final
class _Following(torch.autograd.Function):
    """A value whose gradient with respect to the samples is known already."""

    @staticmethod
    def forward(ctx: Any, fake: Tensor, gradient: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return outer[0] * gradient, None, None


def _following(fake: Tensor, gradient: Tensor, parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parts without their graphs, the first with the gradient of them all: the way back through D is gone once."""
    first, *rest = parts
    whole = _Following.apply(fake, gradient, parts[first].detach())  # type: ignore[no-untyped-call]
    return {first: whole, **{name: parts[name].detach() for name in rest}}
