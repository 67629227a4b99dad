"""Encoded images -> pixels, out of the cache or freshly decoded into it.

What is not asked for is decided from a sample of the files, spread over the set: one channel if none of them is colour,
else three; their own size if all have the same, else a square of their median shorter side, at most `MAX_GUESSED_SIDE`.
A file that contradicts the guess revises it, and decoding starts again. Broken files are noted and left out; it is for
the caller to mind.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from nolabel.data import cache
from nolabel.data.cache import About, BrokenRow, Entry
from nolabel.data.decoding import Progress, decode_all, pillow_is_quiet, pixel_shape
from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import Facts, Plan, look
from nolabel.data.raw import RawImages
from nolabel.errors import BrokenFilesError, OutputError, Problem

MAX_GUESSED_SIDE = 128
SAMPLED = 64
RULE_VERSION = 1  # of `pictures` and of the guesses here: part of the key, so that a new rule decodes anew
_BLOCK_ROWS = 256


@dataclass(frozen=True)
class Wanted:
    """What was asked of the images; None where the files decide."""

    size: tuple[int, int] | None = None
    channels: int | None = None


def pixels(raw: RawImages, wanted: Wanted, folder: Path | None, progress: Progress | None = None) -> Entry:
    """The decoded images, memory-mapped.

    Parameters
    ----------
    raw
        The images.
    wanted
        What they shall become.
    folder
        The cache's folder, or None to keep nothing; what cannot be recognised again is not kept either.
    progress
        Called with images done and images in all, while decoding.

    Raises
    ------
    BrokenFilesError
        Not one of the images can be decoded.
    OutputError
        The disk is full, or the cache's folder cannot be written.
    """
    if folder is None or raw.fingerprint is None:
        with raw.opened() as images, _passing() as place:
            return _build(images, wanted, place, progress)
    key = _key(raw.fingerprint, wanted)
    found = cache.find(folder, key)
    if found is None:
        with raw.opened() as images, cache.building(folder, key) as place:
            _build(images, wanted, place, progress)
        found = cache.load(folder / key)
    return found


def problems_text(broken: Sequence[BrokenRow], total: int) -> str:
    """The message about broken images, the first ten by name."""
    shown = "\n".join(f"  {one.where}: {one.why}" for one in broken[:10])
    more = f"\n  ... and {len(broken) - 10} more" if len(broken) > 10 else ""
    fix = "Repair or remove them, or pass on_error='skip' to go on without them"
    if len(broken) == total:
        fix = "None is left to go on with"
    return f"{len(broken)} of {total} images could not be read:\n{shown}{more}\n{fix}"


def broken_files(broken: Sequence[BrokenRow], total: int) -> BrokenFilesError:
    """The error that lists broken images."""
    return BrokenFilesError(problems_text(broken, total), [Problem(one.where, one.why) for one in broken])


def _key(fingerprint: str, wanted: Wanted) -> str:
    # Pillow's version too: another one may decode the same file to slightly other pixels
    return hashlib.sha256(f"{fingerprint} {wanted} {RULE_VERSION} {PIL.__version__}".encode()).hexdigest()[:32]


@contextmanager
def _passing() -> Iterator[Path]:
    """A folder that is gone after the block; a file in it that is mapped to memory stays readable."""
    try:
        with tempfile.TemporaryDirectory(prefix="nolabel-", ignore_cleanup_errors=True) as place:
            yield Path(place)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        text = f"cannot decode images to a temporary file in '{tempfile.gettempdir()}': {error.strerror or error}"
        raise OutputError(f"{text}. Make room there, or name another folder with the variable TMPDIR") from error


def _build(images: EncodedImages, wanted: Wanted, place: Path, progress: Progress | None) -> Entry:
    sample = [] if wanted.size and wanted.channels else _sample(images)
    plan = _plan(wanted, sample)
    target = place / "pixels"
    while (report := decode_all(images, plan, target, progress)).misfit is not None:
        sample.append(report.misfit)  # each misfit settles something for good: the size, resizing, colour
        plan = _plan(wanted, sample)
    broken = [BrokenRow(row, _printable(images.names[row]), why) for row, why in report.broken]
    if len(broken) == len(images):
        raise broken_files(broken, len(images))
    kept = _close_ranks(target, pixel_shape(len(images), plan), [one.row for one in broken])
    names = [_printable(images.names[row]) for row in kept.tolist()]
    cache.write_about(place, About(pixel_shape(len(names), plan), names, broken, report.animated))
    return cache.load(place)


def _sample(images: EncodedImages) -> list[Facts]:
    rows = np.unique(np.linspace(0, len(images) - 1, SAMPLED).round().astype(int))
    facts: list[Facts] = []
    with pillow_is_quiet():
        for row in rows.tolist():
            with suppress(Exception):  # decoding will meet this file again, and report it
                facts.append(look(images.read(row)))
    return facts


def _plan(wanted: Wanted, sample: Sequence[Facts]) -> Plan:
    colour = any(facts.colour for facts in sample)
    channels = wanted.channels or (3 if colour else 1)
    convert = wanted.channels is not None or colour
    sizes = {(facts.height, facts.width) for facts in sample} or {(1, 1)}
    if wanted.size is not None:
        return Plan(channels, *wanted.size, resize=True, convert=convert)
    if len(sizes) == 1:
        return Plan(channels, *sizes.pop(), resize=False, convert=convert)
    side = int(np.median([min(facts.height, facts.width) for facts in sample]))
    side = max(1, min(side, MAX_GUESSED_SIDE))
    return Plan(channels, side, side, resize=True, convert=convert)


def _close_ranks(target: Path, shape: tuple[int, ...], gaps: Sequence[int]) -> NDArray[np.int64]:
    """Moves the rows of a file of pixels up over those that are broken; returns the rows that are left."""
    kept = np.delete(np.arange(shape[0]), np.asarray(gaps, dtype=np.int64))
    if gaps:
        row = int(np.prod(shape[1:]))
        with target.open("r+b") as file:
            for start in range(gaps[0], len(kept), _BLOCK_ROWS):
                rows = kept[start : start + _BLOCK_ROWS].tolist()
                block = b"".join(_row_at(file, one, row) for one in rows)
                file.seek(start * row)
                file.write(block)
            file.truncate(len(kept) * row)
    return kept


def _printable(name: str) -> str:
    """A name as text that any file can hold; bytes of a path that are no UTF-8 are spelled out."""
    return name if name.isascii() else name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _row_at(file: io.BufferedRandom, row: int, size: int) -> bytes:
    file.seek(row * size)
    return file.read(size)
