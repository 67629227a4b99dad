"""A report on disk, whole or not at all: the old page stays until the new one is complete.

It knows files and the ways in which writing them fails, not what the page says.
"""

import errno
import os
import secrets
from pathlib import Path

from nolabel.errors import OutputError
from nolabel.report.content import Content
from nolabel.report.page import render

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_report(content: Content, path: str | os.PathLike[str]) -> Path:
    """Write the page as one HTML file.

    Parameters
    ----------
    content
        What the page shows.
    path
        Where to write it, as in `runs/demo/report.html`. A page that is there already is replaced, in one move.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    OutputError
        When the folder is missing or closed to us, when `path` is a folder, or when the disk is full; an older
        page at `path` is then as it was.
    """
    target = Path(path)
    start = f"cannot write the report to {target}: "
    if target.is_dir():
        raise OutputError(f"{start}it is a folder; name a file, as in {target / 'report.html'}")
    if not target.parent.is_dir():
        raise OutputError(f"{start}the folder {target.parent} does not exist; make it first")
    page = render(content).encode("utf-8")
    try:
        _replace(target, page)
    except OSError as problem:
        raise OutputError(start + _in_words(problem, target, len(page))) from problem
    return target


def _replace(target: Path, page: bytes) -> None:
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _in_words(problem: OSError, target: Path, size: int) -> str:
    if problem.errno in _NO_ROOM:
        return f"there is no room for its {size / 1e6:.1f} MB; free some space, or choose another disk"
    if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"writing in {target.parent} is not allowed; choose a folder of your own"
    return problem.strerror or str(problem)
