"""Texts wherever they lie -> one string after the other, and which of them cannot be read.

Bytes become text by the encoding that the user states, else by this rule:

    a byte order mark      what it says: UTF-8, UTF-16 or UTF-32
    a zero byte            no text but binary data: a problem of this file
    valid UTF-8            UTF-8
    else, few bytes beyond ASCII (30 %, or 8 and half of   cp1252 (Western European); where that has no such character,
    them) and few control characters                       Latin-1
    anything else          a problem of this file: the user must state the encoding

A text that is missing (None, NaN) is an empty one. This file knows nothing of words. No torch here: decoding processes
import it, for files of images and of texts are listed by the same rooms.
"""

import codecs
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, final

import numpy as np

from nolabel.errors import ArgumentError, DataError, Problem, nearest

Progress = Callable[[int, int], None]

TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".rst", ".eml", ""})
"""Endings of text files; "" for none at all, as in news/12345."""

_MARKS = (  # longer marks first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON = ("utf-8", "cp1252", "latin-1", "cp1251", "koi8-r", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr")
_MOST_BEYOND = 0.3  # of the bytes of a Western European text are beyond ASCII,
_FEW_BEYOND, _HALF = 8, 0.5  # unless they are so few, and no more than half of a short text
_MOST_CONTROL = 0.02  # of the bytes of a text are control characters
_BEYOND = bytes(range(128, 256))
_CONTROL = bytes(set(range(32)) - {8, 9, 10, 11, 12, 13, 26, 27}) + b"\x7f"
_TOLD = 256  # texts between two words on progress


class Documents(Protocol):
    """N texts, each with a name: strings, or bytes that are decoded here."""

    @property
    def names(self) -> Sequence[str]:
        """N names, for a person and as ids."""

    def read(self, row: int) -> Any:
        """The text in this row: str, bytes, or None for a missing one."""

    def part(self, start: int, stop: int) -> "Documents":
        """The texts in rows `start` to `stop`."""


@final
@dataclass(frozen=True)
class GivenTexts:
    """Texts that are in memory already."""

    texts: Sequence[Any]
    start: int = 0

    @property
    def names(self) -> Sequence[str]:
        """What each is called in a message."""
        return [f"row {self.start + row}" for row in range(len(self.texts))]

    def part(self, start: int, stop: int) -> "GivenTexts":
        """The texts in rows `start` to `stop`."""
        return GivenTexts(self.texts[start:stop], self.start + start)

    def read(self, row: int) -> Any:
        """The text in this row.

        Raises
        ------
        DataError
            It is neither text nor missing.
        """
        value = self.texts[row]
        if isinstance(value, str) or _is_missing(value):
            return None if _is_missing(value) else str(value)
        if isinstance(value, bytes | bytearray):
            raise DataError(f"row {self.start + row} of the texts holds bytes; decode them first: text.decode('utf-8')")
        raise DataError(
            f"row {self.start + row} of the texts holds {value!r:.60}, of type {type(value).__name__}; every text must "
            "be a str (None or NaN for a missing one)"
        )


@final
@dataclass
class Reader:
    """Reads documents one by one, and notes what became of them.

    Parameters
    ----------
    encoding
        That of all files; None to detect it for each.
    body
        Whether a text begins after its first blank line, as that of a mail.
    keep
        Whether the texts are kept in `texts`; None as long as they take no more memory than `memory.fits` allows.
    progress
        Called with texts done and texts in all.

    Attributes
    ----------
    rows
        The rows of the texts that were read.
    broken, gaps
        The others: why, and their rows.
    encodings
        Number of files read in each encoding.
    """

    encoding: str | None = None
    body: bool = False
    keep: bool | None = None
    progress: Progress | None = None
    texts: list[str] | None = None
    rows: list[int] = field(default_factory=list)
    broken: list[Problem] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    encodings: Counter[str] = field(default_factory=Counter)

    def read(self, documents: Documents) -> Iterator[str]:
        """The texts that can be read, in order."""
        names = documents.names
        self.texts = None if self.keep is False else []
        from nolabel.data import memory  # only here: it needs torch

        room = memory.whole_bytes()
        for row, name in enumerate(names):
            if self.progress is not None and row % _TOLD == 0:
                self.progress(row, len(names))
            text = self._text(documents, row, name)
            if text is None:
                continue
            self.rows.append(row)
            room -= sys.getsizeof(text)
            self.texts = self._kept(text, room)
            yield text
        if self.progress is not None:
            self.progress(len(names), len(names))

    def _kept(self, text: str, room: int) -> list[str] | None:
        if self.texts is None or (room < 0 and not self.keep):
            return None
        self.texts.append(text)
        return self.texts

    def _text(self, documents: Documents, row: int, name: str) -> str | None:
        try:
            text = documents.read(row)
            if isinstance(text, bytes):
                text, encoding = decoded(text, self.encoding)
                self.encodings[encoding] += 1
        except (OSError, EOFError, UnicodeError, NoTextError) as error:
            self.broken.append(Problem(name, _why(error, self.encoding)))
            self.gaps.append(row)
            return None
        text = text or ""
        return _body(text) if self.body else text

    def notes(self) -> list[str]:
        """What should be known about the encodings that were found."""
        found = [f"{count:,} in {name}" for name, count in sorted(self.encodings.items()) if name in _GUESSED]
        if not found or self.encoding is not None:
            return []
        return [
            f"{' and '.join(found)} of {self.encodings.total():,} texts are not UTF-8 and were taken for Western "
            "European; if that is wrong, state encoding="
        ]


class NoTextError(Exception):
    """Bytes that are no text, as far as can be told."""


_GUESSED = ("cp1252", "latin-1")


def check_encoding(encoding: str | None) -> None:
    """Refuse an encoding that Python does not know."""
    if encoding is None:
        return
    try:
        known = codecs.lookup(encoding)._is_text_encoding  # rot13 and gzip are codecs, too
    except (LookupError, TypeError, ValueError):
        known = False
    if not known:
        close = nearest(str(encoding), _COMMON)
        raise ArgumentError(f"encoding={encoding!r} is not known{close}; common ones are {', '.join(_COMMON)}")


def decoded(content: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text in a file, and the encoding that it was read in; see the head of this file."""
    if encoding is not None:
        return content.decode(encoding).removeprefix("\ufeff"), encoding
    for mark, name in _MARKS:
        if content.startswith(mark):
            return content.decode(name), name
    if b"\0" in content:
        raise NoTextError("it holds zero bytes: this is binary data, or UTF-16 without a byte order mark")
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        return _western(content, error)


def _western(content: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    beyond = len(content) - len(content.translate(None, _BEYOND))
    control = 1 - len(content.translate(None, _CONTROL)) / len(content)
    if control > _MOST_CONTROL:
        raise NoTextError(
            f"it is not UTF-8 (byte {error.start}), and {control:.0%} of it are control characters: binary?"
        )
    few = beyond <= min(_FEW_BEYOND, _HALF * len(content))
    if beyond > _MOST_BEYOND * len(content) and not few:
        raise NoTextError(
            f"it is not UTF-8 (byte {error.start}), and {beyond / len(content):.0%} are beyond ASCII, too many for a "
            "Western European text; state its encoding, such as encoding='gb18030', 'shift_jis', 'euc-kr' or 'cp1251'"
        )
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def _why(error: Exception, encoding: str | None) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not {encoding or error.encoding} (byte {error.start}: {error.reason})"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _body(text: str) -> str:
    """What follows the first blank line; all of a text that has none."""
    head, blank, body = text.replace("\r\n", "\n").partition("\n\n")
    return body if blank else head


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, float | np.floating) and math.isnan(value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")  # of pandas, which need not be imported
