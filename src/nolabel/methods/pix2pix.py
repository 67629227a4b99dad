"""Pix2Pix: make of an image what belongs to it, from examples of pairs; a discriminator says whether the two could.

    loss of D = ½ E −log σ(D(x, y)) + ½ E −log(1 − σ(D(x, G(x))))                    (eq. 1 of [1], halved as its § 3.3)
    loss of G =   E −log σ(D(x, G(x))) + λ E |y − G(x)|                                             (eq. 3 and 4 of [1])

Means over the batch, the patches of which D says a logit each (eq. 1) and the values of an image (eq. 4). The second
term of G keeps what is made near to what belongs there; alone it would give a blur where several things could. D looks
at patches only, and so at what a blur lacks: edges and texture. When nothing can be told the first term of G and all of
D are ln 2 each.

Shapes: x (B, C, H, W), y (B, D, H, W) → G(x) (B, D, H, W); D: (B, C + D, H, W) → logits (B, h, w). The code is the map
at the bottom of G.
Relations: CycleGAN needs no pairs. Where x is a damaged y, Restorer learns to undo the damage without being given any.
Known departures from [1]: no dropout, so that what is made is a function of x alone (the authors found that the noise
was hardly used); instance in place of batch normalisation, which is the same for their batch of 1; batches of 16 and a
step size of 0.001, not 0.0002; smaller nets that keep the full size, and images of any height and width.
[1] Isola et al. 2017, "Image-to-image translation with conditional adversarial networks", arXiv:1611.07004.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from nolabel.data import pairs
from nolabel.methods._arguments import above, at_least
from nolabel.methods._players import told
from nolabel.methods._translator import Translates, Translator, parted
from nolabel.nets.defaults import make_patch_discriminator, make_unet
from nolabel.nets.patch_discriminator import PatchDiscriminator
from nolabel.nets.unet import UNet
from nolabel.objectives.adversarial import non_saturating_discriminator, non_saturating_generator
from nolabel.objectives.sample_signals import sample_signals
from nolabel.training.learner import AdversarialLearner, AveragesPart, SetsRates, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class Pix2PixLearner(AdversarialLearner, SetsRates, AveragesPart, Translates):
    """A U-Net that translates, and a discriminator of patches that sees both images."""

    def __init__(self, generator: UNet, discriminator: PatchDiscriminator, l1: float, rate: float) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.l1 = l1
        self.rate = rate

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The discriminator moves first."""
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def rates(self) -> Mapping[str, float]:
        """Those of the discriminator's weights."""
        return {f"discriminator.{name}": self.rate for name, _ in self.discriminator.named_parameters()}

    def averaged_part(self) -> nn.Module:
        """The generator's weights are averaged: images are made by them."""
        return self.generator

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        """The turn of the discriminator or of the generator."""
        cut = self.generator.channels_in
        x, y = batch.x[:, :cut], batch.x[:, cut:]
        return self._discriminators_turn(x, y) if player == "discriminator" else self._generators_turn(x, y)

    def _discriminators_turn(self, x: Tensor, y: Tensor) -> Losses:
        with torch.no_grad():
            made = self.generator(x).float()
        d_real, d_fake = self.logits(torch.cat([x, x]), torch.cat([y, made])).chunk(2)
        of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
        return Losses({"real": 0.5 * of_real, "fake": 0.5 * of_fake}, told(d_real, d_fake))

    def _generators_turn(self, x: Tensor, y: Tensor) -> Losses:
        made = self.generator(x).float()
        fooling = non_saturating_generator(self.logits(x, made))
        return Losses({"fooling": fooling, "l1": self.l1 * F.l1_loss(made, y)}, sample_signals(made.detach(), y))

    def logits(self, x: Tensor, y: Tensor) -> Tensor:
        """D(x, y): one logit a patch, image after image, (B · h · w,)."""
        return self.discriminator(torch.cat([x, y], 1)).flatten()  # type: ignore[no-any-return]

    def translate(self, x: Tensor) -> Tensor:
        """G(x)."""
        return self.generator(x)  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Tensor:
        """The map at the bottom of G: (B, C, H, W) to (B, L); of pairs, what is given counts."""
        return self.generator.code(x[:, : self.generator.channels_in])


@final
class Pix2Pix(Translator):
    """Learns from pairs of images to make the second of the first: photographs of drawings, say.

    `fit(X, Y)` takes any two sources of images of one height and width; files are matched by name, arrays by place.
    Channels may differ. `translate(X)` gives images as those in Y.

    Parameters
    ----------
    channels : int or "auto", default="auto"
        At full size, doubled at every halving of the image, eightfold at most; "auto" is 16.
    l1 : float, default=100.0
        λ, at least 0: weight of the mean distance from the target. 0 leaves only what the discriminator asks for.
    discriminator_rate : float, default=1.0
        Factor on the discriminator's learning rate.
    epochs : int or None, default=None
        Passes over the pairs; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=16
        Pairs a step; None chooses 16 to 256 by the number of pairs.
    learning_rate : float, default=0.001
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights and order.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0.5, and images are made by averaged weights of the
        generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Isola et al. 2017, arXiv:1611.07004.

    Examples
    --------
    >>> import numpy as np
    >>> from nolabel import Pix2Pix
    >>> Y = np.random.default_rng(0).integers(0, 256, (32, 12, 10, 3), dtype=np.uint8)
    >>> model = Pix2Pix(channels=4, epochs=1, random_state=0).fit(Y[..., 0], Y)
    >>> model.translate(Y[:5, ..., 0]).shape
    (5, 12, 10, 3)
    """

    title = "Pix2Pix"
    paper = "arXiv:1611.07004"
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    matched = True
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}

    def __init__(
        self,
        *,
        channels: int | Literal["auto"] = "auto",
        l1: float = 100.0,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 16,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.channels = channels
        self.l1 = l1
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> Pix2PixLearner:
        """A U-Net, and a discriminator of patches that sees the channels of both images."""
        at_least("l1", self.l1, 0)
        above("discriminator_rate", self.discriminator_rate, 0)
        given, made = parted(spec)
        generator = make_unet(given, made[0], self.channels, unit=True)
        both = given[0] + made[0], *given[1:]
        discriminator = make_patch_discriminator(both, self.channels, "instance", unit=True)
        return Pix2PixLearner(generator, discriminator, float(self.l1), float(self.discriminator_rate))

    def translate(self, X: Any) -> "NDArray[Any]":
        """What is made of the images in `X`: (N, ...), in the layout and type in which `fit` met the targets.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Images of the size of those that the model was fitted to; image files are brought to it.

        Raises
        ------
        ModalityError, DataError
            They are no images, or arrays of another size.
        """
        data = self._open(X)
        return self._translated(data, pairs.target_spec(self.spec_), self.learner_.translate)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(channels=8, epochs=8, batch_size=32, learning_rate=0.002, random_state=0)
