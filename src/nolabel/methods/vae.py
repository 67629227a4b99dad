"""Variational autoencoder: a code with a prior, so that new samples can be drawn and every sample has a bound.

    q(z | x) = N(μ(x), σ²(x)),   z = μ + σ ε,   ε ~ N(0, I),   p(z) = N(0, I)
    loss = E_q[−log p(x | z)] + β Σ_j max(KL_j, free bits)                                            (eq. 10 of [1])
    with K > 1:  loss = −log 1/K Σ_k p(x, z_k) / q(z_k | x)                                           (eq. 8 of [2])

All terms are in nats a sample: *sums* over features and latents, means over the batch, so β = 1 is the bound whatever
the data's width. `bce` takes values in [0, 1] as Bernoulli means; `mse` is a Gaussian whose one σ is learned [3], so
that no weight between the terms needs tuning.

Shapes: x (B, *shape) → μ (B, L) = what `transform` returns; z (B, K, L).
Relations: β > 1 is the β-VAE [4], K > 1 the IWAE; a code without noise or prior is an Autoencoder.
[1] Kingma and Welling 2014, arXiv:1312.6114.  [2] Burda et al. 2016, arXiv:1509.00519.
[3] Rybkin et al. 2021, arXiv:2006.13202.  [4] Higgins et al. 2017, ICLR.  Free bits: Kingma et al. 2016,
arXiv:1606.04934.
"""

import math
from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Codec, Draw, PriorSampler, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation
from nolabel.nets.stack import Stack
from nolabel.nets.sync import batch_mean
from nolabel.objectives.divergence import kl_to_standard_normal, log_normal
from nolabel.objectives.likelihood import Likelihood, mean_bernoulli, mean_of, negative_log
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses

BOUND_DRAWS = 16  # ε that the bound of `score_samples` is a mean over


@final
class VAELearner(GradientLearner, Codec, Draw):
    """Encoder of mean and log-variance, decoder, likelihood."""

    def __init__(
        self,
        encoder: Stack,
        decoder: Stack,
        likelihood: Likelihood,
        latent: int,
        beta: float = 1.0,
        free_bits: float = 0.0,
        importance_samples: int = 1,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.latent = latent
        self.beta = beta
        self.free_bits = free_bits
        self.importance_samples = importance_samples
        # log σ = 20 s: Adam moves s by about the learning rate a step, and σ must get there before the KL term wins
        self.s = nn.Parameter(torch.zeros(())) if likelihood == "mse" else None

    @property
    def log_sigma(self) -> Tensor | None:
        """Log σ of the Gaussian likelihood, at least -6; None for Bernoulli."""
        return None if self.s is None else (20 * self.s).clamp_min(-6.0)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² of q(z | x): (B, L) each."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return mu, log_var

    def negative_log_likelihood(self, output: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
        """−log p(x | z) of each sample in nats (B,), from the decoder's raw output."""
        distance = negative_log(self.likelihood, output, x, mask)
        log_sigma = self.log_sigma
        if log_sigma is None:
            return distance
        width = x[0].numel() if mask is None else mask.sum(1)
        return 0.5 * distance * torch.exp(-2 * log_sigma) + width * (log_sigma + 0.5 * math.log(2 * math.pi))

    def loss(self, batch: Batch, step: Step) -> Losses:
        """The negative bound."""
        mu, log_var = self.posterior(batch.x)
        if self.importance_samples > 1:
            return self._importance_loss(batch, mu, log_var, step)
        z = mu + torch.exp(0.5 * log_var) * step.draws.normal(mu)
        kl = kl_to_standard_normal(mu, log_var)  # (B, L)
        per_latent = batch_mean(kl).clamp_min(self.free_bits) if self.free_bits else kl.mean(0)
        parts = {"reconstruction": self._mean_negative_log(self.decoder(z), batch), "kl": self.beta * per_latent.sum()}
        return Losses(parts, {"nats": kl.detach().sum(1).mean()})

    def _mean_negative_log(self, output: Tensor, batch: Batch) -> Tensor:
        if self.likelihood == "bce" and batch.mask is None:
            return mean_bernoulli(output, batch.x) * batch.x[0].numel()
        return self.negative_log_likelihood(output, batch.x, batch.mask).mean()

    def _importance_loss(self, batch: Batch, mu: Tensor, log_var: Tensor, step: Step) -> Losses:
        epsilon = step.draws.normal(mu[:, None].expand(-1, self.importance_samples, -1))  # (B, K, L)
        log_w = self.log_weights(batch, mu, log_var, epsilon)
        bound = torch.logsumexp(log_w, 1) - math.log(self.importance_samples)
        return Losses({"bound": -bound.mean()}, {"nats": kl_to_standard_normal(mu, log_var).detach().sum(1).mean()})

    def log_weights(self, batch: Batch, mu: Tensor, log_var: Tensor, epsilon: Tensor) -> Tensor:
        """Log p(x | z_k) + log p(z_k) − log q(z_k | x) for z_k = μ + σ ε_k; ε (B or 1, K, L) → (B, K)."""
        count = epsilon.shape[1]
        z = mu[:, None] + torch.exp(0.5 * log_var)[:, None] * epsilon
        x = batch.x.repeat_interleave(count, 0)
        mask = None if batch.mask is None else batch.mask.repeat_interleave(count, 0)
        log_x = -self.negative_log_likelihood(self.decoder(z.flatten(0, 1)), x, mask).view(-1, count)
        zero = torch.zeros_like(z)
        log_prior = log_normal(z, zero, zero).sum(2)
        log_q = log_normal(z, mu[:, None].expand_as(z), log_var[:, None].expand_as(z)).sum(2)
        return log_x + log_prior - log_q

    def encode(self, x: Tensor) -> Tensor:
        """The posterior's mean μ: (B, *shape) to (B, L)."""
        return self.posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x | z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """The bound in nats (B,), a mean over 16 fixed draws of ε, the same for every sample."""
        mu, log_var = self.posterior(batch.x)
        epsilon = fixed_draws(BOUND_DRAWS, self.latent, mu.device)
        few = torch.split(epsilon, 2, dim=1)  # all draws at once would need 16 times the memory
        return torch.cat([self.log_weights(batch, mu, log_var, part) for part in few], 1).mean(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Means of p(x | z) for z ~ N(0, I)."""
        return self.decode(torch.randn(count, self.latent, generator=generator, device=generator.device))


def fixed_draws(count: int, latent: int, device: torch.device) -> Tensor:
    """`count` draws of ε, mirrored so that their mean is 0: (1, count, latent)."""
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(1, -(-count // 2), latent, generator=generator)
    return torch.cat([half, -half], 1)[:, :count].to(device)


@final
class VAE(PriorSampler, Reconstructor):
    """Variational autoencoder, with β, free bits, and the importance-weighted bound.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the KL term; 1 is the bound on the likelihood.
    free_bits : float, default=0.0
        Nats that each latent may carry, on average over the batch, without being charged for.
    importance_samples : int, default=1
        K of the importance-weighted bound; 1 is the ordinary one. With K > 1, beta and free_bits keep their defaults.
    hidden : sequence of int or None, default=None
        Widths between the data and the code; channels for `net="conv"`. None chooses.
    latent : int, default=20
        Width of the code.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless
        `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every hidden layer.
    loss : {"auto", "bce", "mse"}, default="auto"
        Likelihood: "bce" Bernoulli, "mse" Gaussian of one learned σ; "auto" is "bce" for images, "mse" for tables.
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
    Kingma and Welling 2014, arXiv:1312.6114; Burda et al. 2016, arXiv:1509.00519.

    Examples
    --------
    >>> from nolabel import VAE
    >>> model = VAE(latent=8, epochs=2, random_state=0).fit("digits")
    >>> model.sample(4, random_state=0).shape
    (4, 8, 8)
    """

    title = "Variational autoencoder"
    paper = "arXiv:1312.6114"

    def __init__(
        self,
        *,
        beta: float = 1.0,
        free_bits: float = 0.0,
        importance_samples: int = 1,
        hidden: Sequence[int] | None = None,
        latent: int = 20,
        net: Net = "auto",
        activation: Activation = "relu",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.beta = beta
        self.free_bits = free_bits
        self.importance_samples = importance_samples
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

    def build(self, spec: DataSpec) -> VAELearner:
        """Encoder of mean and variance, mirrored decoder."""
        if self.beta < 0 or self.free_bits < 0:
            raise ArgumentError(f"beta and free_bits must be at least 0; got {self.beta!r} and {self.free_bits!r}")
        at_least("importance_samples", self.importance_samples, 1)
        if self.importance_samples > 1 and (self.beta != 1 or self.free_bits):
            raise ArgumentError(
                "with importance_samples above 1 the bound has no KL term: leave beta=1 and free_bits=0"
            )
        shape = decide(spec, self.net, self.hidden, self.latent)
        encoder = make_encoder(spec, shape, self.activation, outputs=2)
        decoder = make_decoder(spec, shape, self.activation)
        if shape.net == "mlp":
            _narrow(encoder)
            _narrow(decoder)
        return VAELearner(
            encoder,
            decoder,
            decide_loss(spec, self.loss),
            shape.latent,
            self.beta,
            self.free_bits,
            self.importance_samples,
        )

    @torch.no_grad()
    def log_likelihood(self, X: Any, importance_samples: int = 200, random_state: int = 0) -> NDArray[np.float64]:
        """The log-likelihood of each sample in nats (N,), by importance sampling from q(z | x) (Burda et al. 2016).

        A lower bound in expectation that tightens with the number of draws. Each sample has draws of its own, by its
        row, so that the mean over a set does not share their luck.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        importance_samples : int, default=200
            Draws of z for each sample.
        random_state : int, default=0
            Seed of the draws.
        """
        at_least("importance_samples", importance_samples, 1)
        data = self._open(X)
        learner: VAELearner = self.learner_
        found = []
        for batch in self._batches(data):
            mu, log_var = learner.posterior(batch.x)
            draws = Draws(random_state, int(batch.index[0]), device=mu.device)
            pieces = []
            for done in range(0, importance_samples, 2):  # mirrored pairs; all at once would not fit
                one = draws.normal(mu)[:, None]
                pair = torch.cat([one, -one], 1)[:, : importance_samples - done]
                pieces.append(learner.log_weights(batch, mu, log_var, pair))
            log_p = torch.logsumexp(torch.cat(pieces, 1).double(), 1) - math.log(importance_samples)
            found.append(log_p.cpu().numpy())
        return np.concatenate(found)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(hidden=(16,), latent=4, epochs=10, batch_size=32, learning_rate=0.01, random_state=0)


@torch.no_grad()
def _narrow(net: Stack) -> None:
    """Halve the first weights at both ends of a perceptron: posteriors begin near the prior, outputs near their mean.

    Worth 0.6 nats of the bound on MNIST after 10 epochs (LOG.md); layers between keep He's width, lest depth shrink
    the signal.
    """
    for stage in {net.stages[0], net.stages[-1]}:
        stage[0].weight.mul_(0.5)  # type: ignore[index]
