"""WGAN-GP: samples are moved to the data by the Wasserstein distance, which a critic of slope 1 measures.

    loss of D = −E D(x) + E D(G(z)) + λ E (‖∇D(x̂)‖ − 1)²,      x̂ = ε x + (1 − ε) G(z),   ε ~ U(0, 1)     (eq. 3 of [1])
    loss of G = −E D(G(z))

Means over the batch; gradients are those with respect to network values (pixels in [0, 1], standardised columns). As
far as the critic is the best of those with slope 1, minus its first two terms is the distance W₁ between data and
samples, and says how good they are: it falls as they get better. Levels of D mean nothing, only differences do. A small
λ lets the critic be steeper while samples are far: where all lie W₁ away in one direction, its slope is 1 + W₁ / (2 λ).

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → logits (B,). The code is D's stages (B, F).
Relations: SNGAN bounds the slopes of every layer instead; R3GAN asks for slope 0 at the data and at the samples.
Known departures from [1]: the players are DCGAN's (perceptrons for tables), the critic has no norm at all, pixels
lie in [0, 1], not in [−1, 1], so that a slope of 1 here is one of ½ there, learning rates fall along half a cosine, and
samples are made by averaged weights of G. An augmentation, if there is one, lies within what is differentiated.
[1] Gulrajani et al. 2017, "Improved training of Wasserstein GANs", arXiv:1704.00028.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

import torch
from torch import Tensor

from nolabel.methods._arguments import at_least
from nolabel.methods._generator import Generator
from nolabel.methods._players import Sides, TwoPlayerLearner, in_full, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.objectives.adversarial import wasserstein_critic, wasserstein_generator
from nolabel.objectives.gradient_penalties import interpolates, norms, one_centred, squared_gradients
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class WGANGPLearner(TwoPlayerLearner):
    """A critic whose slope is held near 1, and the generator that it leads."""

    def __init__(self, sides: Sides, penalty: float) -> None:
        super().__init__(sides)
        self.penalty = penalty

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """Minus the distance, and what slopes other than 1 cost."""
        with in_full(real):
            d_real, d_fake = self.judged(real, fake, step.draws)
            of_real, of_fake = wasserstein_critic(d_real, d_fake)
            squares = self.squared_slopes(real, fake, step)
        parts = {"real": of_real, "fake": of_fake, "penalty": self.penalty * one_centred(squares)}
        return Losses(parts, {**told(d_real, d_fake, pairs=True), "slope": norms(squares.detach()).mean()})

    @torch.enable_grad()
    def squared_slopes(self, real: Tensor, fake: Tensor, step: Step) -> Tensor:
        """‖∇D‖² (B,) between data and samples."""
        x = interpolates(real, fake, step.draws.uniform(real.flatten(1)[:, 0])).requires_grad_()
        return squared_gradients(self.logits(x, step.draws), x)

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Minus the mean level of samples."""
        return {"fooling": wasserstein_generator(self.logits(fake, step.draws))}


@final
class WGANGP(Generator):
    """The game by Wasserstein distance: the critic's loss says how far samples are from the data.

    Steady, and it keeps all modes of the data, at the price of several critic steps for each of the generator's.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of; "auto" is 64, or the width of the data where that is less.
    channels : int or "auto", default="auto"
        Channels beside the image, doubled at every halving of it, eightfold at most; "auto" is 16. Of tables, and
        images with a side below 8 pixels: the width of three layers; "auto" is 128.
    penalty : float or "auto", default="auto"
        λ, at least 0: what slopes other than 1 cost; "auto" is 10 for images, as in the paper, and 0.1 for all else, as
        in its authors' code for points of the plane.
    augment : "auto" or bool, default="auto"
        Whether the discriminator sees images only after random changes of colour and place, through which the generator
        learns (DiffAugment); "auto" where `fit` is given fewer than 5,000 images.
    discriminator_steps : int, default=5
        Steps of the critic for each of the generator's.
    discriminator_rate : float, default=1.0
        Factor on the critic's learning rate.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=64
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0 and β₂ of 0.9, whose steps fall along half a
        cosine, and samples are made by averaged weights of the generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Gulrajani et al. 2017, arXiv:1704.00028.

    Examples
    --------
    >>> from nolabel import WGANGP
    >>> model = WGANGP(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "WGAN-GP"
    paper = "arXiv:1704.00028"
    plan_defaults: ClassVar[Mapping[str, Any]] = {
        "optimizer": "adam",
        "betas": (0.0, 0.9),
        "schedule": "cosine",
        "ema": 0.999,
    }

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        channels: int | Literal["auto"] = "auto",
        penalty: float | Literal["auto"] = "auto",
        augment: bool | Literal["auto"] = "auto",
        discriminator_steps: int = 5,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 64,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.latent = latent
        self.channels = channels
        self.penalty = penalty
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> WGANGPLearner:
        """Convolutional players for images, perceptrons for all else; the critic's level is free, so it has no bias."""
        penalty = (10.0 if spec.modality == "image" else 0.1) if self.penalty == "auto" else self.penalty
        at_least("penalty", penalty, 0)
        generator = make_generator(spec, self._latent(spec), self.channels, "batch")
        critic = make_discriminator(spec, self.channels, "none", last_bias=False)
        return WGANGPLearner(self._sides(spec, generator, critic), float(penalty))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            latent=16,
            channels=32,
            augment=False,
            discriminator_steps=2,
            epochs=8,
            batch_size=16,
            learning_rate=0.005,
            random_state=0,
        )
