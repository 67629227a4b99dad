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


def excess_per_feature(
    name: Likelihood, output: Float[Tensor, "B *shape"], x: Float[Tensor, "B *shape"], mask: Tensor | None = None
) -> Float[Tensor, "B"]:
    """`errors_per_feature` less what a perfect reconstruction would cost; 0 at best.

    For `"bce"` that is the entropy of x as Bernoulli means, so that what is left is KL(x ‖ p): grey pixels cost log 2
    however well they are rebuilt, and without this any grey image would seem odd. For `"mse"` it is 0.
    """
    error = errors_per_feature(name, output, x, mask)
    if name == "mse":
        return error
    entropy = -torch.special.xlogy(x, x) - torch.special.xlogy(1 - x, 1 - x)
    return error - per_feature(_sum(entropy, mask), x[0].numel(), mask)


def mean_of(name: Likelihood, output: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The distribution's mean, in network space, from a decoder's raw output."""
    return torch.sigmoid(output) if name == "bce" else output


def _sum(values: Tensor, mask: Tensor | None) -> Tensor:
    flat = values.flatten(1)
    return flat.sum(1) if mask is None else (flat * mask).sum(1)


def mean_bernoulli(logits: Float[Tensor, "*shape"], x: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy over samples *and* features, fast; exact to float32's 6e-8 a feature.

    Equal to `bernoulli(logits, x).mean() / D`. The gradient with respect to the logits l is (s − x) / n with
    s = sigmoid(l), and the loss is made from the same s: softplus(l) = max(l, 0) − log max(s, 1 − s). What stands under
    the logarithm lies in [1/2, 1], so 64 of them are multiplied before one logarithm is taken. Logits of half
    precision are summed in float32.
    """
    wide = torch.promote_types(logits.dtype, x.dtype)
    logits, x = logits.to(wide), x.to(wide)
    if x.requires_grad:  # the fast road has no gradient for the data
        return F.binary_cross_entropy_with_logits(logits, x)
    return _MeanBernoulli.apply(logits, x)  # type: ignore[no-any-return, no-untyped-call]


class _MeanBernoulli(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, logits: Tensor, x: Tensor) -> Tensor:
        s = torch.sigmoid(logits)
        ctx.save_for_backward(s, x)
        likelier = (s - 0.5).abs_().add_(0.5)
        linear = torch.addcmul(logits.clamp_min(0), logits, x, value=-1)  # max(l, 0) − x l; neither sum is below 0
        return (linear.sum() - _sum_of_logs(likelier.flatten())) / logits.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        s, x = ctx.saved_tensors  # type: ignore[attr-defined]
        return (s - x).mul_(gradient / s.numel()), None


def _sum_of_logs(values: Tensor, together: int = 64) -> Tensor:
    """Σ log v of values (n,) in [1/2, 1], by the logarithms of products: 2⁻⁶⁴ is far from float32's least number."""
    whole = len(values) // together * together
    return values[:whole].view(-1, together).prod(1).log().sum() + values[whole:].log().sum()
