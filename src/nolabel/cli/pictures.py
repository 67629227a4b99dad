"""Images as models give them back -> eight-bit pictures -> PNG. It knows layouts and dtypes, no model and no folder."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nolabel.cli.outputs import whole

if TYPE_CHECKING:
    from nolabel.types import DataSpec

Pixels = NDArray[np.uint8]
_GAP = 2  # pixels between pictures on a sheet
_SEEN, _LARGE = 64, 2000  # pixels across, that a picture on it should have, and beyond which none is enlarged


def pixels(images: NDArray[Any], spec: "DataSpec") -> Pixels:
    """Images in the layout and dtype that `spec` restores to, as (N, H, W) or (N, H, W, 3)."""
    layout = spec.recipe["layout"]
    if layout == "CHW":
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    return eight_bits(images)


def eight_bits(images: NDArray[Any]) -> Pixels:
    """Values of any dtype that images come in, as 0 to 255."""
    if images.dtype == np.uint8:
        return images
    white = np.iinfo(images.dtype).max if images.dtype.kind == "u" else 1
    levels: NDArray[Any] = np.rint(np.clip(images.astype(np.float64) / white, 0, 1) * 255)
    return levels.astype(np.uint8)


def write_png(path: Path, picture: Pixels) -> None:
    """One picture (H, W) or (H, W, 3)."""
    from PIL import Image

    with whole(path) as part:
        Image.fromarray(picture).save(part)


def sheet(pictures: Pixels) -> Pixels:
    """All pictures side by side on one nearly square sheet, white between them; small ones enlarged, pixel by pixel."""
    columns = math.ceil(math.sqrt(len(pictures)))
    times = _enlarged(max(pictures.shape[1:3]), columns)
    pictures = pictures.repeat(times, axis=1).repeat(times, axis=2)
    count, height, width = pictures.shape[:3]
    rows = math.ceil(count / columns)
    shape = (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, *pictures.shape[3:])
    paper = np.full(shape, 255, dtype=np.uint8)
    for picture, (top, left) in zip(pictures, _corners(columns, height, width)):
        paper[top : top + height, left : left + width] = picture
    return paper


def _enlarged(side: int, columns: int) -> int:
    """How many times, so that a picture can be looked at and the sheet does not grow large by it."""
    return max(1, min(round(_SEEN / side), _LARGE // (columns * (side + _GAP))))


def _corners(columns: int, height: int, width: int) -> Iterator[tuple[int, int]]:
    place = 0
    while True:
        yield (place // columns) * (height + _GAP), (place % columns) * (width + _GAP)
        place += 1
