"""Frames of clips, one after the other, as images that are not decoded yet: files, or pictures of an animated GIF.

A GIF knows its pictures only by what changed since the one before, so they are had in their order, and the last one is
remembered. Pillow gives all but the first in colour; those without any come out grey, as the file means them.

No torch here: decoding processes import this file.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

import numpy as np
from PIL import Image

from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import MAX_PIXELS, Encoded, UnreadablePicture

ANIMATED = ".gif"
_UNSAID = 100


def is_animated(name: str) -> bool:
    """Whether a file is a clip by itself, by its suffix."""
    return name.lower().endswith(ANIMATED)


@final
@dataclass(frozen=True)
class ClipFrames(EncodedImages):
    """Frames by their files.

    prefix: `prefix + file` is the path of each.  files: of each frame.  numbers: which picture of its file each is,
    from 0.  names: of each frame.
    """

    prefix: str
    files: Sequence[str]
    numbers: Sequence[int]
    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"
    _opened: dict[str, Image.Image] = field(default_factory=dict)

    def read(self, row: int) -> Encoded:
        """The frame in this row: the bytes of a file, or a picture of a GIF."""
        path = self.prefix + self.files[row]
        if not is_animated(path):
            return Path(path).read_bytes()
        if path not in self._opened:
            self._opened.clear()
            self._opened[path] = _animation(path)
        animation = self._opened[path]
        animation.seek(self.numbers[row])
        return as_meant(animation)

    def part(self, start: int, stop: int) -> "ClipFrames":
        """The frames in rows `start` to `stop`."""
        return ClipFrames(self.prefix, self.files[start:stop], self.numbers[start:stop], self.names[start:stop])


def durations(path: str) -> list[int]:
    """For how many milliseconds each picture of a GIF is shown; 100 where it does not say, as browsers have it.

    Raises
    ------
    Exception
        Pillow cannot read it; its errors are of many types.
    """
    with _animation(path) as animation:
        found = []
        for number in range(int(getattr(animation, "n_frames", 1))):
            animation.seek(number)
            found.append(int(animation.info.get("duration", 0)) or _UNSAID)
        return found


def _animation(path: str) -> Image.Image:
    content = Path(path).read_bytes()
    if not content:
        raise UnreadablePicture("the file is empty")
    animation = Image.open(io.BytesIO(content), formats=["GIF"])
    if animation.width * animation.height > MAX_PIXELS:
        size = f"{animation.width} x {animation.height}"
        raise UnreadablePicture(f"it declares {size} pixels, more than the limit of {MAX_PIXELS:,}")
    return animation


def as_meant(picture: Image.Image) -> Image.Image:
    """A copy of a GIF's present picture, in grey if no pixel has a colour."""
    clear = picture.has_transparency_data
    copy = picture.convert("RGBA" if clear else "RGB")
    values = np.asarray(copy)
    if (values[..., 0] != values[..., 1]).any() or (values[..., 1] != values[..., 2]).any():
        return copy
    return copy.convert("LA" if clear else "L")
