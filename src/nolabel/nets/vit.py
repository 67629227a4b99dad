"""Vision transformer [1]: an image as a sequence of patches, each of which looks at all others.

    t_p = W x_p + b + e_p,   t ← t + MSA(LN(t)),   t ← t + MLP(LN(t))   (depth times),   code = pool LN(t)

Positions e_p are sines and cosines of the place in the image, or learned. For an image of another size than the net was
made for they are those of the same places, stretched over it. `tokens` takes the patches to look at, so that a masked
autoencoder pays for visible ones only [2]. Blocks normalise first, as in [1]; first weights follow [2].

Shapes: x (B, C, H, W) → P patches → tokens (B, P, L) → code (B, L).
Knows nothing of data or losses.
[1] Dosovitskiy et al. 2021, "An image is worth 16x16 words", ICLR.
[2] He et al. 2022, "Masked autoencoders are scalable vision learners", CVPR.
"""

from collections.abc import Sequence
from typing import Literal, final, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from nolabel.errors import ArgumentError, not_a_choice
from nolabel.views.patches import patch_grid, to_patches

Pooling = Literal["mean", "class"]
Positions = Literal["sincos", "learned"]
PER_HEAD = 64  # width of a head of attention


@final
class Block(nn.Module):
    """Attention among tokens, then a perceptron on each; both added to what came in."""

    def __init__(self, width: int, heads: int, expansion: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = started_linear(width, 3 * width, bias=False)  # a bias of k would have no gradient but rounding
        self.out = started_linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.widen = started_linear(width, expansion * width)
        self.narrow = started_linear(expansion * width, width)

    def forward(self, t: Float[Tensor, "B T L"]) -> Float[Tensor, "B T L"]:
        """Tokens to tokens."""
        t = t + self._attend(self.norm1(t))
        return t + self.narrow(F.gelu(self.widen(self.norm2(t))))  # type: ignore[no-any-return]

    def _attend(self, t: Tensor) -> Tensor:
        b, count, width = t.shape
        q, k, v = self.qkv(t).view(b, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(b, count, width))  # type: ignore[no-any-return]


@final
class ViT(nn.Module):
    """Encoder of images by their patches.

    Parameters
    ----------
    shape : sequence of int
        (C, H, W) of an image; other sizes of the same channels are taken, too, if patches fit.
    patch : int or None, default=None
        Side of a patch in pixels; None chooses about 8 x 8 patches (4 pixels for images of 32).
    width : int, default=192
        L, width of a token and of the code; even, a multiple of 4 for positions of sines.
    depth : int, default=6
        Blocks.
    heads : int or None, default=None
        Heads of attention, which must divide `width`; None gives each about 64.
    pooling : {"mean", "class"}, default="mean"
        The code: mean of the patches' tokens, or a token of its own that looks at them.
    positions : {"sincos", "learned"}, default="sincos"
        How a token knows its place.

    Raises
    ------
    ArgumentError
        Samples that are no images, patches that do not fit, or widths that cannot be divided.
    """

    def __init__(
        self,
        shape: Sequence[int],
        patch: int | None = None,
        width: int = 192,
        depth: int = 6,
        heads: int | None = None,
        pooling: Pooling = "mean",
        positions: Positions = "sincos",
    ) -> None:
        super().__init__()
        for name, value, choices in (("pooling", pooling, Pooling), ("positions", positions, Positions)):
            if value not in get_args(choices):
                raise not_a_choice(name, value, get_args(choices))
        heads = heads_for(width, heads)
        self.patch, self.grid = patch_grid(shape, patch)
        self.width = width
        self.embed = started_linear(shape[0] * self.patch**2, width)
        self.places = Places(self.grid, width, positions)
        self.first = nn.Parameter(0.02 * torch.randn(1, 1, width)) if pooling == "class" else None
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B L"]:
        """The code of whole images."""
        t = self.tokens(x)
        return t.mean(1) if self.first is None else t[:, 0]

    def tokens(self, x: Float[Tensor, "B C H W"], visible: Int[Tensor, "B V"] | None = None) -> Float[Tensor, "B T L"]:
        """Encoded tokens: the class token first if there is one, then patches in row order.

        `visible` holds the numbers of the patches to look at; None looks at all.
        """
        places = self.places(self._grid_of(x))
        t = self.embed(to_patches(x, self.patch)) + places
        if visible is not None:
            t = t.gather(1, visible[:, :, None].expand(-1, -1, self.width))
        if self.first is not None:
            t = torch.cat([self.first.to(t.dtype).expand(len(t), -1, -1), t], 1)
        for block in self.blocks:
            t = block(t)
        return self.norm(t)  # type: ignore[no-any-return]

    def _grid_of(self, x: Tensor) -> tuple[int, int]:
        height, width = x.shape[-2:]
        if height % self.patch or width % self.patch:
            raise ArgumentError(
                f"images of {height} x {width} cannot be cut into the patches of {self.patch} pixels that this "
                "network has learned; give multiples of it"
            )
        return height // self.patch, width // self.patch


@final
class Places(nn.Module):
    """Positions of patches: (1, P, L) for any grid of them, stretched from the grid that it was made for."""

    def __init__(self, grid: tuple[int, int], width: int, kind: Positions = "sincos") -> None:
        super().__init__()
        if kind == "sincos" and width % 4:
            raise ArgumentError(f"width must be a multiple of 4 for positions of sines and cosines; got {width}")
        self.grid, self.width = grid, width
        learned = nn.Parameter(0.02 * torch.randn(1, width, *grid)) if kind == "learned" else None
        self.learned = learned
        sines = None if learned is not None else sine_positions(grid, grid, width)
        self.register_buffer("sines", sines, persistent=False)

    def forward(self, grid: tuple[int, int]) -> Float[Tensor, "1 P L"]:
        """Positions for patches that lie in `grid` (down, across)."""
        if self.learned is None:
            sines: Tensor = self.sines  # type: ignore[assignment]
            return sines if grid == self.grid else sine_positions(grid, self.grid, self.width).to(sines.device)
        here: Tensor = self.learned
        if grid != self.grid:
            here = F.interpolate(here, size=grid, mode="bicubic", align_corners=False)
        return here.flatten(2).transpose(1, 2)


def sine_positions(grid: tuple[int, int], made_for: tuple[int, int], width: int) -> Float[Tensor, "1 P L"]:
    """Sines and cosines of rows (first half of L) and of columns, of wavelengths from 2π to 20,000π patches.

    Centres of patches in `grid` are put where they lie in an image cut as `made_for`.
    """
    halves = []
    for axis in (0, 1):
        centre = (torch.arange(grid[axis], dtype=torch.float64) + 0.5) * made_for[axis] / grid[axis] - 0.5
        rate = 10_000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
        angle = centre[:, None] * rate
        halves.append(torch.cat([angle.sin(), angle.cos()], 1))
    rows = halves[0][:, None].expand(-1, grid[1], -1)
    columns = halves[1][None].expand(grid[0], -1, -1)
    return torch.cat([rows, columns], 2).reshape(1, -1, width).float()


def heads_for(width: int, heads: int | None = None) -> int:
    """Heads of attention for a width: those asked for, or as many of about 64 as divide it."""
    if heads is None:
        heads = max(number for number in range(1, max(1, width // PER_HEAD) + 1) if width % number == 0)
    if heads < 1 or width % heads:
        fitting = [number for number in range(1, width + 1) if width % number == 0]
        near = min(fitting, key=lambda number: abs(number - heads))
        raise ArgumentError(f"heads must divide the width {width}; got {heads}. The nearest that does is {near}")
    return heads


def started_linear(width_in: int, width_out: int, bias: bool = True) -> nn.Linear:
    """A linear layer with the first weights of [2]: uniform after Glorot and Bengio 2010, biases 0."""
    layer = nn.Linear(width_in, width_out, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
