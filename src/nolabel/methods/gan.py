"""GAN: a generator that makes samples, and a discriminator that learns to tell them from the data.

    loss of D = E −log σ(D(x)) + E −log(1 − σ(D(G(z)))),      z ~ N(0, I)                              (eq. 1 of [1])
    loss of G = E −log σ(D(G(z)))

Means over the batch, in nats; D gives logits. G's is the non-saturating one of section 3 of [1]: where D is sure that a
sample is one, log(1 − σ) would hardly push. 2 ln 2 and ln 2 when nothing can be told; that is where a good game ends,
so that neither loss says how good samples are. Both players are perceptrons.

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → logits (B,). The code is the values of D's hidden layers (B, F).
Relations: DCGAN is the same game between convolutions; LSGAN, SNGAN, WGANGP and R3GAN change what is paid for, so that
the game ends more surely. It can lose whole modes of the data: the run's health says so.
Known departures from [1]: leaky rectifiers instead of maxout and dropout, Adam instead of momentum, latents normal, and
samples by averaged weights of G.
[1] Goodfellow et al. 2014, "Generative adversarial networks", arXiv:1406.2661.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

from torch import Tensor

from nolabel.methods._arguments import widths
from nolabel.methods._generator import Generator
from nolabel.methods._players import TwoPlayerLearner, told
from nolabel.nets.discriminator import flat_discriminator
from nolabel.nets.generator import flat_generator
from nolabel.objectives.adversarial import (
    non_saturating_discriminator,
    non_saturating_generator,
)
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class GANLearner(TwoPlayerLearner):
    """Players who are told apart by a logistic function."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """Cross-entropy of telling data from samples."""
        d_real, d_fake = self.judged(real, fake, step.draws)
        of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of being taken for data."""
        return {"fooling": non_saturating_generator(self.logits(fake, step.draws))}


@final
class GAN(Generator):
    """The game of Goodfellow et al., between fully connected players: for tables and small grey images.

    The simplest of its kind. For photographs take R3GAN or SNGAN, whose players are convolutional and which keep all
    modes of the data more surely.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of; "auto" is 64, or the width of the data where that is less.
    hidden : sequence of int, default=(256, 512)
        Widths of the generator's layers, from the latents to the data; the discriminator's are the same, reversed.
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
    learning_rate : float, default=0.0002
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0.5, and samples are made by averaged weights of the
        generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Goodfellow et al. 2014, arXiv:1406.2661.

    Examples
    --------
    >>> from nolabel import GAN
    >>> model = GAN(latent=8, hidden=(32,), epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "GAN"
    paper = "arXiv:1406.2661"
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        hidden: Sequence[int] = (256, 512),
        augment: bool | Literal["auto"] = "auto",
        discriminator_steps: int = 1,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 64,
        learning_rate: float = 0.0002,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.latent = latent
        self.hidden = hidden
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> GANLearner:
        """Two perceptrons, mirrored."""
        hidden, unit = widths("hidden", self.hidden), spec.values == "unit"
        generator = flat_generator(spec.shape, self._latent(spec), hidden, unit=unit)
        discriminator = flat_discriminator(spec.width, hidden[::-1], unit=unit)
        return GANLearner(self._sides(spec, generator, discriminator))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=4, hidden=(16,), epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
