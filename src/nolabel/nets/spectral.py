"""Spectral normalisation: weights whose largest singular value is 1 (Miyato et al. 2018, arXiv:1802.05957).

    W̄ = W / σ,   σ = uᵀ W v,   by power iteration   v ← Wᵀ u / ‖Wᵀ u‖,   u ← W v / ‖W v‖          (algorithm 1)

W is the layer's weight as a matrix (out, the rest), as the paper has it for convolutions of any number of axes. So a
matrix stretches no direction by more than 1, and a convolution none by more than the root of how many of its places see
a value: kernels of 4 x 4 at every second place stretch by 2 at most. One iteration a step is enough, for weights move
little in one; it is asked for by `refresh`, so that a step that looks at two batches, or a gradient of a gradient, does
not move u and v in between. In evaluation, too, σ is that of the u and v which were kept. Knows nothing of players.
"""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nolabel.nets.linear import linear

FIRST_ITERATIONS = 15  # until u and v are those of the first weights, near enough
Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d


@final
class Spectral(nn.Module):
    """A convolution or matrix whose weight is divided by its largest singular value; bias as it is.

    Parameters
    ----------
    layer
        The layer, whose weight stays the parameter that learns. No transposed convolution: its weight has the outputs
        on another axis.
    """

    u: Tensor
    v: Tensor

    def __init__(self, layer: Convolution | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        rows, columns = layer.weight.flatten(1).shape
        self.register_buffer("u", F.normalize(torch.randn(rows), dim=0))
        self.register_buffer("v", torch.zeros(columns))
        for _ in range(FIRST_ITERATIONS):
            self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """One power iteration."""
        matrix = self.layer.weight.flatten(1)
        self.v.copy_(F.normalize(matrix.t() @ self.u, dim=0))
        self.u.copy_(F.normalize(matrix @ self.v, dim=0))

    @property
    def sigma(self) -> Tensor:
        """σ, the estimate of the largest singular value; its gradient is u vᵀ."""
        return torch.dot(self.u, self.layer.weight.flatten(1) @ self.v)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer gives with W̄ in place of W."""
        layer = self.layer
        with torch.autocast(x.device.type, enabled=False):  # few digits would make a σ that is off by a hundredth
            weight = layer.weight / self.sigma
        if isinstance(layer, Convolution):
            y: Tensor = layer._conv_forward(x, weight, layer.bias)  # stride, padding, dilation, groups are its own
            return y
        return linear(x, weight, layer.bias)


def refresh(module: nn.Module) -> None:
    """One power iteration of every `Spectral` layer inside."""
    for part in module.modules():
        if isinstance(part, Spectral):
            part.refresh()
