"""Decoded images on disk, so that a second start needs no decoding and a set larger than memory can train.

An entry is a folder `<key>/` with `pixels`, the raw bytes of an array, and `about.json`: shape, dtype, names, problems.
It is written under another name and renamed when it is complete, so there are whole entries and nothing else. Two
processes may build the same entry at once: the first to finish wins and the other uses it. What a killed process left
behind, and entries that nobody has opened for `KEEP_DAYS`, are removed when a new entry is written.
This file knows neither images nor torch.
"""

import json
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nolabel.errors import OutputError

KEEP_DAYS = 90
_LAYOUT = 1  # of an entry; others are not read
_ABANDONED_DAYS = 1  # an unfinished entry of another machine, untouched for so long, is nobody's
_FLUSH_SECONDS = 0.5
_PARTIAL = ".partial-"


@dataclass(frozen=True)
class BrokenRow:
    """An image that was listed in this row and could not be decoded."""

    row: int
    where: str
    why: str


@dataclass(frozen=True)
class About:
    """What `pixels` holds: N images of uint8, their names, the rows that are missing because they were broken, and of
    how many there were more frames than one.
    """

    shape: tuple[int, ...]
    names: Sequence[str]
    broken: Sequence[BrokenRow] = ()
    animated: int = 0


@dataclass(frozen=True)
class Entry:
    """Decoded images, memory-mapped read-only, and what they are."""

    pixels: "np.memmap[Any, np.dtype[np.uint8]]"
    about: About


def root(choice: "bool | str | Path") -> Path | None:
    """The cache's folder: the user's choice, else NOLABEL_CACHE, else the platform's; None when switched off."""
    if choice is False:
        return None
    if choice is not True:
        return Path(choice)
    if chosen := os.environ.get("NOLABEL_CACHE"):
        return Path(chosen) / "decoded"
    import pooch  # only here: it takes a while to import

    return Path(pooch.os_cache("nolabel")) / "decoded"


def find(folder: Path, key: str) -> Entry | None:
    """The entry of this key, or None if there is none that is whole."""
    place = folder / key
    try:
        entry = load(place)
        os.utime(place / "about.json")  # says that it is in use
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry


def load(place: Path) -> Entry:
    """The entry in a folder that `write_about` has completed."""
    raw = json.loads((place / "about.json").read_text())
    if raw["layout"] != _LAYOUT:
        raise ValueError(f"entry of layout {raw['layout']}")
    broken = [BrokenRow(**row) for row in raw["broken"]]
    about = About(tuple(raw["shape"]), raw["names"], broken, int(raw.get("animated", 0)))
    if (place / "pixels").stat().st_size != int(np.prod(about.shape)):
        raise ValueError("pixels are not of the size that their shape asks for")
    return Entry(np.memmap(place / "pixels", np.uint8, "r", shape=about.shape), about)


def write_about(place: Path, about: About) -> None:
    """Completes the entry in `place`, whose `pixels` are written."""
    (place / "about.json").write_text(json.dumps({"layout": _LAYOUT, **asdict(about)}))


@contextmanager
def building(folder: Path, key: str) -> Iterator[Path]:
    """A new folder to build an entry in; it gets its real name when the block ends, or vanishes with an error in it.

    Raises
    ------
    OutputError
        The disk is full, or the folder cannot be written.
    """
    place = folder / f"{key}{_PARTIAL}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        place.mkdir(parents=True)
        _sweep(folder)
        with _flushed(place / "pixels"):
            yield place
        _flush(place)
        _publish(place, folder / key)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(_cannot_write(folder, error)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _flush(place: Path) -> None:
    """To the disk itself: after a power cut, an entry must not have its name but not its pixels."""
    for file in place.iterdir():
        _flush_file(file)


def _flush_file(file: Path) -> None:
    with file.open("rb+") as content:
        os.fsync(content.fileno())


@contextmanager
def _flushed(file: Path) -> Iterator[None]:
    """Flushes a file again and again while it is being written, so that the end need not wait for all of it."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        flushing = pool.submit(_flush_until, stop, file)
        try:
            yield
        finally:
            stop.set()
    flushing.result()  # a disk says only once that it could not write


def _flush_until(stop: threading.Event, file: Path) -> None:
    while not stop.wait(_FLUSH_SECONDS):
        if file.exists():
            _flush_file(file)


def _publish(place: Path, final: Path) -> None:
    try:
        place.rename(final)
    except OSError:
        try:
            load(final)  # another process was faster, and its entry is as good
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(final, ignore_errors=True)
            place.rename(final)


def _sweep(folder: Path) -> None:
    now = time.time()
    for place in folder.iterdir():
        with suppress(OSError, ValueError):
            if _is_abandoned(place, now) or _is_old(place, now):
                shutil.rmtree(place)


def _is_abandoned(place: Path, now: float) -> bool:
    _, partial, owner = place.name.partition(_PARTIAL)
    if not partial:
        return False
    host, pid, _ = owner.rsplit("-", 2)
    if host == socket.gethostname() and os.name == "posix":
        return not _is_running(int(pid))
    return now - place.stat().st_mtime > _ABANDONED_DAYS * 86_400


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_old(place: Path, now: float) -> bool:
    about = place / "about.json"
    return about.is_file() and now - about.stat().st_mtime > KEEP_DAYS * 86_400


def _cannot_write(folder: Path, error: OSError) -> str:
    return (
        f"cannot keep decoded images in '{folder}': {error.strerror or error}. Make room there, name another folder "
        "with cache='...' or the environment variable NOLABEL_CACHE, or pass cache=False"
    )
