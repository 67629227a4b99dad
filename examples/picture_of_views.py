"""What methods see of photographs: ten of them, each above four views. Writes docs/views.png and docs/puzzles.png.

The first shows the views of SimCLR; the second a small view of DINO and SwAV, a turn, the tiles of a Jigsaw, and the
patches that MAE sees.

Run it with `python examples/picture_of_views.py`.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

import nolabel
from nolabel.randomness import Draws
from nolabel.types import DataSpec, to_network
from nolabel.views.mask import Mask
from nolabel.views.patches import from_patches, to_patches
from nolabel.views.puzzles import put_together, quarter_turns, tiles
from nolabel.views.roles import MultiCrop, Pair

ENLARGED, GAP = 2, 4  # pixels for each pixel, and between pictures
DOCS = Path(__file__).parent.parent / "docs"


def tiled(pictures: torch.Tensor) -> Image.Image:
    """Pictures (rows, columns, 3, H, W) in a grid with transparent gaps."""
    rows, columns, _, height, width = pictures.shape
    large = (pictures * 255).round().byte().permute(0, 1, 3, 4, 2).numpy()
    large = large.repeat(ENLARGED, axis=2).repeat(ENLARGED, axis=3)
    high, wide = height * ENLARGED + GAP, width * ENLARGED + GAP
    canvas = np.zeros((rows * high - GAP, columns * wide - GAP, 4), dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            place = canvas[row * high : row * high + high - GAP, column * wide : column * wide + wide - GAP]
            place[..., :3], place[..., 3] = large[row, column], 255
    return Image.fromarray(canvas).quantize(256, Image.Quantize.FASTOCTREE)  # a third of the bytes


def pairs(x: torch.Tensor, spec: DataSpec) -> list[torch.Tensor]:
    """Two pairs of SimCLR's views."""
    pair = Pair(spec)
    return [*pair(x, Draws(0, 0)), *pair(x, Draws(0, 1))]


def puzzles(x: torch.Tensor, spec: DataSpec) -> list[torch.Tensor]:
    """A small view, brought to the size of the images; a turn; shuffled tiles; visible patches, the others grey."""
    height, width = x.shape[2:]
    (small,) = MultiCrop(spec, small=1)(x, Draws(0, 0))[1]
    small = torch.nn.functional.interpolate(small, (height, width))
    turned = torch.stack([quarter_turns(x)[1 + number % 3][number] for number in range(len(x))])
    order = torch.from_numpy(np.random.default_rng(0).permutation(9))
    shuffled = put_together(tiles(x, 3, 0.15, Draws(0, 0))[:, order], height, width)
    mask = Mask(spec, 0.75)
    patches = to_patches(x, mask.side).masked_fill(mask(x, Draws(0, 0))[..., None], 0.5)
    return [small, turned, shuffled, from_patches(patches, mask.side, mask.grid)]


def main() -> None:
    """Ten photographs, one of each class."""
    data = nolabel.open("cifar10")
    stored, _ = data.rows(torch.arange(0, len(data), len(data) // 10)[:10])
    x = to_network(stored)
    for name, made in (("views", pairs), ("puzzles", puzzles)):
        file = DOCS / f"{name}.png"
        tiled(torch.stack([x, *made(x, data.spec)])).save(file, optimize=True)
        print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
