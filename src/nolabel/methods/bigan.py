"""BiGAN: a generator and its inverse, against a discriminator that sees a sample together with its latent.

    loss of D = E −log σ(D(x, E(x))) + E −log(1 − σ(D(G(z), z))),      z ~ N(0, I)                     (eq. 2 of [1])
    loss of G and E = E −log σ(D(G(z), z)) + E −log(1 − σ(D(x, E(x)))) + λ E (z − E(G(z)))² / L

Means over the batch, in nats; D gives logits; 2 ln 2 each when nothing can be told, λ apart. The second is the game
with roles exchanged, as in section 3.4 of [1], for where D is sure the first's negative would hardly push. When pairs
of either kind are distributed alike, G and E undo each other (theorem 2 of [1]), so that the term with λ, from which E
alone learns, is 0: it moves no optimum, and leads there in minutes, where the game alone long takes E(x) for a latent
of something else ([2] shows why). No datum is compared with what comes back of it: E(x) is a code, which keeps what
samples are made of rather than each value.

Shapes: z (B, L) → G(z) (B, *shape); x (B, *shape) → E(x) (B, L); pairs → logits (B,). The code is E(x).
Relations: the only game whose code is an encoder's; those of the others are their discriminators' features. A VAE, too,
has an encoder and samples, and compares values.
Known departures from [1]: the term with λ; D's layers are divided by their largest singular values instead of
normalised over the batch, latents are normal, the step size is 0.001 and stays, samples and codes are made by averaged
weights. E sees x as it is, D after an augmentation, if there is one.
[1] Donahue et al. 2017, "Adversarial feature learning", arXiv:1605.09782; Dumoulin et al. 2017, "Adversarially learned
inference", arXiv:1606.00704, is the same game with a stochastic encoder.
[2] Li et al. 2017, "ALICE: Towards understanding adversarial learning for joint distribution matching",
arXiv:1709.01215.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from nolabel.methods._arguments import at_least
from nolabel.methods._generator import Generator
from nolabel.methods._players import Game, Sides, taught, told
from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.nets.joint import JointDiscriminator, TwoWay
from nolabel.objectives.adversarial import non_saturating_discriminator, non_saturating_generator
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class BiGANLearner(Game):
    """Players who meet over pairs of a sample and its latent."""

    generator: TwoWay

    def __init__(self, sides: Sides, inversion: float) -> None:
        super().__init__(sides)
        self.inversion = inversion

    def discriminators_turn(self, batch: Batch, step: Step) -> Losses:
        """Cross-entropy of telling data and their codes from samples and their latents."""
        z = self._drawn(batch.x, step)
        with torch.no_grad():
            fake = self.generate(z).float()
            code, _ = self._codes(batch.x, fake)
        x = torch.cat([self.augmented(batch.x, step.draws), self.augmented(fake, step.draws)])
        d_real, d_fake = self.discriminator(x, torch.cat([code, z])).chunk(2)
        of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generators_turn(self, batch: Batch, step: Step) -> Losses:
        """Cross-entropy of being taken for the other, samples for data and codes for latents; E's error on samples."""
        z = self._drawn(batch.x, step)
        fake = self.generate(z).float()
        by_g = taught(
            fake, batch.x, lambda seen: {"fooling": non_saturating_generator(self._logits(seen, z, step.draws))}
        )
        code, again = self._codes(batch.x, fake.detach())
        by_e = non_saturating_generator(-self._logits(batch.x, code, step.draws))
        off = {"inversion": self.inversion * (z - again).square().mean()} if self.inversion else {}
        return Losses({**by_g.parts, "hiding": by_e, **off}, by_g.signals)

    def _codes(self, x: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """E(x) and E(G(z)), in one pass: normalised by one batch, of which the running statistics are, too."""
        code, again = self.encode(torch.cat([x, fake])).float().chunk(2)
        return code, again

    def _drawn(self, x: Tensor, step: Step) -> Tensor:
        return step.draws.normal(x.new_empty(len(x), self.latent))

    def _logits(self, x: Tensor, z: Tensor, draws: Draws) -> Tensor:
        return self.discriminator(self.augmented(x, draws), z)  # type: ignore[no-any-return]

    def latents(self, count: int, generator: torch.Generator) -> Tensor:
        """Z ~ N(0, I): (count, L)."""
        return torch.randn(count, self.latent, generator=generator, device=generator.device)

    def encode(self, x: Tensor) -> Tensor:
        """E(x): (B, *shape) to (B, L)."""
        return self.generator.inverse(x)


@final
class BiGAN(Generator):
    """A game that learns an encoder beside the generator: `transform` goes from data to latents, `generate` back.

    Take it for codes of few numbers that a generator understands: to find what a sample is made of, change it, and make
    it anew. Where codes shall keep all that is in a sample, a VAE or an Autoencoder; for the best samples, R3GAN.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of latents and codes; "auto" is 64, or the width of the data where that is less.
    channels : int or "auto", default="auto"
        Channels beside the image, doubled at every halving of it, eightfold at most; "auto" is 16. Of tables, and
        images with a side below 8 pixels: the width of three layers; "auto" is 128.
    inversion : float, default=1.0
        λ, at least 0: what it costs the encoder to miss the latents of samples; 0 leaves the game alone.
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
        How training runs; unless it says otherwise Adam with β₁ of 0.5, and samples and codes are made by averaged
        weights of the generator and the encoder (`ema`). See `nolabel.Plan`.

    References
    ----------
    Donahue et al. 2017, arXiv:1605.09782.

    Examples
    --------
    >>> from nolabel import BiGAN
    >>> model = BiGAN(latent=8, channels=8, epochs=1, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 8)
    """

    title = "BiGAN"
    paper = "arXiv:1605.09782"
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        channels: int | Literal["auto"] = "auto",
        inversion: float = 1.0,
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
        self.inversion = inversion
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> BiGANLearner:
        """Convolutional players for images, perceptrons for all else; E is built as a discriminator is."""
        at_least("inversion", self.inversion, 0)
        generator = make_generator(spec, self._latent(spec), self.channels, "batch", sharp=False)
        both = TwoWay(generator, make_discriminator(spec, self.channels, "batch", sharp=False), self._latent(spec))
        judge = JointDiscriminator(make_discriminator(spec, self.channels, "spectral", sharp=False), self._latent(spec))
        return BiGANLearner(self._sides(spec, both, judge), float(self.inversion))

    @torch.no_grad()
    def reconstruct(self, X: Any) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """G(E(x)): what the generator makes of the codes of `X`, in the form in which `fit` met the data.

        It is like a sample in what the game has found to matter, not value by value; `invert` comes nearer, slowly.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Samples of the kind that the model was fitted to.
        """
        data, learner = self._open(X), self.learner_
        return self._restore(learner.generate(learner.encode(batch.x)) for batch in self._batches(data))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=16, channels=32, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
