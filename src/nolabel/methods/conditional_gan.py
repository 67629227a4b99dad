"""Conditional GAN: both players know the class; the discriminator projects what it sees on it.

    D(x, y) = v_y · φ(x) + ψ(φ(x)),      x = G(z, y),  z ~ N(0, I),  y as often as in the data        (section 3 of [1])
    loss of D = E max(0, 1 − D(x, y)) + E max(0, 1 + D(G(z, y), y)),      loss of G = −E D(G(z, y), y)

Means over the batch; 2 and 0 when nothing can be told. G scales and moves what it has normalised by the class
(conditional batch normalisation; in perceptrons, which do not normalise, the same without it). All of D, the v too, is
divided by largest singular values. Beside every datum the sample is of the datum's class. Where that is not known
(-1), D judges both as what they are, without v, and the sample's class is drawn by the shares of the known ones: so
data without a label teach what samples look like, and the labelled ones what a class looks like.

Shapes: z and shares of classes (B, L + K) → G (B, *shape); x (B, *shape), y (B,) → logits (B,). The code is φ's
stages (B, F).
Relations: without labels this is SNGAN. A SupervisedAutoencoder and SupCon learn codes from the same labels.
Known departures from [1]: labels may be missing; DCGAN's players (perceptrons for tables) in place of residual ones, φ
keeps its places instead of being summed over them, one step of D for each of G's instead of five, a step size of 0.001,
not 0.0002, and samples are made by averaged weights of G.
[1] Miyato and Koyama 2018, "cGANs with projection discriminator", arXiv:1802.05637.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

import torch
from torch import Tensor

from nolabel.methods._generator import Generator
from nolabel.methods._players import Game, Sides, taught, told
from nolabel.nets.conditional import ConditionalGenerator, ProjectionDiscriminator
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.objectives.adversarial import hinge_discriminator, hinge_generator
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class ConditionalGANLearner(Game):
    """Players who are told classes, and pay by a hinge."""

    counts: Tensor
    discriminator: ProjectionDiscriminator

    def __init__(self, sides: Sides) -> None:
        super().__init__(sides)
        self.register_buffer("counts", torch.zeros(sides.classes, dtype=torch.int64))  # labels met so far

    def discriminators_turn(self, batch: Batch, step: Step) -> Losses:
        """What is not told apart by a margin of 1, each class by itself."""
        known = _labels(batch)
        if self.training:
            everyones = step.draws.everyones(known)
            self.counts += torch.bincount(everyones[everyones >= 0], minlength=self.classes)
        with torch.no_grad():
            fake = self._made(known, step)
        both = torch.cat([self.augmented(batch.x, step.draws), self.augmented(fake, step.draws)])
        d_real, d_fake = self.discriminator(both, known.repeat(2)).chunk(2)
        of_real, of_fake = hinge_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generators_turn(self, batch: Batch, step: Step) -> Losses:
        """Minus the mean logit of samples, as what they are to be."""
        known = _labels(batch)
        fake = self._made(known, step)
        return taught(fake, batch.x, lambda seen: {"fooling": hinge_generator(self._logits(seen, known, step.draws))})

    def _logits(self, x: Tensor, y: Tensor, draws: Draws) -> Tensor:
        return self.discriminator(self.augmented(x, draws), y)  # type: ignore[no-any-return]

    def _made(self, known: Tensor, step: Step) -> Tensor:
        """A sample of each class (B,), and of one that is drawn where it is -1."""
        like = torch.empty(len(known), self.latent, device=known.device)
        z, drawn = step.draws.normal(like), self.by_shares(step.draws.uniform(like[:, 0]))
        return self.generate(self.of_classes(z, torch.where(known >= 0, known, drawn))).float()

    def by_shares(self, u: Tensor) -> Tensor:
        """Classes (B,) as often as labels were met, from uniform numbers u (B,); all alike if none was met."""
        shares = (self.counts + (self.counts.sum() == 0)).double()
        return torch.searchsorted(shares.cumsum(0) / shares.sum(), u.double(), right=True).clamp_max(self.classes - 1)

    def latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Z ~ N(0, I), and a class for each by their shares: (count, L + K)."""
        z = torch.randn(count, self.latent, generator=generator, device=generator.device)
        return self.of_classes(z, self.by_shares(torch.rand(count, generator=generator, device=generator.device)))

    def encode(self, x: Tensor) -> Tensor:
        """What φ's stages see, of x as it is: (B, *shape) to (B, F)."""
        return self.discriminator.features(x)


def _labels(batch: Batch) -> Tensor:
    """Classes (B,), -1 where they are not known."""
    if batch.y is None:
        return torch.full((len(batch),), -1, device=batch.x.device)
    return batch.y.to(batch.x.device)


@final
class ConditionalGAN(Generator):
    """Learns to make samples of a class that is asked for: `sample(16, labels="7")`.

    `fit(X, y)` takes labels with -1, NaN or None for "unknown". Take it where a good part of the labels is there, and
    samples of each class are wanted; where there are none, R3GAN or SNGAN.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of, beside the class; "auto" is 64, or the width of the data where
        that is less.
    channels : int or "auto", default="auto"
        Channels beside the image, doubled at every halving of it, eightfold at most; "auto" is 16. Of tables, and
        images with a side below 8 pixels: the width of three layers; "auto" is 128.
    augment : "auto" or bool, default="auto"
        Whether the discriminator sees images only after random changes of colour and place, through which the generator
        learns (DiffAugment); "auto" where `fit` is given fewer than 5,000 images.
    discriminator_steps : int, default=1
        Steps of the discriminator for each of the generator's.
    discriminator_rate : float, default=1.0
        Factor on the discriminator's learning rate.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=64
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0 and β₂ of 0.9, and samples are made by averaged
        weights of the generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Miyato and Koyama 2018, arXiv:1802.05637.

    Examples
    --------
    >>> import nolabel
    >>> digits = nolabel.open("digits")
    >>> model = nolabel.ConditionalGAN(latent=8, channels=8, epochs=1, random_state=0).fit(digits, "labels")
    >>> model.sample(4, random_state=0, labels="7").shape
    (4, 8, 8)
    """

    title = "Conditional GAN"
    paper = "arXiv:1802.05637"
    uses_labels: ClassVar[bool] = True
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.0, 0.9), "ema": 0.999}

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        channels: int | Literal["auto"] = "auto",
        augment: bool | Literal["auto"] = "auto",
        discriminator_steps: int = 1,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 64,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.latent = latent
        self.channels = channels
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> ConditionalGANLearner:
        """SNGAN's players, told the class."""
        plain = make_generator(spec, self._latent(spec), self.channels, "batch")
        generator = ConditionalGenerator(plain, self._latent(spec), len(self.classes_))
        judge = make_discriminator(spec, self.channels, "spectral", last_bias=False)
        return ConditionalGANLearner(self._sides(spec, generator, ProjectionDiscriminator(judge, len(self.classes_))))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=16, channels=32, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
