"""Restorer: damage images oneself, and learn to undo it; no labels and no pairs are needed.

    x̃ = damage(x),   x̂ = x̃ + m · U(x̃),   m = 1, or 0 where x̃ is known to be right (to inpaint)
    loss of U = mean m |x̂ − x| + λ · mean −log σ(D(x̂)),   loss of D = mean −log σ(D(x)) + mean −log σ(−D(x̂))

Means over samples: of the mean over (missing) values, and of the mean over D's patches. U is a U-Net, D looks at
patches of what it is shown alone. The first term alone gives the median of what x may be, which is blurred where much
may be; the second asks for something that an image could be, and costs PSNR. Without it (λ = 0) there is no D.

Shapes: x (B, C, H, W) → x̃ → x̂ (B, C, H, W), of any height and width. The code is the map at U's bottom, as maxima over
at most 4 x 4 places (B, L).
Relations: a DenoisingAutoencoder undoes damage through a narrow code, of one size only; MAE learns from what is missing
for the sake of the code; Pix2Pix is shown pairs.
Known departures from [1] and [2]: one U-Net for every task; absolute instead of squared differences, and no features
of another net; D is spectrally normalised; noise of all strengths up to the largest.
[1] Pathak et al. 2016, "Context encoders: feature learning by inpainting", arXiv:1604.07379.
[2] Ledig et al. 2017, "Photo-realistic single image super-resolution using a GAN", arXiv:1609.04802.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError, ModalityError, whole
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Embedder, chunk_of
from nolabel.methods._masks import missing_from, own_size
from nolabel.methods._restores import Restores
from nolabel.nets.defaults import make_patch_discriminator, make_unet
from nolabel.nets.patch_discriminator import PatchDiscriminator
from nolabel.nets.spectral import refresh
from nolabel.nets.unet import UNet
from nolabel.objectives.adversarial import non_saturating_discriminator, non_saturating_generator, told_by_sign
from nolabel.randomness import Draws
from nolabel.training import engine
from nolabel.training.learner import AdversarialLearner, AveragesPart, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.damage import Damage, Damaged, Task, doubled, even, filled, halved

DISCRIMINATOR, GENERATOR = "discriminator", "generator"


@final
class RestorerLearner(AdversarialLearner, AveragesPart):
    """A net that undoes damage, and one that says whether that shows."""

    def __init__(self, net: UNet, damage: Damage, discriminator: PatchDiscriminator | None, adversarial: float) -> None:
        super().__init__()
        self.net = net
        self.damage = damage
        self.discriminator = discriminator
        self.adversarial = adversarial
        for weight in net.exit.parameters():
            nn.init.zeros_(weight)  # so that x̂ begins as x̃

    def players(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The discriminator, if there is one, moves first."""
        judge = {} if self.discriminator is None else {DISCRIMINATOR: list(self.discriminator.parameters())}
        return {**judge, GENERATOR: list(self.net.parameters())}

    def player_loss(self, player: str, batch: Batch, step: Step) -> Losses:
        """Of the restored images: what is wrong in them, and whether it shows."""
        damaged = self.damage(batch.x, step.draws)
        if player == GENERATOR:
            return self._restoring(damaged)
        with torch.no_grad():
            restored = self.rebuilt(damaged.seen, damaged.known)
        return self._judging(damaged.clean, restored, step)

    def _restoring(self, damaged: Damaged) -> Losses:
        x, known = damaged.clean, damaged.known
        x_hat = self.rebuilt(damaged.seen, known)
        parts = {"pixels": _apart(x, x_hat, known).mean()}
        if self.discriminator is not None:
            fooling = non_saturating_generator(self.discriminator(x_hat).flatten())
            parts["fooling"] = self.adversarial * fooling
        damage = _apart(x, damaged.seen, known).mean()  # what `pixels` would be, if nothing were undone
        return Losses(parts, {"damage": damage, "psnr": _decibels(x, x_hat.detach())})

    def _judging(self, x: Tensor, x_hat: Tensor, step: Step) -> Losses:
        discriminator = self.discriminator
        assert discriminator is not None
        if self.training and step.piece == 0:
            refresh(discriminator)
        d_real, d_fake = (logits.flatten() for logits in discriminator(torch.cat([x, x_hat])).chunk(2))
        of_real, of_fake = non_saturating_discriminator(d_real, d_fake)
        told = told_by_sign(d_real.detach(), d_fake.detach())
        # not `right`: that a restored image can be told from a clean one is no defeat, for it is meant to be near
        return Losses({"real": of_real, "restored": of_fake}, {"told_apart": told})

    def averaged_part(self) -> nn.Module:
        """Images are restored by averaged weights, if weights are averaged."""
        return self.net

    def rebuilt(self, seen: Tensor, known: Tensor | None = None) -> Tensor:
        """x̂ from x̃ (B, C, H, W), not kept in [0, 1]; `known` (B, 1, H, W) bool where there is something missing."""
        change: Tensor = self.net(self._shown(seen, known)).float()
        return seen + (change if known is None else change.masked_fill(known, 0.0))

    def encode(self, x: Tensor) -> Tensor:
        """The map at the net's bottom, nothing of x being damaged: (B, C, H, W) to (B, L)."""
        known = torch.ones_like(x[:, :1], dtype=torch.bool) if self.damage.task == "inpaint" else None
        return self.net.code(self._shown(x, known))

    def _shown(self, x: Tensor, known: Tensor | None) -> Tensor:
        x = 2 * x - 1
        return x if known is None else torch.cat([x, known.to(x.dtype)], 1)


def _apart(x: Tensor, x_hat: Tensor, known: Tensor | None) -> Tensor:
    """Mean absolute difference over the values of each image (B,), over the missing ones where some are known."""
    apart = (x_hat - x).abs()
    if known is None:
        return apart.flatten(1).mean(1)
    missing = (~known).expand_as(x).flatten(1)
    return (apart.flatten(1) * missing).sum(1) / missing.sum(1).clamp(min=1)


def _decibels(x: Tensor, other: Tensor) -> Tensor:
    """Mean PSNR over images, of values in [0, 1]; at most 100 each."""
    return -10 * (x - other.clamp(0, 1)).square().flatten(1).mean(1).clamp(min=1e-10).log10().mean()


@final
class Restorer(Restores, Embedder):
    """Takes noise out of images, fills in what is missing, or makes them twice as large; learns from good images alone.

    `restore` takes images of any height and width, `damage` damages some as training did.

    Parameters
    ----------
    task : {"denoise", "inpaint", "super_resolve"}, default="denoise"
        What to undo: noise; rectangles and strokes that are missing; half the pixels of each side.
    noise : float, default=0.2
        To denoise: the largest standard deviation of the noise, of values in [0, 1]; every strength up to it is
        learned.
    missing : float, default=0.25
        To inpaint: share of an image that is missing, about.
    adversarial : float, default=0.01
        λ, weight of a discriminator's word that restored images look like images. 0 is without one: nearest to the
        truth on average, and blurred where much may be true.
    channels : int or "auto", default="auto"
        Of both nets at full size, doubled at every halving, eightfold at most; "auto" is 16.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=32
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.0005
        Step size of both nets.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and damage.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0.5 and β₂ of 0.99. See `nolabel.Plan`.

    References
    ----------
    Pathak et al. 2016, arXiv:1604.07379; Ledig et al. 2017, arXiv:1609.04802.

    Examples
    --------
    >>> from nolabel import Restorer
    >>> model = Restorer(task="inpaint", channels=8, epochs=1, random_state=0).fit("digits")
    >>> damaged, missing = model.damage("digits", random_state=0)
    >>> model.restore(damaged, missing).shape
    (1797, 8, 8)
    """

    title = "Restorer"
    paper = "arXiv:1604.07379"
    modalities: ClassVar[tuple[str, ...]] = ("image",)
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.5, 0.99)}

    def __init__(
        self,
        *,
        task: Task = "denoise",
        noise: float = 0.2,
        missing: float = 0.25,
        adversarial: float = 0.01,
        channels: int | Literal["auto"] = "auto",
        epochs: int | None = None,
        batch_size: int | None = 32,
        learning_rate: float = 0.0005,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.task = task
        self.noise = noise
        self.missing = missing
        self.adversarial = adversarial
        self.channels = channels
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> RestorerLearner:
        """A U-Net without norms, for what is bright is to stay so; a discriminator of patches if it has a say."""
        if spec.modality != "image":
            raise ModalityError(
                f"Restorer restores images; these are {spec.modality}s. For tables take DenoisingAutoencoder"
            )
        damage = Damage(self.task, float(self.noise), float(self.missing))
        at_least("adversarial", self.adversarial, 0)
        channels, height, width = spec.shape
        if self.task == "super_resolve":
            height, width = even(torch.empty(1, *spec.shape)).shape[2:]
        shown = channels + (self.task == "inpaint")
        net = make_unet((shown, height, width), channels, self.channels, "none", unit=False)
        discriminator = None
        if self.adversarial:
            discriminator = make_patch_discriminator((channels, height, width), self.channels, "spectral", unit=True)
        return RestorerLearner(net, damage, discriminator, float(self.adversarial))

    # --- restoring ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def restore(self, X: Any, mask: Any = None) -> NDArray[Any]:
        """The images of `X` without their damage, in the layout and dtype in which they came.

        They may have another height and width than those of `fit`; after `task="super_resolve"` they come back twice as
        high and wide.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Damaged images, with as many channels as those of `fit`.
        mask : array (N, H, W) or (H, W), or a source of grey images, default=None
            For `task="inpaint"`: not 0 (white) where something is missing. All else comes back as it is.

        Raises
        ------
        ArgumentError
            There is no mask where there must be one, or there is one where there must not.
        ModalityError, DataError
            `X` holds no images, of other channels or too small ones; or the mask does not fit them.
        """
        check_is_fitted(self)
        if (mask is None) == (self.task == "inpaint"):
            raise ArgumentError(_wrong_mask(self.task))
        data = self._own_size(X)
        missing = None if mask is None else missing_from(mask, data)
        with engine.evaluating(self.learner_):
            parts = [self._restored(batch, missing).cpu() for batch in data.batches(_rows(data.spec))]
        return np.concatenate([source.restore(data.spec, part) for part in parts])

    def _restored(self, batch: Batch, missing: Tensor | None) -> Tensor:
        device = next(self.learner_.parameters()).device
        x = batch.x.to(device)
        known = None if missing is None else ~missing[batch.index][:, None].to(device)
        if known is not None:
            x = filled(x, known)
        seen = doubled(x) if self.task == "super_resolve" else x
        restored: Tensor = self.learner_.rebuilt(seen, known).clamp(0, 1)
        return restored

    def damage(self, X: Any, random_state: int = 0) -> "tuple[NDArray[Any], NDArray[np.bool_] | None]":
        """The images of `X` damaged as in training, in the form in which they came; and where they are missing.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Images of any height and width, with as many channels as those of `fit`.
        random_state : int, default=0
            Seed of the damage.

        Returns
        -------
        images, missing
            `missing` (N, H, W) is True where they are, for `task="inpaint"`; else None.
        """
        check_is_fitted(self)
        seed = whole("random_state", random_state, 0)
        data = self._own_size(X)
        numbered = enumerate(data.batches(_rows(data.spec)))
        all_of_it = [self.learner_.damage(batch.x, Draws(seed, number)) for number, batch in numbered]
        small = self.task == "super_resolve"
        images = [source.restore(data.spec, halved(one.clean) if small else one.seen) for one in all_of_it]
        missing = [(~one.known[:, 0]).numpy() for one in all_of_it if one.known is not None]
        return np.concatenate(images), np.concatenate(missing) if missing else None

    def _own_size(self, X: Any) -> Dataset:
        data = own_size(X, self.spec_)
        least = 2 ** len(self.learner_.net.down)
        side = min(data.spec.shape[1:]) * (2 if self.task == "super_resolve" else 1)
        if side < least:
            size = f"{data.spec.shape[1]} x {data.spec.shape[2]}"
            fewest = least // 2 if self.task == "super_resolve" else least
            raise DataError(
                f"images of {size} pixels are too small for this model, whose net halves them: both sides must have at "
                f"least {fewest}. Fit one to images as small as these"
            )
        return data

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(channels=4, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)


def _wrong_mask(task: Task) -> str:
    if task == "inpaint":
        how = "an array (N, H, W) or a source of grey images, white there"
        return f"mask must say where images are missing, for task='inpaint': {how}; got None"
    return f"mask must be None, for only task='inpaint' fills in what is missing; this model was made with {task=}"


def _rows(spec: DataSpec) -> int:
    """Images to take at a time: the net holds many values for each of theirs."""
    return max(1, chunk_of(spec) // 8)
