"""Instance normalisation (Ulyanov et al. 2016, arXiv:1607.08022): every channel of every image by itself.

    y = γ (x − μ) / √(σ² + ε) + β,   μ, σ² over the places of one image, for each channel

An image's result does not depend on its batch, so training and use are the same, and so are one process and several.
Knows nothing of what is around it.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
class InstanceNorm(nn.Module):
    """Normalises each channel of each image over its places: (B, C, h, w) to the same.

    A map of a single place has no spread, and stays as it is, apart from γ and β.

    Parameters
    ----------
    width
        C, channels.
    eps
        ε.
    """

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Normalised x."""
        if x.shape[2] * x.shape[3] == 1:
            return x * self.weight[:, None, None] + self.bias[:, None, None]
        return torch.group_norm(x, x.shape[1], self.weight, self.bias, self.eps)
