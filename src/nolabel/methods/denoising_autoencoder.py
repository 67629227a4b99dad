"""Denoising autoencoder: rebuild the clean sample from a damaged one.

    x̃ ~ q(x̃ | x),  z = f(x̃),  x̂ = g(z),   loss = mean −log p(x | x̂)                        (algorithm 1 of [1])

Damage keeps the code from learning a copy: it must know what usually goes with what. The loss is a mean over samples
and features, clean x against x̂, all entries alike.

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape).
Relations: without damage this is an Autoencoder. Masking blocks of an image is the simplest masked-image model.
Known departures from [1]: noisy values stay in [0, 1] where the clean ones lie there, as they would in a file;
salt-and-pepper, blocks and marginals come from later work ([2]; random erasing, Zhong et al. 2020; SCARF, Bahri et
al. 2022).
[1] Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders", ICML.
[2] Vincent et al. 2010, "Stacked denoising autoencoders", JMLR 11.
"""

from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
import pandas as pd
from torch import Tensor

from nolabel.methods._base import Codec, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation
from nolabel.nets.stack import Stack
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.roles import Corrupt, Noise


@final
class DenoisingAutoencoderLearner(GradientLearner, Codec):
    """Encoder, decoder, and the damage that they learn to undo."""

    def __init__(self, encoder: Stack, decoder: Stack, likelihood: Likelihood, corrupt: Corrupt) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.corrupt = corrupt

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction of x from x̃."""
        x_tilde = self.corrupt(batch.x, step.draws, batch.mask)
        output = self.decoder(self.encoder(x_tilde))
        return Losses({"reconstruction": mean_negative_log(self.likelihood, output, batch.x, batch.mask)})

    def encode(self, x: Tensor) -> Tensor:
        """Z = f(x), x taken as it is: (B, *shape) to (B, L)."""
        return self.encoder(x)  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        output = self.decoder(self.encoder(batch.x))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)


@final
class DenoisingAutoencoder(Reconstructor):
    """Autoencoder that learns to undo noise, masking, salt and pepper, or erased blocks.

    `reconstruct` cleans what it is given; `corrupt` damages samples as training did.

    Parameters
    ----------
    noise : {"gaussian", "masking", "salt_and_pepper", "blocks", "marginals"}, default="gaussian"
        Kind of damage; "blocks" erases one rectangle of an image, "marginals" gives columns of a table the value of
        another row.
    amount : float, default=0.3
        Standard deviation for "gaussian" (in network space: pixels in [0, 1], where they stay; columns standardised),
        otherwise the fraction of entries that is hit.
    hidden : sequence of int or None, default=None
        Widths from the data to the code; channels for `net="conv"`. Without `latent` the last is the code.
        None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every layer but the code and the output, which are linear.
    loss : {"auto", "bce", "mse"}, default="auto"
        Reconstruction loss; "auto" is "bce" for images and "mse" for tables.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Step size.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and noise.
    plan : Plan, mapping or None, default=None
        How training runs: optimizer, schedule, precision, held-out part, ... See `nolabel.Plan`.

    References
    ----------
    Vincent et al. 2008, ICML; Vincent et al. 2010, JMLR 11.

    Examples
    --------
    >>> from nolabel import DenoisingAutoencoder
    >>> model = DenoisingAutoencoder(amount=0.5, latent=16, epochs=2, random_state=0).fit("digits")
    >>> noisy = model.corrupt("digits", random_state=0)
    >>> model.reconstruct(noisy).shape
    (1797, 8, 8)
    """

    title = "Denoising autoencoder"
    paper = "Vincent et al. 2008"

    def __init__(
        self,
        *,
        noise: Noise = "gaussian",
        amount: float = 0.3,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        net: Net = "auto",
        activation: Activation = "relu",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.noise = noise
        self.amount = amount
        self.hidden = hidden
        self.latent = latent
        self.net = net
        self.activation = activation
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> DenoisingAutoencoderLearner:
        """Encoder, mirrored decoder, damage."""
        shape = decide(spec, self.net, self.hidden, self.latent)
        return DenoisingAutoencoderLearner(
            make_encoder(spec, shape, self.activation),
            make_decoder(spec, shape, self.activation),
            decide_loss(spec, self.loss),
            Corrupt(self.noise, self.amount, spec),
        )

    def corrupt(self, X: Any, random_state: int = 0) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """The samples of `X` damaged as in training, in the form in which `fit` met the data.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        random_state : int, default=0
            Seed of the damage.
        """
        data = self._open(X)
        corrupt = Corrupt(self.noise, self.amount, self.spec_)
        numbered = enumerate(data.batches())
        return self._restore(corrupt(one.x, Draws(random_state, number), one.mask) for number, one in numbered)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(amount=0.1, hidden=(16,), latent=4, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
