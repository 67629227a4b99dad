"""Sparse autoencoder: a wide code of which only a few entries speak for any one sample.

    l1       z = relu(f(x)),      loss = mean −log p(x | x̂) + λ mean_b Σ_j |z_bj| ‖d_j‖ / L           [3]
    kl       z = sigmoid(f(x)),   loss = mean −log p(x | x̂) + λ Σ_j KL(ρ ‖ ρ̂_j) / L,   ρ̂_j = batch mean of z_j    [1]
    topk     z = the k largest entries of f(x), the rest 0;   loss = mean −log p(x | x̂)                           [2]

The reconstruction is a mean over samples and features, the penalties are means over the L units, so that λ means the
same for any width.

d_j is the j-th column of the decoder's first matrix: without it a large decoder would make any code small [3].

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape).
Relations: without the penalty this is an Autoencoder. The top-k rule is what recent work on language models uses.
[1] Ng 2011, "Sparse autoencoder", CS294A lecture notes.  [2] Makhzani and Frey 2014, "k-sparse autoencoders", ICLR.
[3] Templeton et al. 2024, "Scaling monosemanticity", Transformer Circuits Thread (the penalty by decoder norms).
"""

from collections.abc import Sequence
from typing import Any, Literal, Self, final, get_args

from torch import Tensor

from nolabel.errors import ArgumentError, not_a_choice
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Codec, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation
from nolabel.nets.stack import Stack
from nolabel.nets.sync import batch_mean
from nolabel.objectives.divergence import keep_largest, kl_bernoulli
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses

Penalty = Literal["l1", "kl", "topk"]


@final
class SparseAutoencoderLearner(GradientLearner, Codec):
    """Encoder, decoder and what keeps the code sparse."""

    def __init__(
        self,
        encoder: Stack,
        decoder: Stack,
        likelihood: Likelihood,
        penalty: Penalty,
        weight: float,
        rho: float,
        k: int,
        latent: int,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.penalty = penalty
        self.weight = weight
        self.rho = rho
        self.k = k
        self.latent = latent

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction, the penalty, and how many entries of the code are active."""
        z = self._code(batch.x, self._k_at(step.progress) if self.training else self.k)
        output = self.decoder(z)
        parts = {"reconstruction": mean_negative_log(self.likelihood, output, batch.x, batch.mask)}
        if self.penalty == "l1":
            parts["sparsity"] = self.weight * (z.abs() * self._reach()).mean()
        elif self.penalty == "kl":
            parts["sparsity"] = self.weight * kl_bernoulli(self.rho, batch_mean(z)).mean()
        return Losses(parts, {"active": (z.detach().abs() > 1e-3).float().mean()})

    def _reach(self) -> Tensor:
        """‖d_j‖ of each unit: (L,)."""
        first = self.decoder.stages[0][0].weight  # type: ignore[index]
        return first.norm(dim=0)  # type: ignore[no-any-return]

    def _k_at(self, progress: float) -> int:
        """What `k` is at `progress`: it falls from all to its own over half of the run, lest units die unused ([2])."""
        return max(self.k, round(self.latent + (self.k - self.latent) * min(1.0, 2 * progress)))

    def encode(self, x: Tensor) -> Tensor:
        """The sparse code: (B, *shape) to (B, L)."""
        return self._code(x, self.k)

    def _code(self, x: Tensor, k: int) -> Tensor:
        a = self.encoder(x)
        if self.penalty == "l1":
            return a.relu()  # type: ignore[no-any-return]
        if self.penalty == "kl":
            return a.sigmoid()  # type: ignore[no-any-return]
        return keep_largest(a, k)

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        output = self.decoder(self.encode(batch.x))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)


@final
class SparseAutoencoder(Reconstructor):
    """Autoencoder with a wide code kept sparse by L1, by a KL target for mean activity, or by keeping the k largest.

    Parameters
    ----------
    penalty : {"l1", "kl", "topk"}, default="topk"
        What keeps the code sparse.
    k : int, default=8
        Entries kept, for "topk".
    weight : float or None, default=None
        λ of the penalty; None is 0.3 for "kl" and 0.01 for "l1".
    rho : float, default=0.05
        Wanted mean activity of every unit, for "kl".
    hidden : sequence of int or None, default=None
        Widths between the data and the code; channels for `net="conv"`. None chooses.
    latent : int, default=128
        Width of the code.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless
        `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every hidden layer; the code's is set by `penalty`, the output is linear.
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
    Ng 2011, CS294A lecture notes; Makhzani and Frey 2014, ICLR.

    Examples
    --------
    >>> from nolabel import SparseAutoencoder
    >>> model = SparseAutoencoder(k=5, latent=64, epochs=2, random_state=0).fit("digits")
    >>> int((model.transform("digits") != 0).sum(1).max())
    5
    """

    title = "Sparse autoencoder"
    paper = "Makhzani and Frey 2014"

    def __init__(
        self,
        *,
        penalty: Penalty = "topk",
        k: int = 8,
        weight: float | None = None,
        rho: float = 0.05,
        hidden: Sequence[int] | None = None,
        latent: int = 128,
        net: Net = "auto",
        activation: Activation = "relu",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.penalty = penalty
        self.k = k
        self.weight = weight
        self.rho = rho
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

    def build(self, spec: DataSpec) -> SparseAutoencoderLearner:
        """Encoder, mirrored decoder, penalty."""
        if self.penalty not in get_args(Penalty):
            raise not_a_choice("penalty", self.penalty, get_args(Penalty))
        if not 0 < self.rho < 1:
            raise ArgumentError(f"rho must lie between 0 and 1; got {self.rho!r}")
        if not 1 <= self.k <= self.latent:
            raise ArgumentError(f"k must be from 1 to latent={self.latent}; got {self.k!r}")
        weight = self.weight if self.weight is not None else 0.3 if self.penalty == "kl" else 0.01
        at_least("weight", weight, 0)
        shape = decide(spec, self.net, self.hidden, self.latent)
        return SparseAutoencoderLearner(
            make_encoder(spec, shape, self.activation),
            make_decoder(spec, shape, self.activation),
            decide_loss(spec, self.loss),
            self.penalty,
            weight,
            self.rho,
            self.k,
            shape.latent,
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(k=4, hidden=(16,), latent=16, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
