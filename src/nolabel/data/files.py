"""Folders of image or text files, and lists of paths.

A folder is walked to the bottom. Hidden files and folders (a leading dot) and files without a suffix of their kind are
left out; links are followed, each folder once. The order is fixed: the files of a folder by name, then its folders by
name. Listing 200,000 files must take a second, so a file costs one `stat` and a few string operations here.
"""

import gzip
import hashlib
import os
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Literal, final

from nolabel.data.documents import TEXT_SUFFIXES, GivenTexts, NoTextError, decoded
from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import RawImages, RawTexts
from nolabel.errors import ArgumentError, DataError, nearest

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # the latter where there is another way to read, on Windows
_BLOCK_BYTES = 2**16


@final
@dataclass(frozen=True)
class ImageFiles(EncodedImages):
    """Image files on disk (or text files, which are read alike): `prefix + name` is the path of each."""

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


@final
@dataclass
class Listing:
    """Names of files, (size, mtime, ctime) of each in one flat array, and how many others of each suffix."""

    names: list[str] = field(default_factory=list)
    stats: "array[int]" = field(default_factory=lambda: array("q"))
    others: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, stat_it: Callable[[], os.stat_result]) -> None:
        """One more file."""
        self.names.append(name)
        try:
            stat = stat_it()
        except OSError:  # a dangling link: reading it will say so
            self.stats.extend((-1, -1, -1))
        else:
            self.stats.extend((stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))

    def fingerprint(self, where: str) -> str:
        """What changes whenever a file may have changed."""
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
    chosen = folder if split is None else split_folder(folder, split)
    listing = listed(str(chosen), SUFFIXES)
    if not listing.names:
        raise DataError(_no_images(chosen, listing.others))
    images = ImageFiles(f"{chosen}{os.sep}", listing.names)
    where = listing.fingerprint(os.path.realpath(chosen))
    return RawImages(title_of(folder, split), where, lambda: nullcontext(images), labels="folders")


def open_text_folder(folder: Path, split: str | None = None) -> RawTexts:
    """The text files in a folder and below it; class sub-folders become labels.

    Parameters and errors are those of `open_folder`.
    """
    chosen = folder if split is None else split_folder(folder, split)
    listing = listed(str(chosen), TEXT_SUFFIXES)
    if not listing.names:
        raise DataError(_no_texts(chosen, listing.others))
    texts = ImageFiles(f"{chosen}{os.sep}", listing.names)
    return RawTexts(title_of(folder, split), lambda: nullcontext(texts), labels="folders")


def title_of(folder: Path, split: str | None) -> str:
    """What a folder is called."""
    title = folder.resolve().name or str(folder)
    return title if split is None else f"{title}:{split}"


def open_list(paths: Sequence[str | os.PathLike[str]]) -> RawImages:
    """The image files in a list of paths, in that order; each path is its sample's id."""
    listing = Listing()
    for path in paths:
        listing.add(os.fspath(path), Path(path).stat)
    images = ImageFiles("", listing.names)
    where = listing.fingerprint(os.getcwd())  # noqa: PTH109
    return RawImages(f"{len(paths)} files", where, lambda: nullcontext(images))


def open_text_list(paths: Sequence[str | os.PathLike[str]]) -> RawTexts:
    """The text files in a list of paths, in that order; each path is its sample's id."""
    texts = ImageFiles("", [os.fspath(path) for path in paths])
    return RawTexts(f"{len(paths)} files", lambda: nullcontext(texts))


def open_lines(path: Path, encoding: str | None = None) -> RawTexts:
    """The lines of a text file (also .gz), a text each; blank ones are passed over. A line's number, from 1, is its id.

    Raises
    ------
    DataError
        The file is damaged, is no text, or has no line that is not blank.
    """
    lines = [(number, line) for number, line in enumerate(_lines(path, encoding), 1) if line.strip()]
    if not lines:
        raise DataError(f"'{path}' has no line that is not blank; expected a text on each line")
    texts = GivenTexts([line for _, line in lines])
    return RawTexts(path.name, lambda: nullcontext(texts), ids=[number for number, _ in lines])


def _lines(path: Path, encoding: str | None) -> list[str]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.name.lower().endswith(".gz") else path.read_bytes()
        text, _ = decoded(content, encoding)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' is damaged or not gzip ({error}); download or compress it again") from error
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror or error}") from error
    except (UnicodeError, NoTextError) as error:
        raise DataError(f"'{path}' cannot be read as text: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def split_folder(folder: Path, split: str) -> Path:
    """The sub-folder that is a split.

    Raises
    ------
    ArgumentError
        It is not there.
    """
    chosen = folder / split
    if not chosen.is_dir():
        have = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        listed = ", ".join(have[:10]) or "none"
        raise ArgumentError(
            f"split={split!r}: no such sub-folder in '{folder}'; it has: {listed}{nearest(split, have)}"
        )
    return chosen


def listed(root: str, suffixes: Collection[str]) -> Listing:
    """The files with one of these suffixes in a folder and below it.

    Raises
    ------
    DataError
        A folder cannot be listed.
    """
    listing = Listing()
    seen: set[tuple[int, int]] = set()
    waiting = [""]  # folders relative to the root, each with a trailing slash; the next one last
    while waiting:
        folder = waiting.pop()
        path = f"{root}/{folder}"
        try:
            if _is_new(path, seen):
                waiting += reversed(_list_one(path, folder, listing, suffixes))
        except OSError as error:
            raise DataError(f"cannot list the folder '{path}': {error.strerror}") from error
    return listing


def _is_new(path: str, seen: set[tuple[int, int]]) -> bool:
    stat = os.stat(path)  # noqa: PTH116
    here = (stat.st_dev, stat.st_ino)
    new = here not in seen
    seen.add(here)
    return new


def _list_one(path: str, folder: str, listing: Listing, suffixes: Collection[str]) -> list[str]:
    """Adds the files of one folder that have one of the suffixes to the listing; returns its folders."""
    files: list[os.DirEntry[str]] = []
    folders: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:  # a large set spends its time here: nothing is called twice
            name = entry.name
            if name[0] == "." or name == "__MACOSX":
                continue
            dot = name.rfind(".")
            suffix = name[dot:].lower() if dot >= 0 else ""
            if suffix in suffixes and (entry.is_file() or _is_dangling(entry)):
                files.append(entry)
            elif entry.is_dir():
                folders.append(f"{folder}{name}/")
            else:
                listing.others[suffix or "no suffix"] += 1
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
    texts = any(suffix in (".txt", ".md", "no suffix") for suffix, _ in others.most_common(2))
    return (
        f"no images in '{folder}' or its sub-folders, but {others.total()} other files ({_found(others)}). "
        "Images are known by their suffix (.jpg, .png, ...); to open one table, archive or .npy file, give its own path"
        f"{'; to open texts, say modality=' + repr('text') if texts else ''}"
    )


def _no_texts(folder: Path, others: Counter[str]) -> str:
    if not others:
        return f"no texts in '{folder}': it is empty. Expected files such as {folder.name}/news/1.txt"
    endings = ", ".join(sorted(TEXT_SUFFIXES - {""}))
    return (
        f"no texts in '{folder}' or its sub-folders, but {others.total()} other files ({_found(others)}). Text files "
        f"end in {endings} or have no suffix; to open one table or archive, give its own path"
    )


def _found(others: Counter[str]) -> str:
    return ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
