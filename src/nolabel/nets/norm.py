"""Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) whose batch is that of all processes.

    y = γ (x − μ) / √(σ² + ε) + β,   μ, σ² over the batch (and over the places of an image), for each channel

With one process this is torch's own. With several, μ, σ² and the gradients through them are those of the whole batch,
at the price of one message each way. It knows nothing of what is around it.
"""

from typing import Any, final

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.sync import several


@final
class BatchNorm(nn.Module):
    """Normalises each channel over the batch, and in evaluation by running statistics: (B, C, ...) to the same.

    A training batch that has a single value a channel has no spread of its own; it, too, is normalised by the running
    statistics, and leaves them as they are.

    Parameters
    ----------
    width
        C, channels.
    affine
        Whether there are a gain γ and a bias β.
    gain
        What γ starts from.
    momentum
        Weight of the newest batch in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self, width: int, *, affine: bool = True, gain: float = 1.0, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.eps = eps
        self.register_parameter("weight", nn.Parameter(torch.full((width,), gain)) if affine else None)
        self.register_parameter("bias", nn.Parameter(torch.zeros(width)) if affine else None)
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x: Float[Tensor, "B C *places"]) -> Float[Tensor, "B C *places"]:
        """Normalised x."""
        if self.training and several():
            return self._over_processes(x)
        own = self.training and x.numel() > x.shape[1]
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, own, self.momentum, self.eps
        )

    def _over_processes(self, x: Tensor) -> Tensor:
        y, mean, variance, count = _Normalise.apply(x.float(), self.eps)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        if self.weight is not None and self.bias is not None:
            y = y * _channelwise(self.weight, y) + _channelwise(self.bias, y)
        same: Tensor = y.to(x.dtype)
        return same


class _Normalise(torch.autograd.Function):
    """x̂ = (x − μ) / √(σ² + ε) over the rows of all processes; also μ, σ² and how many values they are of."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        over = [0, *range(2, x.ndim)]
        own = x.new_tensor(x.numel() // x.shape[1])
        variance, mean = torch.var_mean(x, over, correction=0)
        mean, variance, count = _merged(mean, variance, own)
        scale = (variance + eps).rsqrt()
        y = (x - _channelwise(mean, x)) * _channelwise(scale, x)
        ctx.save_for_backward(y, scale, count)
        ctx.mark_non_differentiable(mean, variance, count)
        return y, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        g = gradients[0]
        y, scale, count = ctx.saved_tensors
        over = [0, *range(2, g.ndim)]
        sums = torch.stack([g.sum(over), (g * y).sum(over)])
        dist.all_reduce(sums)
        of_g, of_gy = sums / count
        return (g - _channelwise(of_g, g) - y * _channelwise(of_gy, g)) * _channelwise(scale, g), None


def _merged(mean: Tensor, variance: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance and number of the values of all processes, from those of each (Chan et al. 1979)."""
    message = torch.cat([mean, variance, own[None]])
    parts = [torch.empty_like(message) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, message)
    every = torch.stack(parts)
    means, variances = every[:, :-1].chunk(2, 1)
    count = every[:, -1].sum()
    share = every[:, -1:] / count
    whole = (share * means).sum(0)
    return whole, (share * (variances + (means - whole).square())).sum(0), count


def _channelwise(v: Tensor, like: Tensor) -> Tensor:
    return v.view(1, -1, *[1] * (like.ndim - 2))
