"""JPEG at a quality: what a picture costs and what comes back, by Pillow; the yardstick of every learned compression.

A file is a header (tables, sizes) and coded data. The tables are the same for all pictures of a quality, so a set can
share them as it shares a decoder; of small pictures they are most of the file. Both sizes are told. It knows no model.
"""

import io
import struct

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

_START_OF_SCAN, _END = 0xDA, 2  # the marker before the coded data; bytes of the marker after them


def jpeg(
    pictures: UInt8[np.ndarray, "N H W *C"], quality: int
) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"], UInt8[np.ndarray, "N H W *C"]]:
    """Bits of the coded data, bits of the whole file, and the picture that comes back, of each picture.

    Parameters
    ----------
    pictures
        (N, H, W) grey or (N, H, W, 3) colour, whose hues Pillow keeps at half the height and width (4:2:0).
    quality
        1 to 95.
    """
    data, files, back = [], [], []
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
        written = buffer.getvalue()
        data.append(8.0 * (len(written) - _end_of_header(written) - _END))
        files.append(8.0 * len(written))
        back.append(np.asarray(Image.open(buffer)))
    return np.array(data), np.array(files), np.stack(back)


def _end_of_header(file: bytes) -> int:
    """Where the coded data begin."""
    at: int = 2  # after the marker of the file
    while True:
        marker, length = struct.unpack(">xBH", file[at : at + 4])
        at += 2 + length
        if marker == _START_OF_SCAN:
            return at
