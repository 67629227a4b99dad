"""One image file to pixels: the decode rule. Pillow decodes; this file says what is made of what it finds.

1. Only the formats in `COMMON` and `RARE` are tried, so that no file can start another program (as EPS would). Of an
   animation or a multi-page file the first frame counts. A file that declares more than `MAX_PIXELS` pixels is refused.
2. EXIF orientation is applied.
3. 8 bits: 16-bit grey (modes I;16 and I) is divided by 257 and rounded; float grey (mode F) must lie in [0, 1] and is
   multiplied by 255. Values outside are a problem of that file, not clipped.
4. Alpha, also of a palette, is composited over white.
5. One channel: colour becomes grey by ITU-R 601 luma. Three channels: grey is repeated. Bilevel, palette, CMYK, YCbCr
   are converted by Pillow. A palette whose entries are all grey counts as grey.
6. A given size: the largest centred part with the target's aspect is resampled to it, bicubic with Pillow's
   antialiasing (which is "shorter side to size, then centre crop", in one step). JPEGs at least twice too large are
   decoded at 1/2, 1/4 or 1/8 of their size first. A picture that has the size already is not touched.

A plan that was guessed from a sample of the files can be contradicted by a later one: `Misfit`.
No torch here: a decoding process must start in a fraction of a second.
"""

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

COMMON = ("JPEG", "PNG", "BMP", "GIF", "PPM")  # Pillow has their decoders at once; JPEG's opens MPO too
RARE = ("WEBP", "TIFF", "AVIF", "JPEG2000", "DIB")  # for these it must load all that it has, and may not have some
SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".png", ".webp", ".avif", ".gif"),
        *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
MAX_PIXELS = 100_000_000  # 300 MB once decoded; a larger declaration is a mistake or an attack

Encoded = bytes | Image.Image

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = 5  # orientations from here on exchange height and width
# In these formats EXIF can only be where Pillow has already looked; asking for it anyway costs as much as decoding.
# (A TIFF, which is asked for nothing, Pillow turns upright itself.)
_EXIF_IN_INFO = frozenset({"JPEG", "MPO", "PNG", "WEBP"})
_EXIF_KEYS = frozenset({"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"})
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F"})


class UnreadablePicture(Exception):
    """A picture cannot be decoded; the text says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the header of a picture says: its size once upright, and whether it is colour."""

    height: int
    width: int
    colour: bool


class Misfit(Exception):
    """A picture contradicts a guessed plan; `facts` are the picture's."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.facts = facts

    def __reduce__(self) -> tuple[type["Misfit"], tuple[Facts]]:
        return Misfit, (self.facts,)


@dataclass(frozen=True, slots=True)
class Plan:
    """What every picture becomes: uint8, (height, width) with 1 or 3 channels.

    resize: bring pictures of any size to this one; else a picture of another size is a misfit.
    convert: make colour grey where `channels` is 1; else a colour picture is a misfit.
    """

    channels: int
    height: int
    width: int
    resize: bool
    convert: bool


def look(encoded: Encoded) -> Facts:
    """The facts in the header of a picture, without decoding it."""
    image = _opened(encoded)
    width, height = image.size
    if _orientation(image) >= _SIDEWAYS:
        width, height = height, width
    return Facts(height, width, _is_colour(image))


def decode(encoded: Encoded, plan: Plan) -> NDArray[np.uint8]:
    """The pixels of a picture as planned: (H, W) for one channel, (H, W, 3) for three.

    Raises
    ------
    Misfit
        The plan was a guess, and the picture contradicts it.
    UnreadablePicture
        It cannot be decoded by the rule. Pillow's decoders raise errors of many other types besides.
    """
    image = _opened(encoded)
    if plan.resize and image.format in ("JPEG", "MPO"):
        _draft(image, plan)
    image.load()
    image = _upright(image)
    colour = _is_colour(image)
    wrong_size = not plan.resize and image.size != (plan.width, plan.height)
    if wrong_size or (colour and plan.channels == 1 and not plan.convert):
        raise Misfit(Facts(image.height, image.width, colour))
    image = _eight_bits(image, colour)
    mode = "L" if plan.channels == 1 else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    return np.asarray(_fitted(image, plan.height, plan.width))


def is_animated(encoded: Encoded) -> bool:
    """Whether it is a GIF of several frames, of which only the first becomes pixels; it must be one that decodes."""
    if not isinstance(encoded, bytes) or not encoded.startswith(b"GIF"):
        return False
    return bool(getattr(_opened(encoded), "is_animated", False))


def why_unreadable(error: Exception) -> str:
    """A person's words for what a decoder raised."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image in a known format"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return str(error) or type(error).__name__


def _opened(encoded: Encoded) -> Image.Image:
    if isinstance(encoded, Image.Image):
        return encoded
    if not encoded:
        raise UnreadablePicture("the file is empty")
    try:
        image = Image.open(io.BytesIO(encoded), formats=COMMON)
    except UnidentifiedImageError:
        image = Image.open(io.BytesIO(encoded), formats=_rare_formats())
    if image.width * image.height > MAX_PIXELS:
        declared = f"{image.width} x {image.height} pixels"
        raise UnreadablePicture(
            f"it declares {declared}, more than the limit of {MAX_PIXELS:,} (a decompression bomb?)"
        )
    return image


@cache
def _rare_formats() -> list[str]:
    Image.init()
    return [name for name in RARE if name in Image.OPEN]


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF" or (image.format in _EXIF_IN_INFO and _EXIF_KEYS.isdisjoint(image.info)):
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block spoils the orientation, not the picture
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _is_colour(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = image.getpalette("RGB") or []
        return palette[0::3] != palette[1::3] or palette[1::3] != palette[2::3]
    return not (image.mode in _GREY_MODES or image.mode.startswith("I;16"))


def _eight_bits(image: Image.Image, colour: bool) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_integers(image)
    if image.mode == "F":
        return _from_floats(image)
    if image.has_transparency_data:
        return _over_white(image)
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("RGB" if colour else "L")


def _from_integers(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    low, high = values.min(), values.max()
    if low < 0 or high > 65535:
        raise UnreadablePicture(f"its values run from {low} to {high}; 16-bit grey holds 0 to 65535")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _from_floats(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise UnreadablePicture(f"its float values run from {low:g} to {high:g}; they must lie in [0, 1]")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")


def _draft(image: Image.Image, plan: Plan) -> None:
    height, width = plan.height, plan.width
    if _orientation(image) >= _SIDEWAYS:
        height, width = width, height
    scale = max(height / image.height, width / image.width)
    if scale <= 0.5:
        image.draft(None, (round(2 * scale * image.width), round(2 * scale * image.height)))


def _fitted(image: Image.Image, height: int, width: int) -> Image.Image:
    if image.size == (width, height):
        return image
    scale = max(height / image.height, width / image.width)
    part_height, part_width = min(height / scale, image.height), min(width / scale, image.width)
    left, top = (image.width - part_width) / 2, (image.height - part_height) / 2
    box = (left, top, left + part_width, top + part_height)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box)
