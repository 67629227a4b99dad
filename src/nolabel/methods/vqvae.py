"""VQ-VAE: a code made of entries of a learned codebook, and a prior over their numbers to draw new samples from.

    z_e = f(x),   k = argmin_j ‖z_e − e_j‖,   z_q = e_k,   x̂ = g(z_q)                             (eq. 1 and 2 of [1])
    loss = mean −log p(x | x̂) + β mean ‖z_e − sg(z_q)‖² + mean −log p(k)                          (eq. 3 of [1])

The gradient of x̂ passes straight through from z_q to z_e. The codebook follows the encoder by running means (appendix
A.1 of [1]) and takes no gradient; entries that hardly any vector falls to are put on vectors of the last batch. The
prior p(k) is learned beside it, on codes through which no gradient flows back, so it changes neither encoder nor
decoder. All terms are means, over samples and features, code values, and tokens.

Shapes: x (B, *shape) → z_e (B, P, d), P tokens of width d → k (B, P) → x̂ (B, *shape). The code is z_q, flat: (B, P d).
Relations: a VAE's code is continuous; here it is P choices among K.
Known departures from [1]: the prior is a recurrent net trained along instead of a PixelCNN trained afterwards; flat
data are cut into P groups of one layer's output.
[1] van den Oord et al. 2017, "Neural discrete representation learning", arXiv:1711.00937.
"""

from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Draw, PriorSampler, Reconstructor
from nolabel.methods._tokens import TokenCodec
from nolabel.nets.defaults import Loss, Net, Tokens, decide_loss, make_token_nets
from nolabel.nets.mlp import Activation
from nolabel.nets.quantize import Codebook
from nolabel.nets.sequence import TokenPrior
from nolabel.nets.stack import Stack
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.training.learner import DistillingLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class VQVAELearner(DistillingLearner, TokenCodec, Draw):
    """Encoder to tokens, codebook, decoder, prior over token numbers."""

    def __init__(
        self,
        encoder: Stack,
        decoder: Stack,
        codebook: Codebook,
        prior: TokenPrior,
        tokens: Tokens,
        likelihood: Likelihood,
        commitment: float,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.codebook = codebook
        self.prior = prior
        self.tokens = tokens
        self.likelihood = likelihood
        self.commitment = commitment

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction, commitment, prior; and the perplexity of the codebook's use."""
        z_e = self.tokens.split(self.encoder(batch.x))
        k, z_q = self.codebook(z_e)
        if self.training:
            self.codebook.notice(z_e, k, step.piece)
        straight = z_e + (z_q - z_e).detach()  # value of z_q, gradient to z_e
        output = self.decoder(self.tokens.join(straight))
        perplexity = self.codebook.perplexity(k)
        return Losses(
            {
                "reconstruction": mean_negative_log(self.likelihood, output, batch.x, batch.mask),
                "commitment": self.commitment * (z_e - z_q.detach()).square().mean(),
                "prior": self.prior.negative_log(k).mean(),
            },
            {"perplexity": perplexity, "in_use": perplexity / len(self.codebook.entries)},
        )

    def follow(self, step: Step) -> None:
        """The codebook moves to the running means of what fell to each entry; dead entries are restarted."""
        self.codebook.follow(step.draws)

    def encode(self, x: Tensor) -> Tensor:
        """z_q, flattened: (B, *shape) to (B, P d)."""
        z_q: Tensor = self.codebook(self.tokens.split(self.encoder(x)))[1]
        return z_q.flatten(1)

    def numbers(self, x: Tensor) -> Tensor:
        """Numbers k of the codebook's entries: (B, *shape) to (B, P)."""
        return self.codebook(self.tokens.split(self.encoder(x)))[0]  # type: ignore[no-any-return]

    def choices(self) -> int:
        """K."""
        return len(self.codebook.entries)

    def surprise(self, k: Tensor) -> Tensor:
        """Σ_t −log p(k_t | k_1 ... k_{t−1}) in nats: (B, P) to (B,)."""
        return self.prior.negative_log(k).sum(1)

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, P d) to (B, *shape). Codes between entries are decoded as they are."""
        z_q = z.view(len(z), self.tokens.count, self.tokens.width)
        return mean_of(self.likelihood, self.decoder(self.tokens.join(z_q)))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        z_q = self.encode(batch.x).view(len(batch), self.tokens.count, self.tokens.width)
        output = self.decoder(self.tokens.join(z_q))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Token numbers from the prior, decoded."""
        k = self.prior.sample(count, self.tokens.count, generator)
        return self.decode(self.codebook.look_up(k).flatten(1))


@final
class VQVAE(PriorSampler, Reconstructor):
    """Autoencoder with a discrete code: tokens from a learned codebook, with a prior to sample from.

    Parameters
    ----------
    codebook_size : int, default=128
        K, entries of the codebook.
    token_width : int, default=16
        d, width of an entry.
    tokens : int, default=8
        P for flat data: groups into which the code is cut. For images P is what is left of the image after its stages.
    commitment : float, default=0.25
        β, pull of the encoder towards the entries.
    decay : float, default=0.99
        Decay of the running means that the codebook follows.
    restart_below : float, default=0.05
        Entries to which fewer than this fraction of an even share falls are restarted.
    hidden : sequence of int or None, default=None
        Widths between data and code; channels for `net="conv"`. None chooses.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless
        `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every hidden layer.
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
    van den Oord et al. 2017, arXiv:1711.00937.

    Examples
    --------
    >>> from nolabel import VQVAE
    >>> model = VQVAE(codebook_size=32, epochs=2, random_state=0).fit("digits")
    >>> model.tokenize("digits").shape
    (1797, 4)
    """

    title = "VQ-VAE"
    paper = "arXiv:1711.00937"

    def __init__(
        self,
        *,
        codebook_size: int = 128,
        token_width: int = 16,
        tokens: int = 8,
        commitment: float = 0.25,
        decay: float = 0.99,
        restart_below: float = 0.05,
        hidden: Sequence[int] | None = None,
        net: Net = "auto",
        activation: Activation = "relu",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.codebook_size = codebook_size
        self.token_width = token_width
        self.tokens = tokens
        self.commitment = commitment
        self.decay = decay
        self.restart_below = restart_below
        self.hidden = hidden
        self.net = net
        self.activation = activation
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> VQVAELearner:
        """Encoder to tokens, codebook, mirrored decoder, prior."""
        for name in ("codebook_size", "token_width", "tokens"):
            at_least(name, getattr(self, name), 1)
        if not 0 <= self.decay < 1:
            raise ArgumentError(f"decay must be at least 0 and below 1; got {self.decay!r}")
        at_least("commitment", self.commitment, 0)
        at_least("restart_below", self.restart_below, 0, 1)
        encoder, decoder, tokens = make_token_nets(
            spec, self.net, self.hidden, int(self.tokens), int(self.token_width), self.activation
        )
        return VQVAELearner(
            encoder,
            decoder,
            Codebook(int(self.codebook_size), int(self.token_width), self.decay, self.restart_below),
            TokenPrior(int(self.codebook_size)),
            tokens,
            decide_loss(spec, self.loss),
            self.commitment,
        )

    @torch.no_grad()
    def tokenize(self, X: Any) -> NDArray[np.int64]:
        """Numbers of the codebook's entries (N, P) for the samples in `X`.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        """
        data = self._open(X)
        return np.concatenate([self.learner_.numbers(batch.x).cpu().numpy() for batch in self._batches(data)])

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(
            codebook_size=16,
            token_width=4,
            tokens=4,
            hidden=(16,),
            epochs=10,
            batch_size=32,
            learning_rate=0.01,
            random_state=0,
        )
