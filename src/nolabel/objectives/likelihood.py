"""How far a reconstruction is from the data: negative log-likelihoods, per sample.

    bernoulli   −Σ_d  x_d log p_d + (1 − x_d) log(1 − p_d),   p = sigmoid(logits)      for values in [0, 1]
    gaussian    Σ_d (x_d − x̂_d)²                                                      (no constant, no ½)

Functions return one number a sample (B,), *summed* over the observed features; `per_feature` divides by how many were
observed. Pure functions of tensors.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

Likelihood = Literal["bce", "mse"]


def bernoulli(
    logits: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Bool[Tensor, "B D"] | None = None
) -> Float[Tensor, "B"]:
    """Binary cross-entropy of each sample in nats, summed over features.

    `x` may be any number in [0, 1]: pixel intensities are taken as Bernoulli means.
    """
    return _sum(F.binary_cross_entropy_with_logits(logits, x, reduction="none"), mask)


def gaussian(
    output: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Bool[Tensor, "B D"] | None = None
) -> Float[Tensor, "B"]:
    """Squared error of each sample, summed over features."""
    return _sum((output - x).square(), mask)


def per_feature(sums: Float[Tensor, "B"], width: int, mask: Bool[Tensor, "B D"] | None = None) -> Float[Tensor, "B"]:
    """Sums over features turned into means over the observed features (all `width` of them when `mask` is None)."""
    return sums / width if mask is None else sums / mask.sum(1).clamp_min(1)


def negative_log(
    name: Likelihood, output: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Tensor | None = None
) -> Float[Tensor, "B"]:
    """The likelihood `name` of each sample: `"bce"` is `bernoulli`, `"mse"` is `gaussian`. Summed over features."""
    return bernoulli(output, x, mask) if name == "bce" else gaussian(output, x, mask)


def mean_negative_log(
    name: Likelihood, output: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Tensor | None = None
) -> Float[Tensor, ""]:
    """Mean of `negative_log` over samples and observed features: "BCE per pixel", "MSE per column"."""
    if mask is not None:
        return errors_per_feature(name, output, x, mask).mean()
    return mean_bernoulli(output, x) if name == "bce" else F.mse_loss(output, x)


def errors_per_feature(
    name: Likelihood, output: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Tensor | None = None
) -> Float[Tensor, "B"]:
    """`negative_log` of each sample as a mean over its observed features."""
    return per_feature(negative_log(name, output, x, mask), x[0].numel(), mask)


def mean_of(name: Likelihood, output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The distribution's mean, in network space, from a decoder's raw output."""
    return torch.sigmoid(output) if name == "bce" else output


def _sum(values: Tensor, mask: Tensor | None) -> Tensor:
    flat = values.flatten(1)
    return flat.sum(1) if mask is None else (flat * mask).sum(1)


def mean_bernoulli(logits: Float[Tensor, "*shape"], x: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy over samples *and* features, fast.

    Equal to `bernoulli(logits, x).mean() / D`. The gradient with respect to the logits l is (sigmoid(l) − x) / n, so it
    is made while the loss is, in fewer passes over the logits than the generic road takes. Logits of half precision
    are summed in float32.
    """
    logits = logits.to(x.dtype)
    if x.requires_grad:  # the fast road has no gradient for the data
        return F.binary_cross_entropy_with_logits(logits, x)
    return _MeanBernoulli.apply(logits, x)  # type: ignore[no-any-return, no-untyped-call]


class _MeanBernoulli(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, logits: Tensor, x: Tensor) -> Tensor:
        n = logits.numel()
        # softplus(l) − x l, and softplus(l) = −logsigmoid(−l)
        loss = (F.logsigmoid(-logits).sum() + torch.dot(logits.flatten(), x.flatten())) / -n
        ctx.save_for_backward(torch.sigmoid(logits).sub_(x).mul_(1 / n))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return slope * gradient, None
