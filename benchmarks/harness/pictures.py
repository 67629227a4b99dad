"""Folders of JPEGs to open: random, smooth with some detail, the same for the same seed."""

import io
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from PIL import Image

FOLDERS = 100  # images are spread over so many sub-folders
QUALITY = 75


def jpeg(number: int, side: int, seed: int = 0) -> bytes:
    """One image: coarse colour patches under finer ones, both smoothed."""
    rng = np.random.default_rng((seed, number))
    coarse, fine = (
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8)).resize((side, side), Image.BICUBIC)
        ).astype(np.float32)
        for cells in (side // 12, side // 3)
    )
    mixed = 0.75 * coarse + 0.25 * fine
    target = io.BytesIO()
    Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(target, "JPEG", quality=QUALITY)
    return target.getvalue()


def made_folder(place: Path, count: int, side: int, *, distinct: int | None = None) -> int:
    """A folder with `count` JPEGs in sub-folders; made when it is not there whole. Returns its bytes.

    With `distinct`, only so many images are made and the others are hard links to them.
    """
    stamp = place.with_suffix(".made")
    wanted = f"{count} {side} {distinct}"
    if not (stamp.is_file() and stamp.read_text().startswith(f"{wanted}\n")):
        print(f"making {count} JPEGs of {side} x {side} in {place} ...", flush=True)
        shutil.rmtree(place, ignore_errors=True)
        size = _make(place, count, side, distinct or count)
        stamp.write_text(f"{wanted}\n{size}\n")
    return int(stamp.read_text().split("\n")[1])


def remove(place: Path) -> None:
    """The folder and its stamp."""
    shutil.rmtree(place, ignore_errors=True)
    place.with_suffix(".made").unlink(missing_ok=True)


def _make(place: Path, count: int, side: int, distinct: int) -> int:
    for folder in range(FOLDERS):
        (place / f"class-{folder:02}").mkdir(parents=True)
    starts = range(0, distinct, 500)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)) if sys.platform == "linux" else None) as pool:
        stops = (min(start + 500, distinct) for start in starts)
        sizes = np.concatenate(list(pool.map(_write, starts, stops, repeat(place), repeat(side))))
    for number in range(distinct, count):
        os.link(_path(place, number % distinct), _path(place, number))
    return int(sum(sizes[number % distinct] for number in range(count)))


def _write(start: int, stop: int, place: Path, side: int) -> list[int]:
    sizes = []
    for number in range(start, stop):
        content = jpeg(number, side)
        _path(place, number).write_bytes(content)
        sizes.append(len(content))
    return sizes


def _path(place: Path, number: int) -> Path:
    return place / f"class-{number % FOLDERS:02}" / f"{number:07}.jpg"
