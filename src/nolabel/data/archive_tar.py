"""The members of a .tar, read where they lie: at their offset. A compressed one is unpacked to one file first.

A tar says nowhere how many members it has: it is whole if zeros, its end mark, follow the last one and nothing else
does. If not, or if its compression is damaged, the members before that point are whole; the rest is one member more,
which cannot be read. No torch here: decoding processes import this file.
"""

import bz2
import gzip
import lzma
import posixpath
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Literal, final

from nolabel.data import archive_members
from nolabel.data.archive_members import Member, Wanted, beyond, bomb, counted, is_wanted, linked
from nolabel.data.encoded import EncodedImages
from nolabel.errors import DataError, OutputError

_STREAM_BLOCK = 2**20
_GARBLED = (ValueError, EOFError, OverflowError, KeyError, IndexError)  # what tarfile lets out of damaged headers
_MARK = tarfile.BLOCKSIZE  # half of the end mark is enough, as for other programs

# How each kind of tar is unpacked as a stream; None for a plain one.
_SUFFIXES: dict[str, Callable[[Path], Any] | None] = {
    ".tar": None,
    ".tar.gz": gzip.GzipFile,
    ".tgz": gzip.GzipFile,
    ".tar.xz": lzma.LZMAFile,
    ".txz": lzma.LZMAFile,
    ".tar.bz2": bz2.BZ2File,
    ".tbz2": bz2.BZ2File,
}


@final
@dataclass(frozen=True)
class TarImages(EncodedImages):
    """Members of a plain tar, each with its place in the file."""

    path: str
    names: Sequence[str]
    offsets: Sequence[int]
    sizes: Sequence[int]
    faults: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        """The content of the member in this row.

        Raises
        ------
        OSError
            It is a member that cannot be read.
        """
        if self.faults[row]:
            raise OSError(self.faults[row])
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.offsets[row])
            content = file.read(self.sizes[row])
        if len(content) < self.sizes[row]:
            raise EOFError("the archive ends before this member does")
        return content

    def part(self, start: int, stop: int) -> "TarImages":
        """The members in rows `start` to `stop`."""
        rows = slice(start, stop)
        return TarImages(self.path, self.names[rows], self.offsets[rows], self.sizes[rows], self.faults[rows])


def is_tar(path: Path) -> bool:
    """Whether the suffix is that of a tar that can be opened here."""
    return _suffix(path) is not None


@contextmanager
def opened(path: Path, wanted: Wanted) -> Iterator[TarImages]:
    """The members of a tar that count.

    Raises
    ------
    DataError
        It is no tar, holds nothing that counts, or is not to be trusted.
    OutputError
        There is no room to unpack it.
    """
    opener = _SUFFIXES[_suffix(path) or ".tar"]
    if opener is None:
        yield _listed(path, path, wanted, "")
        return
    with tempfile.TemporaryDirectory(prefix="nolabel-") as folder:
        plain = Path(folder) / "plain.tar"
        why = _unpack(path, opener, plain)
        yield _listed(path, plain, wanted, why)


def _suffix(path: Path) -> str | None:
    return next((suffix for suffix in _SUFFIXES if path.name.lower().endswith(suffix)), None)


def _unpack(path: Path, opener: Callable[[Path], Any], plain: Path) -> str:
    """Unpacks as far as can be; returns what is wrong with the rest, or ''."""
    limit = max(archive_members.FREE_BYTES, archive_members.MAX_RATIO * path.stat().st_size)
    with opener(path) as source, plain.open("wb") as target:
        while True:
            try:
                block = source.read1(_STREAM_BLOCK)  # `read` would lose what comes just before the damage
            except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
                if target.tell():
                    return f"is cut off or damaged after {target.tell():,} unpacked bytes ({error})"
                raise DataError(f"'{path}' is damaged: {error}") from error
            if not block:
                return ""
            _write(target, block)
            if target.tell() > limit:
                raise bomb(path, f"it unpacks to more than {limit:,} bytes")


def _write(target: BufferedIOBase, block: bytes) -> None:
    try:
        target.write(block)
        target.flush()
    except OSError as error:
        where = tempfile.gettempdir()
        raise OutputError(
            f"cannot unpack to a temporary file in '{where}': {error.strerror}. Make room there, or name "
            "another folder with the environment variable TMPDIR"
        ) from error


def _listed(path: Path, plain: Path, wanted: Wanted, why: str) -> TarImages:
    """The members of the plain tar that `path` is or has been unpacked to; `why` says how its compression ended."""
    infos, end = _headers(path, plain)
    size = plain.stat().st_size
    whole = [info for info in infos if info.offset_data + (info.size if info.isreg() else 0) <= size]
    files = {_key(info.name): Member(info.name, info.offset_data, info.size) for info in whole if info.isreg()}
    links = {_key(info.name): _target(info) for info in infos if info.issym() or info.islnk()}
    found: dict[str, Member] = {}  # the last member of a name counts, as for tar itself
    for info in infos:
        if is_wanted(path, info.name, wanted) and not info.isdir():
            found[_key(info.name)] = _member(info, info.offset_data + info.size <= size, links, files)
    members = list(found.values())
    why = why or _after(plain, end)
    if why:
        members.append(beyond(path, len(whole), why))
    members = counted(path, members, wanted)
    places = [int(member.place) for member in members]
    faults = [member.fault for member in members]
    return TarImages(str(plain), [member.name for member in members], places, [m.size for m in members], faults)


def _key(name: str) -> str:
    return posixpath.normpath(name)


def _target(info: tarfile.TarInfo) -> str:
    """Where a link leads, from the top of the archive."""
    return info.linkname if info.islnk() else posixpath.join(posixpath.dirname(info.name), info.linkname)


def _headers(path: Path, plain: Path) -> tuple[list[tarfile.TarInfo], int]:
    """The headers that can be read, and where the next one would be."""
    infos: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(plain, "r:") as file:
            try:
                for info in file:
                    infos.append(info)
            except (tarfile.TarError, *_GARBLED):
                pass  # `_after` looks at what is there
            return infos, file.offset
    except (tarfile.TarError, *_GARBLED) as error:
        raise DataError(f"'{path}' is not a whole tar archive: {error}") from error


def _member(info: tarfile.TarInfo, whole: bool, links: dict[str, str], files: dict[str, Member]) -> Member:
    name = info.name.removeprefix("./")
    if info.issparse():
        return Member(name, fault="a file with holes (GNU sparse), which is not read; pack it without --sparse")
    if info.isreg():
        return Member(name, info.offset_data, info.size, "" if whole else "the archive ends before this member does")
    if _key(info.name) in links:
        return linked(_key(info.name), links, files)._replace(name=name)
    return Member(name, fault="a device or a pipe, not a file" if info.isdev() else "neither a file nor a link")


def _after(plain: Path, end: int) -> str:
    """What is wrong with a tar at the place where its last member ends, or ''."""
    with plain.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(min(end, length))
        mark = file.read(_MARK)
        if mark.strip(b"\0"):
            return f"is damaged at byte {end:,}, where a member should begin" if len(mark) == _MARK else _cut(length)
        if len(mark) < _MARK:
            return _cut(length)
        while block := file.read(_STREAM_BLOCK):
            if block.strip(b"\0"):
                at = file.tell() - len(block.lstrip(b"\0"))
                return f"goes on at byte {at:,}, behind its end mark (are these several archives in one file?)"
    return ""


def _cut(length: int) -> str:
    return f"is cut off after {length:,} bytes, before its end mark"
