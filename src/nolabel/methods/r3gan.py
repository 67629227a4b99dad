"""R3GAN: every sample is to be as real as the datum beside it, and slopes at both are held at 0.

    loss of D = E −log σ(D(x_i) − D(G(z_i))) + γ/2 E ‖∇D(x)‖² + γ/2 E ‖∇D(G(z))‖²                 (eq. 2 and 4 of [1])
    loss of G = E −log σ(D(G(z_i)) − D(x_i))

Means over the batch, in nats; ‖·‖² are sums over the values of a sample, gradients those with respect to network values
(pixels in [0, 1], standardised columns). The pairing leaves no way to please by dropping modes, and with R1 and R2, at
data and at samples, the game is known to settle [1]. γ falls to a tenth along half a cosine, as in [1]; on a stream,
which has no end, it stays. ln 2 each when nothing can be told.

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → logits (B,). The code is D's stages (B, F).
Relations: WGANGP asks for slope 1 between data and samples; SNGAN bounds the slopes of every layer; GAN, DCGAN and
LSGAN judge data and samples each by themselves and leave slopes free.
Loss, schedule of γ and the want of any norm are those of [1]. Known departures from it: plain convolutions in place of
residual blocks of grouped ones, so that it trains within minutes; β₂ does not move, and learning rates fall to 0; G is
compared with the data that D has just seen, not with others; pixels lie in [0, 1], not in [−1, 1], so that γ here is as
much as 4 γ there.
[1] Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline", arXiv:2501.05441; the pairing is
Jolicoeur-Martineau 2018, arXiv:1807.00734, R1 is Mescheder et al. 2018, arXiv:1801.04406.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

import torch
from torch import Tensor

from nolabel.methods._arguments import at_least
from nolabel.methods._generator import Generator
from nolabel.methods._players import Sides, TwoPlayerLearner, in_full, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.objectives.adversarial import relativistic_discriminator, relativistic_generator
from nolabel.objectives.gradient_penalties import norms, squared_gradients, zero_centred
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class R3GANLearner(TwoPlayerLearner):
    """Players who are compared in pairs; slopes at data and samples cost γ / 2."""

    def __init__(self, sides: Sides, gamma: float) -> None:
        super().__init__(sides)
        self.gamma = gamma

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """Pairs that are not told apart, R1 and R2; data and samples in one pass, there and back and back again."""
        with in_full(real), torch.enable_grad():
            x = torch.cat([real, fake]).requires_grad_()
            own, made = x.chunk(2)
            d_real, d_fake = self.judged(own, made, step.draws)
            squares = squared_gradients(torch.cat([d_real, d_fake]), x)
        r1, r2 = (zero_centred(one) for one in squares.chunk(2))
        weight = 0.5 * falling(self.gamma, 0.0 if step.endless else step.progress)
        parts = {"pairs": relativistic_discriminator(d_real, d_fake), "r1": weight * r1, "r2": weight * r2}
        slope = norms(squares.detach())[: len(real)].mean()
        return Losses(parts, {**told(d_real, d_fake, pairs=True), "gradient_real": slope})

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Pairs in which the sample is not the more real one."""
        d_real = self.logits(real, step.draws)
        d_fake = self.logits(fake, step.draws)
        return {"fooling": relativistic_generator(d_real, d_fake)}


def falling(gamma: float, progress: float) -> float:
    """From γ to γ / 10 along half a cosine, as the run goes on."""
    return gamma * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * progress)))


@final
class R3GAN(Generator):
    """A game in pairs that settles: the first to try on tables, and on images where there is time.

    Keeps all modes of the data and needs no tricks; one number, `gamma`, trades steadiness for speed.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of; "auto" is 64, or the width of the data where that is less.
    channels : int or "auto", default="auto"
        Channels beside the image, doubled at every halving of it, eightfold at most; "auto" is 16. Of tables, and
        images with a side below 8 pixels: the width of three layers; "auto" is 128.
    gamma : float, default=1.0
        γ, at least 0: what slopes at data and samples cost, at first; at the end a tenth. Larger images want more; if
        the losses swing, take ten times as much.
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
        How training runs; unless it says otherwise Adam with β₁ of 0 and β₂ of 0.99, whose steps fall along half a
        cosine, and samples are made by averaged weights of the generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Huang et al. 2024, arXiv:2501.05441.

    Examples
    --------
    >>> from nolabel import R3GAN
    >>> model = R3GAN(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "R3GAN"
    paper = "arXiv:2501.05441"
    plan_defaults: ClassVar[Mapping[str, Any]] = {
        "optimizer": "adam",
        "betas": (0.0, 0.99),
        "schedule": "cosine",
        "ema": 0.999,
    }

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        channels: int | Literal["auto"] = "auto",
        gamma: float = 1.0,
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
        self.gamma = gamma
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> R3GANLearner:
        """Convolutional players for images, perceptrons for all else; D's level is free, so it ends without a bias."""
        at_least("gamma", self.gamma, 0)
        generator = make_generator(spec, self._latent(spec), self.channels, "none")
        discriminator = make_discriminator(spec, self.channels, "none", last_bias=False)
        return R3GANLearner(self._sides(spec, generator, discriminator), float(self.gamma))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=16, channels=32, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
