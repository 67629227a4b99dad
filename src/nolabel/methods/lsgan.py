"""LSGAN: the game of GAN with squared distances from marks in place of cross-entropies.

    loss of D = ½ E (D(x) − b)² + ½ E (D(G(z)) − a)²,      loss of G = ½ E (D(G(z)) − c)²              (eq. 2 of [1])

Means over the batch; a = −1, b = 1, c = 0, for which the game is about Pearson's χ² (eq. 8 of [1]). A sample that is
told from the data with certainty, and lies far on its side, still pays: the gradient does not vanish there. 1 and 0
when nothing can be told.

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → logits (B,). The code is D's stages (B, F).
Relations: GAN and DCGAN pay by cross-entropy, SNGAN by a hinge, WGANGP by differences, R3GAN by pairs.
Known departures from [1]: the players are DCGAN's (perceptrons for tables), D without batch normalisation, and samples
are made by averaged weights of G.
[1] Mao et al. 2017, "Least squares generative adversarial networks", arXiv:1611.04076.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

from torch import Tensor

from nolabel.methods._generator import Generator
from nolabel.methods._players import TwoPlayerLearner, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.objectives.adversarial import least_squares_discriminator, least_squares_generator
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class LSGANLearner(TwoPlayerLearner):
    """Players who pay by squared distance."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """Distance of data from 1 and of samples from -1."""
        d_real, d_fake = self.judged(real, fake, step.draws)
        of_real, of_fake = least_squares_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Distance of samples from 0, half way."""
        return {"fooling": least_squares_generator(self.logits(fake, step.draws))}


@final
class LSGAN(Generator):
    """The game with squared distances, whose gradients do not vanish where a sample is far from the data.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of; "auto" is 64, or the width of the data where that is less.
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
    learning_rate : float, default=0.0002
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0.5, and samples are made by averaged weights of the
        generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Mao et al. 2017, arXiv:1611.04076.

    Examples
    --------
    >>> from nolabel import LSGAN
    >>> model = LSGAN(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "LSGAN"
    paper = "arXiv:1611.04076"
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}

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
        learning_rate: float = 0.0002,
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

    def build(self, spec: DataSpec) -> LSGANLearner:
        """Convolutional players for images, perceptrons for all else."""
        generator = make_generator(spec, self._latent(spec), self.channels, "batch")
        discriminator = make_discriminator(spec, self.channels, "none")
        return LSGANLearner(self._sides(spec, generator, discriminator))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=16, channels=32, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
