"""SNGAN: a discriminator whose slopes are bounded, layer by layer, and a hinge.

    loss of D = E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))),      loss of G = −E D(G(z))         (eq. 16 and 17 of [1])
    every weight of D is  W / σ(W),  σ its largest singular value, by one power iteration a step    (algorithm 1 of [1])

Means over the batch. A layer of a perceptron then stretches by 1 at most, a convolution of 4 x 4 kernels and stride 2,
whose places overlap, by 2 (`nets/spectral.py`). With slopes so bounded D does not win outright, and its gradient
reaches the samples wherever they are; the hinge spends nothing on what is told apart already. 2 and 0 when nothing can
be told.

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → logits (B,). The code is D's stages (B, F).
Relations: WGANGP bounds slopes by a penalty, which costs a second pass back; R3GAN penalises them where the data and
the samples are. GAN, DCGAN and LSGAN leave them free.
Known departures from [1]: the players are DCGAN's (perceptrons for tables), one step of D for each of G's instead of
five, a step size of 0.001, not 0.0002, and samples are made by averaged weights of G.
[1] Miyato et al. 2018, "Spectral normalization for generative adversarial networks", arXiv:1802.05957.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

from torch import Tensor

from nolabel.methods._generator import Generator
from nolabel.methods._players import TwoPlayerLearner, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.objectives.adversarial import hinge_discriminator, hinge_generator
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class SNGANLearner(TwoPlayerLearner):
    """Players who pay by a hinge; the discriminator's layers are normalised by their largest singular values."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """What is not told apart by a margin of 1."""
        d_real, d_fake = self.judged(real, fake, step.draws)
        of_real, of_fake = hinge_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Minus the mean logit of samples."""
        return {"fooling": hinge_generator(self.logits(fake, step.draws))}


@final
class SNGAN(Generator):
    """The game with a hinge and spectral normalisation: steady and cheap, the first to try on images.

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
    learning_rate : float, default=0.001
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0 and β₂ of 0.9, and samples are made by averaged
        weights of the generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Miyato et al. 2018, arXiv:1802.05957.

    Examples
    --------
    >>> from nolabel import SNGAN
    >>> model = SNGAN(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "SNGAN"
    paper = "arXiv:1802.05957"
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

    def build(self, spec: DataSpec) -> SNGANLearner:
        """Convolutional players for images, else perceptrons; a bias at D's end would stand still within margins."""
        generator = make_generator(spec, self._latent(spec), self.channels, "batch")
        discriminator = make_discriminator(spec, self.channels, "spectral", last_bias=False)
        return SNGANLearner(self._sides(spec, generator, discriminator))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=16, channels=32, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
