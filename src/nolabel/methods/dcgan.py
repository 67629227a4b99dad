"""DCGAN: the game of GAN between a generator of transposed convolutions and a discriminator of convolutions.

    loss of D = E −log σ(D(x)) + E −log(1 − σ(D(G(z)))),      loss of G = E −log σ(D(G(z))),      z ~ N(0, I)

Means over the batch, in nats. What [1] adds to the game of Goodfellow et al. is the architecture: strides in place of
pooling, batch normalisation in all stages but G's last and D's first, rectifiers in G, leaky ones in D, weights from
N(0, 0.02²), Adam with β₁ = 0.5. Images of any height and width of at least 8 pixels: they are halved until the smaller
side is 2 to 4, and G doubles back to the very size.

Shapes: z (B, L) → G(z) (B, C, H, W); x (B, C, H, W) → logits (B,). The code is D's stages (B, F),
pooled to 4 x 4 places, as [1] classified by.
Relations: GAN is the game between perceptrons; LSGAN, SNGAN, WGANGP and R3GAN change what is paid for.
Known departures from [1]: latents normal instead of uniform, values by a logistic function in [0, 1] (tanh in [−1, 1]
but for scale), as wide beside the image as `channels` says, and samples by averaged weights of G.
[1] Radford, Metz and Chintala 2016, "Unsupervised representation learning with deep convolutional generative
adversarial networks", arXiv:1511.06434.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

from torch import Tensor

from nolabel.errors import ArgumentError, ModalityError
from nolabel.methods._generator import Generator
from nolabel.methods._players import TwoPlayerLearner, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.nets.discriminator import halvings
from nolabel.objectives.adversarial import (
    non_saturating_discriminator,
    non_saturating_generator,
)
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class DCGANLearner(TwoPlayerLearner):
    """Convolutional players who are told apart by a logistic function."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """Cross-entropy of telling data from samples, which are looked at apart: their statistics differ."""
        d_real, d_fake = self.judged(real, fake, step.draws)
        of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of being taken for data."""
        return {"fooling": non_saturating_generator(self.logits(fake, step.draws))}


@final
class DCGAN(Generator):
    """Images by transposed convolutions, and the discriminator's features for classification.

    The classic that others are measured by. R3GAN and SNGAN keep the game steadier for the same effort.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that samples are made of; "auto" is 64, or the width of the data where that is less.
    channels : int or "auto", default="auto"
        Channels beside the image, doubled at every halving of it, eightfold at most; "auto" is 16.
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
    Radford et al. 2016, arXiv:1511.06434.

    Examples
    --------
    >>> from nolabel import DCGAN
    >>> model = DCGAN(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "DCGAN"
    paper = "arXiv:1511.06434"
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}
    modalities: ClassVar[tuple[str, ...]] = ("image",)

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

    def build(self, spec: DataSpec) -> DCGANLearner:
        """Mirrored convolutions, normalised over the batch."""
        if spec.modality != "image":
            raise ModalityError(f"DCGAN makes images; these are {spec.modality}s. For tables take R3GAN or WGANGP")
        if not halvings(*spec.shape[1:]):
            size = f"{spec.shape[1]} x {spec.shape[2]}"
            raise ArgumentError(
                f"images of {size} pixels are too small for DCGAN, whose convolutions halve them: both sides must have "
                "at least 8. Use GAN or R3GAN, which are perceptrons there, or open the images with size="
            )
        generator = make_generator(spec, self._latent(spec), self.channels, "batch")
        discriminator = make_discriminator(spec, self.channels, "batch")
        return DCGANLearner(self._sides(spec, generator, discriminator))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=4, channels=4, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
