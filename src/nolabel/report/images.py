"""Pixels as `data:` addresses: small pictures one by one, thousands of thumbnails as one sheet that fits a budget.

It knows arrays of uint8 and Pillow, nothing of models or pages.
"""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nolabel.report.content import Pixels

_QUALITIES = (85, 70, 55, 40)
_FEWEST_COLUMNS = 8  # a sheet of few thumbnails stays a strip, not a tower


@dataclass(frozen=True)
class Sheet:
    """Thumbnails side by side in one picture: number `i` sits at row `i // columns`, column `i % columns`.

    `width` and `height` are those of one thumbnail, in pixels.
    """

    uri: str
    columns: int
    width: int
    height: int


def data_uri(pixels: Pixels, longest: int = 128) -> str:
    """One picture (H, W) or (H, W, 3) as a `data:` address, made smaller if a side exceeds `longest` pixels."""
    picture = shrink(pixels[None], longest)[0]
    return _smallest(Image.fromarray(picture))


def sheet(thumbnails: Pixels, budget: int = 2_400_000) -> Sheet:
    """All thumbnails (n, H, W) or (n, H, W, 3) in one picture of at most `budget` characters.

    Lossless while that fits; then JPEG of falling quality; then half the size, and again from the top.
    """
    while True:
        count, height, width = thumbnails.shape[:3]
        columns = max(math.isqrt(count), min(count, _FEWEST_COLUMNS))
        uri = _within(Image.fromarray(_tile(thumbnails, columns)), budget)
        if uri is not None or max(height, width) <= 4:
            return Sheet(uri or _jpeg(Image.fromarray(_tile(thumbnails, columns)), 30), columns, width, height)
        thumbnails = shrink(thumbnails, max(height, width) // 2)


def strip(pictures: Pixels, gap: int = 2, longest: int = 96) -> str:
    """Pictures (n, H, W) or (n, H, W, 3) in one row, `gap` transparent pixels apart, as a `data:` address."""
    small = shrink(pictures, longest)
    count, height, width = small.shape[:3]
    colour = small if small.ndim == 4 else np.repeat(small[..., None], 3, axis=3)
    canvas = np.zeros((height, count * (width + gap) - gap, 4), dtype=np.uint8)
    for place, picture in enumerate(colour):
        left = place * (width + gap)
        canvas[:, left : left + width, :3] = picture
        canvas[:, left : left + width, 3] = 255
    return _png(Image.fromarray(canvas))


def shrink(pictures: Pixels, longest: int) -> Pixels:
    """Pictures (n, H, W) or (n, H, W, 3) with no side above `longest`; as they are when they fit already."""
    height, width = pictures.shape[1:3]
    if max(height, width) <= longest:
        return pictures
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in pictures]
    return np.stack(resized)


def _tile(thumbnails: Pixels, columns: int) -> Pixels:
    count, height, width = thumbnails.shape[:3]
    rows = math.ceil(count / columns)
    rest = thumbnails.shape[3:]
    padded = np.zeros((rows * columns, height, width, *rest), dtype=np.uint8)
    padded[:count] = thumbnails
    grid = padded.reshape(rows, columns, height, width, *rest).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *rest)


def _within(picture: Image.Image, budget: int) -> str | None:
    lossless = _png(picture)
    if len(lossless) <= budget:
        return lossless
    for quality in _QUALITIES:
        lossy = _jpeg(picture, quality)
        if len(lossy) <= budget:
            return lossy
    return None


def _smallest(picture: Image.Image) -> str:
    lossless = _png(picture)
    # Below a few kilobytes the artefacts of JPEG cost more than they save.
    return lossless if len(lossless) < 6000 else min(lossless, _jpeg(picture, 85), key=len)


def _png(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _jpeg(picture: Image.Image, quality: int) -> str:
    buffer = io.BytesIO()
    # Full-resolution colour: at thumbnail size, halved colour bleeds from one picture into the next.
    picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
