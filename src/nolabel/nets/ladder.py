"""Pieces of a ladder network (Rasmus et al. 2015, arXiv:1507.02672): rungs, unit normalisation, the combinator g.

Knows nothing of losses or noise.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.linear import Linear
from nolabel.nets.mlp import start_weights
from nolabel.nets.sync import batch_mean

EPSILON = 1e-5


class UnitNorm(nn.Module):
    """N_B: each unit normalised to mean 0 and deviation 1 over the batch, no gain, no bias.

    Over several processes the batch is that of all of them. In evaluation mode running statistics are used.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "D"], Float[Tensor, "D"]]:
        """Normalised x, and the mean and deviation that were used."""
        x = x.float()
        if not self.training:
            deviation = (self.variance + EPSILON).sqrt()
            return (x - self.mean) / deviation, self.mean, deviation
        normalised, mean, deviation = self.of_batch(x)
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(deviation.square() - EPSILON, self.momentum)
        return normalised, mean, deviation

    def of_batch(self, x: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "D"], Float[Tensor, "D"]]:
        """The same by the batch's own statistics, in either mode, leaving the running ones alone."""
        x = x.float()
        mean = batch_mean(x)
        deviation = (batch_mean((x - mean).square()) + EPSILON).sqrt()
        return (x - mean) / deviation, mean, deviation


class Rung(nn.Module):
    """One layer up: a matrix, normalisation, then gain γ, bias β and a rectifier (no gain or rectifier at the top).

    A gain before a rectifier is redundant with the next layer's matrix, but the code's is not.
    """

    def __init__(self, width_in: int, width_out: int, *, rectified: bool) -> None:
        super().__init__()
        self.linear = Linear(width_in, width_out, bias=False)
        start_weights(self.linear.weight, "relu" if rectified else "linear")
        self.norm = UnitNorm(width_out)
        self.gain = nn.Parameter(torch.ones(width_out))
        self.bias = nn.Parameter(torch.zeros(width_out))
        self.rectified = rectified

    def activate(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """H = φ(γ (z + β))."""
        h = self.gain * (z + self.bias)
        return h.relu() if self.rectified else h


class Combinator(nn.Module):
    """g(z̃, u) = (z̃ − μ(u)) v(u) + μ(u), unit by unit; without a lateral z̃, μ(u) (equation 2 of the paper).

    μ and v are a_1 sigmoid(a_2 u + a_3) + a_4 u + a_5 with parameters of their own. At first g(z̃, u) = z̃.

    Parameters
    ----------
    width
        Units.
    normalised
        Whether what comes out is normalised before anything else. Then the constant a_5 of a μ(u) that stands alone is
        subtracted again; its gradient is 0 but for rounding, which Adam would blow up to whole steps: none is taken.
    """

    def __init__(self, width: int, *, normalised: bool = False) -> None:
        super().__init__()
        self.normalised = normalised
        self.mu = nn.Parameter(self._start(width, linear=1.0, constant=0.0))
        self.v = nn.Parameter(self._start(width, linear=0.0, constant=1.0))

    @staticmethod
    def _start(width: int, linear: float, constant: float) -> Tensor:
        rows = torch.tensor([0.0, 1.0, 0.0, linear, constant])
        return rows[:, None].repeat(1, width)

    def forward(self, u: Float[Tensor, "B D"], lateral: Float[Tensor, "B D"] | None) -> Float[Tensor, "B D"]:
        """ẑ from what comes down, and from the lateral if there is one."""
        if lateral is None:
            *slopes, constant = self.mu
            return self._curve([*slopes, constant.detach() if self.normalised else constant], u)
        mu = self._curve(self.mu, u)
        return (lateral - mu) * self._curve(self.v, u) + mu

    @staticmethod
    def _curve(a: Tensor | Sequence[Tensor], u: Tensor) -> Tensor:
        return a[0] * torch.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
