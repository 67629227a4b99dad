"""Autoencoder: squeeze each sample through a narrow code and rebuild it.

    z = f(x),  x̂ = g(z),   loss = mean −log p(x | x̂) + λ Σ_i ‖h_i − ĥ_i‖²

f and g are perceptrons or convolutions of any depth; p is Bernoulli (`bce`) for values in [0, 1] or Gaussian of fixed
variance (`mse`). The reconstruction term is a mean over samples and features. h_i are the hidden layers of the encoder
before the code and ĥ_i their mirrors in the decoder; the layer-wise term is a sum over layers of means over samples and
units, and its gradient reaches both sides.

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape).
Relations: with `activation="linear"` and `mse` the code spans the space of the first L principal components. Noise on x
makes it a DenoisingAutoencoder, a random code with a prior a VAE. Tied weights (g uses fᵀ) halve the parameters.
Reference: Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks", Science 313.
"""

from collections.abc import Sequence
from typing import Any, Self, final

from torch import Tensor

from nolabel.methods._arguments import at_least
from nolabel.methods._base import Codec, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation
from nolabel.nets.stack import Stack
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class AutoencoderLearner(GradientLearner, Codec):
    """Encoder, decoder and the likelihood between them."""

    def __init__(self, encoder: Stack, decoder: Stack, likelihood: Likelihood, layerwise: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.layerwise = layerwise

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction, and the layer-wise term when λ > 0."""
        if self.layerwise:
            return self._layerwise_loss(batch)
        output = self.decoder(self.encoder(batch.x))
        return Losses({"reconstruction": mean_negative_log(self.likelihood, output, batch.x, batch.mask)})

    def _layerwise_loss(self, batch: Batch) -> Losses:
        *hidden, z = self.encoder.trace(batch.x)
        *mirrored, output = self.decoder.trace(z)
        pairs = zip(hidden, reversed(mirrored))
        apart = sum(((h - h_hat).square().mean() for h, h_hat in pairs), output.new_zeros(()))
        reconstruction = mean_negative_log(self.likelihood, output, batch.x, batch.mask)
        return Losses({"reconstruction": reconstruction, "layerwise": self.layerwise * apart})

    def encode(self, x: Tensor) -> Tensor:
        """Z = f(x): (B, *shape) to (B, L)."""
        return self.encoder(x)  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        output = self.decoder(self.encoder(batch.x))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)


@final
class Autoencoder(Reconstructor):
    """Autoencoder of any depth, fully connected or convolutional, with tied weights or a layer-wise loss if wanted.

    Parameters
    ----------
    hidden : sequence of int or None, default=None
        Widths from the data to the code. Without `latent` the last is the code: `(128, 64, 32)` is 784-128-64-32 on
        28 x 28 images. For `net="conv"` they are channels, each stage halving the image. None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every layer but the code and the output, which are linear.
    tied : bool, default=False
        Whether the decoder uses the encoder's weights, transposed.
    layerwise : float, default=0.0
        λ, weight of the reconstruction of each hidden layer.
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
    Hinton and Salakhutdinov 2006, Science 313, 504-507.

    Examples
    --------
    >>> from nolabel import Autoencoder
    >>> model = Autoencoder(latent=8, epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 8)
    """

    title = "Autoencoder"
    paper = "Hinton and Salakhutdinov 2006"

    def __init__(
        self,
        *,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        net: Net = "auto",
        activation: Activation = "relu",
        tied: bool = False,
        layerwise: float = 0.0,
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.hidden = hidden
        self.latent = latent
        self.net = net
        self.activation = activation
        self.tied = tied
        self.layerwise = layerwise
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> AutoencoderLearner:
        """Encoder and mirrored decoder."""
        at_least("layerwise", self.layerwise, 0)
        shape = decide(spec, self.net, self.hidden, self.latent)
        encoder = make_encoder(spec, shape, self.activation)
        decoder = make_decoder(spec, shape, self.activation, tied_to=encoder if self.tied else None)
        return AutoencoderLearner(encoder, decoder, decide_loss(spec, self.loss), self.layerwise)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(hidden=(16,), latent=4, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
