"""Which members of an archive count, and which archives are trusted; the same for tar and zip.

Only plain files with a suffix that is wanted count; folders and hidden members are left out. A link to such a file of
the same archive is that file. All else with that suffix (links to elsewhere, devices, pipes, members that are cut off)
is a member that cannot be read, with the reason; so is, under the archive's own name, whatever lies beyond the point to
which a damaged archive can be read. A member whose name leads out of the archive makes the whole archive suspect, so it
is refused; so is one that declares far more data than it can reasonably hold.

No torch here: decoding processes import this file.
"""

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nolabel.errors import DataError

MAX_MEMBER_BYTES = 512 * 2**20  # one encoded image; decoded ones have a limit of their own
MAX_RATIO = 200  # unpacked bytes for one packed byte, over the whole archive; images hardly shrink at all
FREE_BYTES = 256 * 2**20  # below this much unpacked data no ratio is suspect
_MAX_LINKS = 40  # links from one link to the next, as in Linux

_LEADS_OUT = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.(/|$)")


class Wanted(NamedTuple):
    """The suffixes of the members that count, and what to say if there is none."""

    suffixes: Collection[str]
    absent: str


class Member(NamedTuple):
    """A member that counts: its name, what a reader needs to find it, and why it cannot be read, or ''."""

    name: str
    place: str | int = 0
    size: int = 0
    fault: str = ""


def is_wanted(path: Path, name: str, wanted: Wanted) -> bool:
    """Whether the member `name` of the archive `path` counts, by its name.

    Raises
    ------
    DataError
        The name leads out of the archive.
    """
    name = name.replace("\\", "/")
    if _LEADS_OUT.match(name):
        raise DataError(
            f"'{path}' holds a member named {name!r}, which leads out of the archive; nothing of it was read. "
            "Unpack it with a tool you trust and open the folder"
        )
    parts = name.split("/")
    hidden = any(part.startswith(".") and part != "." for part in parts) or parts[0] == "__MACOSX"
    dot = parts[-1].rfind(".")
    return not hidden and (parts[-1][dot:].lower() if dot >= 0 else "") in wanted.suffixes


def linked(name: str, links: Mapping[str, str], files: Mapping[str, Member]) -> Member:
    """What the link `name` leads to, under the link's own name.

    Parameters
    ----------
    name
        One of `links`.
    links
        Where each link leads, from the top of the archive.
    files
        The plain files of the archive, by name.
    """
    target = name
    for _ in range(_MAX_LINKS):
        if target not in links:
            break
        target = posixpath.normpath(links[target])
    if target in files:
        return files[target]._replace(name=name)
    if _LEADS_OUT.match(target):
        return Member(name, fault=f"a link out of the archive (to {target!r}), which is not followed")
    return Member(name, fault=f"a link to {target!r}, which is no file of this archive")


def beyond(path: Path, whole: int, why: str) -> Member:
    """What stands for all that a damaged archive has lost; `whole` is the number of members before that."""
    return Member(path.name, fault=f"the archive {why}; {whole} whole members could be read, what followed is lost")


def counted(path: Path, members: Sequence[Member], wanted: Wanted) -> list[Member]:
    """The members in the order of their names, after those that are damaged beyond a name.

    Raises
    ------
    DataError
        There is none, or they declare too much data.
    """
    _check_sizes(path, members)
    if not any(member.name != path.name or not member.fault for member in members):
        if members:
            raise DataError(f"'{path}' is damaged: {members[0].fault}")
        raise DataError(wanted.absent.format(path))
    return sorted(members, key=lambda member: (member.name == path.name, member.name))


def bomb(path: Path, what: str) -> DataError:
    """The error for an archive that is not to be trusted."""
    return DataError(
        f"'{path}' looks like a decompression bomb: {what}, from an archive of {path.stat().st_size:,}. "
        "If you trust it, unpack it and open the folder"
    )


def _check_sizes(path: Path, members: Sequence[Member]) -> None:
    for member in members:
        if member.size > MAX_MEMBER_BYTES:
            raise bomb(path, f"its member {member.name!r} declares {member.size:,} bytes")
    total = sum({member.place: member.size for member in members}.values())  # links to one file unpack it once
    if total > max(FREE_BYTES, MAX_RATIO * path.stat().st_size):
        raise bomb(path, f"its members declare {total:,} bytes")
