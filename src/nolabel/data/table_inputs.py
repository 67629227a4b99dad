"""A table file, or an array of numbers, as a `DataFrame`: one row a sample, one column a feature.

Text files (`.csv`, `.tsv`, `.txt`, each also `.gz`) begin with a line of column names. They are UTF-8, or UTF-16 with
its byte order mark. Commas part the columns of a `.csv` and a `.txt`, tabs those of a `.tsv`; if that gives a single
column or uneven lines, the one other of comma, `;`, tab and `|` that splits the first lines evenly does. Every row has
as many values as there are names. A first column without a name, as `DataFrame.to_csv` writes the index, becomes the
index. What pandas cannot read as numbers stays text (`table_text.py`). Parquet files say all this themselves.

This file knows nothing of what a network wants (`tables.py`), nor of which rows to keep.
"""

import codecs
import csv
import gzip
import io
import re
import shlex
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

from nolabel.data.table_columns import listed
from nolabel.data.table_text import shows_decimal_commas
from nolabel.errors import DataError, nearest

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
"""How each text ending parts its columns."""

ALL_SEPARATORS = (",", ";", "\t", "|")
_LIKELY = "WINDOWS-1252"  # what most files are that are not UTF-8
_TOP_ROWS = 50  # rows that a separator must split evenly
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",  # after UTF-32, whose mark begins with this one
    codecs.BOM_UTF16_BE: "utf-16",
}


class _Form(NamedTuple):
    """How a text file is written; `skip` is the number of lines before the column names."""

    separator: str
    encoding: str
    skip: int = 0

    def rows(self, text: IO[str]) -> "Iterator[list[str]]":
        """The rows of an opened file, those without anything left out."""
        for _ in range(self.skip):
            text.readline()
        rows = csv.reader(text, delimiter=self.separator, skipinitialspace=self.separator != "\t")
        return (row for row in rows if row)


@final
class NotNumbersError(DataError, TypeError):
    """An array holds something that is no number; a `TypeError` too, because scikit-learn's own checks ask for one."""


def read(path: Path, encoding: str | None = None) -> pd.DataFrame:
    """Read a table file.

    Parameters
    ----------
    path
        A `.csv`, `.tsv` or `.txt` file, each also with `.gz` behind it, or a `.parquet` file.
    encoding
        Of a text file; None for UTF-8, or UTF-16 with its byte order mark.

    Returns
    -------
    DataFrame
        (N, columns) with N of at least one.

    Raises
    ------
    DataError
        The file is missing, empty, of another encoding, damaged, has no rows, repeats a column name, has no line of
        column names, rows of several lengths, or another ending; or several separators split it evenly.
    """
    ending = _ending(path)
    with _explained(path):
        frame = pd.read_parquet(path) if ending == ".parquet" else _read_text(path, SEPARATORS[ending], encoding)
    if not len(frame):
        names = ", ".join(repr(str(name)) for name in frame.columns[:5])
        raise DataError(f"{path} has column names ({names or 'none'}) but no rows; give a file with at least one row")
    return frame


def from_array(array: Any) -> pd.DataFrame:
    """Take anything array-like of shape (N, D) that holds real numbers as a table with columns 0 to D - 1.

    Parameters
    ----------
    array
        NumPy array or whatever NumPy can turn into one. Objects are accepted if each is a number (or None, for
        missing); masked entries of a masked array are missing. Nothing is copied unless it must be converted.

    Returns
    -------
    DataFrame
        (N, D), columns 0 to D - 1.

    Raises
    ------
    DataError
        Not two-dimensional, empty, sparse, complex, or not numbers. NaN and infinite values are left to `tables.learn`.
    """
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "biuf":
        array = np.ma.filled(array.astype(np.float64), np.nan)
    try:
        checked = check_array(array, ensure_all_finite=False)
    except TypeError as error:
        raise NotNumbersError(f"{error}{_array_advice(array)}") from error
    except ValueError as error:
        raise DataError(f"{error}{_array_advice(array)}") from error
    if checked.dtype.kind not in "biuf" or _holds_text(array):
        raise DataError(f"an array of real numbers was expected, this one holds {_content(array)}{_FRAME_ADVICE}")
    return pd.DataFrame(checked, copy=False)


_FRAME_ADVICE = (
    "; give a table with text, categories or dates as a pandas DataFrame, whose columns are encoded by their dtype"
)


def _array_advice(array: Any) -> str:
    """What to do about an array that scikit-learn's own check has refused."""
    dtype = getattr(array, "dtype", None)
    has_text = getattr(dtype, "kind", "O") in "OUSTV" and not hasattr(array, "toarray")
    return _FRAME_ADVICE if has_text else "\nnolabel takes a table as an (N, D) array of real numbers."


def _holds_text(array: Any) -> bool:
    """Whether an array of objects holds any text: NumPy would silently read '1.5' as a number."""
    if getattr(array, "dtype", None) is None:
        array = np.asarray(array, dtype=object)
    return array.dtype == object and any(isinstance(value, str | bytes) for value in np.asarray(array).flat)


def _content(array: Any) -> str:
    found: NDArray[Any] = np.asarray(array)
    return "text" if found.dtype == object else f"values of dtype {found.dtype}"


def _ending(path: Path) -> str:
    name = path.name.lower()
    ending = Path(name.removesuffix(".gz")).suffix
    if ending in SEPARATORS or (ending == ".parquet" and not name.endswith(".gz")):
        return ending
    known = [*SEPARATORS, ".parquet"]
    raise DataError(
        f"{path} does not end like a table; expected .csv, .tsv or .txt (also with .gz), or .parquet"
        f"{nearest(ending, known)}"
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside while reading `path`, said in our words."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        if error.encoding.startswith(("utf-16", "utf-32")):
            raise DataError(f"{path} begins as {error.encoding} text and does not go on so; is it whole?") from error
        wanted = "UTF-8" if error.encoding.startswith("utf-8") else error.encoding
        raise DataError(f"{path} is not {wanted} text (byte 0x{byte:02X}); {_recoding(path, _LIKELY)}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or not gzip ({error}); download or compress it again") from error
    except (pa.ArrowException, OSError) as error:
        if "Multiple matches for FieldRef" in str(error):
            raise DataError(f"{path} has several columns of one name; give each column a name of its own") from error
        raise DataError(f"{path} cannot be read: {error}") from error
    except (pd.errors.ParserError, csv.Error) as error:
        raise DataError(
            f"{path} is not a regular table: {str(error).strip()}; every row needs as many values as there are column "
            "names, and a value that holds the separator needs quotes"
        ) from error


def _recoding(path: Path, encoding: str) -> str:
    """The command that writes a text file anew as UTF-8."""
    zipped = path.name.lower().endswith(".gz")
    name, new = shlex.quote(path.name), shlex.quote(f"utf8-{path.name}")
    command = f"iconv -f {encoding} -t UTF-8"
    command = f"zcat {name} | {command} | gzip > {new}" if zipped else f"{command} {name} > {new}"
    return f"save it as UTF-8, for instance (if it is {encoding}) with `{command}`"


def _read_text(path: Path, own: str, encoding: str | None) -> pd.DataFrame:
    with _long_fields():
        form, top = _form(path, own, encoding)
        if not top:
            raise DataError(f"{path} is empty; give a file with a line of column names and at least one row")
        header = [name.strip() for name in top[0]]
        _check_header(path, header, top[1:])
        index = 0 if len(header) > 1 and not header[0] else None
        frame = _parsed(path, form, index, None).rename(columns=str.strip)
        if frame.iloc[:, -1].isna().any():
            _check_lengths(path, form, len(header))
    commas = form.separator != "," and any(shows_decimal_commas(frame[name]) for name in frame.columns)
    doubtful = [name for name in frame.columns if commas and frame[name].dtype.kind == "f"]  # is 1.234 a thousand?
    if doubtful:
        frame[doubtful] = _parsed(path, form, index, str).rename(columns=str.strip)[doubtful]
    return frame


def _parsed(path: Path, form: _Form, index: int | None, kind: type | None) -> pd.DataFrame:
    return pd.read_csv(
        path,
        sep=form.separator,
        encoding=form.encoding,
        skiprows=form.skip,
        skipinitialspace=form.separator != "\t",
        index_col=index,
        dtype=kind,
        low_memory=False,  # one dtype a column, whatever the size of the file
    )


@contextmanager
def _long_fields() -> Iterator[None]:
    """Texts of any length inside: the csv module's own limit is for the whole process."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[IO[str]]:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as binary:
        yield io.TextIOWrapper(binary, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")


def _form(path: Path, own: str, encoding: str | None) -> tuple[_Form, list[list[str]]]:
    """How a text file is written, and its first rows."""
    encoding = encoding or _encoding(path)
    with _opened(path, encoding) as text:
        first = text.readline()
    said = re.fullmatch(r'"?sep=(.)"?\r?\n?', first)  # as Excel begins its files where commas part decimals
    if said:
        form = _Form(said.group(1), encoding, 1)
        return form, _top(path, form)
    tops = {one: _top(path, _Form(one, encoding)) for one in ALL_SEPARATORS}
    if not tops[own]:
        return _Form(own, encoding), []
    separator = _separator(path, own, tops)
    return _Form(separator, encoding), tops[separator]


def _encoding(path: Path) -> str:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as binary:
        head = binary.read(4096)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        likely = "UTF-16BE" if head[:1] == b"\0" else "UTF-16LE"
        raise DataError(f"{path} is not UTF-8 text (byte 0x00); {_recoding(path, likely)}")
    return "utf-8"


def _top(path: Path, form: _Form) -> list[list[str]]:
    """The first rows that are not blank: the column names and some samples."""
    with _opened(path, form.encoding) as text:
        return list(islice(form.rows(text), _TOP_ROWS))


def _separator(path: Path, own: str, tops: dict[str, list[list[str]]]) -> str:
    """What parts the columns: `own` if it splits the first rows evenly, else the one other that does."""
    even = [one for one, top in tops.items() if len(top[0]) > 1 and {len(row) for row in top} == {len(top[0])}]
    others = [one for one in even if one != own]
    if len(even) > 1:
        split = " and with ".join(f"{one!r} into {listed(tops[one][0], 3)}" for one in even)
        raise DataError(
            f"{path} can be split evenly with {split}; rename the columns so that no name holds a separator, or put "
            "the names in quotes"
        )
    if others:
        return others[0]
    if own not in even and len(tops[own][0]) == 1:
        _check_spaces(path, tops[own])
        return next((one for one in ALL_SEPARATORS if len(tops[one][0]) > 1), own)  # uneven: its rows will be named
    return own


def _check_spaces(path: Path, top: list[list[str]]) -> None:
    """Refuses what looks like columns of numbers parted by spaces."""
    if any(len(row) > 1 for row in top):
        return
    rows = [row[0].split() for row in top[1:]]
    parts = [part for row in rows for part in row]
    if {len(row) for row in rows} == {len(top[0][0].split())} != {1} and any(map(_is_number, parts)):
        raise DataError(
            f"{path} is parted by spaces; write commas or tabs, or pass pandas.read_csv({path.name!r}, sep=r'\\s+')"
        )


def _check_lengths(path: Path, form: _Form, width: int) -> None:
    """Refuses rows that end before the last column: pandas would fill them up."""
    with _opened(path, form.encoding) as text:
        for number, row in enumerate(form.rows(text)):
            if len(row) < width:
                raise DataError(
                    f"{path} has {width} column names, but its row {number - 1} (counted from 0, below the names) has "
                    f"{len(row)} values; write the separators of empty values too"
                )


def _check_header(path: Path, header: list[str], first_rows: list[list[str]]) -> None:
    repeated = [name for name, times in Counter(header).items() if times > 1 and name]
    data = next((name for name in header if _is_decimal(name)), None)
    if data is None and repeated and all(map(_is_number, header)):
        data = repeated[0]
    if data is not None:
        raise DataError(f"{path} begins with a row of data ({data!r} is no column name); put a line of names before it")
    if repeated:
        raise DataError(f"{path} has several columns named {listed(repeated)}; give each column a name of its own")
    for row in first_rows[:1]:
        if len(row) > len(header):
            raise DataError(
                f"{path} has {len(header)} column names, but its first row has {len(row)} values; name every column"
            )


def _is_decimal(name: str) -> bool:
    """Whether a column name reads as a fraction (whole numbers, such as years, do name columns)."""
    return _is_number(name) and any(point in name for point in ".,")


def _is_number(name: str) -> bool:
    try:
        float(name.replace(",", "."))
    except ValueError:
        return False
    return True
