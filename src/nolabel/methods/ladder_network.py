"""Ladder network: every layer of a noisy encoder is denoised with help from the layer above; a few labels suffice.

    z̃_l = N_B(W_l h̃_{l−1}) + σ ε,  h̃_l = φ(γ_l (z̃_l + β_l))        noisy encoder; the clean one has σ = 0
    u_L = N_B(h̃_L),  u_l = N_B(V_{l+1} ẑ_{l+1}),  ẑ_l = g(z̃_l, u_l)   decoder, from the top               (algorithm 1)
    loss = mean over labelled of −log softmax(W h̃_L)_y
           + Σ_l λ_l mean ((ẑ_l − μ_l) / σ_l − z_l)² + λ_t mean (x̂ − x)²

N_B normalises each unit over the batch; μ_l, σ_l are the clean layer's mean and deviation before that (0 and 1 for
l = 0), z_l the clean layer after it. g is the paper's, unit by unit: (z̃ − μ(u)) v(u) + μ(u), with μ and v of the form
a_1 sigmoid(a_2 u + a_3) + a_4 u + a_5. Costs are means over samples and units.

Shapes: x (B, D) → z_l (B, width_l) → x̂ (B, D); the code is the clean h_L (B, L).
Relations: without noise and laterals this is a SupervisedAutoencoder.
Known departures from [1]: the top of the ladder is the code, with a linear classifier on it, so that there is a code to
embed and to decode; and λ_t trains the way down from the code alone, ẑ_l = μ(u_l), which `reconstruct` uses.
[1] Rasmus et al. 2015, "Semi-supervised learning with ladder networks", arXiv:1507.02672.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._base import Classifies, Codec, LabelPredictor, Reconstructor
from nolabel.nets.defaults import decide
from nolabel.nets.ladder import Combinator, Rung, UnitNorm
from nolabel.nets.linear import Linear
from nolabel.nets.mlp import linear
from nolabel.objectives.likelihood import gaussian, per_feature
from nolabel.objectives.supervised import cross_entropy_of_labelled
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class LadderNetworkLearner(GradientLearner, Codec, Classifies):
    """Clean and noisy encoder of the same weights, denoising decoder, classifier."""

    def __init__(
        self,
        spec: DataSpec,
        widths: Sequence[int],
        classes: int,
        noise: float,
        costs: Sequence[float],
        top_down: float,
        labelled: float = 1.0,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.noise = noise
        self.costs = [costs[min(level, len(costs) - 1)] for level in range(len(widths))]  # λ_l
        self.top_down = top_down
        self.labelled = labelled  # fraction of the samples whose label is known
        last = len(widths) - 2
        self.up = nn.ModuleList([Rung(a, b, rectified=i < last) for i, (a, b) in enumerate(pairwise(widths))])
        self.top = UnitNorm(widths[-1])
        self.down = nn.ModuleList([Linear(b, a, bias=False) for a, b in pairwise(widths)])
        self.down_norms = nn.ModuleList([UnitNorm(width) for width in widths[:-1]])
        self.combine = nn.ModuleList([Combinator(width, normalised=i > 0) for i, width in enumerate(widths)])
        self.classifier = linear(widths[-1], classes, "linear")

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Classification from the noisy code, denoising of every layer, and the way down from the clean code."""
        x = batch.x.flatten(1)
        h, z, mu, sigma = self.climb(x)
        h_tilde, z_tilde = self.climb_noisy(x, step)
        y = torch.full((len(x),), -1, device=x.device) if batch.y is None else batch.y
        classification, accuracy = cross_entropy_of_labelled(self.logits(h_tilde), y, self.labelled)
        z_hat = self.descend(h_tilde, z_tilde)
        costs = [
            cost * ((z_hat[level] - mu[level]) / sigma[level] - z[level]).square().mean()
            for level, cost in enumerate(self.costs)
        ]
        x_hat = self.descend(h)[0]
        error = per_feature(gaussian(x_hat, x, batch.mask), x.shape[1], batch.mask).mean()
        parts = {
            "classification": classification,
            "denoising": torch.stack(costs).sum(),
            "reconstruction": self.top_down * error,
        }
        return Losses(parts, {"accuracy": accuracy})

    def climb(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor | float], list[Tensor | float]]:
        """The clean encoder: h_L, and z_l, μ_l, σ_l for l = 0 ... L."""
        h, zs = x, [x]
        means: list[Tensor | float] = [0.0]
        deviations: list[Tensor | float] = [1.0]
        for rung in self.up:
            z, mu, sigma = rung.norm(rung.linear(h))  # type: ignore[operator]
            h = rung.activate(z)  # type: ignore[operator]
            zs.append(z)
            means.append(mu)
            deviations.append(sigma)
        return h, zs, means, deviations

    def climb_noisy(self, x: Tensor, step: Step) -> tuple[Tensor, list[Tensor]]:
        """The noisy encoder: h̃_L, and z̃_l for l = 0 ... L. Statistics are always the batch's own."""
        h = x + self.noise * step.draws.normal(x)
        zs = [h]
        for rung in self.up:
            z = rung.norm.of_batch(rung.linear(h))[0]  # type: ignore[operator, union-attr]
            z = z + self.noise * step.draws.normal(z)
            h = rung.activate(z)  # type: ignore[operator]
            zs.append(z)
        return h, zs

    def descend(self, h: Tensor, laterals: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The decoder: ẑ_0 ... ẑ_L, with the laterals z̃ and the batch's own statistics, or from the code alone."""
        top = len(self.combine) - 1
        u = self.top(h)[0] if laterals is None else self.top.of_batch(h)[0]
        z_hat = self.combine[top](u, None if laterals is None else laterals[top])
        found = [z_hat]
        for level in reversed(range(top)):
            norm: UnitNorm = self.down_norms[level]  # type: ignore[assignment]
            before = self.down[level](z_hat)
            u = norm(before)[0] if laterals is None else norm.of_batch(before)[0]
            z_hat = self.combine[level](u, None if laterals is None else laterals[level])
            found.append(z_hat)
        return found[::-1]

    def logits(self, z: Tensor) -> Tensor:
        """Class logits from the code: (B, L) to (B, K)."""
        return self.classifier(z)  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Tensor:
        """The clean h_L: (B, *shape) to (B, L)."""
        return self.climb(x.flatten(1))[0]

    def decode(self, z: Tensor) -> Tensor:
        """x̂ from the code alone: (B, L) to (B, *shape)."""
        x_hat = self.descend(z)[0].view(len(z), *self.spec.shape)
        return x_hat.clamp(0, 1) if self.spec.values == "unit" else x_hat

    def score(self, batch: Batch) -> Tensor:
        """Minus the squared error of the reconstruction from the code, a mean over features: (B,)."""
        x_hat = self.decode(self.encode(batch.x))
        return -per_feature(gaussian(x_hat, batch.x, batch.mask), batch.x[0].numel(), batch.mask)


@final
class LadderNetwork(LabelPredictor, Reconstructor):
    """Semi-supervised net that denoises each of its layers; fully connected, for a handful of labels.

    `fit(X, y)` takes labels with -1, NaN or None for "unknown"; `predict` and `predict_proba` use the clean encoder.

    Parameters
    ----------
    noise : float, default=0.3
        σ, deviation of the Gaussian noise on the data and on every normalised layer.
    costs : sequence of float, default=(1000.0, 10.0, 0.1)
        λ_l of the data, the first layer, ...; the last serves all layers above.
    top_down : float, default=10.0
        λ_t, weight of the reconstruction from the code alone.
    hidden : sequence of int or None, default=None
        Widths from the data to the code. Without `latent` the last is the code. None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
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
    Rasmus et al. 2015, arXiv:1507.02672.

    Examples
    --------
    >>> import nolabel
    >>> digits = nolabel.open("digits")
    >>> y = digits.labels.copy()
    >>> y[100:] = -1
    >>> model = nolabel.LadderNetwork(hidden=(64, 16), epochs=2, random_state=0).fit(digits, y)
    >>> model.predict(digits).shape
    (1797,)
    """

    title = "Ladder network"
    paper = "arXiv:1507.02672"
    uses_labels: ClassVar[bool] = True

    def __init__(
        self,
        *,
        noise: float = 0.3,
        costs: Sequence[float] = (1000.0, 10.0, 0.1),
        top_down: float = 10.0,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.noise = noise
        self.costs = costs
        self.top_down = top_down
        self.hidden = hidden
        self.latent = latent
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> LadderNetworkLearner:
        """Rungs up, maps down, combinators, classifier."""
        if self.noise < 0 or self.top_down < 0:
            raise ArgumentError(f"noise and top_down must be at least 0; got {self.noise!r} and {self.top_down!r}")
        if not self.costs or any(cost < 0 for cost in self.costs):
            raise ArgumentError(f"costs must be numbers of at least 0, one or more; got {self.costs!r}")
        shape = decide(spec, "mlp", self.hidden, self.latent)
        widths = (spec.width, *shape.hidden, shape.latent)
        return LadderNetworkLearner(
            spec, widths, len(self.classes_), self.noise, self.costs, self.top_down, self._labelled
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(hidden=(16, 4), costs=(10.0, 1.0), epochs=16, batch_size=16, learning_rate=0.01, random_state=0)
