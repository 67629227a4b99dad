"""A head that scores samples against K prototypes by cosine: the last layers of DINO and SwAV.

    z = g(y) / ‖g(y)‖,   scores = z · w_k / ‖w_k‖

A weight-normalised matrix whose gains are 1 (Salimans and Kingma 2016) is the same. Knows nothing of losses.
"""

from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


@final
class PrototypeHead(nn.Module):
    """From features to embeddings of unit length, and to their cosines with K prototypes.

    Parameters
    ----------
    projector
        g: features (B, L) to (B, width).
    width
        D of the embeddings.
    count
        K.
    """

    def __init__(self, projector: nn.Module, width: int, count: int) -> None:
        super().__init__()
        self.projector = projector
        self.prototypes = nn.Parameter(F.normalize(torch.randn(count, width), dim=1))

    def forward(self, y: Float[Tensor, "B L"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B K"]]:
        """Z and its scores, in float32."""
        z = F.normalize(self.projector(y).float(), dim=1)
        return z, self.scores(z)

    def scores(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        """Cosines of embeddings of unit length with the prototypes; a softmax at 0.04 wants all of float32's digits."""
        with torch.autocast(z.device.type, enabled=False):
            return F.linear(z, F.normalize(self.prototypes, dim=1))

    @torch.no_grad()
    def renormalise(self) -> None:
        """The prototypes brought back to unit length, after a step."""
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))
