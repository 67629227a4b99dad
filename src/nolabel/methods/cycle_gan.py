"""CycleGAN: make images of one kind of images of another, from examples of both that do not belong to each other.

    G: x → y,  F: y → x,  D_Y and D_X judge what they make
    loss of D_Y = ½ E (D_Y(y) − 1)² + ½ E D_Y(G(x))²,    and so for D_X                    (eq. 1 of [1], § 4 and § 7.1)
    loss of G and F = E (D_Y(G(x)) − 1)² + E (D_X(F(y)) − 1)²
                      + λ (E |F(G(x)) − x| + E |G(F(y)) − y|)                                           (eq. 2 and 3)
                      + μ (E |G(y) − y| + E |F(x) − x|)                                                       (§ 5.2)

Means over the batch, the patches of which a D says a number each, and the values of an image. What G makes shall look
like y's, and tell so much of x that F finds x again: so a translation is learned though nobody ever showed one. μ asks
that what is of the wanted kind already is left alone. The D's see images from a pool of those made of late, not the
newest only. ¼ for each D, and ½ of the first line of G and F, when nothing can be told.

Shapes: x (B, C, H, W) ↔ y (B, D, H, W). The code of x is the map at the bottom of G.
Relations: with pairs, Pix2Pix learns more, sooner. Nothing but the form of the nets says which y belongs to which x: a
G that turned cats into dogs and small ones into large ones would be as good to the losses, if F undid both.
Known departures from [1]: U-Nets of small width, which keep fine things across, in place of residual networks; images
of any height, width and number of channels; μ is 0 if nothing else is said; batches of 16 in place of 1, a step size
of 0.001 that stays, in place of 0.0002 that falls; averaged weights.
[1] Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks",
arXiv:1703.10593.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.data import pairs, source
from nolabel.errors import ArgumentError
from nolabel.methods._arguments import above, at_least, truth
from nolabel.methods._players import told
from nolabel.methods._translator import Translates, Translator, parted
from nolabel.nets.defaults import make_patch_discriminator, make_unet
from nolabel.nets.image_pool import ImagePool
from nolabel.nets.patch_discriminator import PatchDiscriminator
from nolabel.nets.unet import UNet
from nolabel.objectives.adversarial import least_squares_discriminator, least_squares_generator
from nolabel.objectives.sample_signals import sample_signals
from nolabel.training.learner import AdversarialLearner, AveragesPart, SetsRates, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class CycleGANLearner(AdversarialLearner, SetsRates, AveragesPart, Translates):
    """Two U-Nets, there and back; two discriminators of patches, each with a pool of what was made of late.

    generators: "there" (G) and "back" (F).  discriminators, pools: "y" and "x", of what those make.  weights: λ and μ.
    rate: factor on the discriminators' learning rate.
    """

    def __init__(
        self,
        generators: Mapping[str, UNet],
        discriminators: Mapping[str, PatchDiscriminator],
        pools: Mapping[str, ImagePool],
        weights: tuple[float, float],
        rate: float,
    ) -> None:
        super().__init__()
        self.generators = nn.ModuleDict(generators)
        self.discriminators = nn.ModuleDict(discriminators)
        self.pools = nn.ModuleDict(pools)
        self.cycle, self.identity = weights
        self.rate = rate

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Both discriminators move first, then both generators: what the one of a pair pays the other does not feel."""
        return {
            "discriminator": list(self.discriminators.parameters()),
            "generator": list(self.generators.parameters()),
        }

    def rates(self) -> Mapping[str, float]:
        """Those of the discriminators' weights."""
        return {f"discriminators.{name}": self.rate for name, _ in self.discriminators.named_parameters()}

    def averaged_part(self) -> nn.Module:
        """The generators' weights are averaged: images are made by them."""
        return self.generators

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        """The turn of the discriminators or of the generators."""
        cut = self.generators["there"].channels_in
        x, y = batch.x[:, :cut], batch.x[:, cut:]
        return self._discriminators_turn(x, y, step) if player == "discriminator" else self._generators_turn(x, y)

    def _discriminators_turn(self, x: Tensor, y: Tensor, step: Step) -> Losses:
        with torch.no_grad():
            made = {"y": self.translate(x).float(), "x": self.back(y).float()}
        if self.training:
            made = {side: self.pools[side].exchange(images, step.draws) for side, images in made.items()}  # type: ignore[operator]
        judged = {side: self._judged(side, real, made[side]) for side, real in (("y", y), ("x", x))}
        parts: dict[str, Tensor] = {}
        for side, (d_real, d_fake) in judged.items():
            of_real, of_fake = least_squares_discriminator(d_real, d_fake, a=0.0, b=1.0)
            parts |= {f"real_{side}": of_real, f"fake_{side}": of_fake}
        every_real, every_fake = (torch.cat(logits) for logits in zip(*judged.values()))
        return Losses(parts, told(every_real - 0.5, every_fake - 0.5))  # signs tell, halfway between the two names

    def _judged(self, side: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        d_real, d_fake = self.discriminators[side](torch.cat([real, fake])).flatten(1).chunk(2)
        return d_real.flatten(), d_fake.flatten()

    def _generators_turn(self, x: Tensor, y: Tensor) -> Losses:
        same = self.identity > 0
        made_y = self.translate(torch.cat([x, y]) if same else x).float()
        made_x = self.back(torch.cat([y, x]) if same else y).float()
        y_of_x, x_of_y = made_y[: len(x)], made_x[: len(y)]
        parts = {"fooling": self._fooling("y", y_of_x) + self._fooling("x", x_of_y)}
        there_and_back = F.l1_loss(self.back(y_of_x).float(), x) + F.l1_loss(self.translate(x_of_y).float(), y)
        parts["cycle"] = self.cycle * there_and_back
        if same:
            left_alone = F.l1_loss(made_y[len(x) :], y) + F.l1_loss(made_x[len(y) :], x)
            parts["identity"] = self.identity * left_alone
        return Losses(parts, sample_signals(y_of_x.detach(), y))

    def _fooling(self, side: str, made: Tensor) -> Tensor:
        return 2 * least_squares_generator(self.discriminators[side](made).flatten(), c=1.0)

    def translate(self, x: Tensor) -> Tensor:
        """G(x)."""
        return self.generators["there"](x)  # type: ignore[no-any-return]

    def back(self, y: Tensor) -> Tensor:
        """F(y)."""
        return self.generators["back"](y)  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Tensor:
        """The map at the bottom of G: (B, C, H, W) to (B, L); of pairs, what is given counts."""
        there = self.generators["there"]
        return there.code(x[:, : there.channels_in])  # type: ignore[no-any-return, operator]


@final
class CycleGAN(Translator):
    """Learns to make one kind of images of another from unpaired examples: summer to winter, one scanner to another.

    `fit(X, Y)` takes any two sources of images of one height and width, as many of each as there are. `translate(X)`
    gives images as those in Y, `translate(Y, back=True)` images as those in X.

    Parameters
    ----------
    channels : int or "auto", default="auto"
        At full size, doubled at every halving of the image, eightfold at most; "auto" is 16.
    cycle : float, default=10.0
        λ, at least 0: weight of what is lost there and back.
    identity : float, default=0.0
        μ, at least 0: weight of what changes in an image that is of the wanted kind already. 5 keeps the colours of
        paintings and photographs as they are; where brightness or colours themselves are to change, μ holds on to them,
        and what has to be undone is learned late or never. Both kinds must have as many channels.
    pool : int, default=50
        Images made of late from which the discriminators are shown some; 0 for the newest only.
    discriminator_rate : float, default=1.0
        Factor on the discriminators' learning rate.
    epochs : int or None, default=None
        Passes over the larger of the two; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=16
        Images of each kind a step; None chooses 16 to 256 by their number.
    learning_rate : float, default=0.001
        Step size of all players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and pool.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0.5, and images are made by averaged weights of the
        generators (`ema`). See `nolabel.Plan`.

    References
    ----------
    Zhu et al. 2017, arXiv:1703.10593.

    Examples
    --------
    >>> import numpy as np
    >>> from nolabel import CycleGAN
    >>> draws = np.random.default_rng(0)
    >>> dark, light = draws.integers(0, 80, (32, 9, 12)), draws.integers(200, 256, (24, 9, 12))
    >>> model = CycleGAN(channels=4, epochs=1, random_state=0).fit(dark.astype("uint8"), light.astype("uint8"))
    >>> model.translate(dark[:5].astype("uint8")).shape
    (5, 9, 12)
    """

    title = "CycleGAN"
    paper = "arXiv:1703.10593"
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    matched = False
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.999), "ema": 0.999}

    def __init__(
        self,
        *,
        channels: int | Literal["auto"] = "auto",
        cycle: float = 10.0,
        identity: float = 0.0,
        pool: int = 50,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 16,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.channels = channels
        self.cycle = cycle
        self.identity = identity
        self.pool = pool
        self.discriminator_rate = discriminator_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> CycleGANLearner:
        """A U-Net each way, a discriminator of patches and a pool for what each of them makes."""
        at_least("cycle", self.cycle, 0)
        at_least("pool", self.pool, 0)
        above("discriminator_rate", self.discriminator_rate, 0)
        x, y = parted(spec)
        weights = float(self.cycle), self._mu(x[0], y[0])
        generators = {"there": make_unet(x, y[0], self.channels, unit=True)}
        generators["back"] = make_unet(y, x[0], self.channels, unit=True)
        judges = {
            side: make_patch_discriminator(shape, self.channels, "instance", unit=True)
            for side, shape in (("y", y), ("x", x))
        }
        pools = {side: ImagePool(int(self.pool), shape) for side, shape in (("y", y), ("x", x))}
        rate = float(self.discriminator_rate)
        return CycleGANLearner(generators, judges, pools, weights, rate)

    def _mu(self, given: int, made: int) -> float:
        """μ for images of so many channels."""
        at_least("identity", self.identity, 0)
        if self.identity > 0 and given != made:
            raise ArgumentError(
                f"identity must be 0 where images in X have {given} channels and those in Y {made}, for "
                f"neither can be left as it is in the place of the other; got {self.identity!r}"
            )
        return float(self.identity)

    def translate(self, X: Any, back: bool = False) -> "NDArray[Any]":
        """What is made of the images in `X`: (N, ...), in the layout and type in which `fit` met the targets.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Images of the size of those that the model was fitted to; image files are brought to it.
        back : bool, default=False
            The other way: `X` holds images as the targets were, and what comes is as what was given.

        Raises
        ------
        ModalityError, DataError
            They are no images, or arrays of another size.
        ArgumentError
            `back` is neither True nor False.
        """
        if not truth("back", back):
            return self._translated(self._open(X), pairs.target_spec(self.spec_), self.learner_.translate)
        check_is_fitted(self)
        data = source.open(X, spec=pairs.target_spec(self.spec_), **self._later())
        return self._translated(data, self.spec_, self.learner_.back)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        own = cls(channels=8, identity=0.0, pool=8, random_state=0)
        return own.set_params(epochs=8, batch_size=32, learning_rate=0.005)  # type: ignore[no-any-return]
