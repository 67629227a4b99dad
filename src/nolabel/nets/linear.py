"""`Linear`: torch's layer, with the faster products of `product` on a CPU, forwards and backwards.

Same weights, same names, same gradients but for rounding. Second derivatives and forward-mode derivatives take
the ordinary road.
"""

from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from nolabel.nets.product import suits, times_transposed


@final
class Linear(nn.Linear):
    """x Wᵀ + b: (B, D) to (B, K)."""

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output; dimensions before the last are batch dimensions."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X Wᵀ + b, as `torch.nn.functional.linear`."""
    if not suits(x, weight) or torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
        return F.linear(x, weight, bias)
    return _Linear.apply(x, weight, bias)  # type: ignore[no-any-return, no-untyped-call]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        for_x, for_weight, _ = ctx.needs_input_grad
        ctx.save_for_backward(x if for_weight else None, weight if for_x else None)
        return times_transposed(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (g,) = gradients
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        if torch.is_grad_enabled():  # a second derivative is wanted: let torch see the products
            return g @ weight if for_x else None, g.t() @ x if for_weight else None, g.sum(0) if for_bias else None
        return (
            times_transposed(g, weight.t()) if for_x else None,
            _outer(g, x) if for_weight else None,
            g.sum(0) if for_bias else None,
        )


def _outer(g: Tensor, x: Tensor) -> Tensor:
    """gᵀ x of g (B, K) and x (B, D): (K, D). oneDNN copies both; a tall result is made lying, and turned."""
    if g.shape[1] <= 4 * x.shape[1]:
        return times_transposed(g.t(), x.t())
    return times_transposed(x.t(), g.t()).t().contiguous()
