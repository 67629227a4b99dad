"""The decoder of a masked autoencoder: from the tokens of visible patches to the pixels of all.

    t_p = W z_p + b for visible p, a learned vector m for hidden p;   t_p ← t_p + e_p;   blocks;   x̂_p = V LN(t_p) + c

It is narrow and shallow, and thrown away after training (He et al. 2022, "Masked autoencoders are scalable vision
learners", section 3). Knows nothing of images or losses.
"""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nolabel.nets.vit import Block, Places, heads_for, started_linear


@final
class PatchDecoder(nn.Module):
    """Tokens of visible patches to all patches.

    Parameters
    ----------
    width_in : int
        L, width of the encoder's tokens.
    grid : (int, int)
        Patches down and across.
    out : int
        D, values of a patch.
    width : int, default=96
        Of the decoder's own tokens; a multiple of 4.
    depth : int, default=2
        Blocks.
    """

    def __init__(self, width_in: int, grid: tuple[int, int], out: int, width: int = 96, depth: int = 2) -> None:
        super().__init__()
        self.enter = started_linear(width_in, width)
        self.hidden = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.places = Places(grid, width)
        self.blocks = nn.ModuleList(Block(width, heads_for(width)) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = started_linear(width, out)

    def forward(self, tokens: Float[Tensor, "B V L"], visible: Int[Tensor, "B V"]) -> Float[Tensor, "B P D"]:
        """All patches in row order; `visible` says which of them the tokens stand for."""
        seen = self.enter(tokens)
        rows, columns = self.places.grid
        t = self.hidden.to(seen.dtype).expand(len(seen), rows * columns, -1)
        t = t.scatter(1, visible[:, :, None].expand_as(seen), seen)
        t = t + self.places(self.places.grid)
        for block in self.blocks:
            t = block(t)
        return self.leave(self.norm(t))  # type: ignore[no-any-return]
