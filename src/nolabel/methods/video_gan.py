"""VideoGAN: short clips from convolutions over time and space.

    loss of D = E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))),      loss of G = −E D(G(z))         (eq. 16 and 17 of [2])
    G: z → maps over (T, H, W), which are doubled in all three at once;  D: halves them likewise    (section 2 of [1])

Means over the batch. One latent makes a whole clip: there is no step from frame to frame, and the length is that of the
clips that were learned from. D sees how things move as well as what they are, for its kernels reach over frames. The
two pay 2 and 0 when nothing can be told.

Shapes: z (B, L) → G(z) (B, C, T, H, W); x (B, C, T, H, W) → logits (B,). The code is D's stages (B, F).
Relations: SNGAN is the same game for images and tables, DCGAN has the players without time.
Known departures from [1]: one stream, where [1] also has two, a moving foreground before a background that stands
still; hinge and spectral normalisation of [2] in place of cross-entropy, as in [3]; widths from 16 channels, not 64;
a step size of 0.001, not 0.0002; samples are made by averaged weights of G.
[1] Vondrick, Pirsiavash and Torralba 2016, "Generating videos with scene dynamics", arXiv:1609.02612.
[2] Miyato et al. 2018, "Spectral normalization for generative adversarial networks", arXiv:1802.05957.
[3] Clark, Donahue and Simonyan 2019, "Adversarial video generation on complex datasets", arXiv:1907.06571.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, final

from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.methods._generator import Generator
from nolabel.methods._players import TwoPlayerLearner, told
from nolabel.nets.defaults import make_clip_players
from nolabel.objectives.adversarial import hinge_discriminator, hinge_generator
from nolabel.training.learner import Step
from nolabel.training.plan import Plan
from nolabel.types import DataSpec, Losses


@final
class VideoGANLearner(TwoPlayerLearner):
    """Players who pay by a hinge, and see clips whole."""

    def discriminator_loss(self, real: Tensor, fake: Tensor, step: Step) -> Losses:
        """What is not told apart by a margin of 1."""
        d_real, d_fake = self.judged(real, fake, step.draws)
        of_real, of_fake = hinge_discriminator(d_real, d_fake)
        return Losses({"real": of_real, "fake": of_fake}, told(d_real, d_fake))

    def generator_loss(self, real: Tensor, fake: Tensor, step: Step) -> dict[str, Tensor]:
        """Minus the mean logit of clips."""
        return {"fooling": hinge_generator(self.logits(fake, step.draws))}


@final
class VideoGAN(Generator):
    """Short clips, all of one length, whole from one latent: for small frames, and few of them.

    Clips are arrays (N, T, H, W) or (N, T, H, W, C), folders of animated GIFs, or folders of folders of frames; for
    clips of different length say `nolabel.open(source, modality="video", frames=16)`. What a step costs grows with the
    number of frames and with their area: 16 frames of 16 x 16 pixels hold as many values as an image of 64 x 64.

    Parameters
    ----------
    latent : int or "auto", default="auto"
        Width L of the latents that clips are made of; "auto" is 64, or the width of the data where that is less.
    channels : int or "auto", default="auto"
        Channels beside the clip, doubled at every halving of it, eightfold at most; "auto" is 16.
    augment : "auto" or bool, default="auto"
        Whether the discriminator sees clips only after random changes of colour and place, the same for all frames of
        one, through which the generator learns (DiffAugment); "auto" where `fit` is given fewer than 5,000 clips.
    discriminator_steps : int, default=1
        Steps of the discriminator for each of the generator's.
    discriminator_rate : float, default=1.0
        Factor on the discriminator's learning rate.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=32
        Clips a step; None chooses 16 to 256 by the number of clips.
    learning_rate : float, default=0.001
        Step size of both players.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and latents.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise Adam with β₁ of 0 and β₂ of 0.9, and samples are made by averaged
        weights of the generator (`ema`). See `nolabel.Plan`.

    References
    ----------
    Vondrick et al. 2016, arXiv:1609.02612.

    Examples
    --------
    >>> import nolabel
    >>> clips = nolabel.open("moving_digits").subset(range(64))
    >>> model = nolabel.VideoGAN(latent=8, channels=4, epochs=1, random_state=0).fit(clips)
    >>> model.sample(2, random_state=0).shape
    (2, 16, 16, 16)
    """

    title = "VideoGAN"
    paper = "arXiv:1609.02612"
    plan_defaults: ClassVar[Mapping[str, Any]] = {"optimizer": "adam", "betas": (0.0, 0.9), "ema": 0.999}
    modalities: ClassVar[tuple[str, ...]] = ("video",)
    reads: ClassVar[Mapping[str, Any]] = {"modality": "video"}

    def __init__(
        self,
        *,
        latent: int | Literal["auto"] = "auto",
        channels: int | Literal["auto"] = "auto",
        augment: bool | Literal["auto"] = "auto",
        discriminator_steps: int = 1,
        discriminator_rate: float = 1.0,
        epochs: int | None = None,
        batch_size: int | None = 32,
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

    def build(self, spec: DataSpec) -> VideoGANLearner:
        """Mirrored convolutions over time and space."""
        if spec.shape[1] < 2:
            raise ArgumentError("clips of one frame do not move: give them as images to SNGAN or R3GAN")
        return VideoGANLearner(self._sides(spec, *make_clip_players(spec, self._latent(spec), self.channels)))

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(latent=8, channels=4, augment=False, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
