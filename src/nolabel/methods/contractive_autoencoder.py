"""Contractive autoencoder: a code that moves little when the sample moves a little.

    loss = mean −log p(x | x̂) + λ mean_b ‖J_f(x_b)‖²_F / L,     J_f = ∂f/∂x,  z = sigmoid(f(x))          (eq. 2 of [1])

The reconstruction is a mean over samples and features; the penalty is a mean over the L units of the code.

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape).
Relations: for small Gaussian noise a DenoisingAutoencoder has nearly this penalty, on g∘f instead of on f.
Known departures from [1]: the encoder may be deep, so the norm is estimated without bias by Hutchinson's rule,
‖J‖²_F = E_v ‖vᵀJ‖² with v ~ N(0, I), one draw a sample and step, instead of the closed form for one sigmoid layer. As
in [1] the decoder is tied, lest the encoder shrink and the decoder grow.
[1] Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", ICML.
"""

from collections.abc import Sequence
from typing import Any, Self, final

import torch
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
class ContractiveAutoencoderLearner(GradientLearner, Codec):
    """Encoder, tied decoder, and the norm of the encoder's Jacobian."""

    def __init__(self, encoder: Stack, decoder: Stack, likelihood: Likelihood, weight: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.weight = weight

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction and contraction."""
        with torch.enable_grad():  # the penalty is itself a gradient, also when the loss is only measured
            x = batch.x.detach().requires_grad_()
            z = self.encode(x)
            contraction = jacobian_norm(z, x, step.draws.normal(z)).mean() / z.shape[1]
        output = self.decoder(z)
        reconstruction = mean_negative_log(self.likelihood, output, batch.x, batch.mask)
        return Losses({"reconstruction": reconstruction, "contraction": self.weight * contraction})

    def encode(self, x: Tensor) -> Tensor:
        """Z = sigmoid(f(x)): (B, *shape) to (B, L)."""
        return self.encoder(x).sigmoid()  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        output = self.decoder(self.encode(batch.x))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)


def jacobian_norm(z: Tensor, x: Tensor, v: Tensor) -> Tensor:
    """‖vᵀJ‖² of each sample (B,), J = ∂z/∂x: an unbiased estimate of ‖J‖²_F for v (B, L) ~ N(0, I); differentiable."""
    (product,) = torch.autograd.grad((v * z).sum(), x, create_graph=True)
    return product.square().flatten(1).sum(1)


@final
class ContractiveAutoencoder(Reconstructor):
    """Autoencoder whose code resists small changes of the sample.

    Parameters
    ----------
    weight : float, default=0.1
        λ, weight of the Jacobian's squared norm.
    hidden : sequence of int or None, default=None
        Widths from the data to the code; channels for `net="conv"`. Without `latent` the last is the code.
        None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
    net : {"auto", "mlp", "conv"}, default="mlp"
        Kind of network; the paper's are fully connected. "auto" takes convolutions for images of at least 8 x 8 pixels.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="sigmoid"
        After every hidden layer; the code is a sigmoid always, the output linear.
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
    Rifai et al. 2011, ICML.

    Examples
    --------
    >>> from nolabel import ContractiveAutoencoder
    >>> model = ContractiveAutoencoder(hidden=(64,), epochs=2, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 64)
    """

    title = "Contractive autoencoder"
    paper = "Rifai et al. 2011"

    def __init__(
        self,
        *,
        weight: float = 0.1,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        net: Net = "mlp",
        activation: Activation = "sigmoid",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.weight = weight
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

    def build(self, spec: DataSpec) -> ContractiveAutoencoderLearner:
        """Encoder and tied decoder."""
        at_least("weight", self.weight, 0)
        shape = decide(spec, self.net, self.hidden, self.latent)
        encoder = make_encoder(spec, shape, self.activation)
        decoder = make_decoder(spec, shape, self.activation, tied_to=encoder)
        return ContractiveAutoencoderLearner(encoder, decoder, decide_loss(spec, self.loss), self.weight)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(weight=0.01, hidden=(16,), latent=8, epochs=10, batch_size=32, learning_rate=0.01, random_state=0)
