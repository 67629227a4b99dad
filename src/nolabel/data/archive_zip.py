"""The members of a .zip, each unpacked when it is read; its checksum is verified.

A zip ends with the list of its members. Where that is cut off, the members before are found one after the other and a
copy with a new list is read; the rest is one member more, which cannot be read. No torch here: decoding processes
import this file.
"""

import posixpath
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal, final

from nolabel.data import archive_members
from nolabel.data.archive_members import Member, Wanted, beyond, counted, is_wanted, linked
from nolabel.data.encoded import EncodedImages
from nolabel.errors import DataError, OutputError

_HEADER = struct.Struct("<4s5H3L2H")  # the local header before each member
_SIGNATURE = b"PK\3\4"
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_LONGEST_LINK = 4096
_BLOCK = 2**20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, NotImplementedError, struct.error)


@final
@dataclass(frozen=True)
class ZipImages(EncodedImages):
    """Members of a zip; `members` are their names in there, which a link does not share with its own."""

    path: str
    names: Sequence[str]
    members: Sequence[str]
    faults: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        """The content of the member in this row; its checksum is verified.

        Raises
        ------
        OSError
            It is damaged, or a member that cannot be read.
        """
        if self.faults[row]:
            raise OSError(self.faults[row])
        try:
            return _reader(self.path).read(self.members[row])
        except (*_DAMAGED, RuntimeError, KeyError) as error:
            raise OSError(f"damaged in the archive: {error}") from error

    def part(self, start: int, stop: int) -> "ZipImages":
        """The members in rows `start` to `stop`."""
        rows = slice(start, stop)
        return ZipImages(self.path, self.names[rows], self.members[rows], self.faults[rows])


@lru_cache(maxsize=1)  # a decoding process gets many parts of one zip and should read its directory once
def _reader(path: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


@contextmanager
def opened(path: Path, wanted: Wanted) -> Iterator[ZipImages]:
    """The members of a zip that count.

    Raises
    ------
    DataError
        It is no zip, is encrypted, holds nothing that counts, or is not to be trusted.
    OutputError
        There is no room for a copy of a damaged one.
    """
    try:
        if zipfile.is_zipfile(path):
            yield _listed(path, path, wanted, "")
            return
        with tempfile.TemporaryDirectory(prefix="nolabel-") as folder:
            copy = Path(folder) / "whole.zip"
            why = _mend(path, copy)
            yield _listed(path, copy, wanted, why)
    finally:
        _reader.cache_clear()  # closes the file


def _listed(path: Path, whole: Path, wanted: Wanted, why: str) -> ZipImages:
    """The members of the zip `whole`, which is `path` or what could be saved of it."""
    try:
        with zipfile.ZipFile(whole) as file:
            infos = {info.filename: info for info in file.infolist() if not info.is_dir()}  # the last of a name counts
            chosen = [name for name in infos if is_wanted(path, name, wanted)]
            if any(infos[name].flag_bits & _ENCRYPTED for name in chosen):
                raise DataError(f"'{path}' is encrypted; unpack it yourself and open the folder")
            links, faults = _targets(file, infos, chosen)
    except DataError:
        raise
    except (*_DAMAGED, OSError) as error:
        raise DataError(f"'{path}' is not a whole zip archive: {error}") from error
    files = {name: Member(name, name, info.file_size) for name, info in infos.items() if not _is_link(info)}
    members = [
        files[name] if name in files else faults[name] if name in faults else linked(name, links, files)
        for name in chosen
    ]
    if why:
        members.append(beyond(path, len(infos), why))
    members = counted(path, members, wanted)
    places = [str(member.place) for member in members]
    return ZipImages(str(whole), [member.name for member in members], places, [member.fault for member in members])


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _targets(
    file: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], chosen: Sequence[str]
) -> tuple[dict[str, str], dict[str, Member]]:
    """Where the chosen links lead, and those they lead to; and what stands for those that cannot be read."""
    links: dict[str, str] = {}
    faults: dict[str, Member] = {}
    ahead = list(chosen)
    while ahead:
        name = ahead.pop()
        if name not in infos or not _is_link(infos[name]) or name in links or name in faults:
            continue
        try:
            links[name] = _target(file, infos[name])
            ahead.append(posixpath.normpath(links[name]))
        except (*_DAMAGED, RuntimeError, OSError) as error:
            faults[name] = Member(name, fault=f"a link that cannot be read: {error}")
    return links, faults


def _target(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Where a link leads, from the top of the archive."""
    with file.open(info) as content:
        target = content.read(_LONGEST_LINK).decode(errors="replace")
    return posixpath.join(posixpath.dirname(info.filename), target)


def _mend(path: Path, copy: Path) -> str:
    """Writes the whole members of a zip without a list of them to `copy`, with a new list; returns what is wrong."""
    with path.open("rb") as file:
        infos, end = _found(file)
        if not infos:
            raise DataError(f"'{path}' is not a whole zip archive: its list of members is missing, and so are members")
        file.seek(0)
        try:
            with copy.open("wb") as target:
                shutil.copyfileobj(file, target, _BLOCK)
                target.truncate(end)
            with zipfile.ZipFile(copy, "a") as repaired:
                repaired.filelist.extend(infos)
                repaired.NameToInfo.update((info.filename, info) for info in infos)
        except OSError as error:
            raise OutputError(
                f"cannot write to a temporary file in '{tempfile.gettempdir()}': {error.strerror}. Make room there, or "
                "name another folder with the environment variable TMPDIR"
            ) from error
    return f"is cut off or damaged after {end:,} bytes (the list of its members, at its end, is missing)"


def _found(file: IO[bytes]) -> tuple[list[zipfile.ZipInfo], int]:
    """The whole members that follow each other from the beginning of a zip, and where the last of them ends."""
    infos: list[zipfile.ZipInfo] = []
    end = 0
    while (info := _next(file)) is not None:
        info.header_offset = end
        infos.append(info)
        end = file.tell()
    return infos, end


def _next(file: IO[bytes]) -> zipfile.ZipInfo | None:
    """The member that begins here, the file then standing behind it; None if there is no whole one."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(_SIGNATURE):
        return None
    _, _, flags, method, _, _, checksum, packed, size, name_length, extra = _HEADER.unpack(header)
    name = file.read(name_length)
    file.seek(extra, 1)
    info = zipfile.ZipInfo(name.decode("utf-8" if flags & _UTF8 else "cp437", errors="replace") or "?")
    info.compress_type, info.flag_bits = method, flags & ~_SIZES_FOLLOW
    info.CRC, info.compress_size, info.file_size = checksum, packed, size
    if flags & _SIZES_FOLLOW:
        return info if method == zipfile.ZIP_DEFLATED and _measure(file, info) else None
    start = file.tell()
    file.seek(0, 2)
    if file.tell() < start + packed:
        return None
    file.seek(start + packed)
    return info


def _measure(file: IO[bytes], info: zipfile.ZipInfo) -> bool:
    """Finds out the sizes of a member that was written before they were known, by unpacking it; False if it is cut."""
    start, inflate = file.tell(), zlib.decompressobj(-zlib.MAX_WBITS)
    info.file_size = info.CRC = 0
    tail = b""
    while not inflate.eof:
        block = tail or file.read(_BLOCK)
        if not block or info.file_size > archive_members.MAX_MEMBER_BYTES:
            return False
        try:
            content = inflate.decompress(block, _BLOCK)
        except zlib.error:
            return False
        tail = inflate.unconsumed_tail
        info.file_size += len(content)
        info.CRC = zlib.crc32(content, info.CRC)
    info.compress_size = file.tell() - len(inflate.unused_data) - start
    file.seek(start + info.compress_size)
    descriptor = file.read(16)
    file.seek(start + info.compress_size + (16 if descriptor.startswith(b"PK\7\10") else 12))
    return len(descriptor) == 16
