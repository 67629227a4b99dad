"""Clips as models give them back -> eight-bit frames -> animated GIFs. It knows layouts and dtypes, and no model.

A GIF has 256 colours a frame: grey clips are kept as they are, and so are those of few colours; others lose a little.
Pillow leaves out a frame that equals the one before and shows that one for longer, which `nolabel.open` knows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nolabel.cli import pictures
from nolabel.cli.outputs import Places, whole

if TYPE_CHECKING:
    from nolabel.types import DataSpec

USUAL_FPS = 10.0  # where the data do not say
_ORDER = {"CTHW": (0, 2, 3, 4, 1), "TCHW": (0, 1, 3, 4, 2)}
_MOST_COLOURS = 256


def frames(clips: NDArray[Any], spec: "DataSpec") -> pictures.Pixels:
    """Clips in the layout and dtype that `spec` restores to, as (N, T, H, W) or (N, T, H, W, 3)."""
    order = _ORDER.get(spec.recipe["layout"])
    clips = clips if order is None else clips.transpose(order)
    return pictures.eight_bits(clips[..., 0] if clips.ndim == 5 and clips.shape[4] == 1 else clips)


def fps_of(spec: "DataSpec") -> float:
    """Frames a second of the clips that `spec` was learned from."""
    return 1000 / spec.recipe["step"] if "step" in spec.recipe else USUAL_FPS


def write_clips(place: Path, clips: pictures.Pixels, ids: Sequence[str | int], fps: float) -> None:
    """One GIF of all clips side by side where `place` ends in .gif, else a GIF each in that folder, named after `ids`.

    Parameters
    ----------
    place
        A file, or a folder that exists.
    clips
        (N, T, H, W) or (N, T, H, W, 3).
    ids
        N names; a slash in one makes a folder.
    fps
        Frames a second; a GIF counts hundredths of a second.
    """
    if place.suffix.lower() == ".gif":
        _write(place, np.stack([pictures.sheet(moment) for moment in clips.swapaxes(0, 1)]), fps)
        return
    places = Places(place, ".gif", len(clips))
    with places.all_or_none():
        for name, clip in zip(ids, clips):
            _write(places.of(name), clip, fps)


def _write(path: Path, clip: pictures.Pixels, fps: float) -> None:
    from PIL import Image

    shown = [Image.fromarray(frame) for frame in clip]
    if clip.ndim == 4:
        shown = [frame.quantize(_MOST_COLOURS, dither=Image.Dither.NONE) for frame in shown]
    time = max(2, round(100 / fps)) * 10  # milliseconds; below 20 browsers take it for no time at all
    with whole(path) as part:
        shown[0].save(part, "GIF", save_all=True, append_images=shown[1:], duration=time, loop=0)
