"""Images in .tar (also .tar.gz, .tar.xz, .tar.bz2) and .zip files. Nothing is ever extracted.

A member is read where it lies: at its offset in a plain tar, by `zipfile` in a zip. A compressed tar, which can only be
read from its start, is unpacked as one stream to one temporary file first. Only plain files with an image's suffix
count; links, devices, folders and hidden members are left out. A member whose name leads out of the archive makes the
whole archive suspect, so it is refused; so is one that declares far more data than it can reasonably hold.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedIOBase
from pathlib import Path
from typing import Literal, final

from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import RawImages
from nolabel.errors import DataError, OutputError

MAX_MEMBER_BYTES = 512 * 2**20  # one encoded image; decoded ones have a limit of their own
MAX_RATIO = 200  # unpacked bytes for one packed byte, over the whole archive; images hardly shrink at all
FREE_BYTES = 256 * 2**20  # below this much unpacked data no ratio is suspect
_STREAM_BLOCK = 2**20

# How each kind of tar is unpacked as a stream; None for a plain one.
_TAR_SUFFIXES: dict[str, Callable[[Path], BufferedIOBase] | None] = {
    ".tar": None,
    ".tar.gz": gzip.GzipFile,
    ".tgz": gzip.GzipFile,
    ".tar.xz": lzma.LZMAFile,
    ".txz": lzma.LZMAFile,
    ".tar.bz2": bz2.BZ2File,
    ".tbz2": bz2.BZ2File,
}
_LEADS_OUT = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.(/|$)")


@final
@dataclass(frozen=True)
class TarImages(EncodedImages):
    """Members of a plain tar, each with its place in the file."""

    path: str
    names: Sequence[str]
    offsets: Sequence[int]
    sizes: Sequence[int]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        """The content of the member in this row."""
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.offsets[row])
            content = file.read(self.sizes[row])
        if len(content) < self.sizes[row]:
            raise EOFError("the archive ends before this member does")
        return content

    def part(self, start: int, stop: int) -> "TarImages":
        """The members in rows `start` to `stop`."""
        rows = slice(start, stop)
        return TarImages(self.path, self.names[rows], self.offsets[rows], self.sizes[rows])


@final
@dataclass(frozen=True)
class ZipImages(EncodedImages):
    """Members of a zip."""

    path: str
    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        """The content of the member in this row; its checksum is verified."""
        return _zip_reader(self.path).read(self.names[row])

    def part(self, start: int, stop: int) -> "ZipImages":
        """The members in rows `start` to `stop`."""
        return ZipImages(self.path, self.names[start:stop])


@lru_cache(maxsize=1)  # a decoding process gets many parts of one zip and should read its directory once
def _zip_reader(path: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def is_archive(path: Path) -> bool:
    """Whether the suffix is that of an archive that can be opened here."""
    return path.suffix.lower() == ".zip" or _tar_suffix(path) is not None


def open_archive(path: Path) -> RawImages:
    """The images in an archive; folders inside it become labels, as those of a folder do.

    Raises
    ------
    DataError
        The archive is damaged, encrypted, holds no image, or is not to be trusted.
    """
    stat = path.stat()
    where = f"{os.path.realpath(path)}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}"
    fingerprint = hashlib.sha256(where.encode(errors="surrogateescape")).hexdigest()
    listing = _zip if path.suffix.lower() == ".zip" else _tar
    return RawImages(path.name, fingerprint, lambda: listing(path), labels="folders")


def _tar_suffix(path: Path) -> str | None:
    return next((suffix for suffix in _TAR_SUFFIXES if path.name.lower().endswith(suffix)), None)


@contextmanager
def _zip(path: Path) -> Iterator[ZipImages]:
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
    except zipfile.BadZipFile as error:
        raise DataError(f"'{path}' is not a whole zip archive: {error}") from error
    chosen = [member for member in members if not member.is_dir() and _is_wanted(path, member.filename)]
    if any(member.flag_bits & 1 for member in chosen):
        raise DataError(f"'{path}' is encrypted; unpack it yourself and open the folder")
    _check_sizes(path, [(member.filename, member.file_size) for member in chosen])
    try:
        yield ZipImages(str(path), _some(path, {member.filename for member in chosen}))
    finally:
        _zip_reader.cache_clear()  # closes the file


@contextmanager
def _tar(path: Path) -> Iterator[TarImages]:
    suffix = _tar_suffix(path)
    opener = _TAR_SUFFIXES[suffix] if suffix else None
    if opener is None:
        yield _tar_members(path, path)
        return
    with tempfile.TemporaryDirectory(prefix="nolabel-") as folder:
        plain = Path(folder) / "plain.tar"
        _unpack_stream(path, opener, plain)
        yield _tar_members(path, plain)


def _unpack_stream(path: Path, opener: Callable[[Path], BufferedIOBase], plain: Path) -> None:
    limit = max(FREE_BYTES, MAX_RATIO * path.stat().st_size)
    try:
        with opener(path) as source, plain.open("wb") as target:
            while block := source.read(_STREAM_BLOCK):
                _write_block(target, block)
                if target.tell() > limit:
                    raise DataError(_bomb(path, f"it unpacks to more than {limit:,} bytes"))
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"'{path}' is damaged: {error}") from error
    except OSError as error:  # bz2 says so for damaged data, the disk's own errors come as OutputError
        if isinstance(error, OutputError):
            raise
        raise DataError(f"cannot read '{path}': {error}") from error


def _write_block(target: BufferedIOBase, block: bytes) -> None:
    try:
        target.write(block)
    except OSError as error:
        where = tempfile.gettempdir()
        raise OutputError(
            f"cannot unpack to a temporary file in '{where}': {error.strerror}. Make room there, or name "
            "another folder with the environment variable TMPDIR"
        ) from error


def _tar_members(path: Path, plain: Path) -> TarImages:
    found: dict[str, tarfile.TarInfo] = {}  # the last member of a name counts, as for tar itself
    try:
        with tarfile.open(plain, "r:") as file:
            for member in file:
                if _is_wanted(path, member.name) and member.isreg() and not member.issparse():
                    found[member.name.removeprefix("./")] = member
    except tarfile.TarError as error:
        raise DataError(f"'{path}' is not a whole tar archive: {error}") from error
    _check_sizes(path, [(member.name, member.size) for member in found.values()])
    names = _some(path, found)
    members = [found[name] for name in names]
    return TarImages(str(plain), names, [member.offset_data for member in members], [m.size for m in members])


def _is_wanted(path: Path, name: str) -> bool:
    name = name.replace("\\", "/")
    if _LEADS_OUT.match(name):
        raise DataError(
            f"'{path}' holds a member named {name!r}, which leads out of the archive; nothing of it was read. "
            "Unpack it with a tool you trust and open the folder"
        )
    parts = name.split("/")
    hidden = any(part.startswith(".") and part != "." for part in parts) or parts[0] == "__MACOSX"
    return not hidden and name[name.rfind(".") :].lower() in SUFFIXES


def _check_sizes(path: Path, members: Sequence[tuple[str, int]]) -> None:
    for name, size in members:
        if size > MAX_MEMBER_BYTES:
            raise DataError(_bomb(path, f"its member {name!r} declares {size:,} bytes"))
    total = sum(size for _, size in members)
    if total > max(FREE_BYTES, MAX_RATIO * path.stat().st_size):
        raise DataError(_bomb(path, f"its members declare {total:,} bytes"))


def _bomb(path: Path, what: str) -> str:
    return (
        f"'{path}' looks like a decompression bomb: {what}, from an archive of {path.stat().st_size:,}. "
        "If you trust it, unpack it and open the folder"
    )


def _some(path: Path, names: Collection[str]) -> list[str]:
    if not names:
        raise DataError(f"no images in '{path}': none of its members has an image's suffix (.jpg, .png, ...)")
    return sorted(names)
