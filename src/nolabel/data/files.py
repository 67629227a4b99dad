"""Folders of image files, and lists of paths.

A folder is walked to the bottom. Hidden files and folders (a leading dot) and files without an image's suffix are left
out; links are followed, each folder once. The order is fixed: the files of a folder by name, then its folders by name.
Listing 200,000 files must take a second, so a file costs one `stat` and a few string operations here.
"""

import hashlib
import os
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Literal, final

from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import RawImages
from nolabel.errors import ArgumentError, DataError, nearest

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # the latter where there is another way to read, on Windows
_BLOCK_BYTES = 2**16


@final
@dataclass(frozen=True)
class ImageFiles(EncodedImages):
    """Image files on disk: `prefix + name` is the path of each."""

    prefix: str
    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        """The content of the file in this row."""
        # as few calls of the system as can be: a file object makes seven of them, which small images feel
        file = os.open(self.prefix + self.names[row], _READ)
        try:
            blocks = []
            while block := os.read(file, _BLOCK_BYTES):
                blocks.append(block)
        finally:
            os.close(file)
        return b"".join(blocks)

    def part(self, start: int, stop: int) -> "ImageFiles":
        """The files in rows `start` to `stop`."""
        return ImageFiles(self.prefix, self.names[start:stop])


@dataclass
class _Listing:
    """Names of image files, (size, mtime, ctime) of each in one flat array, and how many others of each suffix."""

    names: list[str] = field(default_factory=list)
    stats: "array[int]" = field(default_factory=lambda: array("q"))
    others: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, stat_it: Callable[[], os.stat_result]) -> None:
        self.names.append(name)
        try:
            stat = stat_it()
        except OSError:  # a dangling link: reading it will say so
            self.stats.extend((-1, -1, -1))
        else:
            self.stats.extend((stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))

    def fingerprint(self, where: str) -> str:
        # ctime too: unpacking an archive again can bring back size and mtime of a file with other content
        digest = hashlib.sha256("\0".join([where, *self.names]).encode(errors="surrogateescape"))
        digest.update(self.stats)
        return digest.hexdigest()


def open_folder(folder: Path, split: str | None = None) -> RawImages:
    """The images in a folder and below it; class sub-folders become labels.

    Parameters
    ----------
    folder
        An existing folder.
    split
        Name of a sub-folder to open instead, such as "train".

    Raises
    ------
    DataError
        No image is found, or a folder cannot be listed.
    """
    chosen = folder if split is None else _split_folder(folder, split)
    listing = _listed(str(chosen))
    if not listing.names:
        raise DataError(_no_images(chosen, listing.others))
    images = ImageFiles(f"{chosen}{os.sep}", listing.names)
    title = folder.resolve().name or str(folder)
    name = title if split is None else f"{title}:{split}"
    where = listing.fingerprint(os.path.realpath(chosen))
    return RawImages(name, where, lambda: nullcontext(images), labels="folders")


def open_list(paths: Sequence[str | os.PathLike[str]]) -> RawImages:
    """The image files in a list of paths, in that order; each path is its sample's id."""
    listing = _Listing()
    for path in paths:
        listing.add(os.fspath(path), Path(path).stat)
    images = ImageFiles("", listing.names)
    where = listing.fingerprint(os.getcwd())  # noqa: PTH109
    return RawImages(f"{len(paths)} files", where, lambda: nullcontext(images))


def _split_folder(folder: Path, split: str) -> Path:
    chosen = folder / split
    if not chosen.is_dir():
        have = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        listed = ", ".join(have[:10]) or "none"
        raise ArgumentError(
            f"split={split!r}: no such sub-folder in '{folder}'; it has: {listed}{nearest(split, have)}"
        )
    return chosen


def _listed(root: str) -> _Listing:
    listing = _Listing()
    seen: set[tuple[int, int]] = set()
    waiting = [""]  # folders relative to the root, each with a trailing slash; the next one last
    while waiting:
        folder = waiting.pop()
        path = f"{root}/{folder}"
        try:
            if _is_new(path, seen):
                waiting += reversed(_list_one(path, folder, listing))
        except OSError as error:
            raise DataError(f"cannot list the folder '{path}': {error.strerror}") from error
    return listing


def _is_new(path: str, seen: set[tuple[int, int]]) -> bool:
    stat = os.stat(path)  # noqa: PTH116
    here = (stat.st_dev, stat.st_ino)
    new = here not in seen
    seen.add(here)
    return new


def _list_one(path: str, folder: str, listing: _Listing) -> list[str]:
    """Adds the images of one folder to the listing; returns its folders."""
    files: list[os.DirEntry[str]] = []
    folders: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:  # a large set spends its time here: nothing is called twice
            name = entry.name
            if name[0] == "." or name == "__MACOSX":
                continue
            suffix = name[name.rfind(".") :].lower()
            if suffix in SUFFIXES and (entry.is_file() or _is_dangling(entry)):
                files.append(entry)
            elif entry.is_dir():
                folders.append(f"{folder}{name}/")
            else:
                listing.others[suffix if "." in name else "no suffix"] += 1
    files.sort(key=attrgetter("name"))
    for entry in files:
        listing.add(folder + entry.name, entry.stat)
    return sorted(folders)


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to nothing, which is a broken file and not no file."""
    return entry.is_symlink() and not entry.is_dir()


def _no_images(folder: Path, others: Counter[str]) -> str:
    if not others:
        return f"no images in '{folder}': it is empty. Expected files such as {folder.name}/cat/1.jpg"
    found = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
    return (
        f"no images in '{folder}' or its sub-folders, but {others.total()} other files ({found}). "
        "Images are known by their suffix (.jpg, .png, ...); to open one table, archive or .npy file, give its own path"
    )
