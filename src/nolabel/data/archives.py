"""Images, or texts, in .tar (also .tar.gz, .tar.xz, .tar.bz2) and .zip files. Nothing is ever extracted.

How members are found and read is for `archive_tar.py` and `archive_zip.py`; which of them count, and which archives are
trusted, for `archive_members.py`.
"""

import hashlib
import os
from pathlib import Path

from nolabel.data import archive_tar, archive_zip
from nolabel.data.archive_members import Wanted
from nolabel.data.documents import TEXT_SUFFIXES
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import RawImages, RawTexts

_IMAGES = Wanted(SUFFIXES, "no images in '{}': none of its members has an image's suffix (.jpg, .png, ...)")
_TEXT_ENDINGS = ", ".join(sorted(TEXT_SUFFIXES - {""}))
_TEXTS = Wanted(
    TEXT_SUFFIXES, f"no texts in '{{}}': none of its members ends in {_TEXT_ENDINGS} or has no suffix at all"
)


def is_archive(path: Path) -> bool:
    """Whether the suffix is that of an archive that can be opened here."""
    return path.suffix.lower() == ".zip" or archive_tar.is_tar(path)


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
    room = archive_zip if path.suffix.lower() == ".zip" else archive_tar
    return RawImages(path.name, fingerprint, lambda: room.opened(path, _IMAGES), labels="folders")


def open_text_archive(path: Path) -> RawTexts:
    """The text files in an archive (.txt, ..., or without a suffix); folders inside it become labels.

    Raises
    ------
    DataError
        As for `open_archive`.
    """
    room = archive_zip if path.suffix.lower() == ".zip" else archive_tar
    return RawTexts(path.name, lambda: room.opened(path, _TEXTS), labels="folders")
